/* SPDX-License-Identifier: Apache-2.0 */
/* What effects.c collects and effects_command.c writes. */
#pragma once
#include "buffer.h"
#include "effects.h"
#include "lookup.h"

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

struct effects {
	struct arena *arena;
	struct lookup rider_lookup, area_lookup;
	struct rider_sum *riders, **riders_end, *last_rider;
	struct area_sum *areas, **areas_end, *last_area;
	struct effect *list, **list_end;
	struct sums totals;
	struct buffer journal;
};
