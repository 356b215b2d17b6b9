/* SPDX-License-Identifier: Apache-2.0 */
#include "offset_metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define UUID "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"
#define SHORT "rw1 " UUID " 5 0123456789abcdef"
#define KEY "000102030405060708090a0b0c0dfeff"

static void test_what_is_written_is_read_back(void **state)
{
	static const struct {
		int64_t time;
		uint64_t ruleset;
		const char *text;
	} rows[] = {
		{ -1, 0, "rw1 " UUID " -1 0000000000000000" },
		{ 0, 1, "rw1 " UUID " 0 0000000000000001" },
		{ 1764060000123, 0x0123456789abcdef, "rw1 " UUID " 1764060000123 0123456789abcdef" },
		{ INT64_MAX, UINT64_MAX, "rw1 " UUID " 9223372036854775807 ffffffffffffffff" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct offset_metadata metadata = { .stream_time_ms = rows[i].time, .ruleset = rows[i].ruleset }, back;
		char text[OFFSET_METADATA_SIZE];

		memcpy(metadata.store_uuid, UUID, STORE_UUID_SIZE);
		offset_metadata_format(&metadata, text);
		assert_string_equal(text, rows[i].text);
		assert_true(offset_metadata_parse(text, &back));
		assert_memory_equal(back.store_uuid, UUID, STORE_UUID_SIZE);
		assert_int_equal(back.stream_time_ms, rows[i].time);
		assert_int_equal(back.ruleset, rows[i].ruleset);
		assert_false(back.complete);
	}
}

static void test_what_the_log_alone_needs_is_read_back(void **state)
{
	static const struct {
		struct anchors anchors;
		const char *text;
	} rows[] = {
		{ { { ANCHOR_NONE, STREAM_TIME_NONE }, { 7, 8 } }, SHORT " " KEY " -1 -1 7 8" },
		{ { { 0, STREAM_TIME_NONE }, { 10, 0 } }, SHORT " " KEY " 0 -1 10 0" },
		{ { { INT64_MAX, INT64_MAX }, { INT64_MAX, INT64_MAX } },
		  SHORT " " KEY " 9223372036854775807 9223372036854775807 9223372036854775807 9223372036854775807" },
	};
	static const uint8_t key[STREAM_KEY_SIZE] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xfe, 0xff };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct offset_metadata metadata = { .stream_time_ms = 5,
						    .ruleset = 0x0123456789abcdef,
						    .complete = true },
				       back;
		char text[OFFSET_METADATA_SIZE];

		memcpy(metadata.store_uuid, UUID, STORE_UUID_SIZE);
		memcpy(metadata.key, key, sizeof key);
		metadata.anchors = rows[i].anchors;
		offset_metadata_format(&metadata, text);
		assert_string_equal(text, rows[i].text);
		assert_true(offset_metadata_parse(text, &back));
		assert_true(back.complete);
		assert_memory_equal(back.key, key, sizeof key);
		assert_memory_equal(&back.anchors, &metadata.anchors, sizeof back.anchors);
	}
}

static void test_the_longest_text_fits(void **state)
{
	struct offset_metadata metadata = { .stream_time_ms = INT64_MAX, .ruleset = UINT64_MAX, .complete = true },
			       back;
	char text[OFFSET_METADATA_SIZE];

	(void)state;
	memcpy(metadata.store_uuid, UUID, STORE_UUID_SIZE);
	metadata.anchors.old = metadata.anchors.young = (struct anchor){ INT64_MAX, INT64_MAX };
	offset_metadata_format(&metadata, text);
	assert_true(offset_metadata_parse(text, &back));
}

static void test_what_others_wrote_is_not_ours(void **state)
{
	static const char *const texts[] = {
		"",
		"rw1",
		"rw1 ",
		"rw1 0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f",
		"rw1 " UUID,
		"rw1 " UUID " ",
		"rw1 " UUID " 5",
		"rw1 " UUID " 5 ",
		"rw1 " UUID " 5 0123456789abcde",
		"rw1 " UUID " 5 0123456789abcdef0",
		"rw1 " UUID " 5 0123456789abcdef ",
		"rw1 " UUID " 5 0123456789ABCDEF",
		"rw1 " UUID " 5  0123456789abcdef",
		"rw1 " UUID "  5 0123456789abcdef",
		"rw1 " UUID " -2 0123456789abcdef",
		"rw1 " UUID " +5 0123456789abcdef",
		"rw1 " UUID " 05 0123456789abcdef",
		"rw1 " UUID " 9223372036854775808 0123456789abcdef",
		"rw1 " UUID " 99999999999999999999 0123456789abcdef",
		"rw1  " UUID " 5 0123456789abcdef",
		"rw2 " UUID " 5 0123456789abcdef",
		" rw1 " UUID " 5 0123456789abcdef",
		"rw1 0A1B2C3D-4E5F-4071-8293-A4B5C6D7E8F9 5 0123456789abcdef",
		"rw1 0a1b2c3d04e5f-4071-8293-a4b5c6d7e8f9 5 0123456789abcdef",
		"rw1 ------------------------------------ 5 0123456789abcdef",
		"{\"offset\":5}",
		SHORT " ",
		SHORT " " KEY,
		SHORT " " KEY " 7 8 9",
		SHORT " " KEY " 7 8 9 ",
		SHORT " " KEY " 7 8 9 10 ",
		SHORT " " KEY " 7 8 9 10 11",
		SHORT " " KEY " 7 8 09 10",
		SHORT " " KEY " 7 8 9 -2",
		SHORT " " KEY "  7 8 9 10",
		SHORT "  " KEY " 7 8 9 10",
		SHORT " 0123456789ABCDEF0123456789abcdef 7 8 9 10",
		SHORT " 0123456789abcdef0123456789abcde 7 8 9 10",
		SHORT " " KEY "0 7 8 9 10",
	};
	struct offset_metadata metadata;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (offset_metadata_parse(texts[i], &metadata))
			fail_msg("\"%s\" was taken for ours", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read_back),
		cmocka_unit_test(test_what_the_log_alone_needs_is_read_back),
		cmocka_unit_test(test_the_longest_text_fits),
		cmocka_unit_test(test_what_others_wrote_is_not_ours),
	};
	return cmocka_run_group_tests_name("offset_metadata", tests, NULL, NULL);
}
