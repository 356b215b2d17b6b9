/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what an arena holds. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "arena.h"

/* Open addressing by hash; the items belong to the arena. */
struct lookup_slot {
	uint32_t hash;
	void *item; /* NULL: empty */
};
struct lookup {
	struct lookup_slot *slots;
	uint32_t mask, count;
};

void lookup_init(struct lookup *lookup, struct arena *arena, uint32_t capacity);
/* The slot of the item with that hash for which same(item, key) holds, or the empty slot where it belongs. */
struct lookup_slot *lookup_find(struct lookup *lookup, uint32_t hash, bool (*same)(const void *item, const void *key),
				const void *key);
/* Fills the empty slot that lookup_find returned; slots found before are void. */
void lookup_add(struct lookup *lookup, struct arena *arena, struct lookup_slot *slot, uint32_t hash, void *item);
uint32_t lookup_hash(const void *bytes, size_t size);
