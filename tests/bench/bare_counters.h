/* SPDX-License-Identifier: Apache-2.0 */
/* The least that counting in Redis can mean: three plain HINCRBYs an event (its rider, the shard's totals, the day's),
 * pipelined, with nothing that makes them exact. */
#pragma once
#include <hiredis/hiredis.h>
#include "slice.h"

struct bare_counters {
	redisContext *redis;
	int waiting; /* replies to come */
};

/* address: host:port, or the path of a socket. Ends the program when Redis does not answer. */
void bare_counters_open(struct bare_counters *counters, const char *address);
void bare_counters_close(struct bare_counters *counters);
/* Counters of a rider that has been busy before. */
void bare_counters_fill(struct bare_counters *counters, int partition, struct slice rider);
/* One event of this rider. */
void bare_counters_add(struct bare_counters *counters, int partition, struct slice rider);
