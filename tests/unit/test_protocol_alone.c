/* SPDX-License-Identifier: Apache-2.0 */
/* A slot that starts while Redis does not answer: from the log alone, live at C, behind. */
#include "protocol_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AFTER_MS 2000

static void open_bench(struct bench *bench)
{
	struct protocol_settings settings = bench_settings;

	settings.catch_up = true;
	settings.alone_after_ms = AFTER_MS;
	settings.refuse_after_ms = 3000;
	bench_open(bench, &settings);
	protocol_let_start_alone(bench->protocol, 0);
}

/* C of group and shadow, readable from. */
static struct offsets_reply offsets_at(int64_t group, int64_t shadow, int64_t from)
{
	struct offsets_reply reply = { .ok = true, .log_end = LOG_END };

	reply.group = bench_entry(group, group == PROTOCOL_OFFSET_NONE ? NULL : UUID_A);
	reply.shadow = bench_entry(shadow, shadow == PROTOCOL_OFFSET_NONE ? NULL : UUID_A);
	reply.group.readable_from = reply.shadow.readable_from = from;
	return reply;
}

static void answer(struct bench *bench, const struct offsets_reply *reply)
{
	protocol_offsets(bench->protocol, 0, bench->token[0], reply, bench->now);
}

/* Assigned without Redis, offsets known, producer ready, patience over. */
static void wait_in_vain(struct bench *bench, const struct offsets_reply *reply)
{
	const int slots[] = { 0 };

	open_bench(bench);
	protocol_assigned(bench->protocol, slots, 1, bench->now);
	EXPECT(bench, "drop 0 assigned, read 0");
	answer(bench, reply);
	EXPECT(bench, "recreate");
	protocol_recreated(bench->protocol, true, bench->now);
	EXPECT(bench, "");
	assert_int_equal(protocol_next_tick(bench->protocol), bench->now + AFTER_MS);
	bench->now += AFTER_MS - 1;
	protocol_tick(bench->protocol, bench->now);
	EXPECT(bench, "");
	protocol_tick(bench->protocol, ++bench->now);
}

static void log_loaded(struct bench *bench, enum log_load_result result)
{
	protocol_log_loaded(bench->protocol, 0, bench->log_token, result, bench->now);
}

/* Live at 20, the offsets committed again. */
static void start_alone(struct bench *bench)
{
	struct offsets_reply reply = offsets_at(20, 20, 5);

	wait_in_vain(bench, &reply);
	EXPECT(bench, "log 0 5-20");
	log_loaded(bench, LOG_LOAD_GOOD);
	EXPECT(bench, "notice 0 alone 15, start 0 20 alone, publish 0:20=");
	protocol_published(bench->protocol, PUBLISH_COMMITTED, false, bench->now);
	EXPECT(bench, "");
}

static void commit(struct bench *bench, int64_t from, int64_t to)
{
	bench_add(bench, 0, from, to);
	protocol_publish(bench->protocol);
	bench_actions(bench);
	protocol_published(bench->protocol, PUBLISH_COMMITTED, false, bench->now);
}

static void test_publishes_from_c_and_applies_nothing(void **context)
{
	struct bench bench;
	struct protocol_view view;
	uint64_t token;
	int64_t at_least;

	(void)context;
	start_alone(&bench);
	assert_int_equal(protocol_intake(bench.protocol, 0, 19), INTAKE_DROP);
	assert_int_equal(protocol_intake(bench.protocol, 0, 20), INTAKE_LIVE);
	commit(&bench, 20, 23);
	EXPECT(&bench, "free 0 20-23");
	protocol_view(bench.protocol, 0, &view);
	assert_int_equal(view.applied, PROTOCOL_OFFSET_NONE);
	assert_int_equal(view.published, 23);
	assert_int_equal(view.missing, 3);
	assert_true(view.behind);
	assert_false(protocol_watches(bench.protocol, 0, &token, &at_least));
	bench_close(&bench);
}

static void test_redis_back_is_caught_up_from_w(void **context)
{
	struct bench bench;
	struct protocol_chunk *chunk;

	(void)context;
	start_alone(&bench);
	commit(&bench, 20, 23);
	EXPECT(&bench, "free 0 20-23");
	protocol_store_ready(bench.protocol, bench.now);
	EXPECT(&bench, "load 0 behind");
	bench_answer_state(&bench, 0, 17, false);
	EXPECT(&bench, "catch up 0 17");
	assert_int_equal(protocol_catch_up_end(bench.protocol, 0), 23);
	chunk = &bench.chunks[bench.used++];
	*chunk = (struct protocol_chunk){ .from = 17, .to = 23, .events = 1 };
	protocol_catch_up_add(bench.protocol, chunk);
	EXPECT(&bench, "notice 0 caught 6, caught 0, apply 0 17-23");
	bench_close(&bench);
}

static void test_redis_that_does_not_fit_is_loaded_and_refused(void **context)
{
	static const struct {
		struct load_reply reply;
		const char *uuid;
		enum refusal refusal;
	} rows[] = {
		{ { .ok = true, .missing = true }, UUID_A, REFUSAL_STORE_EMPTY },
		{ { .ok = true, .applied = 17 }, UUID_B, REFUSAL_STORE_FOREIGN },
		{ { .ok = true, .applied = 2 * LOG_END }, UUID_A, REFUSAL_LOG_SHORTER },
	};
	const struct offsets_reply offsets = offsets_at(20, 20, 5);

	(void)context;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct load_reply reply = rows[i].reply;
		struct bench bench;
		char expected[32];

		memcpy(reply.uuid, rows[i].uuid, PROTOCOL_UUID_SIZE);
		snprintf(expected, sizeof(expected), "refuse 0 %d", (int)rows[i].refusal);
		start_alone(&bench);
		protocol_store_ready(bench.protocol, bench.now);
		EXPECT(&bench, "load 0 behind");
		protocol_loaded(bench.protocol, 0, bench.token[0], &reply, bench.now);
		EXPECT(&bench, "caught 0, drop 0 refused, read 0");
		for (int look = 0; look < 2; look++) {
			answer(&bench, &offsets);
			EXPECT(&bench, "load 0");
			protocol_loaded(bench.protocol, 0, bench.token[0], &reply, bench.now);
			if (look == 0)
				EXPECT(&bench, "");
			/* Redis answers, if badly: nothing is started without it. */
			bench.now += 3000;
			protocol_tick(bench.protocol, bench.now);
			if (look == 0)
				EXPECT(&bench, "read 0");
		}
		EXPECT(&bench, expected);
		bench_close(&bench);
	}
}

static void test_redis_that_answers_meanwhile_is_loaded(void **context)
{
	struct bench bench;
	struct offsets_reply reply = offsets_at(20, 20, 5);

	(void)context;
	wait_in_vain(&bench, &reply);
	EXPECT(&bench, "log 0 5-20");
	protocol_store_ready(bench.protocol, bench.now);
	EXPECT(&bench, "read 0");
	answer(&bench, &reply);
	EXPECT(&bench, "load 0");
	bench_answer_state(&bench, 0, 18, false);
	EXPECT(&bench, "start 0 18, publish 0:20=");
	log_loaded(&bench, LOG_LOAD_GOOD);
	EXPECT(&bench, "");
	bench_close(&bench);
}

static void test_redis_that_answers_too_late_is_not_used(void **context)
{
	struct bench bench;
	struct offsets_reply reply = offsets_at(20, 20, 5);
	uint64_t load;

	(void)context;
	wait_in_vain(&bench, &reply);
	EXPECT(&bench, "log 0 5-20");
	protocol_store_ready(bench.protocol, bench.now);
	EXPECT(&bench, "read 0");
	answer(&bench, &reply);
	EXPECT(&bench, "load 0");
	load = bench.token[0];
	log_loaded(&bench, LOG_LOAD_GOOD);
	EXPECT(&bench, "notice 0 alone 15, start 0 20 alone, load 0 behind, publish 0:20=");
	bench.token[0] = load;
	bench_answer_state(&bench, 0, 18, false);
	EXPECT(&bench, "");
	bench_close(&bench);
}

static void test_long_load_is_waited_for_and_failing_one_is_not(void **context)
{
	struct bench bench;
	struct offsets_reply reply = offsets_at(20, 20, 5);
	struct load_reply loading = { .ok = false };
	const int slots[] = { 0 };

	(void)context;
	open_bench(&bench);
	protocol_store_ready(bench.protocol, bench.now);
	protocol_assigned(bench.protocol, slots, 1, bench.now);
	EXPECT(&bench, "drop 0 assigned, read 0");
	answer(&bench, &reply);
	EXPECT(&bench, "recreate, load 0");
	protocol_recreated(bench.protocol, true, bench.now);
	protocol_tick(bench.protocol, bench.now += 10 * AFTER_MS);
	EXPECT(&bench, "");
	protocol_loaded(bench.protocol, 0, bench.token[0], &loading, bench.now);
	EXPECT(&bench, "log 0 5-20");
	bench_close(&bench);
}

static void test_slot_that_may_not_waits(void **context)
{
	struct bench bench;
	const int slots[] = { 1 };

	(void)context;
	open_bench(&bench);
	protocol_assigned(bench.protocol, slots, 1, bench.now);
	bench_actions(&bench);
	bench_answer_offsets(&bench, 1, 20);
	EXPECT(&bench, "recreate");
	protocol_recreated(bench.protocol, true, bench.now);
	protocol_tick(bench.protocol, bench.now += 10 * AFTER_MS);
	EXPECT(&bench, "");
	assert_int_equal(protocol_next_tick(bench.protocol), INT64_MAX);
	bench_close(&bench);
}

static void test_what_the_log_cannot_tell_waits_and_says_why(void **context)
{
	struct {
		struct offsets_reply reply;
		enum obstacle obstacle;
	} rows[] = {
		{ offsets_at(PROTOCOL_OFFSET_NONE, PROTOCOL_OFFSET_NONE, 5), OBSTACLE_NO_OFFSET },
		{ offsets_at(30, 20, 5), OBSTACLE_NO_OFFSET }, /* moved forward by hand */
		{ offsets_at(20, 20, PROTOCOL_OFFSET_NONE), OBSTACLE_NO_ANCHOR },
		{ offsets_at(20, 20, 5), OBSTACLE_OTHER_STORE },
		{ offsets_at(20, 20, 5), OBSTACLE_LOG },
		{ offsets_at(LOG_END + 1, LOG_END + 1, 5), OBSTACLE_LOG },
	};

	(void)context;
	rows[1].reply.group.ours = false;
	memcpy(rows[3].reply.shadow.uuid, UUID_B, PROTOCOL_UUID_SIZE);
	rows[4].reply.log_start = 6;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;
		char expected[32];

		snprintf(expected, sizeof(expected), "notice 0 waits %d", (int)rows[i].obstacle);
		wait_in_vain(&bench, &rows[i].reply);
		EXPECT(&bench, expected);
		protocol_tick(bench.protocol, bench.now += AFTER_MS);
		EXPECT(&bench, "");
		protocol_store_ready(bench.protocol, bench.now);
		EXPECT(&bench, "read 0");
		bench_close(&bench);
	}
}

static void test_either_group_alone_will_do(void **context)
{
	struct offsets_reply rewound = offsets_at(12, 20, 5), emptied = offsets_at(20, 20, 5);
	struct bench bench;

	(void)context;
	rewound.group.ours = false;
	wait_in_vain(&bench, &rewound);
	EXPECT(&bench, "log 0 5-20");
	log_loaded(&bench, LOG_LOAD_GOOD);
	EXPECT(&bench, "notice 0 alone 15, notice 0 behind 8, start 0 20 alone, publish 0:20=");
	bench_close(&bench);
	emptied.shadow = bench_entry(3, NULL);
	wait_in_vain(&bench, &emptied);
	EXPECT(&bench, "log 0 5-20");
	log_loaded(&bench, LOG_LOAD_GOOD);
	EXPECT(&bench, "notice 0 alone 15, notice 0 shadow 1, start 0 20 alone, publish 0:20=");
	bench_close(&bench);
}

static void test_log_that_does_not_lead_to_c_waits_for_redis(void **context)
{
	static const struct {
		enum log_load_result result;
		enum obstacle obstacle;
	} rows[] = { { LOG_LOAD_DIFFERS, OBSTACLE_TIME }, { LOG_LOAD_GONE, OBSTACLE_LOG } };
	struct offsets_reply reply = offsets_at(20, 20, 5);

	(void)context;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;
		char expected[32];

		snprintf(expected, sizeof(expected), "notice 0 waits %d", (int)rows[i].obstacle);
		wait_in_vain(&bench, &reply);
		EXPECT(&bench, "log 0 5-20");
		log_loaded(&bench, rows[i].result);
		EXPECT(&bench, expected);
		protocol_store_ready(bench.protocol, bench.now);
		EXPECT(&bench, "read 0");
		answer(&bench, &reply);
		EXPECT(&bench, "load 0");
		bench_answer_state(&bench, 0, 20, false);
		EXPECT(&bench, "start 0 20, publish 0:20=");
		bench_close(&bench);
	}
}

static void test_void_answer_is_ignored(void **context)
{
	struct bench bench;
	struct offsets_reply reply = offsets_at(20, 20, 5);
	const int slots[] = { 0 };

	(void)context;
	wait_in_vain(&bench, &reply);
	EXPECT(&bench, "log 0 5-20");
	protocol_revoked(bench.protocol, false, bench.now);
	EXPECT(&bench, "drop 0 dropped, release");
	protocol_assigned(bench.protocol, slots, 1, bench.now);
	EXPECT(&bench, "drop 0 assigned, read 0");
	log_loaded(&bench, LOG_LOAD_GOOD);
	EXPECT(&bench, "");
	bench_close(&bench);
}

static void test_stop_without_redis_is_unclean(void **context)
{
	struct bench bench;

	(void)context;
	start_alone(&bench);
	protocol_stop(bench.protocol, bench.now);
	EXPECT(&bench, "stopped unclean");
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_publishes_from_c_and_applies_nothing),
		cmocka_unit_test(test_redis_back_is_caught_up_from_w),
		cmocka_unit_test(test_redis_that_does_not_fit_is_loaded_and_refused),
		cmocka_unit_test(test_redis_that_answers_meanwhile_is_loaded),
		cmocka_unit_test(test_redis_that_answers_too_late_is_not_used),
		cmocka_unit_test(test_long_load_is_waited_for_and_failing_one_is_not),
		cmocka_unit_test(test_slot_that_may_not_waits),
		cmocka_unit_test(test_what_the_log_cannot_tell_waits_and_says_why),
		cmocka_unit_test(test_either_group_alone_will_do),
		cmocka_unit_test(test_log_that_does_not_lead_to_c_waits_for_redis),
		cmocka_unit_test(test_void_answer_is_ignored),
		cmocka_unit_test(test_stop_without_redis_is_unclean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
