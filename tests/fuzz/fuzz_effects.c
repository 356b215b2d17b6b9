/* SPDX-License-Identifier: Apache-2.0 */
/* Any effects on any riders: the command is strict RESP, its layout is what pipelines/redis/README.md says, each key is
 * one of our shard's, and what it adds up to is what was asked for, for each rider, area and in total. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include "effects_sums.h"
#include "fuzz/fuzz_checks.h"
#include "fuzz/fuzz_input.h"
#include "stream.h"

#define RIDERS_MAX 64
#define AREAS_MAX 32
#define EFFECTS_MAX 256

/* ---- a plain model ---- */

struct totals {
	int64_t by[COUNTER_COUNT];
};
struct model {
	struct {
		struct slice key;
		struct totals totals;
		int64_t heard;
		bool counted;
	} riders[RIDERS_MAX];
	struct {
		char adcode[6];
		struct totals totals;
	} areas[AREAS_MAX];
	struct {
		size_t rider;
		bool review;
		uint64_t report_key;
		enum decision decision;
		enum category category;
		struct points points;
		char adcode[6];
		size_t adcode_size;
	} effects[EFFECTS_MAX];
	struct totals all;
	size_t rider_count, area_count, effect_count, journal;
};

static size_t rider_of(struct model *model, struct slice id, struct arena *arena)
{
	struct slice key = rider_key(id, arena);
	for (size_t i = 0; i < model->rider_count; i++)
		if (slice_equal(model->riders[i].key, key))
			return i;
	MUST(model->rider_count < RIDERS_MAX);
	model->riders[model->rider_count].key = key;
	model->riders[model->rider_count].heard = HEARD_NONE;
	return model->rider_count++;
}

static bool is_adcode(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return text.size == 6;
}

static void count_area(struct model *model, struct slice area, enum counter counter, int64_t by)
{
	size_t i = 0;
	if (!is_adcode(area))
		return;
	while (i < model->area_count && memcmp(model->areas[i].adcode, area.data, 6) != 0)
		i++;
	MUST(i < AREAS_MAX);
	if (i == model->area_count)
		memcpy(model->areas[model->area_count++].adcode, area.data, 6);
	model->areas[i].totals.by[counter] += by;
}

/* ---- what happens ---- */

static const char *const ids[] = { "r1", "R0000007", "a b", "{7}", "骑手", "\r\n$3\r\n", "", "a:b", "~x", "%41" };
static const char *const areas[] = { "440305", "000000", "999999", "110101", "44030", "4403055", "44030x", "" };

static void act(struct fuzz_input *input, struct effects *effects, struct model *model, struct arena *arena)
{
	size_t choice = fuzz_below(input, 12), area_choice = fuzz_byte(input);
	struct slice id = choice < 10 ? slice_of(ids[choice]) : fuzz_text(input);
	struct slice area = slice_of(areas[area_choice % 8]);
	enum counter counter = fuzz_below(input, COUNTER_COUNT);
	int64_t by = (int64_t)(fuzz_number(input) >> 20) - (1LL << 42);
	uint8_t small = fuzz_byte(input);
	size_t rider;

	if (small % 8 == 7) {
		effects_journal(effects, (uint64_t)by);
		model->journal++;
		return;
	}
	if (model->rider_count == RIDERS_MAX)
		id = SLICE("r1");
	if (model->rider_count >= RIDERS_MAX - 1 && choice >= 10)
		id = SLICE("R0000007");
	rider = rider_of(model, id, arena);
	if (small % 2)
		by = small % 5 - 2;
	if (small % 8 < 4) {
		effects_count(effects, id, area, counter, by);
		model->riders[rider].totals.by[counter] += by;
		model->riders[rider].counted |= by != 0;
		model->all.by[counter] += by;
		if (by)
			count_area(model, area, counter, by);
	} else if (small % 8 == 4) {
		int64_t time = by < 0 ? -1 - by : by;
		effects_heard(effects, id, time);
		model->riders[rider].heard = time > model->riders[rider].heard ? time : model->riders[rider].heard;
	} else if (model->effect_count < EFFECTS_MAX) {
		size_t i = model->effect_count++;
		model->effects[i].rider = rider;
		model->effects[i].report_key = (uint64_t)by * 0x9e3779b97f4a7c15u;
		model->effects[i].review = small % 8 == 6;
		model->effects[i].decision = small % 4;
		model->effects[i].category = small % CATEGORY_COUNT;
		model->effects[i].points = (struct points){ by & 1023, small };
		model->effects[i].adcode_size = is_adcode(area) ? 6 : 0;
		if (is_adcode(area))
			memcpy(model->effects[i].adcode, area.data, 6);
		if (model->effects[i].review)
			effects_review(effects, id, model->effects[i].report_key, model->effects[i].decision);
		else
			effects_report(effects, id, area, model->effects[i].report_key, model->effects[i].category,
				       model->effects[i].points);
	}
}

/* ---- reading the command back ---- */

struct command {
	struct resp resp;
	size_t key, key_end, at; /* next key, end of keys, next argument */
	const struct apply_target *target;
	char day[16];
};

static struct slice next_key(struct command *command)
{
	MUST(command->key < command->key_end);
	return command->resp.arguments[command->key++];
}

static struct slice next(struct command *command)
{
	MUST(command->at < command->resp.count);
	return command->resp.arguments[command->at++];
}

static int64_t next_integer(struct command *command)
{
	return check_integer(next(command));
}

static void check_next(struct command *command, struct slice expected)
{
	MUST(slice_equal(next(command), expected));
}

__attribute__((format(printf, 2, 3))) static void check_key(struct command *command, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	int used = snprintf(text, sizeof text, "rw:{%d}:", command->target->partition);
	va_start(arguments, format);
	used += vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
	va_end(arguments);
	MUST(used < (int)sizeof text);
	MUST(slice_equal(next_key(command), (struct slice){ text, (size_t)used }));
}

/* UTC+8, by the C library instead. */
static void write_day(const struct apply_target *target, char day[16])
{
	int64_t hour = target->stream_time_ms < 0 ? 0 : target->stream_time_ms / HOUR_MS;
	time_t time = (time_t)(hour + 8) * 3600;
	struct tm tm;
	gmtime_r(&time, &tm);
	strftime(day, 16, "%Y%m%d", &tm);
}

static void check_head(struct command *command, const struct model *model)
{
	const struct apply_target *target = command->target;
	int64_t hour = target->stream_time_ms < 0 ? 0 : target->stream_time_ms / HOUR_MS;
	check_key(command, "log:%.*s", (int)target->topic.size, target->topic.data);
	check_key(command, "totals");
	check_key(command, "totals:%s", command->day);
	check_key(command, "seen:%.*s:%lld", (int)target->topic.size, target->topic.data, (long long)hour);
	check_next(command, (struct slice){ target->store_uuid, STORE_UUID_SIZE });
	MUST(next_integer(command) == target->from && next_integer(command) == target->to);
	MUST(next_integer(command) == target->stream_time_ms && next_integer(command) == hour);
	MUST(next_integer(command) == target->dedup_hours);
	MUST(next_integer(command) == target->limits.points_per_report_max);
	MUST(next_integer(command) == target->limits.paid_reports_per_day);
	MUST(next_integer(command) == target->limits.points_per_day);
	MUST(next_integer(command) == target->limits.fraud_score);
	MUST(next(command).size == 8 * model->journal);
}

/* Takes what field and increment say off the totals. */
static void take_step(struct command *command, struct totals *totals, struct slice field)
{
	enum counter counter = 0;
	while (counter < COUNTER_COUNT && !slice_equal(field, slice_of(counter_field(counter))))
		counter++;
	MUST(counter < COUNTER_COUNT);
	totals->by[counter] -= next_integer(command);
}

static void check_zero(const struct totals *totals)
{
	for (int i = 0; i < COUNTER_COUNT; i++)
		MUST(totals->by[i] == 0);
}

static void check_totals(struct command *command, struct model *model)
{
	for (int64_t count = next_integer(command); count > 0; count--) {
		struct slice field = next(command);
		size_t i = 0;
		if (field.size < 7 || field.data[6] != ':') {
			take_step(command, &model->all, field);
			continue;
		}
		while (i < model->area_count && memcmp(model->areas[i].adcode, field.data, 6) != 0)
			i++;
		MUST(i < model->area_count);
		take_step(command, &model->areas[i].totals, (struct slice){ field.data + 7, field.size - 7 });
	}
	check_zero(&model->all);
	for (size_t i = 0; i < model->area_count; i++)
		check_zero(&model->areas[i].totals);
}

static size_t rider_of_key(const struct command *command, const struct model *model, struct slice key)
{
	char text[256];
	for (size_t i = 0; i < model->rider_count; i++) {
		struct slice rider = model->riders[i].key;
		int size = snprintf(text, sizeof text, "rw:{%d}:rider:%.*s", command->target->partition,
				    (int)rider.size, rider.data);
		if (slice_equal(key, (struct slice){ text, (size_t)size }))
			return i;
	}
	MUST(!"a key of a rider whom nobody named");
	return 0;
}

static void check_groups(struct command *command, struct model *model)
{
	for (int64_t groups = next_integer(command); groups > 0; groups--) {
		int64_t members = next_integer(command), fields = next_integer(command);
		size_t steps = command->at;
		MUST(members > 0 && fields >= 0);
		for (int64_t m = 0; m < members; m++) {
			size_t rider = rider_of_key(command, model, next_key(command));
			command->at = steps;
			for (int64_t f = 0; f < fields; f++)
				take_step(command, &model->riders[rider].totals, next(command));
			command->at += (size_t)m;
			MUST(next_integer(command) == model->riders[rider].heard);
			model->riders[rider].heard = HEARD_NONE;
		}
	}
	for (size_t i = 0; i < model->rider_count; i++) {
		MUST(model->riders[i].heard == HEARD_NONE);
		check_zero(&model->riders[i].totals);
	}
}

static void check_effect(struct command *command, const struct model *model, size_t i)
{
	static const char *const decisions[] = { "upheld", "rejected", "duplicate", "fraud" };
	struct slice rider = model->riders[model->effects[i].rider].key;
	check_key(command, "rider:%.*s", (int)rider.size, rider.data);
	if (!model->effects[i].review)
		check_key(command, "rider:%.*s:%s", (int)rider.size, rider.data, command->day);
	check_key(command, "report:%016llx", (unsigned long long)model->effects[i].report_key);
	if (model->effects[i].review) {
		check_next(command, SLICE("review"));
		check_next(command, slice_of(decisions[model->effects[i].decision]));
		return;
	}
	check_next(command, SLICE("report"));
	check_next(command, slice_of(category_name(model->effects[i].category)));
	MUST(next_integer(command) == model->effects[i].points.points);
	MUST(next_integer(command) == model->effects[i].points.score);
	check_next(command, (struct slice){ model->effects[i].adcode, model->effects[i].adcode_size });
}

static void check_command(struct slice bytes, const struct apply_target *target, struct model *model)
{
	struct command command = { .resp = check_resp(bytes), .target = target };
	MUST(command.resp.count >= 3 && slice_equal(command.resp.arguments[0], SLICE("FCALL")));
	MUST(slice_equal(command.resp.arguments[1], SLICE("rw_apply_v1")));
	command.key = 3;
	command.at = command.key_end = 3 + (size_t)check_integer(command.resp.arguments[2]);
	write_day(target, command.day);
	check_head(&command, model);
	check_totals(&command, model);
	check_groups(&command, model);
	MUST(next_integer(&command) == (int64_t)model->effect_count);
	for (size_t i = 0; i < model->effect_count; i++)
		check_effect(&command, model, i);
	MUST(command.key == command.key_end && command.at == command.resp.count);
	free(command.resp.arguments);
}

int FUZZ_FUNCTION(effects)(const uint8_t *data, size_t size)
{
	static const char topic[] = "rider.reports.v1";
	static struct model model;
	struct fuzz_input input = fuzz_input_of(data, size);
	struct apply_target target = { .topic = slice_of(topic) };
	struct arena arena;

	model = (struct model){ 0 };
	memset(target.store_uuid, 'a', sizeof target.store_uuid);
	target.partition = (int32_t)(fuzz_number(&input) >> 33);
	target.from = (int64_t)(fuzz_number(&input) >> 2);
	target.to = target.from + fuzz_byte(&input) + 1;
	target.dedup_hours = 1 + fuzz_byte(&input) % 168;
	target.stream_time_ms =
		fuzz_byte(&input) % 8 ? 1420070400000 + (int64_t)(fuzz_number(&input) % 2682374400000) : -1;
	target.limits = (struct points_limits){ 1000, 20, 5000, 2, -50 };
	arena_init(&arena);
	struct effects *effects = effects_new(&arena);
	while (fuzz_more(&input))
		act(&input, effects, &model, &arena);
	struct slice command = effects_apply_command(effects, &target, &arena);
	check_command(command, &target, &model);
	arena_fini(&arena);
	return 0;
}
