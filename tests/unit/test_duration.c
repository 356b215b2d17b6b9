/* SPDX-License-Identifier: Apache-2.0 */
#include "duration.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: no time */
	} rows[] = {
		{ "0s", 0 },         { "500ms", 500 },
		{ "30s", 30000 },    { "10m", 600000 },
		{ "24h", 86400000 }, { "7d", 604800000 },
		{ "", -1 },          { "5", -1 },
		{ "s", -1 },         { "-5s", -1 },
		{ "+5s", -1 },       { "5 s", -1 },
		{ "5sec", -1 },      { "9999999999999999d", -1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t ms = -1;
		if (duration_parse(rows[i].text, &ms) != (rows[i].ms >= 0) || (rows[i].ms >= 0 && ms != rows[i].ms))
			fail_msg("\"%s\"", rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_times) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
