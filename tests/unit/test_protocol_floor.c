/* SPDX-License-Identifier: Apache-2.0 */
/* A coordinator that came back from a crash answers with offsets below what is known to be committed: no answer. */
#include "protocol_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NONE PROTOCOL_OFFSET_NONE

static struct protocol_settings patient(void)
{
	struct protocol_settings settings = bench_settings;

	settings.refuse_offsets_after_ms = 1000;
	return settings;
}

static void wait(struct bench *bench, int64_t ms)
{
	bench->now += ms;
	protocol_tick(bench->protocol, bench->now);
}

/* A new process knows nothing but W. */
static void begin(struct bench *bench, const struct protocol_settings *settings)
{
	const int slot = 0;

	bench_open(bench, settings);
	protocol_store_ready(bench->protocol, bench->now);
	protocol_assigned(bench->protocol, &slot, 1, bench->now);
	bench_actions(bench);
	bench_answer_offsets(bench, 0, 4);
	bench_actions(bench);
	protocol_recreated(bench->protocol, true, bench->now);
	bench_answer_state(bench, 0, 8, false);
}

static void test_offsets_below_w_are_read_again(void **context)
{
	struct protocol_settings settings = patient();
	struct bench bench;

	(void)context;
	begin(&bench, &settings);
	EXPECT(&bench, "notice 0 stale 4");
	wait(&bench, bench_settings.retry_ms);
	EXPECT(&bench, "read 0");
	bench_answer_offsets(&bench, 0, NONE); /* told once */
	EXPECT(&bench, "");
	wait(&bench, bench_settings.retry_ms);
	EXPECT(&bench, "read 0");
	bench_answer_offsets(&bench, 0, 10);
	EXPECT(&bench, "load 0");
	bench_answer_state(&bench, 0, 8, false);
	EXPECT(&bench, "start 0 8, publish 0:10=");
	assert_int_equal(protocol_live_from(bench.protocol, 0), 10);
	bench_close(&bench);
}

static void test_offsets_that_stay_below_w_are_refused(void **context)
{
	struct protocol_settings settings = patient();
	struct bench bench;

	(void)context;
	begin(&bench, &settings);
	EXPECT(&bench, "notice 0 stale 4");
	wait(&bench, 900);
	EXPECT(&bench, "read 0");
	bench_answer_offsets(&bench, 0, 4);
	EXPECT(&bench, "");
	wait(&bench, 100);
	EXPECT(&bench, "read 0");
	bench_answer_offsets(&bench, 0, 4);
	EXPECT(&bench, "refuse 0 6");
	bench_close(&bench);
}

static void test_operator_may_accept_them(void **context)
{
	struct protocol_settings settings = patient();
	struct bench bench;

	(void)context;
	settings.accept_missing_offsets = true;
	begin(&bench, &settings);
	EXPECT(&bench, "notice 0 behind 4, start 0 8, publish 0:8=");
	bench_close(&bench);
}

static void test_missing_offsets_are_read_again_for_as_long(void **context)
{
	struct protocol_settings settings = patient();
	struct bench bench;
	const int slot = 0;

	(void)context;
	bench_open(&bench, &settings);
	protocol_store_ready(bench.protocol, bench.now);
	protocol_assigned(bench.protocol, &slot, 1, bench.now);
	bench_actions(&bench);
	for (int i = 0; i < 3; i++) {
		bench_answer_offsets(&bench, 0, NONE);
		bench_actions(&bench);
		bench_answer_state(&bench, 0, 8, false);
		EXPECT(&bench, i < 2 ? "" : "refuse 0 5");
		wait(&bench, 500);
		bench_actions(&bench);
	}
	bench_close(&bench);
}

/* Its transaction of unknown outcome is [10, 12); what the coordinator knows ends below it. */
static void publish_unknown(struct bench *bench)
{
	struct protocol_settings settings = patient();

	bench_live_with(bench, &settings, 1, 10, 10);
	bench_add(bench, 0, 10, 12);
	protocol_publish(bench->protocol);
	EXPECT(bench, "publish 0:12");
	protocol_published(bench->protocol, PUBLISH_UNKNOWN, true, bench->now);
	EXPECT(bench, "recreate");
	protocol_recreated(bench->protocol, true, bench->now);
	EXPECT(bench, "read 0");
	bench_answer_offsets(bench, 0, 3);
	EXPECT(bench, "notice 0 stale 7");
	wait(bench, bench_settings.retry_ms);
	EXPECT(bench, "read 0");
}

static void test_outcome_is_not_told_by_offsets_below_c(void **context)
{
	struct bench bench;

	(void)context;
	publish_unknown(&bench);
	bench_answer_offsets(&bench, 0, 12);
	EXPECT(&bench, "apply 0 10-12");
	bench_close(&bench);

	publish_unknown(&bench);
	bench_answer_offsets(&bench, 0, 10);
	EXPECT(&bench, "");
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:12");
	bench_close(&bench);

	publish_unknown(&bench);
	wait(&bench, 1000);
	bench_answer_offsets(&bench, 0, 3);
	EXPECT(&bench, "refuse 0 6");
	bench_close(&bench);
}

static void test_a_new_load_has_its_own_time(void **context)
{
	struct bench bench;

	(void)context;
	publish_unknown(&bench);
	bench_answer_offsets(&bench, 0, 12);
	EXPECT(&bench, "apply 0 10-12");
	wait(&bench, 5000);
	protocol_out_of_range(bench.protocol, 0, bench.now);
	EXPECT(&bench, "drop 0 out_of_range");
	wait(&bench, bench_settings.retry_ms);
	EXPECT(&bench, "read 0");
	bench_answer_offsets(&bench, 0, 3);
	EXPECT(&bench, "notice 0 stale 9");
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets_below_w_are_read_again),
		cmocka_unit_test(test_offsets_that_stay_below_w_are_refused),
		cmocka_unit_test(test_operator_may_accept_them),
		cmocka_unit_test(test_missing_offsets_are_read_again_for_as_long),
		cmocka_unit_test(test_outcome_is_not_told_by_offsets_below_c),
		cmocka_unit_test(test_a_new_load_has_its_own_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
