/* SPDX-License-Identifier: Apache-2.0 */
/* The riders: their ids, how busy each is (Zipf), and where Kafka and Redis keep them. */
#pragma once
#include <stdbool.h>
#include "phrases.h"
#include "random.h"
#include "text.h"

struct rider {
	struct piece id;   /* as in the event and as record key */
	bool number;       /* rider_id is written as a JSON number */
	int32_t partition; /* of its key; -1 until the number of partitions is known */
};

struct riders {
	struct rider *riders;
	uint32_t count;
	double *cumulated; /* weights up to and including each rider, ending at 1 */
	uint32_t *guide;   /* first rider of each of count equal slices of 0 .. 1 */
	char *ids;
};

/* One rider in 500 has an id that is hard to carry: braces, spaces, Chinese, quotes, long, a number. */
void riders_init(struct riders *riders, uint32_t count, uint32_t partitions);
void riders_fini(struct riders *riders);
uint32_t riders_pick(const struct riders *riders, struct random *random);

/* The partition that Java's default partitioner gives a key. */
int32_t partition_of(struct piece key, uint32_t partitions);
/* Appends the part of a Redis key that stands for the rider. */
void rider_key_append(struct text *text, struct piece id);
