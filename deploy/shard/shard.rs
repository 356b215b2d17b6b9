// SPDX-License-Identifier: Apache-2.0
//! A rider's shard: murmur2 as Kafka's own producer computes it. Lines "rider id <tab> partitions" in, shards out.
use std::io::BufRead;

fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1e995;
    let mut h = 0x9747b28c ^ data.len() as u32;
    let words = data.chunks_exact(4);
    let rest = words.remainder();
    for word in words {
        let k = u32::from_le_bytes(word.try_into().unwrap()).wrapping_mul(M);
        let k = (k ^ k >> 24).wrapping_mul(M);
        h = h.wrapping_mul(M) ^ k;
    }
    for (i, &byte) in rest.iter().enumerate() {
        h ^= (byte as u32) << (8 * i);
    }
    if !rest.is_empty() {
        h = h.wrapping_mul(M);
    }
    h = (h ^ h >> 13).wrapping_mul(M);
    h ^ h >> 15
}

fn shard(rider_id: &str, partitions: u32) -> u32 {
    (murmur2(rider_id.as_bytes()) & 0x7fffffff) % partitions
}

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (rider, partitions) = line.split_once('\t').unwrap();
        println!("{}", shard(rider, partitions.parse().unwrap()));
    }
}
