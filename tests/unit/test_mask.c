/* SPDX-License-Identifier: Apache-2.0 */
#include "mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_masks_personal_numbers_only(void **state)
{
	(void)state;
	static const struct {
		const char *text, *masked;
	} rows[] = {
		{ "", "" },
		{ "电话13812345678找他", "电话138******78找他" },
		{ "13812345678", "138******78" },
		{ "138 1234 5678急", "138 **** **78急" },
		{ "138-1234-5678", "138-****-**78" },
		{ "+8613812345678", "+861********78" },
		{ "１３８１２３４５６７８", "１３８＊＊＊＊＊＊７８" },
		{ "身份证110101199003071234", "身份证110*************34" },
		{ "11010119900307123X丢了", "110*************3X丢了" },
		{ "11010119900307123x", "110*************3x" },
		{ "订单8800000000000123", "订单8800000000000123" }, /* 16 digits: an order */
		{ "12345678901", "12345678901" },                     /* 11 digits, no phone prefix */
		{ "119", "119" },
		{ "3号楼12单元", "3号楼12单元" },
		{ "9913812345678", "9913812345678" },                 /* 13 digits that are no phone */
		{ "1381234567", "1381234567" },
		{ "13812345678、13912345678", "138******78、139******78" },
		{ "0123456789012345678", "0123456789012345678" },
	};
	struct arena arena;
	arena_init(&arena);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice masked = mask_numbers(slice_of(rows[i].text), &arena);
		assert_int_equal(masked.size, strlen(rows[i].text)); /* spans stay right */
		if (!slice_equal(masked, slice_of(rows[i].masked)))
			fail_msg("%s became %.*s", rows[i].text, (int)masked.size, masked.data);
	}
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_masks_personal_numbers_only) };
	return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}
