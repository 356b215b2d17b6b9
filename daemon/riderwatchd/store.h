/* SPDX-License-Identifier: Apache-2.0 */
/* Redis on the event loop: hiredis async with our own timers for connect, reply and reconnect (0.14 has none). Loads the function
 * library, then speaks two functions and one read. Holds no rule of the protocol. */
#pragma once
#include <event2/event.h>
#include "config.h"
#include "effects.h"
#include "input_record.h"
#include "protocol.h"
#include "stream.h"

/* Version of the keys below rw:. */
#define STORE_SCHEMA "1"

struct store;

struct store_callbacks {
	void (*on_ready)(void *context); /* connected, authenticated, library present */
	void (*on_lost)(void *context);  /* every call without an answer is unknown; their callbacks do not come any more */
	/* stream: freshly filled S and T and key, owned by the callee; NULL unless reply->ok and not missing. */
	void (*on_loaded)(void *context, int slot, uint64_t token, const struct load_reply *reply, struct stream *stream);
	/* conflicts: keys of another type that the function had to pass over (loud); unmatched: reviews without a report. */
	void (*on_applied)(void *context, struct protocol_chunk *chunk, enum apply_result result, uint32_t conflicts,
			   uint32_t unmatched);
	void (*on_watched)(void *context, int slot, uint64_t token, int64_t at_least, const struct load_reply *reply);
	/* Cannot go on: wrong password, no permission, evicting memory policy, Redis older than 7; with what to do. */
	void (*on_fatal)(void *context, const char *text);
};

struct store_load {
	int slot;
	uint64_t token;
	struct slice topic;
	int32_t partition;
	bool may_create, rebuild;
	int64_t create_at;
	int dedup_hours;
};

struct store_stats {
	bool up;
	uint64_t connects, losses, applied, refused, retries, latency_us_total, latency_us_max;
	size_t in_flight;
	uint64_t rollups, rollups_failed, rollup_us; /* rounds; how long the last one took that found something new */
	uint64_t rankings, rankings_failed, ranked;  /* rounds; riders written */
};

struct store *store_new(struct event_base *base, const struct config *config, const struct store_callbacks *callbacks, void *context);
/* Each call needs the store to be ready, and gets its answer once unless on_lost comes first. Answers come from the event loop,
 * never from inside a call; store_free() must not be called from inside a callback. A host name, also of a Sentinel, is resolved
 * while connecting, which blocks the loop: prefer an address. */
bool store_is_ready(const struct store *store);
void store_load(struct store *store, const struct store_load *load);
/* command: RESP bytes made by effects_apply_command(); copied. */
void store_apply(struct store *store, struct protocol_chunk *chunk, struct slice command);
void store_watch(struct store *store, int slot, uint64_t token, int64_t at_least, struct slice topic, int32_t partition);
/* ---- what dashboards read; off the way of events: a round that fails is counted, and the next one makes up for it ---- */
struct store_rollup_request {
	const char *topics[INPUT_COUNT]; /* must outlive the round */
	int32_t partitions;
};
/* Brings rw:rollup, rw:rollup:<day> and rw:rollup:applied up to date. For the owner of shard 0, once a second. Does
 * nothing while a round is under way, or for nine times as long as the last one took. */
void store_roll_up(struct store *store, const struct store_rollup_request *request);
/* Brings rw:top:<yyyymm> up to date with riders of these shards, for their owner. Does nothing while a round is under way.
 * The round is over at once when the last one of these shards found nobody, and nothing was loaded or applied since. */
void store_rank(struct store *store, const int32_t *partitions, size_t count);
void store_stats(const struct store *store, struct store_stats *stats);
void store_free(struct store **store);
