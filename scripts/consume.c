/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark's ruler: reads every record of the given topics from start to end as fast as librdkafka gives them, does nothing
 * with them, and prints how many there were. Same consumer settings as the daemon. usage: consume BROKERS TOPIC... */
#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS 10000

static const char *const properties[][2] = {
	{ "group.id", "riderwatch-bench-consume" },
	{ "enable.auto.commit", "false" },
	{ "isolation.level", "read_committed" },
	{ "check.crcs", "true" },
	{ "fetch.wait.max.ms", "50" },
	{ "queued.min.messages", "1000000" },
	{ "queued.max.messages.kbytes", "65536" },
};

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "consume: %s: %s\n", what, why);
	exit(69);
}

static rd_kafka_t *new_consumer(const char *brokers)
{
	char error[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
	for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
		if (rd_kafka_conf_set(conf, properties[i][0], properties[i][1], error, sizeof error) != RD_KAFKA_CONF_OK)
			fail(properties[i][0], error);
	}
	rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
	if (!kafka)
		fail("consumer", error);
	rd_kafka_poll_set_consumer(kafka);
	return kafka;
}

/* Adds the topic's partitions to the assignment; returns how many records they hold. */
static int64_t add_topic(rd_kafka_t *kafka, const char *topic, rd_kafka_topic_partition_list_t *assignment)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *handle = rd_kafka_topic_new(kafka, topic, NULL);
	rd_kafka_resp_err_t error = rd_kafka_metadata(kafka, 0, handle, &metadata, TIMEOUT_MS);
	if (error)
		fail(topic, rd_kafka_err2str(error));
	int64_t records = 0, low, high;
	for (int p = 0; p < metadata->topics[0].partition_cnt; p++) {
		rd_kafka_query_watermark_offsets(kafka, topic, p, &low, &high, TIMEOUT_MS);
		rd_kafka_topic_partition_list_add(assignment, topic, p)->offset = low;
		records += high - low;
	}
	rd_kafka_metadata_destroy(metadata);
	rd_kafka_topic_destroy(handle);
	return records;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: consume BROKERS TOPIC...\n");
		return 64;
	}
	rd_kafka_t *kafka = new_consumer(argv[1]);
	rd_kafka_topic_partition_list_t *assignment = rd_kafka_topic_partition_list_new(16);
	int64_t wanted = 0, got = 0;
	size_t bytes = 0;
	for (int i = 2; i < argc; i++)
		wanted += add_topic(kafka, argv[i], assignment);
	rd_kafka_assign(kafka, assignment);
	rd_kafka_topic_partition_list_destroy(assignment);
	while (got < wanted) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, TIMEOUT_MS);
		if (!message)
			fail("no record came", "the topics hold transaction markers, or the broker is gone");
		got += !message->err;
		bytes += message->len;
		rd_kafka_message_destroy(message);
	}
	printf("{\"records\": %lld, \"bytes\": %zu}\n", (long long)got, bytes);
	rd_kafka_destroy(kafka);
	return 0;
}
