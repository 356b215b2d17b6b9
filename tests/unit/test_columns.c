/* SPDX-License-Identifier: Apache-2.0 */
#include "columns.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_width(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t width;
	} rows[] = {
		{ "", 0 },          { "abc", 3 },  { "骑手", 4 },     { "骑手-17", 7 },  { "é", 1 },
		{ "e\xcc\x81", 1 }, { "（）", 4 }, { "\xff\xfe", 2 }, { "\xe9\xaa", 2 }, { "🔥", 2 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(text_width(rows[i].text), rows[i].width);
}

static void test_numbers(void **state)
{
	(void)state;
	static const struct {
		int64_t number;
		const char *text;
	} rows[] = { { 0, "0" },
		     { 999, "999" },
		     { 1000, "1,000" },
		     { -999, "-999" },
		     { -1000, "-1,000" },
		     { 1234567, "1,234,567" },
		     { INT64_MIN, "-9,223,372,036,854,775,808" } };
	char text[32];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(text_number(rows[i].number, text), rows[i].text);
}

static void test_table(void **state)
{
	(void)state;
	static const char *const headers[] = { "骑手", "points", "note", NULL };
	struct columns *columns = columns_new(headers);
	columns_text(columns, "小王");
	columns_number(columns, 1200);
	columns_text(columns, "a\x1b[31m\xff");
	columns_format(columns, "rider-%d", 7);
	columns_number(columns, -5);
	columns_text(columns, "");
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	columns_print(columns, out);
	fclose(out);
	assert_string_equal(text, "骑手     points  note\n"
				  "小王      1,200  a?[31m?\n"
				  "rider-7      -5  \n");
	free(text);
	columns_free(&columns);
	assert_null(columns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
