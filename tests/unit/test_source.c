/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "log.h"
#include "source_internal.h"
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
SCENARIO(record_content)
SCENARIO(out_of_range)

static void test_membership(void **state)
{
	static const struct {
		int32_t generation;
		const char *member;
	} rows[] = { { -1, "" }, { 0, "m" }, { 2147483647, "riderwatch-0-f00" }, { 5, "" }, { -1, "x" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata_new_with_genid(
			"a group", rows[i].generation, rows[i].member, i % 2 ? "slot" : NULL);
		int32_t generation = -7;
		bool has_member = i % 2;

		assert_true(source_membership(metadata, &generation, &has_member));
		assert_int_equal(generation, rows[i].generation);
		assert_int_equal(has_member, *rows[i].member != '\0');
		rd_kafka_consumer_group_metadata_destroy(metadata);
	}
}

static void test_partition_count(void **state)
{
	struct reader reader = { 0 };
	struct config config = kafka_fixture_config(&fixture, "one");
	char error[512] = "", other[64];

	(void)state;
	reader_open(&reader, &fixture, "one");
	assert_int_equal(source_partition_count(reader.source, 5000, error, sizeof(error)), READER_PARTITIONS);
	reader_close(&reader);

	snprintf(other, sizeof(other), "%s.other", fixture.run);
	kafka_fixture_create_topic(&fixture, other, 7, NULL, NULL);
	reader = (struct reader){ 0 };
	reader_open(&reader, &fixture, "one");
	source_close(reader.source, NULL);
	source_free(&reader.source);
	config.topics_deliveries = other;
	reader.source = source_new(reader.base, &config, &(struct source_callbacks){ 0 }, NULL, error, sizeof(error));
	assert_non_null(reader.source);
	assert_int_equal(source_partition_count(reader.source, 5000, error, sizeof(error)), -1);
	if (!strstr(error, other) || !strstr(error, "has 7:"))
		fail_msg("message is \"%s\"", error);
	source_free(&reader.source);
	event_base_free(reader.base);
}

static void test_bad_property(void **state)
{
	struct event_base *base = event_base_new();
	struct config config = kafka_fixture_config(&fixture, "one");
	struct config_property property = { (char *)"auto.offset.reset", (char *)"latest" };
	char error[512] = "";

	(void)state;
	config.kafka_consumer_properties = (struct config_properties){ &property, 1 };
	assert_null(source_new(base, &config, &(struct source_callbacks){ 0 }, NULL, error, sizeof(error)));
	assert_non_null(strstr(error, "auto.offset.reset belongs to the daemon"));
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_membership),
		cmocka_unit_test(test_bad_property),
		cmocka_unit_test(reads_all_in_bounded_turns),
		cmocka_unit_test(moves),
		cmocka_unit_test(move_from_inside_a_record),
		cmocka_unit_test(stops_reading),
		cmocka_unit_test(out_of_range),
		cmocka_unit_test(record_content),
		cmocka_unit_test(test_partition_count),
	};
	int failed;

	log_init(LOG_ERROR, LOG_TEXT, "test");
	kafka_fixture_open(&fixture, NULL, READER_PARTITIONS);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	kafka_fixture_close(&fixture);
	return failed;
}
