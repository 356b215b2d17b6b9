/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define T0 1764060000000LL

static void test_time_is_a_bounded_maximum(void **state)
{
	(void)state;
	static const struct {
		int64_t before, timestamp, after;
		bool clipped;
	} rows[] = {
		{ STREAM_TIME_NONE, T0, T0, false },
		{ STREAM_TIME_NONE, -1, STREAM_TIME_NONE, true },
		{ STREAM_TIME_NONE, 0, STREAM_TIME_NONE, true },                /* 1970 */
		{ STREAM_TIME_NONE, 4102444800000LL, STREAM_TIME_NONE, true },  /* 2100 */
		{ STREAM_TIME_NONE, 1420070400000LL, 1420070400000LL, false },  /* 2015 */
		{ T0, T0 - 5000, T0, false },                                   /* late */
		{ T0, T0 + 5000, T0 + 5000, false },
		{ T0, T0 + HOUR_MS, T0 + HOUR_MS, false },
		{ T0, T0 + HOUR_MS + 1, T0 + HOUR_MS, true },                   /* a lying clock moves T by an hour at most */
		{ T0, 1742000000000000LL, T0, true },                           /* year 57171 */
		{ T0, -1, T0, true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stream stream = { .time_ms = rows[i].before };
		assert_int_equal(stream_advance(&stream, rows[i].timestamp), rows[i].clipped);
		assert_int_equal(stream.time_ms, rows[i].after);
	}
}

static void test_hour_change_is_seen_before_it_happens(void **state)
{
	(void)state;
	struct stream stream = { .time_ms = T0 / HOUR_MS * HOUR_MS + HOUR_MS - 1 };
	struct input_record record = { .timestamp_ms = stream.time_ms };
	assert_false(pipeline_hour_changes(&stream, &record));
	record.timestamp_ms++;
	assert_true(pipeline_hour_changes(&stream, &record));
	assert_int_equal(stream.time_ms, T0 / HOUR_MS * HOUR_MS + HOUR_MS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_is_a_bounded_maximum),
		cmocka_unit_test(test_hour_change_is_seen_before_it_happens),
	};
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
