/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

void lookup_init(struct lookup *lookup, struct arena *arena, uint32_t capacity)
{
	lookup->slots = arena_zalloc(arena, capacity * sizeof *lookup->slots);
	lookup->mask = capacity - 1;
	lookup->count = 0;
}

struct lookup_slot *lookup_find(struct lookup *lookup, uint32_t hash, bool (*same)(const void *item, const void *key),
				const void *key)
{
	for (uint32_t at = hash & lookup->mask;; at = (at + 1) & lookup->mask) {
		struct lookup_slot *slot = &lookup->slots[at];
		if (!slot->item || (slot->hash == hash && same(slot->item, key)))
			return slot;
	}
}

/* The old slots stay in the arena until that is freed. */
static void grow(struct lookup *lookup, struct arena *arena)
{
	struct lookup old = *lookup;
	lookup_init(lookup, arena, 2 * (old.mask + 1));
	lookup->count = old.count;
	for (uint32_t i = 0; i <= old.mask; i++) {
		uint32_t at = old.slots[i].hash & lookup->mask;
		if (!old.slots[i].item)
			continue;
		while (lookup->slots[at].item)
			at = (at + 1) & lookup->mask;
		lookup->slots[at] = old.slots[i];
	}
}

void lookup_add(struct lookup *lookup, struct arena *arena, struct lookup_slot *slot, uint32_t hash, void *item)
{
	*slot = (struct lookup_slot){ hash, item };
	if (++lookup->count * 2 > lookup->mask)
		grow(lookup, arena);
}

/* FNV-1a, folded; the ids come from our own riders, and a chunk is short. */
uint32_t lookup_hash(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * 0x100000001b3u;
	return (uint32_t)(hash ^ hash >> 32);
}
