/* SPDX-License-Identifier: Apache-2.0 */
/* Runs tests/cases/json/: what must be accepted, what must be rejected, and what we decided about the rest. jansson is
 * asked the same, so that a row that expects the wrong thing does not go unnoticed. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "buffer.h"
#include "case_file.h"
#include "decode_cases.h"

#define MAX_BYTES (1 << 20)

enum column { NAME, WHERE, TEXT, EXPECTED, EXPECTED_OF_JANSSON };

static struct slice document(struct arena *arena, const char *where, const char *text)
{
	struct slice value = decode_cases_expand(arena, text);
	struct buffer out;

	if (strcmp(where, "whole") == 0)
		return value;
	assert_string_equal(where, "value");
	buffer_init(&out, arena, value.size + 128);
	buffer_append(&out, decode_cases_expand(arena, "{$report,\"x\":"));
	buffer_append(&out, value);
	buffer_append_char(&out, '}');
	return buffer_slice(&out);
}

static const char *decode(struct arena *arena, struct slice value)
{
	const struct input_record record = { .timestamp_ms = -1, .value = value };
	struct rider_event event;
	struct fault fault;
	enum reason reason = event_decode(&record, MAX_BYTES, arena, &event, &fault);

	assert_true(fault.position <= value.size);
	return reason == REASON_NONE ? "ok" : reason_text(reason);
}

static const char *decode_by_jansson(struct slice value)
{
	json_t *parsed = json_loadb(value.data, value.size, JSON_REJECT_DUPLICATES, NULL);

	json_decref(parsed);
	return parsed ? "ok" : "no";
}

/* class: what the file says of all its rows; NULL: nothing. Returns how many rows there are. */
static size_t run(const char *path, const char *of_all)
{
	struct case_file *file = case_file_open(path);
	char *row[CASE_FIELDS_MAX];
	size_t count = 0, wrong = 0;
	int line;

	while ((line = case_file_next(file, row))) {
		struct arena arena;
		const char *found, *by_jansson;

		arena_init(&arena);
		struct slice value = document(&arena, row[WHERE], row[TEXT]);
		found = decode(&arena, value);
		by_jansson = decode_by_jansson(value);
		if (strcmp(found, row[EXPECTED]) != 0 || strcmp(by_jansson, row[EXPECTED_OF_JANSSON]) != 0) {
			print_error("%s:%d: %s\t%s\t%s\n", path, line, row[NAME], found, by_jansson);
			wrong++;
		}
		if (of_all && (strcmp(of_all, "ok") == 0) != (strcmp(row[EXPECTED], "ok") == 0))
			fail_msg("%s:%d: expects what no parser may do", path, line);
		arena_fini(&arena);
		count++;
	}
	case_file_close(&file);
	assert_int_equal(wrong, 0);
	return count;
}

static void test_what_must_be_accepted(void **state)
{
	(void)state;
	assert_true(run("tests/cases/json/accept.tsv", "ok") >= 130);
}

static void test_what_must_be_rejected(void **state)
{
	(void)state;
	assert_true(run("tests/cases/json/reject.tsv", "no") >= 240);
}

static void test_what_is_ours_to_decide(void **state)
{
	(void)state;
	assert_true(run("tests/cases/json/either.tsv", NULL) >= 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_must_be_accepted),
		cmocka_unit_test(test_what_must_be_rejected),
		cmocka_unit_test(test_what_is_ours_to_decide),
	};
	return cmocka_run_group_tests_name("json_cases", tests, NULL, NULL);
}
