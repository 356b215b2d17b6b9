/* SPDX-License-Identifier: Apache-2.0 */
/* What the board asks Redis. Every call may block for redis.timeout; for one thread only. */
#pragma once
#include <jansson.h>
#include "config.h"
#include "must.h"

struct redis_reads;

struct redis_reads *redis_reads_new(const struct config *config);
void redis_reads_free(struct redis_reads **reads);
/* Why the last call returned NULL or -1, and what to do about it. */
const char *redis_reads_error(const struct redis_reads *reads);

/* {"shard", "key", "counters": {...}, "today": {"day", "paid", "points"}} of the rider's shard. A rider who is not
 * known has no counters. The caller drops it; NULL when Redis cannot be read. */
MUST_CHECK json_t *redis_reads_rider(struct redis_reads *reads, const char *rider_id, int32_t partitions);
/* {"source": "rollup" or "shards", "all": {field: sum}, "days": [{"day", "fields": {...}}, ...]}: the counters over all
 * riders, "<adcode>:<field>" for areas, and those of the last days, today first. Of a roll-up also "applied", up to
 * which W of each log ("<partition>:<topic>") the sums are exact. */
MUST_CHECK json_t *redis_reads_totals(struct redis_reads *reads, int32_t partitions, int days);
/* {"month", "riders": [{"key", "score"}, ...]}: best first, key as in rw:{p}:rider:<key>; empty while nobody keeps
 * rw:top. */
MUST_CHECK json_t *redis_reads_top(struct redis_reads *reads, const char *month, int count);
/* applied[p]: the next offset to count of the topic's partition, -1 where Redis has none. -1 when Redis cannot be
 * read. */
MUST_CHECK int redis_reads_applied(struct redis_reads *reads, const char *topic, int32_t partitions, int64_t *applied);
/* "20261125", days ago, in the time zone of riders' days (UTC+8). */
void redis_reads_day(int days_ago, char day[9]);
