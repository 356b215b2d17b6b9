/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark's floor does the work that it stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "bench/byte_scan.h"
#include "bench/matcher.h"

struct scan_row {
	const char *record, *text; /* NULL: none */
	bool valid;
};

static const struct scan_row scan_rows[] = {
	{ "{\"a\":1,\"data\":{\"description\":\"楼道\",\"b\":2}}", "楼道", true },
	{ "{\"description\":\"a \\\"b\\\" \\\\\",\"c\":\"d\"}", "a \\\"b\\\" \\\\", true },
	{ "{\"c\":\"description\",\"d\":\"e\"}", NULL, true },
	{ "{\"c\":\"\\\"description\",\"d\":\"e\"}", NULL, true },
	{ "{\"description\":\"\xff\"}", "\xff", false },
	{ "{\"a\":\"\xe6\xa5\"}", NULL, false },
	{ "{\"description\":\"cut", "cut", true },
	{ "{\"a\":\"\\", NULL, true },
	{ "", NULL, true },
};

static void test_scan(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scan_rows) / sizeof(*scan_rows); i++) {
		const struct scan_row *row = &scan_rows[i];
		/* Of its own size, so that a sanitizer sees a step too far. */
		size_t size = strlen(row->record);
		char *record = malloc(size ? size : 1);
		bool valid;

		memcpy(record, row->record, size);
		struct slice text = byte_scan((struct slice){ record, size }, &valid);
		if (valid != row->valid || !slice_equal(text, slice_of(row->text)))
			fail_msg("row %zu: \"%.*s\", valid %d", i, (int)text.size, text.data ? text.data : "", valid);
		free(record);
	}
}

static struct matcher *matcher_of(const char *words)
{
	char path[] = "/tmp/riderwatch-words-XXXXXX";
	int file = mkstemp(path);

	assert_true(file >= 0);
	assert_int_equal(write(file, words, strlen(words)), (ssize_t)strlen(words));
	close(file);
	struct matcher *matcher = matcher_new(path);
	unlink(path);
	return matcher;
}

static void test_match(void **state)
{
	static const struct {
		const char *text;
		uint32_t count;
	} rows[] = {
		{ "楼道里有烟", 1 }, { "楼道楼道", 2 }, { "楼梯", 0 }, { "abcd", 2 },
		{ "xbcd", 2 },       { "abce", 1 },     { "ab", 0 },   { "", 0 },
	};
	struct matcher *matcher = matcher_of("楼道\nabcd\nbc\n\nbcd\n");

	(void)state;
	assert_non_null(matcher);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t count = matcher_count(matcher, slice_of(rows[i].text));
		if (count != rows[i].count)
			fail_msg("%s: %u instead of %u", rows[i].text, count, rows[i].count);
	}
	matcher_free(&matcher);
	assert_null(matcher);
	assert_null(matcher_of(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_match),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
