# SPDX-License-Identifier: Apache-2.0
"""A rider's shard: murmur2 as Kafka's own producer computes it. Lines "rider id <tab> partitions" in, shards out."""
import sys


def murmur2(data):
    mask, m = 0xffffffff, 0x5bd1e995
    h = 0x9747b28c ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def shard(rider_id, partitions):
    return (murmur2(rider_id.encode()) & 0x7fffffff) % partitions


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")
    for line in sys.stdin:
        rider, partitions = line.rstrip("\n").split("\t")
        print(shard(rider, int(partitions)))
