/* SPDX-License-Identifier: Apache-2.0 */
#include "anchors.h"
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define WINDOW 24
#define T0 (490000 * HOUR_MS)

static void test_young_becomes_old_once_all_before_it_has_expired(void **state)
{
	struct anchors anchors;

	(void)state;
	anchors_begin(&anchors, 10, T0, false);
	assert_int_equal(anchors.old.offset, ANCHOR_NONE);
	anchors_move(&anchors, 20, T0 + 25 * HOUR_MS - 1, WINDOW);
	assert_int_equal(anchors.old.offset, ANCHOR_NONE);
	anchors_move(&anchors, 30, T0 + 25 * HOUR_MS, WINDOW);
	assert_int_equal(anchors.old.offset, 10);
	assert_int_equal(anchors.old.time_ms, T0);
	assert_int_equal(anchors.young.offset, 30);
	anchors_move(&anchors, 40, T0 + 49 * HOUR_MS, WINDOW);
	assert_int_equal(anchors.old.offset, 10);
	anchors_move(&anchors, 50, T0 + 50 * HOUR_MS, WINDOW);
	assert_int_equal(anchors.old.offset, 30);
}

static void test_fresh_state_serves_at_once(void **state)
{
	struct anchors anchors;

	(void)state;
	anchors_begin(&anchors, 5, STREAM_TIME_NONE, true);
	assert_int_equal(anchors.old.offset, 5);
	assert_true(anchor_serves(&anchors.old, STREAM_TIME_NONE, WINDOW));
	assert_true(anchor_serves(&anchors.old, T0, WINDOW));
	anchors_move(&anchors, 6, T0, WINDOW);
	assert_int_equal(anchors.old.offset, 5);
	assert_int_equal(anchors.young.offset, 6);
}

static void test_moving_back_to_what_is_counted_again_changes_nothing(void **state)
{
	struct anchors anchors;

	(void)state;
	anchors_begin(&anchors, 10, T0, false);
	anchors_move(&anchors, 4, T0 - 30 * HOUR_MS, WINDOW);
	anchors_move(&anchors, 5, STREAM_TIME_NONE, WINDOW);
	assert_int_equal(anchors.young.offset, 10);
}

static void test_serves_only_where_nothing_is_missing(void **state)
{
	static const struct {
		struct anchor anchor;
		int64_t time_ms;
		uint32_t window;
		bool serves;
	} rows[] = {
		{ { ANCHOR_NONE, STREAM_TIME_NONE }, T0, 24, false },
		{ { 0, T0 }, T0 + 25 * HOUR_MS, 24, true },
		{ { 0, T0 }, T0 + 25 * HOUR_MS - 1, 24, false },
		{ { 0, T0 }, T0 + 25 * HOUR_MS, 25, false }, /* the window was made longer since */
		{ { 0, T0 }, STREAM_TIME_NONE, 24, false },
		{ { 0, T0 }, 0, 24, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(anchor_serves(&rows[i].anchor, rows[i].time_ms, rows[i].window), rows[i].serves);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_young_becomes_old_once_all_before_it_has_expired),
		cmocka_unit_test(test_fresh_state_serves_at_once),
		cmocka_unit_test(test_moving_back_to_what_is_counted_again_changes_nothing),
		cmocka_unit_test(test_serves_only_where_nothing_is_missing),
	};
	return cmocka_run_group_tests_name("anchors", tests, NULL, NULL);
}
