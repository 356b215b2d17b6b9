// SPDX-License-Identifier: Apache-2.0
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** A rider's shard: murmur2 as Kafka's own producer computes it. Lines "rider id (tab) partitions" in, shards out. */
public class Shard {
	static int murmur2(byte[] data) {
		final int m = 0x5bd1e995;
		int h = 0x9747b28c ^ data.length, at = 0;
		for (; at + 4 <= data.length; at += 4) {
			int k = (data[at] & 255 | (data[at + 1] & 255) << 8 | (data[at + 2] & 255) << 16 | data[at + 3] << 24) * m;
			k = (k ^ k >>> 24) * m;
			h = h * m ^ k;
		}
		if (at < data.length) {
			for (int i = data.length - 1; i >= at; i--)
				h ^= (data[i] & 255) << 8 * (i - at);
			h *= m;
		}
		h = (h ^ h >>> 13) * m;
		return h ^ h >>> 15;
	}

	static int shard(String riderId, int partitions) {
		return (murmur2(riderId.getBytes(StandardCharsets.UTF_8)) & 0x7fffffff) % partitions;
	}

	public static void main(String[] arguments) throws IOException {
		var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		for (String line; (line = lines.readLine()) != null;) {
			String[] words = line.split("\t");
			System.out.println(shard(words[0], Integer.parseInt(words[1])));
		}
	}
}
