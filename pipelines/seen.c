/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"
#include "alloc.h"
#include "must.h"

#include <stdlib.h>

/* Ten bytes a slot and a load between 0.58 and 0.75: 13 to 18 bytes an id. The id hash is keyed and uniform, so it is its own table
 * hash. An entry is never removed singly: expired ones fall away when the table is rebuilt, and no decision can see whether that
 * has happened yet, because the decision is a formula over the stored hour. */
#define CAPACITY_MIN 1024
#define CAPACITY_GROWTH_PERCENT 130
#define LOAD_MAX_PERCENT 75
/* Hours are stored modulo 65536; entries are rebuilt long before two of them could be mistaken for each other. */
#define HOUR_JUMP_MAX 60000

struct seen {
	uint64_t *hashes; /* 0 = empty slot */
	uint16_t *hours;
	size_t capacity, count;
	uint32_t swept_hour; /* hour of the last rebuild that dropped what had expired */
};

static void table_new(struct seen *seen, size_t capacity)
{
	seen->hashes = alloc_zeroed(capacity, sizeof *seen->hashes);
	seen->hours = alloc_zeroed(capacity, sizeof *seen->hours);
	seen->capacity = capacity;
	seen->count = 0;
}

struct seen *seen_new(void)
{
	struct seen *seen = alloc_zeroed(1, sizeof *seen);
	table_new(seen, CAPACITY_MIN);
	return seen;
}

void seen_free(struct seen **seen)
{
	if (*seen) {
		free((*seen)->hashes);
		free((*seen)->hours);
		free(*seen);
		*seen = NULL;
	}
}

/* Slot of the hash, or the empty slot where it belongs. */
static size_t slot_of(const struct seen *seen, uint64_t hash)
{
	size_t slot = (size_t)(((unsigned __int128)hash * seen->capacity) >> 64);
	while (seen->hashes[slot] && seen->hashes[slot] != hash)
		slot = slot + 1 == seen->capacity ? 0 : slot + 1;
	return slot;
}

static void put(struct seen *seen, uint64_t hash, uint16_t hour)
{
	size_t slot = slot_of(seen, hash);
	seen->count += seen->hashes[slot] == 0;
	seen->hashes[slot] = hash;
	seen->hours[slot] = hour;
}

static uint32_t age_of(uint32_t hour, uint16_t stored)
{
	return (uint16_t)((uint16_t)hour - stored);
}

/* Moves what is at most window old into a new table. */
static void rebuild(struct seen *seen, size_t capacity, uint32_t hour, uint32_t window)
{
	struct seen old = *seen;
	table_new(seen, capacity);
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.hashes[i] && age_of(hour, old.hours[i]) <= window)
			put(seen, old.hashes[i], old.hours[i]);
	}
	free(old.hashes);
	free(old.hours);
	seen->swept_hour = hour;
}

static size_t live_count(const struct seen *seen, uint32_t hour, uint32_t window)
{
	size_t live = 0;
	for (size_t i = 0; i < seen->capacity; i++)
		live += seen->hashes[i] && age_of(hour, seen->hours[i]) <= window;
	return live;
}

static bool is_full(const struct seen *seen)
{
	return (seen->count + 1) * 100 > seen->capacity * LOAD_MAX_PERCENT;
}

static size_t capacity_for(size_t count)
{
	size_t capacity = count * 100 / LOAD_MAX_PERCENT * CAPACITY_GROWTH_PERCENT / 100;
	return capacity < CAPACITY_MIN ? CAPACITY_MIN : capacity;
}

/* Drops what expired once a window, and makes room. */
static void make_room(struct seen *seen, uint32_t hour, uint32_t window)
{
	if (seen->count && hour - seen->swept_hour > HOUR_JUMP_MAX) {
		/* Everything is older than any window: stream time became known only now. */
		free(seen->hashes);
		free(seen->hours);
		table_new(seen, CAPACITY_MIN);
		seen->swept_hour = hour;
	}
	if (seen->count == 0)
		seen->swept_hour = hour;
	if (is_full(seen) || hour - seen->swept_hour > window)
		rebuild(seen, capacity_for(live_count(seen, hour, window) + 1), hour, window);
}

bool seen_check(struct seen *seen, uint64_t id_hash, uint32_t hour, uint32_t window, bool *changed)
{
	make_room(seen, hour, window);
	uint64_t hash = id_hash ? id_hash : 1;
	size_t slot = slot_of(seen, hash);
	bool present = seen->hashes[slot] != 0;
	bool duplicate = present && age_of(hour, seen->hours[slot]) <= window;
	*changed = !present || seen->hours[slot] != (uint16_t)hour;
	seen->count += !present;
	seen->hashes[slot] = hash;
	seen->hours[slot] = (uint16_t)hour;
	return duplicate;
}

static void load_one(struct seen *seen, uint64_t hash, uint32_t hour)
{
	size_t slot = slot_of(seen, hash);
	bool newer = seen->hashes[slot] == 0 || (int16_t)((uint16_t)hour - seen->hours[slot]) > 0;
	if (newer)
		put(seen, hash, (uint16_t)hour);
}

void seen_reserve(struct seen *seen, size_t count)
{
	if (capacity_for(count) > seen->capacity)
		rebuild(seen, capacity_for(count), seen->swept_hour, UINT16_MAX);
}

void seen_load(struct seen *seen, uint32_t hour, const char *hashes, size_t count, uint32_t window)
{
	if (seen->count == 0)
		seen->swept_hour = hour;
	if ((seen->count + count) * 100 > seen->capacity * LOAD_MAX_PERCENT)
		rebuild(seen, capacity_for(seen->count + count), seen->swept_hour, UINT16_MAX);
	for (size_t i = 0; i < count; i++) {
		const unsigned char *bytes = (const unsigned char *)hashes + i * 8;
		uint64_t hash = 0;
		for (int b = 7; b >= 0; b--)
			hash = hash << 8 | bytes[b];
		load_one(seen, hash ? hash : 1, hour);
	}
	(void)window; /* expired buckets are dropped by the first check, against the stream time of then */
}

size_t seen_count(const struct seen *seen)
{
	return seen->count;
}

size_t seen_bytes(const struct seen *seen)
{
	return sizeof *seen + seen->capacity * (sizeof *seen->hashes + sizeof *seen->hours);
}
