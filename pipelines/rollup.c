/* SPDX-License-Identifier: Apache-2.0 */
#include "rollup.h"
#include "alloc.h"
#include "date.h"
#include "lookup.h"
#include "stream.h"

#include <errno.h>
#include <stdlib.h>

#define FIELDS_FIRST 256
#define NUMBER_SIZE 24

/* What is public comes first. */
struct day {
	struct rollup_day head;
	struct lookup lookup;
	struct rollup_sum **end;
};

struct rollup {
	struct arena arena;
	struct rollup_day *first, **end;
};

struct rollup *rollup_new(void)
{
	struct rollup *rollup = alloc_zeroed(1, sizeof *rollup);
	arena_init(&rollup->arena);
	rollup->end = &rollup->first;
	return rollup;
}

void rollup_free(struct rollup **rollup)
{
	if (*rollup)
		arena_fini(&(*rollup)->arena);
	free(*rollup);
	*rollup = NULL;
}

const struct rollup_day *rollup_days(const struct rollup *rollup)
{
	return rollup->first;
}

/* ---- sums ---- */

/* There are one or two days, some forty at the first refresh. */
static struct day *day_of(struct rollup *rollup, uint32_t number)
{
	for (struct rollup_day *day = rollup->first; day; day = day->next) {
		if (day->day == number)
			return (struct day *)day;
	}
	struct day *day = arena_zalloc(&rollup->arena, sizeof *day);
	day->head.day = number;
	day->end = &day->head.sums;
	lookup_init(&day->lookup, &rollup->arena, FIELDS_FIRST);
	*rollup->end = &day->head;
	rollup->end = &day->head.next;
	return day;
}

static bool same_field(const void *item, const void *key)
{
	return slice_equal(((const struct rollup_sum *)item)->field, *(const struct slice *)key);
}

static struct rollup_sum *sum_of(struct rollup *rollup, struct day *day, struct slice field)
{
	uint32_t hash = lookup_hash(field.data, field.size);
	struct lookup_slot *slot = lookup_find(&day->lookup, hash, same_field, &field);
	if (slot->item)
		return slot->item;
	struct rollup_sum *sum = arena_zalloc(&rollup->arena, sizeof *sum);
	sum->field = arena_copy(&rollup->arena, field);
	*day->end = sum;
	day->end = &sum->next;
	day->head.count++;
	lookup_add(&day->lookup, &rollup->arena, slot, hash, sum);
	return sum;
}

static bool parse_number(struct slice text, int64_t *number)
{
	char copy[NUMBER_SIZE], *end;
	if (text.size == 0 || text.size >= sizeof copy)
		return false;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	errno = 0;
	*number = strtoll(copy, &end, 10);
	return errno == 0 && end == copy + text.size;
}

void rollup_add(struct rollup *rollup, uint32_t day, struct slice field, struct slice value)
{
	int64_t number;
	if (!parse_number(value, &number))
		return;
	struct rollup_sum *sum = sum_of(rollup, day_of(rollup, day), field);
	/* Redis holds no sum near the limits; what somebody else wrote there may wrap around. */
	sum->value = (int64_t)((uint64_t)sum->value + (uint64_t)number);
}

/* ---- days ---- */

/* What counts while no record had a usable time stands on the first day of 1970. */
static uint32_t hour_of(int64_t time_ms)
{
	return time_ms < 0 ? 0 : (uint32_t)(time_ms / HOUR_MS);
}

static size_t add_day(uint32_t day, uint32_t *days, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (days[i] == day)
			return count;
	}
	days[count] = day;
	return count + 1;
}

size_t rollup_changed(uint32_t known_day, int64_t time_ms, uint32_t *days, size_t count)
{
	uint32_t hour = hour_of(time_ms);
	for (uint32_t back = 0; back < ROLLUP_DAYS_MAX && hour >= 24 * back; back++) {
		uint32_t day = china_day(hour - 24 * back);
		if (back > 0 && day < known_day)
			break;
		count = add_day(day, days, count);
	}
	return count;
}

struct rollup_mark rollup_reached(int64_t applied, int64_t time_ms, const uint32_t *days, size_t count)
{
	struct rollup_mark mark = { applied, china_day(hour_of(time_ms)) };
	uint32_t newest = 0;
	for (size_t i = 0; i < count; i++)
		newest = days[i] > newest ? days[i] : newest;
	if (mark.day > newest)
		mark.day = newest;
	return mark;
}
