/* SPDX-License-Identifier: Apache-2.0 */
/* Against the mock cluster, which neither fences nor checks members: the rest is in test_kafka_adapters.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "log.h"
#include "publisher_scenarios.h"

static struct kafka_fixture fixture;

#define SCENARIO(name)                                                                                                 \
	static void name(void **state)                                                                                 \
	{                                                                                                              \
		(void)state;                                                                                           \
		scenario_##name(&fixture);                                                                             \
	}
SCENARIO(commits)
SCENARIO(unset_offsets)
SCENARIO(publish_without_producer)

enum { PRODUCE = 0, ADD_OFFSETS = 25, END_TXN = 26, TXN_OFFSET_COMMIT = 28 };

/* The answer of one request is an error; what must come of the transaction. */
static const struct {
	int16_t request;
	rd_kafka_resp_err_t error;
	enum publish_result result;
	const char *fatal; /* part of the text, NULL: none */
} faults[] = {
	{ TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, PUBLISH_ABORTED, NULL },
	{ TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, PUBLISH_ABORTED, NULL },
	{ TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, PUBLISH_ABORTED, NULL },
	{ TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE, PUBLISH_ABORTED,
	  "offset.metadata.max.bytes" },
	{ TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, PUBLISH_ABORTED, "grant this user Read" },
	{ TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, PUBLISH_COMMITTED, NULL },
	{ ADD_OFFSETS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, PUBLISH_UNKNOWN, NULL },
	{ END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, PUBLISH_COMMITTED, NULL },
	{ END_TXN, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, PUBLISH_UNKNOWN, NULL },
	{ END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, PUBLISH_UNKNOWN, NULL },
	{ PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, PUBLISH_ABORTED, "Write and Describe" },
	{ PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, PUBLISH_ABORTED, "max.message.bytes" },
	{ PRODUCE, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, PUBLISH_ABORTED, "clocks" },
	{ PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, PUBLISH_COMMITTED, NULL },
};

static void test_fault_answers(void **state)
{
	struct reader member = { 0 };
	struct desk desk;

	(void)state;
	kafka_fixture_new_group(&fixture);
	reader_open(&member, &fixture, "one");
	desk_open(&desk, &member, &fixture, "one");
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		enum publish_result result;

		desk_recreate(&desk, true);
		desk.fatals = 0;
		rd_kafka_mock_push_request_errors(fixture.mock, faults[i].request, 1, faults[i].error);
		result = desk_publish(&desk, fixture.fire, 2, "x", 1, "m");
		reader_run(&member, 20);
		rd_kafka_mock_clear_request_errors(fixture.mock, faults[i].request);
		if (result != faults[i].result || desk.fatals != !!faults[i].fatal ||
		    (faults[i].fatal && !strstr(desk.fatal, faults[i].fatal)))
			fail_msg("%s to request %d: result %d, %d fatal, \"%s\"", rd_kafka_err2name(faults[i].error),
				 faults[i].request, result, (int)desk.fatals, desk.fatal);
	}
	desk_close(&desk);
	reader_close(&member);
}

/* A request whose connection broke was repeated by the library with success: only the taint tells. */
static void test_taint(void **state)
{
	struct reader member = { 0 };
	struct desk desk;

	(void)state;
	kafka_fixture_new_group(&fixture);
	reader_open(&member, &fixture, "one");
	desk_open(&desk, &member, &fixture, "one");
	desk_recreate(&desk, true);
	assert_int_equal(desk_publish(&desk, fixture.fire, 1, "x", 1, "m"), PUBLISH_COMMITTED);
	assert_false(desk.tainted);
	rd_kafka_mock_push_request_errors(fixture.mock, END_TXN, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
	assert_int_equal(desk_publish(&desk, fixture.fire, 1, "x", 2, "m"), PUBLISH_COMMITTED);
	assert_true(desk.tainted);
	desk_recreate(&desk, true);
	assert_int_equal(desk_publish(&desk, fixture.fire, 1, "x", 3, "m"), PUBLISH_COMMITTED);
	assert_false(desk.tainted);
	desk_close(&desk);
	reader_close(&member);
}

/* As a coordinator writes it: this transaction is to be committed in __consumer_offsets, partition 0. */
static void remember_commit(const char *id)
{
	static const char value[] = "\0\0\0\0\0\0\0\0\3\xe8\0\7\0\0\x17\x70\2"
				    "\0\0\0\1\0\x12__consumer_offsets\0\0\0\1\0\0\0\0"
				    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	char key[200] = { 0, 0, 0, (char)strlen(id) };

	memcpy(key + 4, id, strlen(id));
	kafka_fixture_create_topic(&fixture, "__transaction_state", 1, NULL, NULL);
	kafka_fixture_create_topic(&fixture, "__consumer_offsets", 1, NULL, NULL);
	assert_int_equal(rd_kafka_producev(fixture.producer, RD_KAFKA_V_TOPIC("__transaction_state"),
					   RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY(key, 4 + strlen(id)),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, sizeof(value) - 1),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(fixture.producer, 20000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* What it may not see of Kafka's own topics is left as it is; the producer comes about all the same. */
static void test_offsets_topic_hidden(void **state)
{
	struct reader member = { 0 };
	struct desk desk;
	char id[100];

	(void)state;
	kafka_fixture_new_group(&fixture);
	reader_open(&member, &fixture, "one");
	desk_open(&desk, &member, &fixture, "one");
	snprintf(id, sizeof(id), "%s-one", fixture.group);
	remember_commit(id);
	desk_recreate(&desk, true);
	assert_int_equal(desk_publish(&desk, fixture.fire, 1, "x", 1, "m"), PUBLISH_COMMITTED);
	rd_kafka_mock_topic_set_error(fixture.mock, "__consumer_offsets", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	desk_recreate(&desk, true);
	rd_kafka_mock_topic_set_error(fixture.mock, "__consumer_offsets", RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(desk_publish(&desk, fixture.fire, 1, "x", 2, "m"), PUBLISH_COMMITTED);
	desk_close(&desk);
	reader_close(&member);
}

static void test_bad_property(void **state)
{
	struct event_base *base = event_base_new();
	struct config config = kafka_fixture_config(&fixture, "one");
	struct config_property property = { (char *)"transactional.id", (char *)"x" };
	char error[512] = "";

	(void)state;
	config.kafka_producer_properties = (struct config_properties){ &property, 1 };
	assert_null(publisher_new(base, &config, NULL, NULL, NULL, error, sizeof(error)));
	assert_non_null(strstr(error, "transactional.id belongs to the daemon"));
	event_base_free(base);
}

/* Jobs that never ran and answers that nobody took are freed. */
static void test_freed_with_jobs_waiting(void **state)
{
	struct reader member = { 0 };
	struct desk desk;

	(void)state;
	kafka_fixture_new_group(&fixture);
	reader_open(&member, &fixture, "one");
	desk_open(&desk, &member, &fixture, "one");
	for (int i = 0; i < 20; i++)
		publisher_read_offsets(desk.publisher, 5, 1, INPUT_REPORTS, 0);
	publisher_add_topic(desk.publisher, SLICE("x"));
	desk_close(&desk);
	reader_close(&member);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_property),
		cmocka_unit_test(test_offsets_topic_hidden), /* before the mock makes Kafka's own topics by itself */
		cmocka_unit_test(unset_offsets),
		cmocka_unit_test(commits),
		cmocka_unit_test(publish_without_producer),
		cmocka_unit_test(test_fault_answers),
		cmocka_unit_test(test_taint),
		cmocka_unit_test(test_freed_with_jobs_waiting),
	};
	int failed;

	log_init(getenv("VERBOSE") ? LOG_INFO : LOG_ERROR, LOG_TEXT, "test");
	kafka_fixture_open(&fixture, NULL, READER_PARTITIONS);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	kafka_fixture_close(&fixture);
	return failed;
}
