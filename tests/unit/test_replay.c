/* SPDX-License-Identifier: Apache-2.0 */
/* The replay, which decides in chunks, against the pipeline with one record at a time. */
#include "replay.h"
#include "effects_sums.h"
#include "pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define START_MS 1795572000000LL /* 2026-11-25T02:00:00Z */
#define RULES "pipelines/rules"

static struct ruleset *ruleset;
static const uint8_t key[STREAM_KEY_SIZE] = "0123456789abcdef";
static const struct pipeline_settings pipeline = { .input_topics = { "reports", "deliveries" },
						   .dead_letter_topic = "dlq",
						   .alert_topics = { "e", "f", "o" },
						   .partitions = 1,
						   .max_event_bytes = 1 << 20,
						   .max_record_bytes = 1 << 21,
						   .dedup_hours = 24,
						   .application = "test",
						   .group = "test" };

struct world {
	struct replay_settings settings;
	struct ledger *ledger;
	struct replay replay;
	struct stream stream;
	int64_t offset, time_ms;
	/* What the pipeline said, summed over its chunks. */
	int64_t totals[COUNTER_COUNT];
	uint64_t effects, journalled, last_hour_hash;
	uint32_t last_hour;
};

static void world_init(struct world *world, struct slice only_rider)
{
	struct points_limits limits = ruleset_points_limits(ruleset);
	memset(world, 0, sizeof *world);
	world->settings = (struct replay_settings){ &pipeline, ruleset };
	world->ledger = ledger_new(&limits, only_rider);
	replay_init(&world->replay, &world->settings, world->ledger, key);
	world->stream.seen = seen_new();
	world->stream.time_ms = STREAM_TIME_NONE;
	memcpy(world->stream.key, key, sizeof key);
	world->time_ms = START_MS;
}

static void world_fini(struct world *world)
{
	replay_fini(&world->replay);
	ledger_free(&world->ledger);
	seen_free(&world->stream.seen);
}

static void collect(struct world *world, const struct chunk *chunk)
{
	const struct effects *effects = chunk->effects;
	struct slice journal = buffer_slice(&effects->journal);
	uint32_t hour = stream_hour(&world->stream);
	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++)
		world->totals[counter] += effects->totals.used >> counter & 1 ? effects->totals.by[counter] : 0;
	for (const struct effect *effect = effects->list; effect; effect = effect->next)
		world->effects++;
	if (hour != world->last_hour)
		world->last_hour_hash = 0;
	world->last_hour = hour;
	world->last_hour_hash = replay_hash(world->last_hour_hash, journal.data, journal.size);
	world->journalled += journal.size / 8;
}

static void send(struct world *world, const char *value)
{
	struct input_record record = { .offset = world->offset++,
				       .timestamp_ms = world->time_ms,
				       .value = slice_of(value) };
	struct chunk *chunk = chunk_new(0, record.offset, ruleset);
	pipeline_run(&pipeline, &world->stream, &record, true, chunk);
	collect(world, chunk);
	chunk_free(&chunk);
	replay_record(&world->replay, &record);
}

static void send_random(struct world *world)
{
	static const char *const texts[] = { "消防通道被堵住了", "后厨有老鼠", "路人晕倒了", "今天天气好" };
	char value[512];
	int id = rand() % 400, rider = rand() % 9;
	switch (rand() % 8) {
	case 0:
		snprintf(value, sizeof value,
			 "{\"id\":\"r%d\",\"type\":\"rider.report.created.v1\",\"data\":{\"rider_id\":\"骑手%d\","
			 "\"description\":\"%s\","
			 "\"jurisdiction_id\":\"440305\"}}",
			 id, rider, texts[rand() % 4]);
		break;
	case 1:
		snprintf(value, sizeof value,
			 "{\"id\":\"v%d\",\"type\":\"rider.report.reviewed.v1\",\"data\":{\"rider_id\":\"骑手%d\","
			 "\"report_id\":\"r%d\","
			 "\"decision\":\"upheld\"}}",
			 id, rider, rand() % 400);
		break;
	case 2:
		snprintf(value, sizeof value, "{\"id\":\"x%d\"", id);
		break;
	default:
		snprintf(value, sizeof value,
			 "{\"id\":\"d%d\",\"type\":\"rider.delivery.completed.v1\",\"data\":{\"rider_id\":\"骑手%d\","
			 "\"order_id\":\"o\","
			 "\"charity\":%s}}",
			 rand() % 4000, rider, rand() % 4 ? "false" : "true");
	}
	send(world, value);
	world->time_ms += rand() % 60000 - 5000;
}

static void test_same_as_pipeline(void **state)
{
	(void)state;
	struct world world;
	srand(7);
	world_init(&world, (struct slice){ 0 });
	for (int i = 0; i < 20000; i++)
		send_random(&world);
	replay_settle(&world.replay);
	const struct ledger_sum *sum = ledger_find_sum(world.ledger, LEDGER_DAY_ALL, ADCODE_NONE);
	static const enum counter plain[] = { COUNTER_REPORTS,           COUNTER_REPORTS_FIRE,  COUNTER_REPORTS_FOOD,
					      COUNTER_REPORTS_EMERGENCY, COUNTER_REPORTS_OTHER, COUNTER_DELIVERIES,
					      COUNTER_DELIVERIES_CHARITY };
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
		assert_true(world.totals[plain[i]] > 0);
		assert_int_equal(sum->counters[plain[i]], world.totals[plain[i]]);
	}
	assert_int_equal(world.replay.ordered, world.effects);
	assert_int_equal(world.replay.records, 20000);
	assert_true(world.replay.refused > 1000 && world.replay.duplicates > 1000);
	assert_int_equal(world.replay.stream.time_ms, world.stream.time_ms);
	world_fini(&world);
}

static void test_journal(void **state)
{
	(void)state;
	struct world world;
	srand(8);
	world_init(&world, (struct slice){ 0 });
	for (int i = 0; i < 20000; i++)
		send_random(&world);
	replay_settle(&world.replay);
	/* Some 150 hours went by: only the window is left, the newest bucket as the pipeline wrote it. */
	assert_true(stream_hour(&world.stream) > START_MS / HOUR_MS + 100);
	assert_int_equal(world.replay.bucket_count, 25);
	const struct replay_bucket *last = &world.replay.buckets[world.replay.bucket_count - 1];
	assert_int_equal(last->hour, world.last_hour);
	assert_true(last->hash == world.last_hour_hash);
	assert_int_equal(world.replay.buckets[0].hour, last->hour - 24);
	world_fini(&world);
}

static void test_hash_sees_order(void **state)
{
	(void)state;
	const char *a = "aaaaaaaabbbbbbbb", *b = "bbbbbbbbaaaaaaaa";
	assert_true(replay_hash(0, a, 16) != replay_hash(0, b, 16));
	assert_true(replay_hash(replay_hash(0, a, 8), a + 8, 8) == replay_hash(0, a, 16));
	assert_true(replay_hash(0, a, 8) != 0);
}

static void test_one_rider(void **state)
{
	(void)state;
	struct world world, all;
	world_init(&world, SLICE("骑手3"));
	world_init(&all, (struct slice){ 0 });
	for (int i = 0; i < 2; i++) {
		srand(9);
		for (int n = 0; n < 3000; n++)
			send_random(i ? &all : &world);
		replay_settle(&(i ? &all : &world)->replay);
	}
	struct ledger_rider *one = ledger_rider_at(world.ledger, 0);
	struct ledger_rider *same = ledger_find_rider(all.ledger, one->key);
	assert_null(ledger_rider_at(world.ledger, 1));
	assert_memory_equal(one->counters, same->counters, sizeof one->counters);
	assert_int_equal(one->last_ms, same->last_ms);
	assert_int_equal(world.replay.duplicates, all.replay.duplicates);
	world_fini(&world);
	world_fini(&all);
}

static int load_rules(void **state)
{
	(void)state;
	struct problems problems = { 0 };
	ruleset = ruleset_load(RULES, &problems);
	return ruleset ? 0 : -1;
}

static int drop_rules(void **state)
{
	(void)state;
	ruleset_unref(&ruleset);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_pipeline),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_hash_sees_order),
		cmocka_unit_test(test_one_rider),
	};
	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
