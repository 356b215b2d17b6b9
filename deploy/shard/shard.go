// SPDX-License-Identifier: Apache-2.0

// A rider's shard: murmur2 as Kafka's own producer computes it. Lines "rider id <tab> partitions" in, shards out.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func murmur2(data []byte) uint32 {
	const m = 0x5bd1e995
	h := 0x9747b28c ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k = (k ^ k>>24) * m
		h = h*m ^ k
	}
	for i, b := range data {
		h ^= uint32(b) << (8 * i)
	}
	if len(data) > 0 {
		h *= m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

func shard(riderID string, partitions uint32) uint32 {
	return (murmur2([]byte(riderID)) & 0x7fffffff) % partitions
}

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		rider, text, _ := strings.Cut(lines.Text(), "\t")
		partitions, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			panic(err)
		}
		fmt.Println(shard(rider, uint32(partitions)))
	}
}
