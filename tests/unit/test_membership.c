/* SPDX-License-Identifier: Apache-2.0 */
#include "membership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* Generation 0x01010101 reads the same in either byte order. */
#define HEAD "CGMDv2:\x01\x01\x01\x01"

static void test_every_form(void **state)
{
	static const struct {
		struct slice bytes;
		int expected; /* 0: unknown form, 1: no member, 2: member */
	} rows[] = {
		{ { HEAD "group\0member\0more", 29 }, 2 },
		{ { HEAD "group\0member\0", 24 }, 2 },
		{ { HEAD "\0m\0", 14 }, 2 },
		{ { HEAD "group\0\0", 18 }, 1 },
		{ { HEAD "\0\0", 13 }, 1 },
		{ { HEAD "group\0member", 23 }, 0 }, /* the member id does not end */
		{ { HEAD "group\0", 17 }, 0 },
		{ { HEAD "group", 16 }, 0 },
		{ { HEAD, 11 }, 0 },
		{ { "CGMDv2:", 7 }, 0 },
		{ { "CGMDv1:\1\1\1\1group\0member\0", 24 }, 0 },
		{ { "", 0 }, 0 },
		{ { NULL, 0 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int32_t generation = -1;
		bool has_member = false;
		bool parsed = membership_parse(rows[i].bytes, &generation, &has_member);

		assert_int_equal(parsed ? 1 + has_member : 0, rows[i].expected);
		assert_int_equal(generation, parsed ? 0x01010101 : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_form) };
	return cmocka_run_group_tests_name("membership", tests, NULL, NULL);
}
