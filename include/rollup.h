/* SPDX-License-Identifier: Apache-2.0 */
/* What dashboards read: the sums of all shards, for all time and for each day. One refresh makes one of these from
 * nothing but what Redis holds, so there is nothing to remember, to repair or to add twice. */
#pragma once
#include <stdint.h>
#include "slice.h"

#define ROLLUP_ALL 0 /* in place of a day: the sums over all days */
/* A shard keeps the sums of its latest days (DAY_KEY_HOURS and GRACE in riderwatch.lua); older ones are final. */
#define ROLLUP_DAYS_MAX 47

struct rollup;

struct rollup_sum {
	struct rollup_sum *next; /* in order of first appearance */
	struct slice field;
	int64_t value;
};
struct rollup_day {
	struct rollup_day *next; /* newest last, as they were added */
	uint32_t day;            /* 20261125, or ROLLUP_ALL */
	size_t count;
	struct rollup_sum *sums;
};

struct rollup *rollup_new(void);
void rollup_free(struct rollup **rollup);
/* Adds one field of one shard's sums; both texts are copied. A value that is no number is passed over. */
void rollup_add(struct rollup *rollup, uint32_t day, struct slice field, struct slice value);
/* The first day; NULL while nothing was added. */
const struct rollup_day *rollup_days(const struct rollup *rollup);

/* How far a log was counted when sums were read. */
struct rollup_mark {
	int64_t applied; /* W; -1: the log is not known */
	uint32_t day;    /* day of its stream time, 0: not known; sums of earlier days do not change any more */
};
/* Adds to days[count] those whose sums a log may have changed since a mark on known_day, up to stream time time_ms,
 * without those that are there already. Returns the new count, at most ROLLUP_DAYS_MAX a log. */
size_t rollup_changed(uint32_t known_day, int64_t time_ms, uint32_t *days, size_t count);
/* The mark for sums that were read with this W and T. A day that began after the days to read were listed comes with
 * the next refresh. */
struct rollup_mark rollup_reached(int64_t applied, int64_t time_ms, const uint32_t *days, size_t count);
