// SPDX-License-Identifier: Apache-2.0
// A rider's shard: murmur2 as Kafka's own producer computes it. Lines "rider id <tab> partitions" in, shards out.
import { createInterface } from "node:readline";

function murmur2(bytes) {
	const m = 0x5bd1e995;
	let h = 0x9747b28c ^ bytes.length, at = 0;
	for (; at + 4 <= bytes.length; at += 4) {
		let k = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
		k = Math.imul(k, m);
		k = Math.imul(k ^ k >>> 24, m);
		h = Math.imul(h, m) ^ k;
	}
	if (at < bytes.length) {
		for (let i = bytes.length - 1; i >= at; i--)
			h ^= bytes[i] << 8 * (i - at);
		h = Math.imul(h, m);
	}
	h = Math.imul(h ^ h >>> 13, m);
	return h ^ h >>> 15;
}

export const shard = (riderId, partitions) => (murmur2(new TextEncoder().encode(riderId)) & 0x7fffffff) % partitions;

for await (const line of createInterface({ input: process.stdin })) {
	const [rider, partitions] = line.split("\t");
	console.log(shard(rider, Number(partitions)));
}
