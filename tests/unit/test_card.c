/* SPDX-License-Identifier: Apache-2.0 */
#include "card.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>
#include "board_cards.h"
#include "csv.h"

static void test_what_a_card_holds(void **state)
{
	(void)state;
	struct card *card = board_card(&(struct card_draft){ 0 });
	assert_int_equal(card->category, CATEGORY_FIRE);
	assert_int_equal(card->severity, SEVERITY_SEVERE);
	assert_int_equal(card->sent_ms, 1795596631123);
	assert_string_equal(card->area, "440305");
	assert_string_equal(card->agencies[0], "96119");
	assert_string_equal(card->agencies[1], "物业");
	assert_null(card->agencies[2]);
	assert_int_equal(card->payload_size, strlen(card->payload));
	assert_true(card->bytes > card->payload_size + card->summary_size);
	json_t *summary = json_loads(card->summary, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(summary, "id")), "a-1");
	assert_string_equal(json_string_value(json_object_get(summary, "description")), "楼道里堆满了纸箱");
	assert_true(json_is_false(json_object_get(summary, "cut")));
	assert_true(json_object_get(json_object_get(summary, "area"), "lat"));
	assert_null(json_object_get(summary, "decision"));
	json_decref(summary);
	card_free(&card);
	assert_null(card);
}

/* A long text is cut between characters, and stays whole in the payload. */
static void test_long_text_is_cut(void **state)
{
	(void)state;
	char text[3001] = "a";
	for (int i = 0; i < 999; i++)
		strcat(text, "火");
	struct card *card = board_card(&(struct card_draft){ .description = text });
	json_t *summary = json_loads(card->summary, 0, NULL);
	const char *shown = json_string_value(json_object_get(summary, "description"));
	assert_int_equal(strlen(shown), 598);
	assert_true(json_is_true(json_object_get(summary, "cut")));
	assert_non_null(strstr(card->payload, text));
	json_decref(summary);
	card_free(&card);
}

static void test_what_is_no_alert(void **state)
{
	(void)state;
	static const struct {
		const char *payload, *reason;
	} rows[] = {
		{ "", "not JSON" },
		{ "{", "not JSON" },
		{ "[]", "type rider.alert.v1" },
		{ "{\"type\":\"rider.alert.v2\",\"id\":\"x\"}", "type rider.alert.v1" },
		{ "{\"type\":\"rider.alert.v1\"}", "no id" },
		{ "{\"type\":\"rider.alert.v1\",\"id\":\"x\",\"rwcategory\":\"other\"}", "no known word" },
		{ "{\"type\":\"rider.alert.v1\",\"id\":\"x\",\"rwcategory\":\"fire\",\"data\":{\"severity\":\"None\"}}",
		  "no known word" },
	};
	char error[256];
	struct card_place place = { .topic = "t" };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_null(card_new(slice_of(rows[i].payload), &place, error, sizeof error));
		assert_non_null(strstr(error, rows[i].reason));
	}
	assert_null(card_new((struct slice){ 0 }, &place, error, sizeof error));
}

/* Members of a wrong type are taken for absent. */
static void test_odd_members(void **state)
{
	(void)state;
	static const char odd[] =
		"{\"type\":\"rider.alert.v1\",\"id\":\"x\",\"rwcategory\":\"food\",\"data\":{\"severity\":"
		"\"Minor\",\"area\":7,\"routes\":{},\"description\":null,\"sent\":\"soon\"}}";
	char error[256];
	struct card_place place = { .topic = "t", .written_ms = 77 };
	struct card *card = card_new(slice_of(odd), &place, error, sizeof error);
	assert_non_null(card);
	assert_string_equal(card->area, "");
	assert_int_equal(card->sent_ms, 77);
	card_free(&card);
}

/* A report may hold anything that JSON can say. */
static void test_nul_is_kept(void **state)
{
	(void)state;
	static const char nul[] =
		"{\"type\":\"rider.alert.v1\",\"id\":\"x\",\"rwcategory\":\"food\",\"data\":{\"severity\":"
		"\"Minor\",\"headline\":\"a\\u0000b\",\"description\":\"c\\u0000d\"}}";
	char error[256];
	struct card_place place = { .topic = "t" };
	struct card *card = card_new(slice_of(nul), &place, error, sizeof error);
	assert_non_null(card);
	assert_non_null(strstr(card->summary, "\"headline\":\"a\\u0000b\""));
	assert_non_null(strstr(card->summary, "\"description\":\"c\\u0000d\""));
	card_free(&card);
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = { { "1970-01-01T00:00:00Z", 0 },
		     { "1970-01-01T00:00:01.5Z", 1500 },
		     { "2026-11-25T08:50:31.123456Z", 1795596631123 },
		     { "2026-11-25T08:50:31", -1 },
		     { "2026-11-25", -1 },
		     { "", -1 },
		     { NULL, -1 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(card_time(rows[i].text), rows[i].ms);
}

static char *csv_of(const struct card_draft *draft)
{
	struct card *card = board_card(draft);
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	csv_row(out, card);
	fclose(out);
	card_free(&card);
	return text;
}

static void test_csv(void **state)
{
	(void)state;
	char *text = csv_of(&(struct card_draft){ .description = "他说\"快来\",\n救命" });
	assert_int_equal(strncmp(text, "\"a-1\",\"fire\",\"96119 物业\",", strlen("\"a-1\",\"fire\",\"96119 物业\",")),
			 0);
	assert_non_null(strstr(text, ",\"他说\"\"快来\"\",\n救命\","));
	assert_non_null(strstr(text, ",22.552600,114.045500,321,120,"));
	assert_string_equal(text + strlen(text) - 2, "\r\n");
	free(text);
	static const char *const formulas[] = { "=1+1", "+1", "-1", "@x", "\tx" };
	for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
		char expected[64];
		text = csv_of(&(struct card_draft){ .description = formulas[i] });
		snprintf(expected, sizeof expected, ",\"'%s\",", formulas[i]);
		assert_non_null(strstr(text, expected));
		free(text);
	}
}

static void test_csv_columns_are_as_many_as_the_head_says(void **state)
{
	(void)state;
	char *head, *row = csv_of(&(struct card_draft){ .description = "x" });
	size_t size, head_commas = 0, row_commas = 0;
	FILE *out = open_memstream(&head, &size);
	csv_head(out);
	fclose(out);
	for (const char *at = head; *at; at++)
		head_commas += *at == ',';
	for (const char *at = row; *at; at++)
		row_commas += *at == ',';
	assert_int_equal(head_commas, row_commas);
	free(head);
	free(row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_card_holds),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_what_is_no_alert),
		cmocka_unit_test(test_odd_members),
		cmocka_unit_test(test_nul_is_kept),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_csv_columns_are_as_many_as_the_head_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
