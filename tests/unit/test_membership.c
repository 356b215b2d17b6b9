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

/* version 3; topics "ab" with 2 partitions and "c" with 1; no user data */
#define TOPICS                                                                                                         \
	"\0\3\0\0\0\2"                                                                                                 \
	"\0\2"                                                                                                         \
	"ab"                                                                                                           \
	"\0\0\0\2"                                                                                                     \
	"\0\0\0\0"                                                                                                     \
	"\0\0\0\1"                                                                                                     \
	"\0\1"                                                                                                         \
	"c"                                                                                                            \
	"\0\0\0\1"                                                                                                     \
	"\0\0\0\7"
#define BYTES(text)                                                                                                    \
	{                                                                                                              \
		text, sizeof text - 1                                                                                  \
	}

static void test_partitions_of_an_assignment(void **state)
{
	static const struct {
		struct slice bytes;
		const char *topic;
		int32_t expected;
	} rows[] = {
		{ BYTES(TOPICS "\xff\xff\xff\xff"), "ab", 2 },
		{ BYTES(TOPICS), "c", 1 },
		{ BYTES(TOPICS), "abc", 0 },
		{ BYTES("\0\0\0\0\0\0"), "ab", 0 },
		{ { TOPICS, sizeof TOPICS - 2 }, "ab", -1 }, /* ends in a number */
		{ BYTES("\0\0\0\0\0\1\0\2"
			"ab"),
		  "ab", -1 },
		{ BYTES("\0\0\0\0\0\1\xff\xff"), "ab", -1 },
		{ BYTES("\0\0\0\0\0\1\0\1"
			"c\x7f\xff\xff\xff"),
		  "c", -1 },
		{ BYTES("\0\0\xff\xff\xff\xff"), "ab", -1 },
		{ BYTES("\x80\0\0\0\0\0"), "ab", -1 },
		{ BYTES(""), "ab", -1 }, /* a member that was given nothing yet */
		{ { NULL, 0 }, "ab", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int32_t found = membership_assigned(rows[i].bytes, slice_of(rows[i].topic));
		if (found != rows[i].expected)
			fail_msg("row %zu: %d", i, (int)found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_form),
					    cmocka_unit_test(test_partitions_of_an_assignment) };
	return cmocka_run_group_tests_name("membership", tests, NULL, NULL);
}
