/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"
#include "alloc.h"
#include "must.h"

#include <stdlib.h>

/* Open addressing, ten bytes a slot at a load between 0.57 and 0.78: at most 16 bytes an id over all segments, which do
 * not grow together. The id hash is keyed and uniform, so it is its own table hash. An entry is never removed singly:
 * expired ones fall away when their segment is rebuilt, and no decision can see whether that has happened yet, because
 * the decision is a formula over the stored hour.
 *
 * The table is cut into segments by the first bits of the hash, each rebuilt on its own when it is full, so that no
 * event waits for more than one segment: a millisecond or two at ten million ids. Their bounds differ a little, so that
 * they do not fill together. */
#define SEGMENT_BITS 8
#define SEGMENTS (1 << SEGMENT_BITS)
#define CAPACITY_MIN 16
#define CAPACITY_GROWTH_PERCENT 125
#define LOAD_MAX_PERCENT 71 /* plus 0 to 7, by segment */
#define LOAD_SPREAD 8
/* Hours are stored modulo 65536; entries are rebuilt long before two of them could be mistaken for each other. */
#define HOUR_JUMP_MAX 60000

struct segment {
	uint64_t *hashes; /* 0 = empty slot */
	uint16_t *hours;
	uint32_t capacity, count;
	uint32_t swept_hour; /* hour of the last rebuild that dropped what had expired */
};

struct seen {
	struct segment segments[SEGMENTS];
	size_t count, slots;
};

struct seen *seen_new(void)
{
	return alloc_zeroed(1, sizeof(struct seen));
}

static void segment_fini(struct segment *segment)
{
	free(segment->hashes);
	free(segment->hours);
	*segment = (struct segment){ 0 };
}

void seen_free(struct seen **seen)
{
	if (*seen) {
		for (int i = 0; i < SEGMENTS; i++)
			segment_fini(&(*seen)->segments[i]);
		free(*seen);
		*seen = NULL;
	}
}

/* ---- one segment ---- */

/* The first bits of the hash chose the segment, the next ones the slot. */
static uint32_t first_slot(const struct segment *segment, uint64_t hash)
{
	return (uint32_t)(((unsigned __int128)(hash << SEGMENT_BITS) * segment->capacity) >> 64);
}

/* Slot of the hash, or the empty slot where it belongs. */
static uint32_t slot_of(const struct segment *segment, uint64_t hash)
{
	uint32_t slot = first_slot(segment, hash);
	while (segment->hashes[slot] && segment->hashes[slot] != hash)
		slot = slot + 1 == segment->capacity ? 0 : slot + 1;
	return slot;
}

static void put(struct segment *segment, uint64_t hash, uint16_t hour)
{
	uint32_t slot = slot_of(segment, hash);
	segment->count += segment->hashes[slot] == 0;
	segment->hashes[slot] = hash;
	segment->hours[slot] = hour;
}

static uint32_t age_of(uint32_t hour, uint16_t stored)
{
	return (uint16_t)((uint16_t)hour - stored);
}

/* Moves what is at most window old into a new table. */
static void rebuild(struct seen *seen, struct segment *segment, uint32_t capacity, uint32_t hour, uint32_t window)
{
	struct segment old = *segment;
	segment->hashes = alloc_zeroed(capacity, sizeof *segment->hashes);
	segment->hours = alloc_zeroed(capacity, sizeof *segment->hours);
	segment->capacity = capacity;
	segment->count = 0;
	segment->swept_hour = hour;
	for (uint32_t i = 0; i < old.capacity; i++) {
		if (old.hashes[i] && age_of(hour, old.hours[i]) <= window)
			put(segment, old.hashes[i], old.hours[i]);
	}
	seen->slots = seen->slots - old.capacity + capacity;
	seen->count = seen->count - old.count + segment->count;
	free(old.hashes);
	free(old.hours);
}

static uint32_t live_count(const struct segment *segment, uint32_t hour, uint32_t window)
{
	uint32_t live = 0;
	for (uint32_t i = 0; i < segment->capacity; i++)
		live += segment->hashes[i] && age_of(hour, segment->hours[i]) <= window;
	return live;
}

static uint64_t load_max(const struct seen *seen, const struct segment *segment)
{
	return LOAD_MAX_PERCENT + (uint64_t)(segment - seen->segments) % LOAD_SPREAD;
}

static bool is_full(const struct seen *seen, const struct segment *segment)
{
	return (segment->count + 1ULL) * 100 > segment->capacity * load_max(seen, segment);
}

static uint32_t capacity_for(const struct seen *seen, const struct segment *segment, size_t count)
{
	uint64_t capacity = count * 100 / load_max(seen, segment) * CAPACITY_GROWTH_PERCENT / 100 + 2;
	return capacity < CAPACITY_MIN ? CAPACITY_MIN : (uint32_t)capacity;
}

/* Everything in it is older than any window: stream time became known only now. */
static bool is_forgotten(const struct segment *segment, uint32_t hour)
{
	return segment->count && hour - segment->swept_hour > HOUR_JUMP_MAX;
}

/* Drops what expired once a window, and makes room. */
static void make_room(struct seen *seen, struct segment *segment, uint32_t hour, uint32_t window)
{
	if (is_forgotten(segment, hour)) {
		seen->count -= segment->count;
		seen->slots -= segment->capacity;
		segment_fini(segment);
	}
	if (segment->count == 0)
		segment->swept_hour = hour;
	if (is_full(seen, segment) || hour - segment->swept_hour > window)
		rebuild(seen, segment, capacity_for(seen, segment, live_count(segment, hour, window) + 1), hour,
			window);
}

/* ---- the set ---- */

static struct segment *segment_of(struct seen *seen, uint64_t hash)
{
	return &seen->segments[hash >> (64 - SEGMENT_BITS)];
}

void seen_prefetch(const struct seen *seen, uint64_t id_hash)
{
	uint64_t hash = id_hash ? id_hash : 1;
	const struct segment *segment = &seen->segments[hash >> (64 - SEGMENT_BITS)];
	if (!segment->capacity)
		return;
	__builtin_prefetch(&segment->hashes[first_slot(segment, hash)], 1);
	__builtin_prefetch(&segment->hours[first_slot(segment, hash)], 1);
}

bool seen_check(struct seen *seen, uint64_t id_hash, uint32_t hour, uint32_t window, bool *changed)
{
	uint64_t hash = id_hash ? id_hash : 1;
	struct segment *segment = segment_of(seen, hash);
	make_room(seen, segment, hour, window);
	uint32_t slot = slot_of(segment, hash);
	bool present = segment->hashes[slot] != 0;
	bool duplicate = present && age_of(hour, segment->hours[slot]) <= window;
	*changed = !present || segment->hours[slot] != (uint16_t)hour;
	segment->count += !present;
	seen->count += !present;
	segment->hashes[slot] = hash;
	segment->hours[slot] = (uint16_t)hour;
	return duplicate;
}

void seen_reserve(struct seen *seen, size_t count)
{
	for (int i = 0; i < SEGMENTS; i++) {
		struct segment *segment = &seen->segments[i];
		uint32_t capacity = capacity_for(seen, segment, count / SEGMENTS);
		if (capacity > segment->capacity)
			rebuild(seen, segment, capacity, segment->swept_hour, UINT16_MAX);
	}
}

/* Keeps the latest hour; nothing expires here, since the stream time of the first check decides what has. */
static void load_one(struct seen *seen, uint64_t hash, uint32_t hour)
{
	struct segment *segment = segment_of(seen, hash);
	if (segment->count == 0)
		segment->swept_hour = hour;
	if (is_full(seen, segment))
		rebuild(seen, segment, capacity_for(seen, segment, segment->count + 1), segment->swept_hour,
			UINT16_MAX);
	uint32_t slot = slot_of(segment, hash), before = segment->count;
	if (segment->hashes[slot] == 0 || (int16_t)((uint16_t)hour - segment->hours[slot]) > 0)
		put(segment, hash, (uint16_t)hour);
	seen->count += segment->count - before;
}

void seen_load(struct seen *seen, uint32_t hour, const char *hashes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const unsigned char *bytes = (const unsigned char *)hashes + i * 8;
		uint64_t hash = 0;
		for (int b = 7; b >= 0; b--)
			hash = hash << 8 | bytes[b];
		load_one(seen, hash ? hash : 1, hour);
	}
}

size_t seen_count(const struct seen *seen)
{
	return seen->count;
}

size_t seen_bytes(const struct seen *seen)
{
	return sizeof *seen + seen->slots * (sizeof(uint64_t) + sizeof(uint16_t));
}
