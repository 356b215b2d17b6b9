/* SPDX-License-Identifier: Apache-2.0 */
/* Source and publisher against real brokers. Skipped unless RIDERWATCH_TEST_BROKERS names them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "log.h"
#include "source_scenarios.h"

static struct kafka_fixture fixture;

#define SCENARIO(name)                                                                                                 \
	static void name(void **state)                                                                                 \
	{                                                                                                              \
		(void)state;                                                                                           \
		scenario_##name(&fixture);                                                                             \
	}
SCENARIO(reads_all_in_bounded_turns)
SCENARIO(moves)
SCENARIO(move_from_inside_a_record)
SCENARIO(stops_reading)
SCENARIO(two_members)
SCENARIO(out_of_range)
SCENARIO(record_content)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_in_bounded_turns),
		cmocka_unit_test(moves),
		cmocka_unit_test(move_from_inside_a_record),
		cmocka_unit_test(stops_reading),
		cmocka_unit_test(out_of_range),
		cmocka_unit_test(record_content),
		cmocka_unit_test(two_members),
	};
	const char *brokers = getenv("RIDERWATCH_TEST_BROKERS");
	int failed;

	if (!brokers) {
		printf("test_kafka_adapters: skipped, RIDERWATCH_TEST_BROKERS is not set\n");
		return 0;
	}
	log_init(LOG_ERROR, LOG_TEXT, "test");
	kafka_fixture_open(&fixture, brokers, READER_PARTITIONS);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	kafka_fixture_close(&fixture);
	return failed;
}
