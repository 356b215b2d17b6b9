/* SPDX-License-Identifier: Apache-2.0 */
#include "reasons.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_every_reason_has_its_own_text(void **state)
{
	(void)state;
	for (enum reason a = REASON_NONE + 1; a < REASON_COUNT; a++) {
		assert_true(strlen(reason_text(a)) > 0);
		for (enum reason b = REASON_NONE + 1; b < a; b++)
			assert_string_not_equal(reason_text(a), reason_text(b));
	}
}

static void test_only_tombstones_are_skipped(void **state)
{
	(void)state;
	for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
		assert_int_equal(reason_action(reason),
				 reason == REASON_TOMBSTONE ? REASON_ACTION_SKIP : REASON_ACTION_DEAD_LETTER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_reason_has_its_own_text),
		cmocka_unit_test(test_only_tombstones_are_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
