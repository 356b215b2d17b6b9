/* SPDX-License-Identifier: Apache-2.0 */
/* Decision state of one topic-partition: S, the ids seen within the dedup window, and T, its stream time. A fold of the
 * log: never a cache, never pruned in a way a decision can see (rule D4 of the protocol). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "slice.h"

#define STREAM_TIME_NONE (-1)
#define STREAM_KEY_SIZE 16
#define HOUR_MS 3600000LL

/* Open-addressing table of (64-bit id hash, hour); at most 16 bytes an id at its working load. */
struct seen;

struct seen *seen_new(void);
void seen_free(struct seen **seen);
/* Was this id seen in [hour - window, hour]? Then it is a duplicate. Either way it is remembered at hour; *changed says
 * whether that altered the table (false when it already stood at this very hour), that is, whether it must be
 * journalled. */
bool seen_check(struct seen *seen, uint64_t id_hash, uint32_t hour, uint32_t window, bool *changed);
/* Asks for the memory that the next seen_check of this id will look at: soon, not now. */
void seen_prefetch(const struct seen *seen, uint64_t id_hash);
/* Makes room for count ids at once, so that loading them never has to rebuild the table. */
void seen_reserve(struct seen *seen, size_t count);
/* Loads one journal bucket: count little-endian 64-bit hashes seen in hour. */
void seen_load(struct seen *seen, uint32_t hour, const char *hashes, size_t count);
size_t seen_count(const struct seen *seen);
size_t seen_bytes(const struct seen *seen);

struct stream {
	struct seen *seen;
	int64_t time_ms;              /* T; STREAM_TIME_NONE before the first usable record timestamp */
	uint8_t key[STREAM_KEY_SIZE]; /* SipHash key, from the store */
};

/* T after a record: the maximum so far; a step ahead is bounded to one hour; timestamps that are missing or outside
 * 2015..2100 are ignored. The first usable timestamp is taken as it is. Returns whether the timestamp was clipped or
 * ignored. */
bool stream_advance(struct stream *stream, int64_t timestamp_ms);
/* Hours since 1970 of T; 0 while T is unknown. */
uint32_t stream_hour(const struct stream *stream);
