/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"
#include "effects_sums.h"
#include "must.h"

#define ID_SIZE 8
/* Enough that one chunk's own cost does not matter, and few enough that it stays in the processor's cache. */
#define CHUNK_EVENTS 512

void replay_init(struct replay *replay, const struct replay_settings *settings, struct ledger *ledger,
		 const uint8_t key[STREAM_KEY_SIZE])
{
	*replay = (struct replay){ .settings = settings, .ledger = ledger };
	replay->stream.seen = seen_new();
	replay->stream.time_ms = STREAM_TIME_NONE;
	memcpy(replay->stream.key, key, STREAM_KEY_SIZE);
}

void replay_fini(struct replay *replay)
{
	chunk_free(&replay->chunk);
	seen_free(&replay->stream.seen);
}

/* ---- journal ---- */

static uint64_t hash_id(uint64_t hash, uint64_t id)
{
	return (hash ^ id) * 0x9e3779b97f4a7c15u + (hash >> 29);
}

uint64_t replay_hash(uint64_t hash, const char *ids, size_t size)
{
	MUST(size % ID_SIZE == 0);
	for (const unsigned char *at = (const unsigned char *)ids, *end = at + size; at < end; at += ID_SIZE) {
		uint64_t id = 0;
		for (int i = ID_SIZE - 1; i >= 0; i--)
			id = id << 8 | at[i];
		hash = hash_id(hash, id);
	}
	return hash;
}

static void drop_expired(struct replay *replay, uint32_t hour)
{
	size_t kept = 0;
	for (size_t i = 0; i < replay->bucket_count; i++) {
		if (hour - replay->buckets[i].hour <= replay->settings->pipeline->dedup_hours)
			replay->buckets[kept++] = replay->buckets[i];
	}
	replay->bucket_count = kept;
}

static void add_journal(struct replay *replay, uint32_t hour, struct slice ids)
{
	if (ids.size == 0)
		return;
	if (replay->bucket_count == 0 || replay->buckets[replay->bucket_count - 1].hour != hour) {
		MUST(replay->bucket_count < REPLAY_BUCKETS_MAX);
		replay->buckets[replay->bucket_count++] = (struct replay_bucket){ .hour = hour };
	}
	struct replay_bucket *last = &replay->buckets[replay->bucket_count - 1];
	last->count += ids.size / ID_SIZE;
	last->hash = replay_hash(last->hash, ids.data, ids.size);
}

/* ---- events ---- */

static void add_numbers(struct replay *replay, const struct chunk *chunk)
{
	replay->records += chunk->events;
	replay->events += chunk->outcomes[OUTCOME_COUNTED];
	replay->duplicates += chunk->outcomes[OUTCOME_DUPLICATE];
	replay->refused += chunk->outcomes[OUTCOME_DEAD_LETTER] + chunk->outcomes[OUTCOME_SKIPPED];
	for (const struct effect *effect = chunk->effects->list; effect; effect = effect->next)
		replay->ordered++;
}

void replay_settle(struct replay *replay)
{
	struct chunk *chunk = replay->chunk;
	if (!chunk)
		return;
	uint32_t hour = stream_hour(&replay->stream);
	drop_expired(replay, hour);
	add_journal(replay, hour, buffer_slice(&chunk->effects->journal));
	add_numbers(replay, chunk);
	ledger_apply(replay->ledger, chunk->effects, chunk->stream_time_ms);
	chunk_free(&replay->chunk);
}

void replay_record(struct replay *replay, const struct input_record *record)
{
	const struct replay_settings *settings = replay->settings;
	if (replay->chunk && (replay->chunk->events >= CHUNK_EVENTS || pipeline_hour_changes(&replay->stream, record)))
		replay_settle(replay);
	if (!replay->chunk)
		replay->chunk = chunk_new(0, record->offset, settings->ruleset);
	pipeline_run(settings->pipeline, &replay->stream, record, true, replay->chunk);
}
