/* SPDX-License-Identifier: Apache-2.0 */
#include "rollup.h"
#include "input_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define START_MS 1795572000000LL /* 2026-11-25 10:00 in Shanghai */
#define HOUR 3600000LL

static void add(struct rollup *rollup, uint32_t day, const char *field, const char *value)
{
	char copy[2][64];
	snprintf(copy[0], sizeof copy[0], "%s", field);
	snprintf(copy[1], sizeof copy[1], "%s", value);
	rollup_add(rollup, day, slice_of(copy[0]), slice_of(copy[1]));
}

/* -999: there is no such sum. */
static int64_t sum(const struct rollup *rollup, uint32_t number, const char *field)
{
	for (const struct rollup_day *day = rollup_days(rollup); day; day = day->next) {
		for (const struct rollup_sum *at = day->sums; at && day->day == number; at = at->next) {
			if (slice_equal(at->field, slice_of(field)))
				return at->value;
		}
	}
	return -999;
}

static void test_sums_over_shards(void **state)
{
	(void)state;
	struct rollup *rollup = rollup_new();
	assert_null(rollup_days(rollup));
	add(rollup, ROLLUP_ALL, "reports", "5");
	add(rollup, ROLLUP_ALL, "440305:reports", "2");
	add(rollup, 20261125, "reports", "1");
	add(rollup, ROLLUP_ALL, "reports", "7");
	add(rollup, ROLLUP_ALL, "score", "-50");
	add(rollup, ROLLUP_ALL, "score", "8");
	assert_int_equal(sum(rollup, ROLLUP_ALL, "reports"), 12);
	assert_int_equal(sum(rollup, ROLLUP_ALL, "440305:reports"), 2);
	assert_int_equal(sum(rollup, ROLLUP_ALL, "score"), -42);
	assert_int_equal(sum(rollup, 20261125, "reports"), 1);
	assert_int_equal(sum(rollup, 20261125, "score"), -999);
	assert_int_equal(rollup_days(rollup)->count, 3);
	rollup_free(&rollup);
	assert_null(rollup);
	rollup_free(&rollup);
}

static void test_what_is_no_number_is_passed_over(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"", "x", "1x", "1.5", "99999999999999999999", "123456789012345678901234567890"
	};
	struct rollup *rollup = rollup_new();
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		add(rollup, ROLLUP_ALL, "reports", texts[i]);
	assert_int_equal(sum(rollup, ROLLUP_ALL, "reports"), -999);
	add(rollup, ROLLUP_ALL, "reports", "9223372036854775807");
	add(rollup, ROLLUP_ALL, "reports", "1");
	rollup_free(&rollup);
}

static void test_many_fields(void **state)
{
	(void)state;
	enum { SHARDS = 4, FIELDS = 5000 };
	struct rollup *rollup = rollup_new();
	char field[32];
	for (int i = 0; i < SHARDS * FIELDS; i++) {
		snprintf(field, sizeof field, "%06d:reports", i % FIELDS);
		add(rollup, ROLLUP_ALL, field, "3");
	}
	assert_int_equal(rollup_days(rollup)->count, FIELDS);
	for (const struct rollup_sum *at = rollup_days(rollup)->sums; at; at = at->next)
		assert_int_equal(at->value, SHARDS * 3);
	rollup_free(&rollup);
}

/* Hours after START_MS, day known before -> days to read, newest first. */
static void test_days_to_read(void **state)
{
	(void)state;
	static const struct {
		int64_t hours;
		uint32_t known;
		size_t count;
		uint32_t first, last;
	} rows[] = {
		{ 0, 20261125, 1, 20261125, 20261125 },
		{ 13, 20261125, 1, 20261125, 20261125 },
		{ 14, 20261125, 2, 20261126, 20261125 }, /* midnight in Shanghai */
		{ 14, 20261126, 1, 20261126, 20261126 },
		{ 0, 20261120, 6, 20261125, 20261120 },
		{ 0, 20261031, 26, 20261125, 20261031 },
		{ 0, 0, ROLLUP_DAYS_MAX, 20261125, 20261010 },
		{ 0, 20250101, ROLLUP_DAYS_MAX, 20261125, 20261010 },
		{ 0, 20261201, 1, 20261125, 20261125 }, /* the log was made anew */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t days[ROLLUP_DAYS_MAX];
		size_t count = rollup_changed(rows[i].known, START_MS + rows[i].hours * HOUR, days, 0);
		assert_int_equal(count, rows[i].count);
		assert_int_equal(days[0], rows[i].first);
		assert_int_equal(days[count - 1], rows[i].last);
	}
}

static void test_days_of_two_logs(void **state)
{
	(void)state;
	uint32_t days[INPUT_COUNT * ROLLUP_DAYS_MAX];
	size_t count = rollup_changed(20261125, START_MS + 24 * HOUR, days, 0);
	count = rollup_changed(20261124, START_MS, days, count);
	assert_int_equal(count, 3);
	assert_int_equal(days[2], 20261124);
	assert_int_equal(rollup_changed(0, -1, days, 0), 1);
	assert_int_equal(days[0], 19700101); /* where what has no time is counted */
}

/* Midnight passed between the look and the read: the new day was not read, so the mark stays before it. */
static void test_marks(void **state)
{
	(void)state;
	const uint32_t days[] = { 20261125, 20261124 };
	struct rollup_mark mark = rollup_reached(77, START_MS, days, 2);
	assert_int_equal(mark.applied, 77);
	assert_int_equal(mark.day, 20261125);
	assert_int_equal(rollup_reached(78, START_MS + 24 * HOUR, days, 2).day, 20261125);
	assert_int_equal(rollup_reached(78, START_MS - 24 * HOUR, days, 2).day, 20261124);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_over_shards), cmocka_unit_test(test_what_is_no_number_is_passed_over),
		cmocka_unit_test(test_many_fields),      cmocka_unit_test(test_days_to_read),
		cmocka_unit_test(test_days_of_two_logs), cmocka_unit_test(test_marks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
