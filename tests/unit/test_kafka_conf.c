/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <cmocka.h>
#include "kafka_conf.h"
#include "kafka_fault.h"

static struct config plain_config(void)
{
	return (struct config){
		.kafka_brokers = (char *)"10.0.0.1:9092,10.0.0.2:9092",
		.kafka_group = (char *)"riders",
		.kafka_instance = (char *)"slot-3",
		.kafka_session_timeout = 12000,
		.kafka_transaction_timeout = 9000,
		.events_max_bytes = 1048576,
	};
}

static void assert_value(rd_kafka_conf_t *conf, const char *name, const char *expected)
{
	char value[512];
	size_t size = sizeof(value);

	if (rd_kafka_conf_get(conf, name, value, &size) != RD_KAFKA_CONF_OK)
		fail_msg("%s has no value", name);
	if (strcmp(value, expected) != 0)
		fail_msg("%s is \"%s\", not \"%s\"", name, value, expected);
}

static const struct {
	enum kafka_role role;
	const char *name, *value;
} expected_values[] = {
	{ KAFKA_CONSUMER, "bootstrap.servers", "10.0.0.1:9092,10.0.0.2:9092" },
	{ KAFKA_CONSUMER, "group.id", "riders" },
	{ KAFKA_CONSUMER, "group.instance.id", "slot-3" },
	{ KAFKA_CONSUMER, "session.timeout.ms", "12000" },
	{ KAFKA_CONSUMER, "heartbeat.interval.ms", "1000" },
	{ KAFKA_CONSUMER, "isolation.level", "read_committed" },
	{ KAFKA_CONSUMER, "enable.auto.commit", "false" },
	{ KAFKA_CONSUMER, "enable.auto.offset.store", "false" },
	{ KAFKA_CONSUMER, "auto.offset.reset", "error" },
	{ KAFKA_CONSUMER, "partition.assignment.strategy", "range" },
	{ KAFKA_CONSUMER, "check.crcs", "true" },
	{ KAFKA_CONSUMER, "fetch.wait.max.ms", "200" },
	{ KAFKA_READER, "fetch.wait.max.ms", "50" },
	{ KAFKA_CONSUMER, "topic.metadata.refresh.interval.ms", "3000" },
	{ KAFKA_CONSUMER, "queued.min.messages", "1000000" },
	{ KAFKA_CONSUMER, "queued.max.messages.kbytes", "65536" },
	{ KAFKA_CONSUMER, "fetch.max.bytes", "8388608" },
	{ KAFKA_CONSUMER, "statistics.interval.ms", "10000" },
	{ KAFKA_READER, "statistics.interval.ms", "0" },
	{ KAFKA_SHADOW, "group.id", "riders.shadow" },
	{ KAFKA_SHADOW, "isolation.level", "read_committed" },
	{ KAFKA_SHADOW, "enable.auto.commit", "false" },
	{ KAFKA_PRODUCER, "transactional.id", "riders-slot-3" },
	{ KAFKA_PRODUCER, "transaction.timeout.ms", "9000" },
	{ KAFKA_PRODUCER, "socket.timeout.ms", "3000" },
	{ KAFKA_PRODUCER, "reconnect.backoff.ms", "50" },
	{ KAFKA_PRODUCER, "reconnect.backoff.max.ms", "500" },
	{ KAFKA_PRODUCER, "connections.max.idle.ms", "10000" },
	{ KAFKA_PRODUCER, "linger.ms", "5" },
	{ KAFKA_PRODUCER, "compression.type", "lz4" },
	{ KAFKA_PRODUCER, "enable.idempotence", "true" },
	{ KAFKA_PRODUCER, "partitioner", "murmur2_random" },
	{ KAFKA_PRODUCER, "socket.nagle.disable", "true" },
	{ KAFKA_PRODUCER, "message.max.bytes", "1114112" },
	/* No broker takes these. */
	{ KAFKA_PROBE, "request.required.acks", "2" },
	{ KAFKA_PROBE, "enable.idempotence", "false" },
};

static void test_protocol_values(void **state)
{
	struct config config = plain_config();
	char error[512];

	(void)state;
	for (size_t i = 0; i < sizeof(expected_values) / sizeof(expected_values[0]); i++) {
		rd_kafka_conf_t *conf = kafka_conf_new(&config, expected_values[i].role, error, sizeof(error));

		assert_non_null(conf);
		assert_value(conf, expected_values[i].name, expected_values[i].value);
		rd_kafka_conf_destroy(conf);
	}
}

/* The shadow handle must never be a static member of anything. */
static void test_shadow_has_no_instance(void **state)
{
	struct config config = plain_config();
	char error[512], value[64];
	size_t size = sizeof(value);
	rd_kafka_conf_t *conf = kafka_conf_new(&config, KAFKA_SHADOW, error, sizeof(error));

	(void)state;
	assert_non_null(conf);
	assert_true(rd_kafka_conf_get(conf, "group.instance.id", value, &size) != RD_KAFKA_CONF_OK || size <= 1);
	rd_kafka_conf_destroy(conf);
}

static void test_records_smaller_than_a_batch(void **state)
{
	struct config config = plain_config();
	char error[512];
	rd_kafka_conf_t *conf;

	(void)state;
	config.events_max_bytes = 4096;
	conf = kafka_conf_new(&config, KAFKA_PRODUCER, error, sizeof(error));
	assert_non_null(conf);
	assert_value(conf, "message.max.bytes", "1000000");
	rd_kafka_conf_destroy(conf);
}

static void test_properties_replace_defaults(void **state)
{
	struct config config = plain_config();
	struct config_property both[] = { { (char *)"client.id", (char *)"night-shift" },
					  { (char *)"socket.timeout.ms", (char *)"5000" } };
	struct config_property own[] = { { (char *)"compression.type", (char *)"lz4" },
					 { (char *)"socket.timeout.ms", (char *)"2000" },
					 { (char *)"message.max.bytes", (char *)"900000" } };
	char error[512];
	rd_kafka_conf_t *conf;

	(void)state;
	config.kafka_properties = (struct config_properties){ both, 2 };
	config.kafka_producer_properties = (struct config_properties){ own, 3 };
	conf = kafka_conf_new(&config, KAFKA_PRODUCER, error, sizeof(error));
	assert_non_null(conf);
	assert_value(conf, "client.id", "night-shift");
	assert_value(conf, "compression.codec", "lz4");
	assert_value(conf, "socket.timeout.ms", "2000");
	assert_value(conf, "message.max.bytes", "900000");
	rd_kafka_conf_destroy(conf);

	conf = kafka_conf_new(&config, KAFKA_CONSUMER, error, sizeof(error));
	assert_non_null(conf);
	assert_value(conf, "client.id", "night-shift");
	assert_value(conf, "socket.timeout.ms", "5000");
	rd_kafka_conf_destroy(conf);
}

static const struct {
	const char *name, *value;
	const char *says; /* part of the message */
} refused[] = {
	{ "group.id", "other", "set kafka.group instead" },
	{ "group.instance.id", "x", "set kafka.instance instead" },
	{ "transactional.id", "x", "kafka.group and kafka.instance" },
	{ "bootstrap.servers", "x:1", "set kafka.brokers instead" },
	{ "metadata.broker.list", "x:1", "set kafka.brokers instead" },
	{ "session.timeout.ms", "6000", "kafka.session_timeout" },
	{ "transaction.timeout.ms", "6000", "kafka.transaction_timeout" },
	{ "isolation.level", "read_uncommitted", "stay unseen" },
	{ "enable.auto.commit", "true", "in the transaction" },
	{ "auto.commit.enable", "true", "in the transaction" },
	{ "auto.offset.reset", "latest", "kafka.start_offset" },
	{ "partition.assignment.strategy", "roundrobin", "both input topics" },
	{ "check.crcs", "false", "damaged" },
	{ "acks", "1", "transactions need all" },
	{ "enable.idempotence", "false", "transactions need it" },
	{ "partitioner", "consistent", "keys" },
	{ "plugin.library.paths", "evil", "foreign code" },
	{ "no.such.property", "1", "no.such.property" },
	{ "linger.ms", "soon", "linger.ms" },
};

static void test_refused_properties(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct config config = plain_config();
		struct config_property property = { (char *)refused[i].name, (char *)refused[i].value };
		char error[512] = "";

		config.kafka_properties = (struct config_properties){ &property, 1 };
		for (int role = 0; role < KAFKA_ROLE_COUNT; role++) {
			assert_null(kafka_conf_new(&config, role, error, sizeof(error)));
			if (!strstr(error, refused[i].says) || !strstr(error, "kafka.properties") ||
			    !strstr(error, refused[i].name))
				fail_msg("%s: message is \"%s\"", refused[i].name, error);
		}
	}
}

static void test_section_named(void **state)
{
	struct config config = plain_config();
	struct config_property property = { (char *)"acks", (char *)"1" };
	struct problems problems = { 0 };

	(void)state;
	config.kafka_producer_properties = (struct config_properties){ &property, 1 };
	kafka_conf_check(&config, &problems);
	assert_int_equal(problems.count, 1);
	assert_non_null(strstr(problems.texts[0], "kafka.producer_properties: acks"));
	problems_fini(&problems);
}

/* A property of both roles is reported once. */
static void test_check_reports_once(void **state)
{
	struct config config = plain_config();
	struct config_property property = { (char *)"nonsense", (char *)"1" };
	struct problems problems = { 0 };

	(void)state;
	kafka_conf_check(&config, &problems);
	assert_int_equal(problems.count, 0);
	config.kafka_properties = (struct config_properties){ &property, 1 };
	kafka_conf_check(&config, &problems);
	assert_int_equal(problems.count, 1);
	problems_fini(&problems);
}

static void test_names(void **state)
{
	struct config config = plain_config();
	char text[64];

	(void)state;
	kafka_conf_shadow_group(&config, text, sizeof(text));
	assert_string_equal(text, "riders.shadow");
	kafka_conf_transactional_id(&config, text, sizeof(text));
	assert_string_equal(text, "riders-slot-3");
}

static void test_faults(void **state)
{
	(void)state;
	assert_null(kafka_fault_find(RD_KAFKA_RESP_ERR__TIMED_OUT));
	assert_null(kafka_fault_find(RD_KAFKA_RESP_ERR__FENCED));
	assert_null(kafka_fault_find(RD_KAFKA_RESP_ERR__TRANSPORT));
	assert_true(kafka_fault_find(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)->taints);
	assert_true(kafka_fault_find(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP)->taints);
	assert_true(kafka_fault_find(RD_KAFKA_RESP_ERR__BAD_MSG)->skips);
	assert_false(kafka_fault_find(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)->taints);
}

static void test_obstacles(void **state)
{
	static const struct {
		rd_kafka_resp_err_t code;
		const char *text, *says;
		bool refused;
	} rows[] = {
		{ RD_KAFKA_RESP_ERR__TRANSPORT, "Connect to x failed: Connection refused", "no broker listens", false },
		{ RD_KAFKA_RESP_ERR__TRANSPORT, "Disconnected: ... incorrect security.protocol configuration ...",
		  "set security.protocol", false },
		{ RD_KAFKA_RESP_ERR__RESOLVE, "Name or service not known", "host name in kafka.brokers", false },
		{ RD_KAFKA_RESP_ERR__AUTHENTICATION, "mechanism PLAIN", "kafka.password_file", true },
		{ RD_KAFKA_RESP_ERR__AUTHENTICATION, "mechanism SCRAM-SHA-256", "kafka.password_file", true },
		{ RD_KAFKA_RESP_ERR__SSL, "certificate verify failed", "ssl.ca.location", true },
		{ RD_KAFKA_RESP_ERR__SSL, "wrong version number", "speaks no TLS", false },
		{ RD_KAFKA_RESP_ERR__SSL, "alert", "ssl.certificate.location", true },
		{ RD_KAFKA_RESP_ERR_NO_ERROR, "", "kafka.brokers", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct kafka_obstacle *obstacle = kafka_obstacle_find(rows[i].code, rows[i].text);

		if (!strstr(obstacle->advice, rows[i].says) || obstacle->refused != rows[i].refused)
			fail_msg("%s: advice is \"%s\"", rows[i].text, obstacle->advice);
		assert_int_equal(strstr(obstacle->advice, "2.6.1") != NULL,
				 strstr(rows[i].text, "SCRAM") && rd_kafka_version() < 0x020601ff);
	}
}

static void test_password_from_a_file(void **state)
{
	struct config config = plain_config();
	char path[] = "/tmp/test_kafka_conf_XXXXXX", error[512];
	rd_kafka_conf_t *conf;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "pass word\n", 10), 10);
	close(fd);
	config.kafka_password_file = path;
	for (int role = 0; role < KAFKA_ROLE_COUNT; role++) {
		conf = kafka_conf_new(&config, role, error, sizeof(error));
		assert_non_null(conf);
		assert_value(conf, "sasl.password", "pass word");
		rd_kafka_conf_destroy(conf);
	}
	unlink(path);
	assert_null(kafka_conf_new(&config, KAFKA_CONSUMER, error, sizeof(error)));
	assert_non_null(strstr(error, "kafka.password_file /tmp/test_kafka_conf_"));
	assert_non_null(strstr(error, "No such file"));
}

static rd_kafka_resp_err_t note_slack(rd_kafka_t *handle, rd_kafka_thread_type_t type, const char *name, void *context)
{
	(void)handle, (void)name;
	if (type == RD_KAFKA_THREAD_MAIN)
		*(int *)context = prctl(PR_GET_TIMERSLACK);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t listen_to_threads(rd_kafka_t *handle, const rd_kafka_conf_t *conf, void *context,
					     char *error, size_t error_size)
{
	(void)conf, (void)error, (void)error_size;
	return rd_kafka_interceptor_add_on_thread_start(handle, "test", note_slack, context);
}

/* Else every timer costs the rest of a millisecond. */
static void test_timers_are_lenient(void **state)
{
	struct config config = plain_config();
	char error[512];
	int before = prctl(PR_GET_TIMERSLACK);

	(void)state;
	config.kafka_brokers = (char *)"127.0.0.1:1";
	for (int role = 0; role < KAFKA_ROLE_COUNT; role++) {
		rd_kafka_conf_t *conf = kafka_conf_new(&config, role, error, sizeof(error));
		bool produces = role == KAFKA_PRODUCER || role == KAFKA_WRITER || role == KAFKA_PROBE;
		rd_kafka_t *handle;
		int slack_ns = 0;

		assert_non_null(conf);
		rd_kafka_conf_interceptor_add_on_new(conf, "test", listen_to_threads, &slack_ns);
		handle = rd_kafka_new(produces ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, error, sizeof(error));
		assert_non_null(handle);
		rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
		assert_int_equal(slack_ns, 1000000);
	}
	assert_int_equal(prctl(PR_GET_TIMERSLACK), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protocol_values),
		cmocka_unit_test(test_shadow_has_no_instance),
		cmocka_unit_test(test_records_smaller_than_a_batch),
		cmocka_unit_test(test_properties_replace_defaults),
		cmocka_unit_test(test_refused_properties),
		cmocka_unit_test(test_section_named),
		cmocka_unit_test(test_check_reports_once),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_obstacles),
		cmocka_unit_test(test_password_from_a_file),
		cmocka_unit_test(test_timers_are_lenient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
