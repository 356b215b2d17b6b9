/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define WINDOW 24

static bool check(struct seen *seen, uint64_t id, uint32_t hour)
{
	bool changed;
	return seen_check(seen, id, hour, WINDOW, &changed);
}

static void test_every_occurrence_refreshes(void **state)
{
	(void)state;
	struct seen *seen = seen_new();
	assert_false(check(seen, 7, 100));
	assert_true(check(seen, 7, 124));  /* 24 hours: within */
	assert_true(check(seen, 7, 148));  /* 24 hours after the duplicate */
	assert_false(check(seen, 7, 173)); /* 25 hours: beyond */
	assert_false(check(seen, 8, 173));
	seen_free(&seen);
	assert_null(seen);
}

static void test_says_what_must_be_journalled(void **state)
{
	(void)state;
	struct seen *seen = seen_new();
	bool changed;
	assert_false(seen_check(seen, 7, 100, WINDOW, &changed));
	assert_true(changed);
	assert_true(seen_check(seen, 7, 100, WINDOW, &changed));
	assert_false(changed); /* already stands at this hour */
	assert_true(seen_check(seen, 7, 101, WINDOW, &changed));
	assert_true(changed);
	seen_free(&seen);
}

static void test_zero_hash_is_an_id_like_others(void **state)
{
	(void)state;
	struct seen *seen = seen_new();
	assert_false(check(seen, 0, 5));
	assert_true(check(seen, 0, 5));
	seen_free(&seen);
}

static uint64_t scatter(uint64_t x)
{
	x = (x ^ x >> 31) * 0x7fb5d329728ea185ULL;
	x = (x ^ x >> 27) * 0x81dadef4bc2dd44dULL;
	return x ^ x >> 33;
}

/* A slow model: last hour of each id. */
static void test_agrees_with_a_plain_model(void **state)
{
	(void)state;
	enum { IDS = 5000 };
	static uint32_t last[IDS];
	struct seen *seen = seen_new();
	uint64_t random = 1;
	for (uint32_t i = 0; i < 400000; i++) {
		uint32_t hour = 1000 + i / 4000;
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		uint32_t id = (uint32_t)(random >> 33) % IDS;
		/* a few ids only now and then, so that some expire */
		if (id % 7 == 0 && (random >> 20) % 64)
			continue;
		bool expected = last[id] && hour - last[id] <= WINDOW;
		assert_int_equal(check(seen, scatter(id + 1), hour), expected);
		last[id] = hour;
	}
	seen_free(&seen);
}

static void test_reload_from_a_journal_decides_the_same(void **state)
{
	(void)state;
	struct seen *live = seen_new(), *loaded = seen_new();
	static uint64_t bucket[3][3000];
	for (uint32_t h = 0; h < 3; h++) {
		for (uint32_t i = 0; i < 3000; i++) {
			bucket[h][i] = scatter(h * 2000 + i); /* buckets overlap by 1000 */
			check(live, bucket[h][i], 500 + h * 12);
		}
	}
	/* in any order */
	for (int h = 2; h >= 0; h--)
		seen_load(loaded, 500 + (uint32_t)h * 12, (const char *)bucket[h], 3000);
	assert_int_equal(seen_count(live), seen_count(loaded));
	for (uint32_t i = 0; i < 9000; i++)
		assert_int_equal(check(live, scatter(i), 530), check(loaded, scatter(i), 530));
	seen_free(&live);
	seen_free(&loaded);
}

static void test_time_that_becomes_known_late_forgets_hour_zero(void **state)
{
	(void)state;
	struct seen *seen = seen_new();
	assert_false(check(seen, 7, 0));
	assert_false(check(seen, 7, 494000));
	assert_true(check(seen, 7, 494001));
	seen_free(&seen);
}

static void test_takes_at_most_twenty_bytes_an_id(void **state)
{
	(void)state;
	struct seen *seen = seen_new();
	size_t worst = 0;
	for (uint64_t i = 0; i < 2000000; i++) {
		check(seen, scatter(i), (uint32_t)(1000 + i / 100000));
		size_t each = seen_bytes(seen) * 100 / seen_count(seen);
		if (i > 10000 && each > worst)
			worst = each;
	}
	assert_int_equal(seen_count(seen), 2000000);
	assert_in_range(worst, 0, 2000);
	/* and falls back when ids expire */
	for (uint64_t i = 0; i < 3000; i++)
		check(seen, scatter(i + 9000000), 5000);
	assert_in_range(seen_count(seen), 0, 3000);
	assert_in_range(seen_bytes(seen), 0, 100000);
	seen_free(&seen);
}

/* No single event pays for the whole table: an insert rebuilds a small part of it at most. */
static void test_grows_in_small_parts(void **state)
{
	(void)state;
	struct seen *seen = seen_new();
	size_t before = 0;
	for (uint64_t i = 0; i < 1000000; i++) {
		check(seen, scatter(i), 1000);
		size_t bytes = seen_bytes(seen);
		if (i > 100000 && (bytes > before ? bytes - before : before - bytes) > bytes / 100)
			fail_msg("at %zu ids one insert changed %zu bytes to %zu", seen_count(seen), before, bytes);
		before = bytes;
	}
	seen_free(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_occurrence_refreshes),
		cmocka_unit_test(test_says_what_must_be_journalled),
		cmocka_unit_test(test_zero_hash_is_an_id_like_others),
		cmocka_unit_test(test_agrees_with_a_plain_model),
		cmocka_unit_test(test_reload_from_a_journal_decides_the_same),
		cmocka_unit_test(test_time_that_becomes_known_late_forgets_hour_zero),
		cmocka_unit_test(test_takes_at_most_twenty_bytes_an_id),
		cmocka_unit_test(test_grows_in_small_parts),
	};
	return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
