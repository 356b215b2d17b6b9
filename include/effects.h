/* SPDX-License-Identifier: Apache-2.0 */
/* What a chunk of events does to Redis: summed increments, report and review effects in offset order, ids for the dedup journal. */
#pragma once
#include <stdint.h>
#include "arena.h"
#include "rider_event.h"
#include "ruleset.h"

enum counter {
#define COUNTER(symbol, field, who, help) COUNTER_##symbol,
#include "counters.def"
#undef COUNTER
	COUNTER_COUNT
};
const char *counter_field(enum counter counter);

#define STORE_UUID_SIZE 36 /* text form, no NUL */

/* Lives in an arena; everything given to it is copied or hashed during the call. */
struct effects;

struct effects *effects_new(struct arena *arena);
/* The six digits of a jurisdiction as a number; ADCODE_NONE for every other text, which belongs to no area. */
#define ADCODE_NONE (-1)
int32_t adcode_of(struct slice jurisdiction_id);

/* Adds to one rider's counter, to the shard's totals and, when jurisdiction_id is present, to that jurisdiction's totals. */
void effects_count(struct effects *effects, struct slice rider_id, struct slice jurisdiction_id, enum counter counter, int64_t by);
/* The rider was heard of at this stream time (last_ms keeps the maximum). */
void effects_heard(struct effects *effects, struct slice rider_id, int64_t stream_time_ms);
/* A created report: points at stake are granted within the day's caps by the Redis function. report_key: identity_report(). */
void effects_report(struct effects *effects, struct slice rider_id, struct slice jurisdiction_id, uint64_t report_key,
		    enum category category, struct points points);
/* A review of the report with that key. */
void effects_review(struct effects *effects, struct slice rider_id, uint64_t report_key, enum decision decision);
/* An id hash whose hour in the dedup set changed: goes to the journal. */
void effects_journal(struct effects *effects, uint64_t id_hash);

/* Where a chunk is applied. */
struct apply_target {
	struct slice topic; /* input topic name */
	int32_t partition;
	char store_uuid[STORE_UUID_SIZE];
	int64_t from, to;       /* compare-and-set: W must be from, becomes to */
	int64_t stream_time_ms; /* T after the chunk; one chunk never spans two hours of T. -1: no record had a usable time yet */
	int dedup_hours;        /* buckets older than this many hours are dropped */
	struct points_limits limits;
};

/* The whole FCALL rw_apply as one RESP command, written into the arena. */
struct slice effects_apply_command(const struct effects *effects, const struct apply_target *target, struct arena *arena);

/* The part of a Redis key that stands for a rider: bytes outside [A-Za-z0-9_.-] as %XX; when that is longer than 128 bytes,
 * "~" and the first 32 hex digits of SHA-256 of the id. Never holds a brace, colon, space or NUL. */
struct slice rider_key(struct slice rider_id, struct arena *arena);
/* The rider id that such a part stands for; absent when it does not say: it is a hash, or no such part. */
struct slice rider_id_of_key(struct slice key, struct arena *arena);

/* The Lua text of the function library (embedded at build) and its versioned name "riderwatch_v1". */
extern const char redis_library_text[];
extern const char redis_library_name[];
