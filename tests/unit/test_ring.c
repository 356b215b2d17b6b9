/* SPDX-License-Identifier: Apache-2.0 */
/* Ring, filter and listing: what of the alerts in memory somebody gets to see. */
#include "ring.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "board_cards.h"
#include "filter.h"
#include "listing.h"

static void add(struct ring *ring, const char *id, const char *key)
{
	assert_true(ring_add(ring, board_card(&(struct card_draft){ .id = id, .dedup_key = key })));
}

static void test_oldest_go_first(void **state)
{
	(void)state;
	struct ring *ring = ring_new(3, 1 << 20);
	assert_int_equal(ring_first(ring), 1);
	assert_int_equal(ring_last(ring), 0);
	char id[16];
	for (int i = 1; i <= 10; i++) {
		snprintf(id, sizeof id, "a-%d", i);
		add(ring, id, i % 2 ? "odd" : "even");
		assert_string_equal(ring_at(ring, ring_last(ring))->id, id);
	}
	assert_int_equal(ring_first(ring), 8);
	assert_int_equal(ring_last(ring), 10);
	assert_null(ring_find(ring, "a-7"));
	assert_int_equal(ring_find(ring, "a-8")->sequence, 8);
	assert_int_equal(ring_at(ring, 9)->repeats->count, 1);
	assert_int_equal(ring_at(ring, 10)->repeats->count, 2);
	ring_free(&ring);
	assert_null(ring);
}

static void test_an_alert_of_two_topics_is_kept_once(void **state)
{
	(void)state;
	struct ring *ring = ring_new(10, 1 << 20);
	add(ring, "a-1", NULL);
	assert_false(ring_add(ring, board_card(&(struct card_draft){ .id = "a-1" })));
	assert_int_equal(ring_last(ring), 1);
	assert_int_equal(ring_at(ring, 1)->repeats->count, 1);
	ring_free(&ring);
}

/* Bytes bound it, too; a card that alone is too large stays, being the newest. */
static void test_bytes_are_bounded(void **state)
{
	(void)state;
	struct ring *ring = ring_new(100, 20000);
	char id[16], *large = malloc(30001);
	for (int i = 0; i < 50; i++) {
		snprintf(id, sizeof id, "a-%d", i);
		add(ring, id, NULL);
		assert_true(ring_bytes(ring) <= 20000);
	}
	assert_true(ring_last(ring) - ring_first(ring) < 20);
	memset(large, 'x', 30000);
	large[30000] = '\0';
	assert_true(ring_add(ring, board_card(&(struct card_draft){ .id = "large", .description = large })));
	assert_int_equal(ring_first(ring), ring_last(ring));
	add(ring, "next", NULL);
	assert_string_equal(ring_at(ring, ring_first(ring))->id, "next");
	free(large);
	ring_free(&ring);
}

/* ---- filter ---- */

static bool matches(const char *name, const char *value, const struct card_draft *draft)
{
	struct filter filter = { 0 };
	char error[256];
	struct card *card = board_card(draft);
	assert_int_equal(filter_set(&filter, name, value, error, sizeof error), 1);
	bool found = filter_matches(&filter, card);
	card_free(&card);
	return found;
}

static void test_filters(void **state)
{
	(void)state;
	static const struct {
		const char *name, *value;
		bool found;
	} rows[] = {
		{ "severity", "", true },
		{ "severity", "Severe", true },
		{ "severity", "extreme,severe", true },
		{ "severity", "Extreme", false },
		{ "category", "fire", true },
		{ "category", "food,emergency", false },
		{ "area", "4403", true },
		{ "area", "440305", true },
		{ "area", "4404", false },
		{ "area", "4403051", false },
		{ "agency", "物业", true },
		{ "agency", "961", false },
		{ "reporter", "0123456789abcdef0123456789abcdef", true },
		{ "reporter", "0123", false },
		{ "since", "2026-11-25T08:50:31.123Z", true },
		{ "since", "2026-11-25T08:50:31.124Z", false },
		{ "since", "1795596631123", true },
		{ "since", "1795596631124", false },
		{ "text", "纸箱", true },
		{ "text", "  纸箱   科技园路 ", true },
		{ "text", "纸箱 月球", false },
		{ "text", "FIRE.Exit", true },
		{ "text", " ", true },
		{ "text", "%", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (matches(rows[i].name, rows[i].value, &(struct card_draft){ 0 }) != rows[i].found)
			fail_msg("%s=%s", rows[i].name, rows[i].value);
	}
}

static void test_values_that_will_not_do(void **state)
{
	(void)state;
	static char long_text[400];
	static const struct {
		const char *name, *value;
	} rows[] = { { "severity", "None,Huge" },
		     { "severity", "Sever" },
		     { "category", "other" },
		     { "area", "44x" },
		     { "since", "yesterday" },
		     { "since", "-5" },
		     { "since", "9999999999999999" },
		     { "text", "1 2 3 4 5 6 7 8 9" },
		     { "text", long_text } };
	memset(long_text, 'x', sizeof long_text - 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct filter filter = { 0 };
		char error[512] = "";
		assert_int_equal(filter_set(&filter, rows[i].name, rows[i].value, error, sizeof error), -1);
		assert_int_equal(strncmp(error, rows[i].name, strlen(rows[i].name)), 0);
		assert_non_null(strstr(error, "; "));
	}
	struct filter filter = { 0 };
	assert_int_equal(filter_set(&filter, "colour", "red", NULL, 0), 0);
}

/* ---- listing ---- */

static struct ring *ring_of(const char *keys)
{
	struct ring *ring = ring_new(100, 1 << 20);
	char id[16], key[2] = "";
	for (int i = 0; keys[i]; i++) {
		snprintf(id, sizeof id, "%d", i + 1);
		key[0] = keys[i];
		add(ring, id, key);
	}
	return ring;
}

/* "8:a2 7:b3": sequence, key and repeats of each row. */
static const char *page(struct ring *ring, bool fold, uint64_t before, size_t rows_max, uint64_t *next)
{
	static char text[512];
	struct filter nothing = { 0 };
	struct listing listing;
	size_t size = 0;
	text[0] = '\0';
	listing_make(&listing, ring, &nothing, fold, before, rows_max);
	for (size_t i = 0; i < listing.count; i++)
		size += (size_t)sprintf(text + size, "%s%d:%s%zu", i ? " " : "", (int)listing.rows[i].card->sequence,
					listing.rows[i].card->dedup_key, listing.rows[i].repeats);
	if (next)
		*next = listing.next;
	listing_fini(&listing);
	return text;
}

static void test_repeats_fold_into_the_newest(void **state)
{
	(void)state;
	struct ring *ring = ring_of("abacab");
	uint64_t next;
	assert_string_equal(page(ring, true, 0, 10, &next), "6:b2 5:a3 4:c1");
	assert_int_equal(next, 0);
	assert_string_equal(page(ring, false, 0, 10, NULL), "6:b1 5:a1 4:c1 3:a1 2:b1 1:a1");
	ring_free(&ring);
}

/* Page after page gives each row once, with the same counts as one long page. */
static void test_pages(void **state)
{
	(void)state;
	struct ring *ring = ring_of("abcabdaeb");
	uint64_t next = 0;
	char joined[256] = "", whole[256];
	strcpy(whole, page(ring, true, 0, 10, NULL));
	for (int turns = 0; turns < 10; turns++) {
		const char *rows = page(ring, true, next, 2, &next);
		strcat(strcat(joined, *joined ? " " : ""), rows);
		if (!next)
			break;
	}
	assert_string_equal(joined, whole);
	assert_string_equal(page(ring, false, 3, 10, NULL), "2:b1 1:a1");
	assert_string_equal(page(ring, true, 1, 10, NULL), "");
	ring_free(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oldest_go_first),
		cmocka_unit_test(test_an_alert_of_two_topics_is_kept_once),
		cmocka_unit_test(test_bytes_are_bounded),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_values_that_will_not_do),
		cmocka_unit_test(test_repeats_fold_into_the_newest),
		cmocka_unit_test(test_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
