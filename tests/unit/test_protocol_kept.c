/* SPDX-License-Identifier: Apache-2.0 */
/* A short tail loss of Redis is healed from kept chunks. */
#include "protocol_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct protocol_settings keeping(void)
{
	struct protocol_settings settings = bench_settings;

	settings.keep_max = 5;
	settings.keep_ms = 1000;
	return settings;
}

/* Slot 0 stands at 16: [10, 12), [12, 15) and [15, 16) are applied and kept. */
static void applied_and_kept(struct bench *bench)
{
	static const int64_t borders[] = { 10, 12, 15, 16 };
	struct protocol_settings settings = keeping();

	bench_live_with(bench, &settings, 1, 10, 16);
	for (int i = 0; i < 3; i++) {
		struct protocol_chunk *chunk = bench_add(bench, 0, borders[i], borders[i + 1]);

		bench_actions(bench);
		protocol_applied(bench->protocol, chunk, APPLY_OK, bench->now);
	}
	EXPECT(bench, "");
}

static void see(struct bench *bench, int64_t at_least, int64_t applied, const char *uuid)
{
	struct load_reply reply = { .ok = true, .applied = applied };

	memcpy(reply.uuid, uuid, PROTOCOL_UUID_SIZE);
	protocol_watched(bench->protocol, 0, bench->token[0], at_least, &reply, bench->now);
}

static void test_watch_finds_loss_and_it_is_sent_again(void **context)
{
	struct bench bench;

	(void)context;
	applied_and_kept(&bench);
	see(&bench, 16, 12, UUID_A);
	EXPECT(&bench, "look 0 16");
	see(&bench, 16, 12, UUID_A);
	EXPECT(&bench, "notice 0 healed 4, apply 0 12-15, apply 0 15-16");
	struct protocol_view view;
	protocol_view(bench.protocol, 0, &view);
	assert_int_equal(view.applied, 12);
	assert_int_equal(view.state, SLOT_LIVE);
	bench_close(&bench);
}

static void test_refusal_is_healed_with_what_waits(void **context)
{
	struct bench bench;

	(void)context;
	applied_and_kept(&bench);
	struct protocol_chunk *chunk = bench_add(&bench, 0, 16, 18);
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:18");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 16-18");
	protocol_applied(bench.protocol, chunk, APPLY_REFUSED, bench.now);
	EXPECT(&bench, "look 0 16");
	see(&bench, 16, 15, UUID_A);
	EXPECT(&bench, "notice 0 healed 1, apply 0 15-16, apply 0 16-18");
	bench_close(&bench);
}

static void test_reconnect_looks_before_it_sends(void **context)
{
	struct bench bench;

	(void)context;
	applied_and_kept(&bench);
	protocol_store_lost(bench.protocol, bench.now);
	protocol_store_ready(bench.protocol, bench.now);
	EXPECT(&bench, "look 0 16");
	see(&bench, 16, 16, UUID_A);
	EXPECT(&bench, "");
	bench_close(&bench);
}

static void test_loss_beyond_what_is_kept_is_loaded(void **context)
{
	static const struct {
		int64_t applied;
		const char *uuid;
	} rows[] = { { 9, UUID_A }, { 13, UUID_A }, { 12, UUID_B } };

	(void)context;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;

		applied_and_kept(&bench);
		protocol_store_lost(bench.protocol, bench.now);
		protocol_store_ready(bench.protocol, bench.now);
		EXPECT(&bench, "look 0 16");
		see(&bench, 16, rows[i].applied, rows[i].uuid);
		EXPECT(&bench, "free 0 10-12, free 0 12-15, free 0 15-16, drop 0 went_back, read 0");
		bench_close(&bench);
	}
}

static void test_kept_is_bounded_by_time_and_events(void **context)
{
	struct bench bench;

	(void)context;
	applied_and_kept(&bench);
	bench.now += 2000;
	protocol_tick(bench.protocol, bench.now); /* age alone frees nothing */
	EXPECT(&bench, "");
	see(&bench, 16, 16, UUID_A);
	EXPECT(&bench, "free 0 10-12, free 0 12-15, free 0 15-16");
	bench_close(&bench);
	applied_and_kept(&bench);
	for (int64_t at = 16; at < 20; at++) {
		struct protocol_chunk *chunk = bench_add(&bench, 0, at, at + 1);
		protocol_publish(bench.protocol);
		bench_actions(&bench);
		protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
		bench_actions(&bench);
		protocol_applied(bench.protocol, chunk, APPLY_OK, bench.now);
	}
	EXPECT(&bench, "free 0 12-15");
	struct protocol_view view;
	protocol_view(bench.protocol, 0, &view);
	assert_int_equal(view.kept, 5);
	bench_close(&bench);
}

static void test_what_others_applied_is_not_sent(void **context)
{
	struct bench bench;

	(void)context;
	applied_and_kept(&bench);
	protocol_store_lost(bench.protocol, bench.now);
	bench_add(&bench, 0, 16, 18);
	bench_add(&bench, 0, 18, 19);
	protocol_publish(bench.protocol);
	bench_actions(&bench);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "");
	protocol_store_ready(bench.protocol, bench.now);
	EXPECT(&bench, "look 0 16");
	see(&bench, 16, 18, UUID_A);
	EXPECT(&bench, "apply 0 18-19");
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watch_finds_loss_and_it_is_sent_again),
		cmocka_unit_test(test_refusal_is_healed_with_what_waits),
		cmocka_unit_test(test_reconnect_looks_before_it_sends),
		cmocka_unit_test(test_loss_beyond_what_is_kept_is_loaded),
		cmocka_unit_test(test_kept_is_bounded_by_time_and_events),
		cmocka_unit_test(test_what_others_applied_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
