/* SPDX-License-Identifier: Apache-2.0 */
/* What effects.c collects and effects_command.c writes. */
#pragma once
#include "buffer.h"
#include "effects.h"

#define HEARD_NONE (-1)

/* Increments by counter; by[c] counts only where bit c of used is set. */
struct sums {
	uint32_t used;
	int64_t by[COUNTER_COUNT];
};

struct rider_sum {
	struct rider_sum *next; /* in order of first appearance */
	struct slice id, key;
	int64_t heard_ms;
	struct sums sums;
};

struct area_sum {
	struct area_sum *next;
	int32_t adcode;
	struct sums sums;
};

enum effect_kind { EFFECT_REPORT, EFFECT_REVIEW };

/* What the function has to compute itself, in offset order. */
struct effect {
	struct effect *next;
	enum effect_kind kind;
	const struct rider_sum *rider;
	uint64_t report_key;
	int32_t adcode;
	enum category category;
	struct points points;
	enum decision decision;
};

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

struct effects {
	struct arena *arena;
	struct lookup rider_lookup, area_lookup;
	struct rider_sum *riders, **riders_end, *last_rider;
	struct area_sum *areas, **areas_end, *last_area;
	struct effect *list, **list_end;
	struct sums totals;
	struct buffer journal;
};
