/* SPDX-License-Identifier: Apache-2.0 */
/* Walks through single rules. The simulator (tests/sim) proves the whole; test_protocol_start.c has the start decision.
 */
#include "protocol_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_publish_then_apply(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 2, 10, 10);
	struct protocol_chunk *first = bench_add(&bench, 0, 10, 12);
	struct protocol_chunk *second = bench_add(&bench, 1, 10, 11);
	bench_add(&bench, 0, 12, 15);
	EXPECT(&bench, "");
	assert_true(protocol_can_publish(bench.protocol));
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:15 1:11");
	assert_false(protocol_can_publish(bench.protocol));
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-12, apply 1 10-11, apply 0 12-15");
	protocol_applied(bench.protocol, first, APPLY_OK, bench.now);
	protocol_applied(bench.protocol, second, APPLY_OK, bench.now);
	EXPECT(&bench, "free 0 10-12, free 1 10-11");
	struct protocol_view view;
	protocol_view(bench.protocol, 0, &view);
	assert_int_equal(view.applied, 12);
	assert_int_equal(view.published, 15);
	assert_int_equal(view.position, 15);
	bench_close(&bench);
}

static void test_muted_goes_to_redis_without_transaction(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 14);
	assert_int_equal(protocol_intake(bench.protocol, 0, 9), INTAKE_DROP);
	assert_int_equal(protocol_intake(bench.protocol, 0, 13), INTAKE_MUTED);
	assert_int_equal(protocol_intake(bench.protocol, 0, 14), INTAKE_LIVE);
	bench_add(&bench, 0, 10, 13);
	EXPECT(&bench, "apply 0 10-13");
	/* 13 is a hole in the log: the live chunk begins below C. */
	bench_add(&bench, 0, 13, 16);
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:16");
	bench_close(&bench);
}

static void test_aborted_goes_again_in_order(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 2, 10, 10);
	bench_add(&bench, 0, 10, 12);
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:12");
	struct protocol_chunk *later = bench_add(&bench, 0, 12, 13);
	protocol_published(bench.protocol, PUBLISH_ABORTED, false, bench.now);
	EXPECT(&bench, "");
	assert_false(protocol_can_publish(bench.protocol));
	assert_int_equal(protocol_next_tick(bench.protocol), bench.now + 100);
	bench.now += 100;
	protocol_tick(bench.protocol, bench.now);
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:13");
	assert_ptr_equal(bench.chunks[0].next, later);
	bench_close(&bench);
}

static void test_tainted_producer_is_made_anew(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	bench_add(&bench, 0, 10, 12);
	protocol_publish(bench.protocol);
	bench_actions(&bench);
	bench_add(&bench, 0, 12, 13);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, true, bench.now);
	EXPECT(&bench, "apply 0 10-12, recreate");
	assert_false(protocol_can_publish(bench.protocol));
	protocol_recreated(bench.protocol, false, bench.now);
	EXPECT(&bench, "");
	bench.now += 100;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "recreate");
	protocol_recreated(bench.protocol, true, bench.now);
	assert_true(protocol_can_publish(bench.protocol));
	bench_close(&bench);
}

static void unknown_outcome(struct bench *bench)
{
	bench_live(bench, 2, 10, 10);
	bench_add(bench, 0, 10, 12);
	bench_add(bench, 1, 10, 13);
	protocol_publish(bench->protocol);
	EXPECT(bench, "publish 0:12 1:13");
	protocol_published(bench->protocol, PUBLISH_UNKNOWN, true, bench->now);
	EXPECT(bench, "recreate");
	protocol_recreated(bench->protocol, true, bench->now);
	EXPECT(bench, "read 0, read 1");
}

static void test_unknown_outcome_was_committed(void **context)
{
	struct bench bench;

	(void)context;
	unknown_outcome(&bench);
	bench_answer_offsets(&bench, 0, 12);
	EXPECT(&bench, "");
	bench_answer_offsets(&bench, 1, 13);
	EXPECT(&bench, "apply 0 10-12, apply 1 10-13");
	bench_close(&bench);
}

static void test_unknown_outcome_was_not_committed(void **context)
{
	struct bench bench;

	(void)context;
	unknown_outcome(&bench);
	bench_answer_offsets(&bench, 1, 10);
	bench_answer_offsets(&bench, 0, 10);
	EXPECT(&bench, "");
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:12 1:13");
	bench_close(&bench);
}

static void test_unknown_outcome_that_disagrees_is_loaded(void **context)
{
	struct bench bench;

	(void)context;
	unknown_outcome(&bench);
	bench_answer_offsets(&bench, 0, 12);
	bench_answer_offsets(&bench, 1, 10);
	EXPECT(&bench, "drop 0 unknown_outcome, drop 1 unknown_outcome, free 0 10-12, free 1 10-13, read 0, read 1");
	bench_close(&bench);
}

static void test_load_waits_for_own_transaction(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 2, 10, 10);
	struct protocol_chunk *chunk = bench_add(&bench, 0, 10, 11);
	protocol_publish(bench.protocol);
	bench_actions(&bench);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11");
	bench_add(&bench, 0, 11, 12);
	bench_add(&bench, 1, 10, 12);
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:12 1:12");
	bench_add(&bench, 0, 12, 13); /* unsent */
	protocol_applied(bench.protocol, chunk, APPLY_REFUSED, bench.now);
	EXPECT(&bench, "free 0 12-13, free 0 10-11, drop 0 refused");
	assert_int_equal(protocol_intake(bench.protocol, 0, 12), INTAKE_DROP);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "free 0 11-12, apply 1 10-12, read 0");
	bench_close(&bench);
}

static void test_lost_slot_leaves_the_batch(void **context)
{
	struct bench bench;
	const int slot = 1;

	(void)context;
	bench_live(&bench, 2, 10, 10);
	bench_add(&bench, 0, 10, 11);
	bench_add(&bench, 1, 10, 12);
	protocol_publish(bench.protocol);
	bench_actions(&bench);
	protocol_revoked(bench.protocol, true, bench.now);
	EXPECT(&bench, "drop 0 dropped, drop 1 dropped, release");
	protocol_assigned(bench.protocol, &slot, 1, bench.now);
	EXPECT(&bench, "drop 1 assigned"); /* held by the open transaction: C is not read yet */
	protocol_published(bench.protocol, PUBLISH_ABORTED, false, bench.now);
	EXPECT(&bench, "free 0 10-11, free 1 10-12, read 1");
	bench_close(&bench);
}

static void test_revoke_waits_for_applies(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	struct protocol_chunk *chunk = bench_add(&bench, 0, 10, 11);
	protocol_publish(bench.protocol);
	bench_actions(&bench);
	bench_add(&bench, 0, 11, 12);
	protocol_revoked(bench.protocol, false, bench.now);
	EXPECT(&bench, "free 0 11-12");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11");
	protocol_applied(bench.protocol, chunk, APPLY_OK, bench.now);
	EXPECT(&bench, "free 0 10-11, drop 0 dropped, release");
	bench_close(&bench);
}

static void test_refusal_while_draining_gives_up(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	struct protocol_chunk *first = bench_add(&bench, 0, 10, 11);
	struct protocol_chunk *second = bench_add(&bench, 0, 11, 12);
	protocol_publish(bench.protocol);
	bench_actions(&bench);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11, apply 0 11-12");
	protocol_revoked(bench.protocol, false, bench.now);
	protocol_applied(bench.protocol, first, APPLY_REFUSED, bench.now);
	EXPECT(&bench, "free 0 10-11, drop 0 dropped, release");
	protocol_applied(bench.protocol, second, APPLY_REFUSED, bench.now);
	EXPECT(&bench, "free 0 11-12");
	bench_close(&bench);
}

static void test_stop_bound_over_a_drain_is_unclean(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	bench_add(&bench, 0, 10, 11);
	protocol_publish(bench.protocol);
	bench_actions(&bench);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11");
	protocol_stop(bench.protocol, bench.now);
	bench.now += 100;
	protocol_revoked(bench.protocol, false, bench.now);
	EXPECT(&bench, "");
	bench.now += 4900;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "stopped unclean");
	bench_close(&bench);
}

static void test_nothing_assigned_still_ends_old_transactions(void **context)
{
	struct bench bench;

	(void)context;
	bench_open(&bench, &bench_settings);
	protocol_assigned(bench.protocol, NULL, 0, bench.now);
	EXPECT(&bench, "recreate");
	bench_close(&bench);
}

static void test_revoke_waits_only_so_long(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	bench_add(&bench, 0, 10, 11);
	protocol_publish(bench.protocol);
	bench_actions(&bench);
	protocol_revoked(bench.protocol, false, bench.now);
	EXPECT(&bench, "");
	assert_int_equal(protocol_next_tick(bench.protocol), bench.now + 5000);
	bench.now += 5000;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "drop 0 dropped, release");
	bench_close(&bench);
}

static void test_redis_lost_and_back(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	bench_add(&bench, 0, 10, 11);
	bench_add(&bench, 0, 11, 12);
	protocol_publish(bench.protocol);
	bench_actions(&bench);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11, apply 0 11-12");
	protocol_store_lost(bench.protocol, bench.now);
	bench_add(&bench, 0, 12, 13); /* publishing goes on */
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:13");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "");
	protocol_store_ready(bench.protocol, bench.now);
	EXPECT(&bench, "apply 0 10-11, apply 0 11-12, apply 0 12-13");
	bench_close(&bench);
}

static void test_busy_redis_is_asked_again_in_order(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 12);
	struct protocol_chunk *first = bench_add(&bench, 0, 10, 11);
	struct protocol_chunk *second = bench_add(&bench, 0, 11, 12);
	EXPECT(&bench, "apply 0 10-11, apply 0 11-12");
	protocol_applied(bench.protocol, first, APPLY_RETRY, bench.now);
	EXPECT(&bench, "");
	protocol_applied(bench.protocol, second, APPLY_REFUSED, bench.now);
	bench.now += 100;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "apply 0 10-11, apply 0 11-12");
	bench_close(&bench);
}

static void test_intake_pauses_when_redis_stays_away(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 0, 100);
	protocol_store_lost(bench.protocol, bench.now);
	for (int64_t offset = 0; offset < 16; offset++) {
		assert_true(protocol_wants_records(bench.protocol));
		bench_add(&bench, 0, offset, offset + 1);
	}
	assert_false(protocol_wants_records(bench.protocol));
	bench_close(&bench);
}

static void test_watch_finds_lost_writes(void **context)
{
	struct bench bench;
	uint64_t token;
	int64_t at_least;
	struct load_reply reply = { .ok = true, .applied = 10 };

	(void)context;
	bench_live(&bench, 1, 10, 10);
	assert_true(protocol_watches(bench.protocol, 0, &token, &at_least));
	assert_int_equal(at_least, 10);
	memcpy(reply.uuid, UUID_A, PROTOCOL_UUID_SIZE);
	protocol_watched(bench.protocol, 0, token, at_least, &reply, bench.now);
	EXPECT(&bench, "");
	reply.applied = 9;
	protocol_watched(bench.protocol, 0, token, at_least, &reply, bench.now);
	EXPECT(&bench, "drop 0 went_back, read 0");
	bench_answer_offsets(&bench, 0, 10);
	EXPECT(&bench, "load 0");
	bench_answer_state(&bench, 0, 7, false);
	EXPECT(&bench, "notice 0 back 3, start 0 7, publish 0:10=");
	protocol_watched(bench.protocol, 0, token, at_least, &reply, bench.now);
	EXPECT(&bench, ""); /* an answer of before the load */
	bench_close(&bench);
}

static void test_failed_load_reads_the_offsets_again(void **context)
{
	struct bench bench;
	const int slots[] = { 0, 1 };
	struct load_reply failed = { .ok = false };

	(void)context;
	bench_open(&bench, &bench_settings);
	protocol_assigned(bench.protocol, slots, 2, bench.now);
	EXPECT(&bench, "drop 0 assigned, drop 1 assigned, read 0, read 1");
	bench_answer_offsets(&bench, 0, 5);
	bench_answer_offsets(&bench, 1, 6);
	EXPECT(&bench, "recreate");
	protocol_store_ready(bench.protocol, bench.now);
	EXPECT(&bench, "read 0, read 1");
	bench_answer_offsets(&bench, 0, 5);
	bench_answer_offsets(&bench, 1, 6);
	EXPECT(&bench, "load 0, load 1");
	bench_answer_state(&bench, 1, 6, false);
	protocol_loaded(bench.protocol, 0, bench.token[0], &failed, bench.now);
	EXPECT(&bench, "start 1 6");
	bench.now += 100;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "read 0");
	bench_close(&bench);
}

static void test_recommit_of_quiet_slots(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 2, 10, 10);
	assert_int_equal(protocol_next_tick(bench.protocol), bench.now + bench_settings.recommit_ms);
	bench.now += bench_settings.recommit_ms;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "publish 0:10= 1:10=");
	bench_close(&bench);
}

static void test_hijack_is_refused(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	for (int i = 0; i < 4; i++) {
		bench_add(&bench, 0, 10 + i, 11 + i);
		protocol_publish(bench.protocol);
		bench_actions(&bench);
		protocol_published(bench.protocol, PUBLISH_COMMITTED, true, bench.now);
		bench_actions(&bench);
		bench.now += 10000;
		protocol_recreated(bench.protocol, true, bench.now);
	}
	EXPECT(&bench, "refuse -1 7");
	assert_false(protocol_wants_records(bench.protocol));
	bench_close(&bench);
}

static void test_stop_publishes_and_applies(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	struct protocol_chunk *chunk = bench_add(&bench, 0, 10, 11);
	protocol_stop(bench.protocol, bench.now);
	EXPECT(&bench, "publish 0:11");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11");
	protocol_applied(bench.protocol, chunk, APPLY_OK, bench.now);
	EXPECT(&bench, "free 0 10-11, stopped clean");
	bench_close(&bench);
}

static void test_stop_without_redis_is_unclean(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	protocol_store_lost(bench.protocol, bench.now);
	bench_add(&bench, 0, 10, 11);
	protocol_stop(bench.protocol, bench.now);
	EXPECT(&bench, "publish 0:11");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "");
	bench.now += 5000;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "stopped unclean");
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_publish_then_apply),
		cmocka_unit_test(test_muted_goes_to_redis_without_transaction),
		cmocka_unit_test(test_aborted_goes_again_in_order),
		cmocka_unit_test(test_tainted_producer_is_made_anew),
		cmocka_unit_test(test_unknown_outcome_was_committed),
		cmocka_unit_test(test_unknown_outcome_was_not_committed),
		cmocka_unit_test(test_unknown_outcome_that_disagrees_is_loaded),
		cmocka_unit_test(test_load_waits_for_own_transaction),
		cmocka_unit_test(test_lost_slot_leaves_the_batch),
		cmocka_unit_test(test_revoke_waits_for_applies),
		cmocka_unit_test(test_revoke_waits_only_so_long),
		cmocka_unit_test(test_refusal_while_draining_gives_up),
		cmocka_unit_test(test_stop_bound_over_a_drain_is_unclean),
		cmocka_unit_test(test_nothing_assigned_still_ends_old_transactions),
		cmocka_unit_test(test_redis_lost_and_back),
		cmocka_unit_test(test_busy_redis_is_asked_again_in_order),
		cmocka_unit_test(test_intake_pauses_when_redis_stays_away),
		cmocka_unit_test(test_watch_finds_lost_writes),
		cmocka_unit_test(test_failed_load_reads_the_offsets_again),
		cmocka_unit_test(test_recommit_of_quiet_slots),
		cmocka_unit_test(test_hijack_is_refused),
		cmocka_unit_test(test_stop_publishes_and_applies),
		cmocka_unit_test(test_stop_without_redis_is_unclean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
