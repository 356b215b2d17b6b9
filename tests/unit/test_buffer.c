/* SPDX-License-Identifier: Apache-2.0 */
#include "buffer.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

static struct arena arena;

static void assert_written(const struct buffer *buffer, const char *expected)
{
	struct slice written = buffer_slice(buffer);

	assert_int_equal(written.size, strlen(expected));
	assert_memory_equal(written.data, expected, written.size);
}

static struct buffer empty_buffer(void)
{
	struct buffer buffer;

	buffer_init(&buffer, &arena, 0);
	return buffer;
}

static void test_grows_and_keeps_what_was_written(void **state)
{
	struct buffer buffer = empty_buffer();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		buffer_append(&buffer, SLICE("车"));
		buffer_append_char(&buffer, '|');
		buffer_append(&buffer, (struct slice){ NULL, 0 });
	}
	assert_int_equal(buffer.size, 40000);
	for (size_t i = 0; i < buffer.size; i += 4)
		assert_memory_equal(buffer.data + i, "车|", 4);
}

static void test_integers(void **state)
{
	static const int64_t numbers[] = { 0, 7, -7, 10, 1234567890, INT64_MAX, INT64_MIN, -1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct buffer buffer = empty_buffer();
		char expected[32];

		snprintf(expected, sizeof(expected), "%lld", (long long)numbers[i]);
		buffer_append_int(&buffer, numbers[i]);
		assert_written(&buffer, expected);
	}
}

static void test_decimals(void **state)
{
	static const struct {
		double number;
		int decimals;
		const char *expected;
	} rows[] = {
		{ 31.2304161, 6, "31.230416" },
		{ -121.5, 1, "-121.5" },
		{ 0, 3, "0.000" },
		{ -0.0, 2, "0.00" },
		{ -0.001, 2, "0.00" },
		{ -0.009, 2, "-0.01" },
		{ 99.5, 0, "100" },
		{ 1e20, 1, "100000000000000000000.0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buffer buffer = empty_buffer();

		buffer_append_decimal(&buffer, rows[i].number, rows[i].decimals);
		assert_written(&buffer, rows[i].expected);
	}
}

/* Ordinary numbers, numbers that lie between two last digits, and those beside them. */
static void test_decimals_agree_with_the_c_library(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		int decimals = (int)(random >> 60) % 9;
		double between = ((double)(int32_t)(random >> 24) + 0.5) / pow(10, decimals);
		double any = (double)(int64_t)random / pow(2, 30 + (double)(random % 40));
		double number = i % 3 == 0 ? any : i % 3 == 1 ? between : nextafter(between, any);
		char expected[64];
		struct buffer buffer = empty_buffer();

		snprintf(expected, sizeof(expected), "%.*f", decimals, number);
		if (strspn(expected, "-0.") == strlen(expected))
			continue; /* "-0.0" is written without its sign */
		buffer_append_decimal(&buffer, number, decimals);
		assert_written(&buffer, expected);
		arena_reset(&arena);
	}
}

static void test_json_strings_are_escaped(void **state)
{
	struct buffer buffer = empty_buffer();

	(void)state;
	buffer_append_json_string(&buffer, SLICE("占用\"消防\\通道\"\n\t\b\f\r\x01\x1f\x7f/"));
	buffer_append_json_string(&buffer, SLICE(""));
	assert_written(&buffer, "\"占用\\\"消防\\\\通道\\\"\\n\\t\\b\\f\\r\\u0001\\u001f\x7f/\"\"\"");
}

/* Eight bytes are looked at at once, so that each size and each place in it counts; the last bytes of all have no
 * neighbour to spoil. */
static void test_json_strings_of_every_size(void **state)
{
	static const struct {
		char byte;
		const char *written;
	} rows[] = { { 'x', "x" },        { '"', "\\\"" },    { '\\', "\\\\" },   { '\x1f', "\\u001f" },
		     { '\0', "\\u0000" }, { '\n', "\\n" },    { ' ', " " },       { '!', "!" },
		     { '#', "#" },        { '[', "[" },       { '\x7f', "\x7f" }, { '\x80', "\x80" },
		     { '\xa2', "\xa2" },  { '\xdc', "\xdc" }, { '\xff', "\xff" } };

	(void)state;
	for (size_t size = 1; size < 40; size++) {
		for (size_t i = 0; i < size * sizeof(rows) / sizeof(*rows); i++) {
			size_t at = i % size, row = i / size;
			char text[40], expected[80];
			struct buffer buffer = empty_buffer();

			memset(text, '\xe8', size);
			text[at] = rows[row].byte;
			char *exact = arena_alloc(&arena, size);
			memcpy(exact, text, size);
			int written = snprintf(expected, sizeof(expected), "\"%.*s%s%.*s\"", (int)at, text,
					       rows[row].written, (int)(size - at - 1), text + at + 1);
			buffer_append_json_string(&buffer, (struct slice){ exact, size });
			assert_int_equal(buffer.size, written);
			assert_written(&buffer, expected);
		}
		arena_reset(&arena);
	}
}

static void test_the_end_gives_room_back(void **state)
{
	struct buffer buffer;

	(void)state;
	arena_reset(&arena);
	buffer_init(&buffer, &arena, 3000);
	buffer_append(&buffer, SLICE("消防通道"));
	struct slice text = buffer_end(&buffer);
	assert_int_equal(arena.used, 16);
	memset(arena_alloc(&arena, 3000), 'x', 3000);
	assert_true(slice_equal(text, SLICE("消防通道")));
}

static void test_time_agrees_with_the_c_library(void **state)
{
	static const int64_t extra[] = {
		0, -1, 951782400000, 951868799999, 253402300799999, -62167219200000, 4107542400000
	};

	(void)state;
	for (int i = -2000; i < 20007; i++) {
		/* A step that is no multiple of a day, an hour or a second. */
		int64_t ms = i < 20000 ? (int64_t)i * 203456789 : extra[i - 20000];
		time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
		struct buffer buffer = empty_buffer();
		char date[32], expected[64];
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(date, sizeof(date), "-%m-%dT%H:%M:%S", &tm);
		snprintf(expected, sizeof(expected), "%04d%s.%03dZ", tm.tm_year + 1900, date,
			 (int)(ms - seconds * 1000));
		buffer_append_time(&buffer, ms);
		assert_written(&buffer, expected);
	}
}

static void test_time_is_total(void **state)
{
	struct buffer buffer = empty_buffer();

	(void)state;
	buffer_append_time(&buffer, INT64_MAX);
	assert_written(&buffer, "292278994-08-17T07:12:55.807Z");
	buffer = empty_buffer();
	buffer_append_time(&buffer, INT64_MIN);
	assert_written(&buffer, "-292275055-05-16T16:47:04.192Z");
}

static int free_arena(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_grows_and_keeps_what_was_written, free_arena),
		cmocka_unit_test_teardown(test_integers, free_arena),
		cmocka_unit_test_teardown(test_decimals, free_arena),
		cmocka_unit_test_teardown(test_decimals_agree_with_the_c_library, free_arena),
		cmocka_unit_test_teardown(test_json_strings_are_escaped, free_arena),
		cmocka_unit_test_teardown(test_json_strings_of_every_size, free_arena),
		cmocka_unit_test_teardown(test_the_end_gives_room_back, free_arena),
		cmocka_unit_test_teardown(test_time_agrees_with_the_c_library, free_arena),
		cmocka_unit_test_teardown(test_time_is_total, free_arena),
	};

	arena_init(&arena);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
