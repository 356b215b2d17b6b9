/* SPDX-License-Identifier: Apache-2.0 */
/* A slot that Redis cannot follow: its live side goes on, a second reader catches up and hands over. */
#include "protocol_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct protocol_settings catching_up(void)
{
	struct protocol_settings settings = bench_settings;

	settings.catch_up = true;
	settings.patience_ms = 1000;
	settings.apply_queue_max = 4;
	return settings;
}

static void open_bench(struct bench *bench)
{
	struct protocol_settings settings = catching_up();

	bench_live_with(bench, &settings, 1, 10, 10);
}

static struct protocol_chunk *commit(struct bench *bench, int64_t from, int64_t to)
{
	struct protocol_chunk *chunk = bench_add(bench, 0, from, to);

	protocol_publish(bench->protocol);
	bench_actions(bench);
	protocol_published(bench->protocol, PUBLISH_COMMITTED, false, bench->now);
	return chunk;
}

/* Refused at 10; the live side stands at 14, 14 is open. */
static void refused(struct bench *bench)
{
	open_bench(bench);
	struct protocol_chunk *chunk = commit(bench, 10, 12);
	EXPECT(bench, "apply 0 10-12");
	protocol_applied(bench->protocol, chunk, APPLY_REFUSED, bench->now);
	EXPECT(bench, "free 0 10-12, notice 0 late 2, load 0 behind");
	commit(bench, 12, 14);
	EXPECT(bench, "free 0 12-14");
	bench_add(bench, 0, 14, 15);
}

static struct protocol_chunk *catch_up(struct bench *bench, int64_t from, int64_t to)
{
	struct protocol_chunk *chunk = &bench->chunks[bench->used++];

	*chunk = (struct protocol_chunk){ .from = from, .to = to, .events = 1 };
	assert_int_equal(protocol_catch_up_position(bench->protocol, 0), from);
	protocol_catch_up_add(bench->protocol, chunk);
	return chunk;
}

static void test_refused_goes_on_and_is_caught_up(void **context)
{
	struct bench bench;
	struct protocol_view view;

	(void)context;
	refused(&bench);
	bench_answer_state(&bench, 0, 7, false);
	EXPECT(&bench, "catch up 0 7");
	protocol_view(bench.protocol, 0, &view);
	assert_true(view.behind);
	assert_int_equal(view.state, SLOT_LIVE);
	assert_int_equal(view.missing, 7);
	assert_int_equal(protocol_catch_up_intake(bench.protocol, 0, 6), CATCH_UP_DROP);
	assert_int_equal(protocol_catch_up_intake(bench.protocol, 0, 13), CATCH_UP_DECIDE);
	/* 14 is decided and not committed. */
	assert_int_equal(protocol_catch_up_intake(bench.protocol, 0, 14), CATCH_UP_BEYOND);
	assert_int_equal(protocol_catch_up_end(bench.protocol, 0), 14);
	catch_up(&bench, 7, 11);
	EXPECT(&bench, "apply 0 7-11");
	catch_up(&bench, 11, 14);
	EXPECT(&bench, "notice 0 caught 7, caught 0, apply 0 11-14");
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:15");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 14-15");
	bench_close(&bench);
}

static void test_nothing_missing_needs_no_reader(void **context)
{
	struct bench bench;

	(void)context;
	refused(&bench);
	bench_answer_state(&bench, 0, 14, false);
	EXPECT(&bench, "notice 0 caught 0, caught 0");
	bench_close(&bench);
}

static void test_another_store_is_loaded(void **context)
{
	struct bench bench;
	struct load_reply reply = { .ok = true, .applied = 7 };

	(void)context;
	refused(&bench);
	memcpy(reply.uuid, UUID_B, PROTOCOL_UUID_SIZE);
	protocol_loaded(bench.protocol, 0, bench.token[0], &reply, bench.now);
	EXPECT(&bench, "free 0 14-15, caught 0, drop 0 refused, read 0");
	bench_close(&bench);
}

static void test_store_beyond_what_is_committed_is_loaded(void **context)
{
	struct bench bench;

	(void)context;
	refused(&bench);
	bench_answer_state(&bench, 0, 15, false);
	EXPECT(&bench, "free 0 14-15, caught 0, drop 0 refused, read 0");
	bench_close(&bench);
}

static void test_hole_below_the_end_is_loaded(void **context)
{
	struct bench bench;

	(void)context;
	refused(&bench);
	bench_answer_state(&bench, 0, 7, false);
	EXPECT(&bench, "catch up 0 7");
	protocol_catch_up_missed(bench.protocol, 0);
	EXPECT(&bench, "free 0 14-15, caught 0, drop 0 refused, read 0");
	bench_close(&bench);
}

static void test_full_queue_of_a_lost_store_is_thrown_away(void **context)
{
	struct bench bench;

	(void)context;
	open_bench(&bench);
	protocol_store_lost(bench.protocol, bench.now);
	for (int64_t at = 10; at < 14; at++) {
		commit(&bench, at, at + 1);
		EXPECT(&bench, "");
		assert_true(protocol_wants_records(bench.protocol));
	}
	commit(&bench, 14, 15);
	EXPECT(&bench, "free 0 10-11, free 0 11-12, free 0 12-13, free 0 13-14, notice 0 late 5, free 0 14-15");
	assert_true(protocol_wants_records(bench.protocol));
	protocol_store_ready(bench.protocol, bench.now);
	EXPECT(&bench, "load 0 behind");
	bench_close(&bench);
}

static void test_full_queue_of_a_living_store_waits(void **context)
{
	struct bench bench;

	(void)context;
	open_bench(&bench);
	for (int64_t at = 10; at < 14; at++)
		commit(&bench, at, at + 1);
	bench_actions(&bench);
	assert_false(protocol_wants_records(bench.protocol));
	assert_int_equal(protocol_next_tick(bench.protocol), bench.now + 1000);
	bench.now += 1000;
	protocol_tick(bench.protocol, bench.now);
	assert_true(protocol_wants_records(bench.protocol));
	bench_close(&bench);
}

static void test_stop_while_behind_is_unclean(void **context)
{
	struct bench bench;

	(void)context;
	refused(&bench);
	protocol_stop(bench.protocol, bench.now);
	EXPECT(&bench, "publish 0:15");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "free 0 14-15, stopped unclean");
	bench_close(&bench);
}

static void test_revoke_while_behind_does_not_wait_for_redis(void **context)
{
	struct bench bench;

	(void)context;
	refused(&bench);
	protocol_revoked(bench.protocol, false, bench.now);
	EXPECT(&bench, "free 0 14-15, caught 0, drop 0 dropped, release");
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_goes_on_and_is_caught_up),
		cmocka_unit_test(test_nothing_missing_needs_no_reader),
		cmocka_unit_test(test_another_store_is_loaded),
		cmocka_unit_test(test_store_beyond_what_is_committed_is_loaded),
		cmocka_unit_test(test_hole_below_the_end_is_loaded),
		cmocka_unit_test(test_full_queue_of_a_lost_store_is_thrown_away),
		cmocka_unit_test(test_full_queue_of_a_living_store_waits),
		cmocka_unit_test(test_stop_while_behind_is_unclean),
		cmocka_unit_test(test_revoke_while_behind_does_not_wait_for_redis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
