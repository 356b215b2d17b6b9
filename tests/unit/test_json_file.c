/* SPDX-License-Identifier: Apache-2.0 */
#include "json_file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

static char path[] = "/tmp/test_json_file_XXXXXX";

static struct json_file *load_bytes(const char *text, size_t size, struct problems *problems)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
	return json_file_load(path, problems);
}

static struct json_file *load(const char *text, struct problems *problems)
{
	return load_bytes(text, strlen(text), problems);
}

/* The text must be refused with one message: "<path><expected>". */
static void expect_problem(const char *text, size_t size, const char *expected)
{
	struct problems problems = { 0 };
	assert_null(load_bytes(text, size, &problems));
	assert_int_equal(problems.count, 1);
	assert_int_equal(strncmp(problems.texts[0], path, strlen(path)), 0);
	assert_string_equal(problems.texts[0] + strlen(path), expected);
	problems_fini(&problems);
}

static void test_comments_and_trailing_commas_are_blanked(void **state)
{
	(void)state;
	struct problems problems = { 0 };
	struct json_file *file = load("# shell\n{ // line\n \"a\": /* in\nside, \"x\" } */ [1, 2, /* , */ ], \"b\": "
				      "{\"c\": \"//no # /*\",} , # end\n}\n//",
				      &problems);
	assert_int_equal(problems.count, 0);
	json_t *root = json_file_root(file);
	assert_int_equal(json_array_size(json_object_get(root, "a")), 2);
	assert_string_equal(json_string_value(json_object_get(json_object_get(root, "b"), "c")), "//no # /*");
	assert_int_equal(json_object_size(root), 2);
	assert_string_equal(json_file_path(file), path);
	json_file_free(&file);
	assert_null(file);
}

static void test_text_is_kept_as_read(void **state)
{
	(void)state;
	static const char text[] = "{/* 顺手拍 */\"a\": 1,}\n";
	struct problems problems = { 0 };
	struct json_file *file = load(text, &problems);
	size_t size;
	const char *kept = json_file_text(file, &size);
	assert_int_equal(size, sizeof(text) - 1);
	assert_memory_equal(kept, text, size);
	json_file_free(&file);
}

static void test_refusals_say_what_where_and_what_to_do(void **state)
{
	(void)state;
#define PARSE_ADVICE "look for a missing comma, quote or bracket here or just before"
#define ROW(text, expected)                                                                                            \
	{                                                                                                              \
		text, sizeof(text) - 1, expected                                                                       \
	}
	static const struct {
		const char *text;
		size_t size;
		const char *expected;
	} rows[] = {
		ROW("", ": holds no JSON value; write at least {}"),
		ROW(" // nothing\n", ": holds no JSON value; write at least {}"),
		ROW("{\n\"a\": 1,\n\"a\": 2}", ":3: key \"a\" stands twice in one object; remove one of them"),
		ROW("{\"one\": {\n\"a key of more than twenty bytes\": 1,\n\n\"a key of more than twenty bytes\" :2}}",
		    ":4: key \"a key of more than twenty bytes\" stands twice in one object; remove one of them"),
		ROW("{\"消防\": 1, \"\\u6d88\\u9632\": 2}",
		    ":1: key \"\\u6d88\\u9632\" stands twice in one object; remove one of them"),
		ROW("{\n/* open\n}", ":2: the comment that starts here never ends; add */"),
		ROW("{}/*/", ":1: the comment that starts here never ends; add */"),
		ROW("\xef\xbb\xbf{}", ":1: starts with a byte order mark; save the file as UTF-8 without one"),
		ROW("\xff\xfe{\0}\0", ":1: this is UTF-16; save the file as UTF-8"),
		ROW("{\n\"a\": \"\0\"}", ":2: NUL byte; remove it, the file must be UTF-8 text"),
		ROW("{\n// \xb0\n}", ":2: byte 0xb0 is not UTF-8; save the file as UTF-8"),
		ROW("{\"a\": \"\xc0\x80\"}", ":1: byte 0xc0 is not UTF-8; save the file as UTF-8"),
		ROW("{\"a\": \"\xed\xa0\x80\"}", ":1: byte 0xed is not UTF-8; save the file as UTF-8"),
		ROW("\"\xe6\xb6", ":1: byte 0xe6 is not UTF-8; save the file as UTF-8"),
		ROW("{\"a\": \"\\u0000\"}", ":1: a string holds \\u0000; remove it"),
		ROW("{\"a\": [1,\n",
		    ":2: the file ends in the middle of a value; close every quote, bracket and brace that is open"),
		ROW("{}\n\n{}",
		    ":3: text after the end of the JSON value; a file holds one object: remove what follows it"),
		ROW("{\"a\" 1}", ":1: not JSON at column 6: ':' expected near '1'; " PARSE_ADVICE),
		ROW("{\"a\": [,]}", ":1: not JSON at column 8: unexpected token near ','; " PARSE_ADVICE),
		ROW("{\"a\": [1,,]}", ":1: not JSON at column 10: unexpected token near ','; " PARSE_ADVICE),
		ROW("{,}", ":1: not JSON at column 2: string or '}' expected near ','; " PARSE_ADVICE),
		ROW("{\"a\": 1e999}", ":1: a number is too large; write a smaller one"),
		ROW("{\"a\": 99999999999999999999}", ":1: a number is too large; write a smaller one"),
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect_problem(rows[i].text, rows[i].size, rows[i].expected);
}

static void test_nesting_is_bounded(void **state)
{
	(void)state;
	char text[10000];
	memset(text, '[', sizeof(text));
	expect_problem(text, sizeof(text), ":1: nested too deep; flatten it");
}

static void test_unreadable_files(void **state)
{
	(void)state;
	struct problems problems = { 0 };
	assert_null(json_file_load("/nowhere/x.json", &problems));
	assert_null(json_file_load("/tmp", &problems));
	assert_int_equal(problems.count, 2);
	assert_string_equal(
		problems.texts[0],
		"/nowhere/x.json: cannot be opened: No such file or directory; check the path and its permissions");
	assert_string_equal(problems.texts[1],
			    "/tmp: cannot be read: Is a directory; give the name of a readable file");
	problems_fini(&problems);
}

static void test_size_is_bounded(void **state)
{
	(void)state;
	static char text[(16 << 20) + 1];
	memset(text, ' ', sizeof(text));
	text[0] = '{';
	text[1] = '}';
	expect_problem(text, sizeof(text), ": larger than 16 MiB; split it or remove what is not needed");
	struct problems problems = { 0 };
	struct json_file *file = load_bytes(text, sizeof(text) - 1, &problems);
	assert_non_null(file);
	json_file_free(&file);
}

static void test_lines_are_found_again(void **state)
{
	(void)state;
	static const char text[] = "// \"a\": 0\n"
				   "{\n"
				   "  \"kafka\": { \"brokers\": \"x\", /*\n"
				   "    \"group\": 1 */ \"group\": 2,\n"
				   "    \"properties\": {\n"
				   "      \"linger.ms\": 5,\n"
				   "      \"linger\": {\"ns\": 1} } },\n"
				   "  \"rules\": [ [1, [2]], \"], }\\\"\",\n"
				   "    {\"phrases\": [\n"
				   "      \"一\",\n"
				   "      \"二\"\n"
				   "    ]},\n"
				   "    -1.5e3, true, null,\n"
				   "    {\n"
				   "      \"\\u6d88\\u9632\\ud83d\\ude92\\\\\\n\": {\"weight\": 3}\n"
				   "    }, ],\n"
				   "}";
	static const struct {
		const char *path;
		int line;
	} rows[] = {
		{ "", 2 },
		{ "kafka", 3 },
		{ "kafka.brokers", 3 },
		{ "kafka.group", 4 },
		{ "kafka.properties.linger.ms", 6 },
		{ "kafka.properties.linger.ns", 7 },
		{ "rules", 8 },
		{ "rules[0][1][0]", 8 },
		{ "rules[1]", 8 },
		{ "rules[2]", 9 },
		{ "rules[2].phrases", 9 },
		{ "rules[2].phrases[0]", 10 },
		{ "rules[2].phrases[1]", 11 },
		{ "rules[5]", 13 },
		{ "rules[6]", 14 },
		{ "rules[6].消防🚒\\\n", 15 },
		{ "rules[6].消防🚒\\\n.weight", 15 },
		{ "rules[7]", 0 },
		{ "rules[2].phrases[2]", 0 },
		{ "rules[x]", 0 },
		{ "rules[0", 0 },
		{ "rules.phrases", 0 },
		{ "kafka.properties.linger", 7 },
		{ "kafka.properties.lin", 0 },
		{ "a", 0 },
		{ "kafka[0]", 0 },
		{ "[0]", 0 },
	};
	struct problems problems = { 0 };
	struct json_file *file = load(text, &problems);
	assert_non_null(file);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (json_file_line(file, rows[i].path) != rows[i].line)
			fail_msg("%s: line %d, not %d", rows[i].path, json_file_line(file, rows[i].path), rows[i].line);
	json_file_free(&file);

	file = load("[\n{},\n{\"a\": 1}]", &problems);
	assert_int_equal(json_file_line(file, "[1].a"), 3);
	assert_int_equal(json_file_line(file, "[2]"), 0);
	json_file_free(&file);

	file = load("{\n\"[0]\": {\n\"[a\": 1}}", &problems);
	assert_int_equal(json_file_line(file, "[0]"), 2);
	assert_int_equal(json_file_line(file, "[0].[a"), 3);
	json_file_free(&file);
}

static void test_nearest_name(void **state)
{
	(void)state;
	static const char *const names[] = { "kafka", "topics", "redis", "batch", "log", "http", "session_timeout" };
	static const struct {
		const char *word, *nearest;
	} rows[] = {
		{ "kafak", "kafka" },
		{ "kafka", "kafka" },
		{ "topic", "topics" },
		{ "sessiontimeout", "session_timeout" },
		{ "session_timout_", "session_timeout" },
		{ "lgo", "log" },
		{ "xyz", NULL },
		{ "", NULL },
		{ "消防", NULL },
		{ "session_time", "session_timeout" },
		{ "session_tim", NULL },
		{ "kafkakafkakafkakafkakafkakafkakafkakafkakafkakafkakafkakafkakafkakafka", NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *nearest = nearest_name(rows[i].word, names, sizeof(names) / sizeof(*names));
		if (rows[i].nearest)
			assert_string_equal(nearest, rows[i].nearest);
		else
			assert_null(nearest);
	}
}

static void test_problems_stay_one_line_each(void **state)
{
	(void)state;
	struct problems problems = { 0 };
	problems_add(&problems, "a%sb", "\n\x1b[31m");
	problems_add(&problems, "消防 %d", 2);
	assert_int_equal(problems.count, 2);
	assert_string_equal(problems.texts[0], "a??[31mb");
	assert_string_equal(problems.texts[1], "消防 2");
	problems_fini(&problems);
	assert_int_equal(problems.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comments_and_trailing_commas_are_blanked),
		cmocka_unit_test(test_text_is_kept_as_read),
		cmocka_unit_test(test_refusals_say_what_where_and_what_to_do),
		cmocka_unit_test(test_nesting_is_bounded),
		cmocka_unit_test(test_unreadable_files),
		cmocka_unit_test(test_size_is_bounded),
		cmocka_unit_test(test_lines_are_found_again),
		cmocka_unit_test(test_nearest_name),
		cmocka_unit_test(test_problems_stay_one_line_each),
	};
	int descriptor = mkstemp(path);
	if (descriptor < 0)
		return 1;
	close(descriptor);
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return result;
}
