/* SPDX-License-Identifier: Apache-2.0 */
#include "effects_sums.h"
#include "must.h"

#define SLOTS_FIRST 1024
#define JOURNAL_FIRST 4096
#define ADCODE_DIGITS 6

const char *counter_field(enum counter counter)
{
	static const char *const fields[COUNTER_COUNT] = {
#define COUNTER(symbol, field, who, help) [COUNTER_##symbol] = field,
#include "counters.def"
#undef COUNTER
	};
	MUST(counter < COUNTER_COUNT);
	return fields[counter];
}

struct effects *effects_new(struct arena *arena)
{
	struct effects *effects = arena_zalloc(arena, sizeof *effects);
	effects->arena = arena;
	effects->riders_end = &effects->riders;
	effects->areas_end = &effects->areas;
	effects->list_end = &effects->list;
	lookup_init(&effects->rider_lookup, arena, SLOTS_FIRST);
	lookup_init(&effects->area_lookup, arena, SLOTS_FIRST);
	buffer_init(&effects->journal, arena, JOURNAL_FIRST);
	return effects;
}

static bool same_rider(const void *item, const void *key)
{
	return slice_equal(((const struct rider_sum *)item)->id, *(const struct slice *)key);
}

static struct rider_sum *add_rider(struct effects *effects, struct slice id, struct lookup_slot *slot, uint32_t hash)
{
	struct rider_sum *rider = arena_alloc(effects->arena, sizeof *rider);
	rider->next = NULL;
	rider->key = rider_key(id, effects->arena);
	rider->id = slice_equal(rider->key, id) ? rider->key : arena_copy(effects->arena, id);
	rider->heard_ms = HEARD_NONE;
	rider->sums.used = 0;
	*effects->riders_end = rider;
	effects->riders_end = &rider->next;
	lookup_add(&effects->rider_lookup, effects->arena, slot, hash, rider);
	return rider;
}

static struct rider_sum *rider_of(struct effects *effects, struct slice id)
{
	MUST(id.data);
	/* One event makes several calls for its rider. */
	if (effects->last_rider && slice_equal(effects->last_rider->id, id))
		return effects->last_rider;
	uint32_t hash = lookup_hash(id.data, id.size);
	struct lookup_slot *slot = lookup_find(&effects->rider_lookup, hash, same_rider, &id);
	effects->last_rider = slot->item ? slot->item : add_rider(effects, id, slot, hash);
	return effects->last_rider;
}

int32_t adcode_of(struct slice jurisdiction_id)
{
	int32_t adcode = 0;
	if (!jurisdiction_id.data || jurisdiction_id.size != ADCODE_DIGITS)
		return ADCODE_NONE;
	for (size_t i = 0; i < ADCODE_DIGITS; i++) {
		char c = jurisdiction_id.data[i];
		if (c < '0' || c > '9')
			return ADCODE_NONE;
		adcode = adcode * 10 + (c - '0');
	}
	return adcode;
}

static bool same_area(const void *item, const void *key)
{
	return ((const struct area_sum *)item)->adcode == *(const int32_t *)key;
}

static struct area_sum *area_of(struct effects *effects, int32_t adcode)
{
	if (effects->last_area && effects->last_area->adcode == adcode)
		return effects->last_area;
	uint32_t hash = lookup_hash(&adcode, sizeof adcode);
	struct lookup_slot *slot = lookup_find(&effects->area_lookup, hash, same_area, &adcode);
	struct area_sum *area = slot->item;
	if (!area) {
		area = arena_alloc(effects->arena, sizeof *area);
		area->next = NULL;
		area->adcode = adcode;
		area->sums.used = 0;
		*effects->areas_end = area;
		effects->areas_end = &area->next;
		lookup_add(&effects->area_lookup, effects->arena, slot, hash, area);
	}
	effects->last_area = area;
	return area;
}

static void add(struct sums *sums, enum counter counter, int64_t by)
{
	if (sums->used >> counter & 1)
		sums->by[counter] += by;
	else
		sums->by[counter] = by;
	sums->used |= 1u << counter;
}

void effects_count(struct effects *effects, struct slice rider_id, struct slice jurisdiction_id, enum counter counter,
		   int64_t by)
{
	MUST(counter < COUNTER_COUNT);
	if (by == 0)
		return;
	add(&rider_of(effects, rider_id)->sums, counter, by);
	add(&effects->totals, counter, by);
	int32_t adcode = adcode_of(jurisdiction_id);
	if (adcode != ADCODE_NONE)
		add(&area_of(effects, adcode)->sums, counter, by);
}

void effects_heard(struct effects *effects, struct slice rider_id, int64_t stream_time_ms)
{
	struct rider_sum *rider = rider_of(effects, rider_id);
	if (stream_time_ms > rider->heard_ms)
		rider->heard_ms = stream_time_ms;
}

static struct effect *add_effect(struct effects *effects, enum effect_kind kind, struct slice rider_id,
				 uint64_t report_key)
{
	struct effect *effect = arena_zalloc(effects->arena, sizeof *effect);
	effect->kind = kind;
	effect->rider = rider_of(effects, rider_id);
	effect->report_key = report_key;
	*effects->list_end = effect;
	effects->list_end = &effect->next;
	return effect;
}

void effects_report(struct effects *effects, struct slice rider_id, struct slice jurisdiction_id, uint64_t report_key,
		    enum category category, struct points points)
{
	struct effect *effect = add_effect(effects, EFFECT_REPORT, rider_id, report_key);
	effect->adcode = adcode_of(jurisdiction_id);
	effect->category = category;
	effect->points = points;
}

void effects_review(struct effects *effects, struct slice rider_id, uint64_t report_key, enum decision decision)
{
	add_effect(effects, EFFECT_REVIEW, rider_id, report_key)->decision = decision;
}

void effects_journal(struct effects *effects, uint64_t id_hash)
{
	char bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(id_hash >> 8 * i);
	buffer_append(&effects->journal, (struct slice){ bytes, sizeof bytes });
}
