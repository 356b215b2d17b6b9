/* SPDX-License-Identifier: Apache-2.0 */
#include "offset_metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define UUID "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"

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
	}
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
		cmocka_unit_test(test_what_others_wrote_is_not_ours),
	};
	return cmocka_run_group_tests_name("offset_metadata", tests, NULL, NULL);
}
