/* SPDX-License-Identifier: Apache-2.0 */
/* Writes FCALL rw_apply_v1; pipelines/redis/README.md lists its keys and arguments. */
#include "effects_sums.h"
#include "date.h"
#include "must.h"
#include "stream.h"

#include <stdio.h>

#define FIXED_KEYS 4
#define FIXED_ARGUMENTS 11
#define DAY_TEXT_SIZE 16
#define AREA_SIZE 6
#define GROUP_SLOTS 64

/* Riders with equal increments: said once, then only key and time a rider. */
struct member {
	struct member *next;
	const struct rider_sum *rider;
};
struct group {
	struct group *next;
	const struct sums *sums;
	struct member *members, **members_end;
	size_t count;
};

struct command {
	struct buffer buffer;
	const struct effects *effects;
	const struct apply_target *target;
	struct group *groups, **groups_end;
	size_t group_count, effect_count;
	size_t keys, arguments;
	struct slice shard; /* "rw:{7}:" */
	uint32_t hour;
	char day[DAY_TEXT_SIZE];
};

/* ---- RESP: each argument is put together on the stack and appended at once ---- */

#define NUMBER_SIZE 20
#define HEAD_SIZE (NUMBER_SIZE + 3)
#define KEY_SIZE 512 /* shard, kind, topic (249) or rider key (128), and what follows */

/* Writes digits in front of end and returns where they begin. */
static char *digits_before(char *end, int64_t number)
{
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	do {
		*--end = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (number < 0)
		*--end = '-';
	return end;
}

static char *put(char *at, struct slice text)
{
	memcpy(at, text.data, text.size);
	return at + text.size;
}

/* "$12\r\n" */
static char *put_head(char *at, size_t size)
{
	char digits[NUMBER_SIZE], *end = digits + NUMBER_SIZE;
	char *begin = digits_before(end, (int64_t)size);
	*at++ = '$';
	at = put(at, (struct slice){ begin, (size_t)(end - begin) });
	return put(at, SLICE("\r\n"));
}

static void bulk(struct buffer *buffer, struct slice text)
{
	char head[HEAD_SIZE];
	buffer_append(buffer, (struct slice){ head, (size_t)(put_head(head, text.size) - head) });
	buffer_append(buffer, text);
	buffer_append(buffer, SLICE("\r\n"));
}

static void bulk_text(struct buffer *buffer, const char *text)
{
	bulk(buffer, slice_of(text));
}

static void bulk_int(struct buffer *buffer, int64_t number)
{
	char digits[NUMBER_SIZE], *end = digits + NUMBER_SIZE, text[HEAD_SIZE + NUMBER_SIZE + 2];
	char *begin = digits_before(end, number);
	char *at = put_head(text, (size_t)(end - begin));
	at = put(at, (struct slice){ begin, (size_t)(end - begin) });
	at = put(at, SLICE("\r\n"));
	buffer_append(buffer, (struct slice){ text, (size_t)(at - text) });
}

/* A key of our shard: the parts behind "rw:{p}:", one after the other. */
static void bulk_key(struct command *command, struct slice kind, struct slice middle, struct slice end)
{
	char text[HEAD_SIZE + KEY_SIZE];
	size_t size = command->shard.size + kind.size + middle.size + end.size;
	MUST(size + 2 <= KEY_SIZE);
	char *at = put_head(text, size);
	at = put(at, command->shard);
	at = put(at, kind);
	if (middle.size)
		at = put(at, middle);
	at = put(at, end);
	at = put(at, SLICE("\r\n"));
	buffer_append(&command->buffer, (struct slice){ text, (size_t)(at - text) });
}

/* ---- groups ---- */

static bool same_sums(const void *item, const void *key)
{
	const struct sums *a = ((const struct group *)item)->sums, *b = key;
	if (a->used != b->used)
		return false;
	for (int c = 0; c < COUNTER_COUNT; c++) {
		if (a->used >> c & 1 && a->by[c] != b->by[c])
			return false;
	}
	return true;
}

static uint32_t hash_of(const struct sums *sums)
{
	uint64_t hash = sums->used;
	for (uint32_t rest = sums->used; rest; rest &= rest - 1)
		hash = (hash ^ (uint64_t)sums->by[__builtin_ctz(rest)]) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash >> 32);
}

static struct group *group_of(struct command *command, struct lookup *lookup, struct arena *arena,
			      const struct sums *sums)
{
	uint32_t hash = hash_of(sums);
	struct lookup_slot *slot = lookup_find(lookup, hash, same_sums, sums);
	if (slot->item)
		return slot->item;
	struct group *group = arena_zalloc(arena, sizeof *group);
	group->sums = sums;
	group->members_end = &group->members;
	*command->groups_end = group;
	command->groups_end = &group->next;
	command->group_count++;
	command->arguments += 2 + 2 * (size_t)__builtin_popcount(sums->used);
	lookup_add(lookup, arena, slot, hash, group);
	return group;
}

static void make_groups(struct command *command, struct arena *arena)
{
	struct lookup lookup;
	lookup_init(&lookup, arena, GROUP_SLOTS);
	command->groups_end = &command->groups;
	for (const struct rider_sum *rider = command->effects->riders; rider; rider = rider->next) {
		if (rider->sums.used == 0 && rider->heard_ms == HEARD_NONE)
			continue; /* known by an effect only */
		struct group *group = group_of(command, &lookup, arena, &rider->sums);
		struct member *member = arena_alloc(arena, sizeof *member);
		*member = (struct member){ NULL, rider };
		*group->members_end = member;
		group->members_end = &member->next;
		group->count++;
		command->keys++;
		command->arguments++;
	}
}

/* ---- keys ---- */

#define REPORT_SIZE 16

static void write_hex(uint64_t number, char text[REPORT_SIZE])
{
	for (int i = REPORT_SIZE - 1; i >= 0; i--, number >>= 4)
		text[i] = "0123456789abcdef"[number & 15];
}

static void write_effect_keys(struct command *command)
{
	char day[DAY_TEXT_SIZE + 1], report[REPORT_SIZE];
	snprintf(day, sizeof day, ":%s", command->day);
	for (const struct effect *effect = command->effects->list; effect; effect = effect->next) {
		bulk_key(command, SLICE("rider:"), effect->rider->key, SLICE(""));
		if (effect->kind == EFFECT_REPORT)
			bulk_key(command, SLICE("rider:"), effect->rider->key, slice_of(day));
		write_hex(effect->report_key, report);
		bulk_key(command, SLICE("report:"), (struct slice){ report, sizeof report }, SLICE(""));
	}
}

static void write_keys(struct command *command)
{
	char bucket[24];
	snprintf(bucket, sizeof bucket, ":%u", command->hour);
	bulk_key(command, SLICE("log:"), command->target->topic, SLICE(""));
	bulk_key(command, SLICE("totals"), SLICE(""), SLICE(""));
	bulk_key(command, SLICE("totals:"), slice_of(command->day), SLICE(""));
	bulk_key(command, SLICE("seen:"), command->target->topic, slice_of(bucket));
	for (const struct group *group = command->groups; group; group = group->next) {
		for (const struct member *member = group->members; member; member = member->next)
			bulk_key(command, SLICE("rider:"), member->rider->key, SLICE(""));
	}
	write_effect_keys(command);
}

/* ---- arguments ---- */

static void write_target(struct command *command)
{
	const struct apply_target *target = command->target;
	struct buffer *buffer = &command->buffer;
	bulk(buffer, (struct slice){ target->store_uuid, STORE_UUID_SIZE });
	bulk_int(buffer, target->from);
	bulk_int(buffer, target->to);
	bulk_int(buffer, target->stream_time_ms);
	bulk_int(buffer, command->hour);
	bulk_int(buffer, target->dedup_hours);
	bulk_int(buffer, target->limits.points_per_report_max);
	bulk_int(buffer, target->limits.paid_reports_per_day);
	bulk_int(buffer, target->limits.points_per_day);
	bulk_int(buffer, target->limits.fraud_score);
	bulk(buffer, buffer_slice(&command->effects->journal));
}

/* Field and increment of each counter; prefix: "440305:" or empty. */
static void write_steps(struct buffer *buffer, const struct sums *sums, struct slice prefix)
{
	for (uint32_t rest = sums->used; rest; rest &= rest - 1) {
		enum counter counter = (enum counter)__builtin_ctz(rest);
		char field[64], *end = put(put(field, prefix), slice_of(counter_field(counter)));
		bulk(buffer, (struct slice){ field, (size_t)(end - field) });
		bulk_int(buffer, sums->by[counter]);
	}
}

/* "440305:" */
static void write_area(int32_t adcode, char text[AREA_SIZE + 1])
{
	for (int i = AREA_SIZE - 1; i >= 0; i--, adcode /= 10)
		text[i] = (char)('0' + adcode % 10);
	text[AREA_SIZE] = ':';
}

static size_t total_steps(const struct effects *effects)
{
	size_t steps = (size_t)__builtin_popcount(effects->totals.used);
	for (const struct area_sum *area = effects->areas; area; area = area->next)
		steps += (size_t)__builtin_popcount(area->sums.used);
	return steps;
}

static void write_totals(struct command *command)
{
	bulk_int(&command->buffer, (int64_t)total_steps(command->effects));
	write_steps(&command->buffer, &command->effects->totals, SLICE(""));
	for (const struct area_sum *area = command->effects->areas; area; area = area->next) {
		char prefix[AREA_SIZE + 1];
		write_area(area->adcode, prefix);
		write_steps(&command->buffer, &area->sums, (struct slice){ prefix, sizeof prefix });
	}
}

static void write_groups(struct command *command)
{
	bulk_int(&command->buffer, (int64_t)command->group_count);
	for (const struct group *group = command->groups; group; group = group->next) {
		bulk_int(&command->buffer, (int64_t)group->count);
		bulk_int(&command->buffer, __builtin_popcount(group->sums->used));
		write_steps(&command->buffer, group->sums, SLICE(""));
		for (const struct member *member = group->members; member; member = member->next)
			bulk_int(&command->buffer, member->rider->heard_ms);
	}
}

static void write_report(struct buffer *buffer, const struct effect *effect)
{
	char area[AREA_SIZE + 1];
	if (effect->adcode != ADCODE_NONE)
		write_area(effect->adcode, area);
	bulk_text(buffer, "report");
	bulk_text(buffer, category_name(effect->category));
	bulk_int(buffer, effect->points.points);
	bulk_int(buffer, effect->points.score);
	bulk(buffer, (struct slice){ area, effect->adcode == ADCODE_NONE ? 0 : AREA_SIZE });
}

static void write_effects(struct command *command)
{
	bulk_int(&command->buffer, (int64_t)command->effect_count);
	for (const struct effect *effect = command->effects->list; effect; effect = effect->next) {
		if (effect->kind == EFFECT_REPORT) {
			write_report(&command->buffer, effect);
			continue;
		}
		bulk_text(&command->buffer, "review");
		bulk_text(&command->buffer, decision_name(effect->decision));
	}
}

static void count_effects(struct command *command)
{
	for (const struct effect *effect = command->effects->list; effect; effect = effect->next) {
		command->effect_count++;
		command->keys += effect->kind == EFFECT_REPORT ? 3 : 2;
		command->arguments += effect->kind == EFFECT_REPORT ? 5 : 2;
	}
}

static void write_command(struct command *command)
{
	struct buffer *buffer = &command->buffer;
	buffer_append_char(buffer, '*');
	buffer_append_int(buffer, (int64_t)(3 + command->keys + command->arguments));
	buffer_append(buffer, SLICE("\r\n$5\r\nFCALL\r\n$11\r\nrw_apply_v1\r\n"));
	bulk_int(buffer, (int64_t)command->keys);
	write_keys(command);
	write_target(command);
	write_totals(command);
	write_groups(command);
	write_effects(command);
}

struct slice effects_apply_command(const struct effects *effects, const struct apply_target *target,
				   struct arena *arena)
{
	struct command command = { .effects = effects, .target = target, .keys = FIXED_KEYS };
	command.hour = target->stream_time_ms < 0 ? 0 : (uint32_t)(target->stream_time_ms / HOUR_MS);
	char shard[24];
	command.shard = (struct slice){ shard, (size_t)snprintf(shard, sizeof shard, "rw:{%d}:", target->partition) };
	snprintf(command.day, sizeof command.day, "%08u", china_day(command.hour));
	/* Counts of totals, groups and effects are arguments too. */
	command.arguments = FIXED_ARGUMENTS + 3 + 2 * total_steps(effects);
	make_groups(&command, arena);
	count_effects(&command);
	buffer_init(&command.buffer, arena, 1024 + 64 * (command.keys + command.arguments));
	write_command(&command);
	return buffer_slice(&command.buffer);
}
