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

static void test_cut_and_fit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t columns;
		const char *cut, *fitted;
	} rows[] = {
		{ "abc", 5, "abc", "abc  " },
		{ "abcdef", 5, "abc..", "abc.." },
		{ "骑手", 4, "骑手", "骑手" },
		{ "骑手站", 5, "骑..", "骑.. " }, /* no half character */
		{ "骑手站", 6, "骑手站", "骑手站" },
		{ "e\xcc\x81", 2, "e\xcc\x81", "e\xcc\x81 " },
		{ "a\033[31m", 3, "a..", "a.." },
		{ "a\nb", 3, "a?b", "a?b" },
		{ "abc", 2, "", "  " },
		{ "", 2, "", "  " },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *cut = text_cut(rows[i].text, rows[i].columns), *fitted = text_fit(rows[i].text, rows[i].columns);
		assert_string_equal(cut, rows[i].cut);
		assert_string_equal(fitted, rows[i].fitted);
		assert_int_equal(text_width(fitted), rows[i].columns);
		free(cut);
		free(fitted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_cut_and_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
