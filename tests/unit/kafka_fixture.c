/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "must.h"

static rd_kafka_t *plain_handle(rd_kafka_type_t type, const char *brokers, const char *const *settings)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char error[512];
	rd_kafka_t *handle;

	if (brokers)
		MUST(rd_kafka_conf_set(conf, "bootstrap.servers", brokers, error, sizeof(error)) == RD_KAFKA_CONF_OK);
	for (; settings && *settings; settings += 2)
		MUST(rd_kafka_conf_set(conf, settings[0], settings[1], error, sizeof(error)) == RD_KAFKA_CONF_OK);
	handle = rd_kafka_new(type, conf, error, sizeof(error));
	MUST(handle);
	return handle;
}

static void create_on_brokers(struct kafka_fixture *fixture, const char *name, int partitions, const char *setting,
			      const char *value)
{
	char error[256];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, error, sizeof(error));
	rd_kafka_queue_t *queue = rd_kafka_queue_new(fixture->admin);
	rd_kafka_event_t *event;
	const rd_kafka_topic_result_t **results;
	size_t count;

	MUST(topic);
	if (setting)
		MUST(!rd_kafka_NewTopic_set_config(topic, setting, value));
	rd_kafka_CreateTopics(fixture->admin, &topic, 1, NULL, queue);
	event = rd_kafka_queue_poll(queue, 20000);
	MUST(event && !rd_kafka_event_error(event));
	results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
	MUST(count == 1 && !rd_kafka_topic_result_error(results[0]));
	rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy(topic);
}

void kafka_fixture_create_topic(struct kafka_fixture *fixture, const char *name, int partitions, const char *setting,
				const char *value)
{
	if (fixture->mock)
		MUST(!rd_kafka_mock_topic_create(fixture->mock, name, partitions, 1));
	else
		create_on_brokers(fixture, name, partitions, setting, value);
}

void kafka_fixture_open(struct kafka_fixture *fixture, const char *brokers, int partitions)
{
	static int runs;
	const char *quiet[] = { "log_level", "2", "linger.ms", "5", NULL };
	struct {
		char *text;
		const char *name;
		int partitions;
	} names[] = {
		{ fixture->reports, "reports", partitions },
		{ fixture->deliveries, "deliveries", partitions },
		{ fixture->emergency, "emergency", 3 },
		{ fixture->fire, "fire", 3 },
		{ fixture->food, "food", 3 },
		{ fixture->dead, "dead", 3 },
	};

	memset(fixture, 0, sizeof(*fixture));
	snprintf(fixture->run, sizeof(fixture->run), "t%" PRId64 ".%d.%d", (int64_t)time(NULL), (int)getpid(), runs++);
	kafka_fixture_new_group(fixture);
	fixture->admin = plain_handle(RD_KAFKA_PRODUCER, brokers ? brokers : "127.0.0.1:1", quiet);
	if (brokers) {
		snprintf(fixture->brokers, sizeof(fixture->brokers), "%s", brokers);
	} else {
		fixture->mock = rd_kafka_mock_cluster_new(fixture->admin, 1);
		MUST(fixture->mock);
		snprintf(fixture->brokers, sizeof(fixture->brokers), "%s",
			 rd_kafka_mock_cluster_bootstraps(fixture->mock));
	}
	fixture->producer = plain_handle(RD_KAFKA_PRODUCER, fixture->brokers, quiet);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(names[i].text, 64, "%s.%s", fixture->run, names[i].name);
		kafka_fixture_create_topic(fixture, names[i].text, names[i].partitions, NULL, NULL);
	}
}

void kafka_fixture_new_group(struct kafka_fixture *fixture)
{
	static int groups;

	snprintf(fixture->group, sizeof(fixture->group), "%s.group%d", fixture->run, groups++);
}

void kafka_fixture_close(struct kafka_fixture *fixture)
{
	rd_kafka_destroy(fixture->producer);
	if (fixture->mock)
		rd_kafka_mock_cluster_destroy(fixture->mock);
	rd_kafka_destroy(fixture->admin);
}

struct config kafka_fixture_config(const struct kafka_fixture *fixture, const char *instance)
{
	return (struct config){
		.kafka_brokers = (char *)fixture->brokers,
		.kafka_group = (char *)fixture->group,
		.kafka_instance = (char *)instance,
		.kafka_session_timeout = 6000,
		.kafka_transaction_timeout = 6000,
		.topics_reports = (char *)fixture->reports,
		.topics_deliveries = (char *)fixture->deliveries,
		.topics_alerts_emergency = (char *)fixture->emergency,
		.topics_alerts_fire = (char *)fixture->fire,
		.topics_alerts_food = (char *)fixture->food,
		.topics_dead_letters = (char *)fixture->dead,
		.events_max_bytes = 1048576,
		.watchdog_timeout = 60000,
	};
}

void kafka_fixture_produce(struct kafka_fixture *fixture, const char *topic, int partition, int64_t first, int count)
{
	for (int64_t number = first; number < first + count; number++) {
		char value[32];
		int size = snprintf(value, sizeof(value), "%" PRId64, number);
		rd_kafka_resp_err_t code;

		do {
			code = rd_kafka_producev(fixture->producer, RD_KAFKA_V_TOPIC(topic),
						 RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_VALUE(value, (size_t)size),
						 RD_KAFKA_V_KEY(value, (size_t)size),
						 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
			rd_kafka_poll(fixture->producer, code ? 50 : 0);
		} while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL);
		MUST(!code);
	}
	MUST(!rd_kafka_flush(fixture->producer, 20000));
}

static void copy_text(char *text, size_t text_size, const void *bytes, size_t size)
{
	size = size < text_size - 1 ? size : text_size - 1;
	if (size)
		memcpy(text, bytes, size);
	text[size] = '\0';
}

static void keep(struct kafka_seen *seen, rd_kafka_message_t *message)
{
	struct kafka_seen_record *record = &seen->records[seen->count++];
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t size;

	MUST(seen->count <= sizeof(seen->records) / sizeof(seen->records[0]));
	memset(record, 0, sizeof(*record));
	record->partition = message->partition;
	record->null_key = !message->key;
	record->null_value = !message->payload;
	copy_text(record->key, sizeof(record->key), message->key, message->key_len);
	copy_text(record->value, sizeof(record->value), message->payload, message->len);
	if (rd_kafka_message_headers(message, &headers))
		return;
	record->headers = rd_kafka_header_cnt(headers);
	if (!rd_kafka_header_get_all(headers, 0, &name, &value, &size))
		snprintf(record->header, sizeof(record->header), "%s=%.*s", name, (int)size, (const char *)value);
}

void kafka_fixture_read(struct kafka_fixture *fixture, const char *topic, bool committed, size_t expected, int quiet_ms,
			struct kafka_seen *seen)
{
	const char *settings[] = { "group.id",
				   "reader",
				   "isolation.level",
				   committed ? "read_committed" : "read_uncommitted",
				   "auto.offset.reset",
				   "earliest",
				   "enable.auto.commit",
				   "false",
				   NULL };
	rd_kafka_t *consumer = plain_handle(RD_KAFKA_CONSUMER, fixture->brokers, settings);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(3);
	int waited = 0, quiet = 0;

	seen->count = 0;
	for (int partition = 0; partition < 3; partition++)
		rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
	MUST(!rd_kafka_assign(consumer, list));
	while (seen->count < expected ? waited < 15000 : quiet < quiet_ms) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 50);

		waited += 50;
		quiet += 50;
		if (!message)
			continue;
		/* The mock cluster shows aborted records too. */
		bool sweep = fixture->mock && committed && message->key_len == 8 && memcmp(message->key, "rw.sweep", 8) == 0;
		if (!message->err && !sweep) {
			keep(seen, message);
			quiet = 0;
		}
		rd_kafka_message_destroy(message);
	}
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
}
