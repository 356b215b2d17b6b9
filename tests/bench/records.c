/* SPDX-License-Identifier: Apache-2.0 */
#include "records.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TIMEOUT_MS 10000
#define ATTEMPTS 50
#define RETRY_US 200000

static const char *const properties[][2] = {
	{ "group.id", "riderwatch-bench-records" },
	{ "enable.auto.commit", "false" },
	{ "isolation.level", "read_committed" },
	{ "check.crcs", "true" },
	{ "fetch.wait.max.ms", "50" },
	{ "queued.min.messages", "1000000" },
	{ "queued.max.messages.kbytes", "65536" },
};

_Noreturn void bench_fail(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(69);
}

void records_set(rd_kafka_conf_t *conf, const char *const (*rows)[2], size_t count)
{
	char error[512];

	for (size_t i = 0; i < count; i++)
		if (rd_kafka_conf_set(conf, rows[i][0], rows[i][1], error, sizeof(error)) != RD_KAFKA_CONF_OK)
			bench_fail(rows[i][0], error);
}

static rd_kafka_t *new_consumer(const char *brokers)
{
	const char *const where[][2] = { { "bootstrap.servers", brokers } };
	char error[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	records_set(conf, where, 1);
	records_set(conf, properties, sizeof(properties) / sizeof(*properties));
	rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
	if (!kafka)
		bench_fail("consumer", error);
	rd_kafka_poll_set_consumer(kafka);
	return kafka;
}

/* Partitions of a topic. A topic that was just made is not known, or has no leader, for a moment. */
static int count_partitions(rd_kafka_t *kafka, const char *topic)
{
	rd_kafka_topic_t *handle = rd_kafka_topic_new(kafka, topic, NULL);
	rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_UNKNOWN;
	int count = 0;

	for (int attempt = 0; !count && attempt < ATTEMPTS; attempt++) {
		const struct rd_kafka_metadata *metadata;
		if (attempt)
			usleep(RETRY_US);
		error = rd_kafka_metadata(kafka, 0, handle, &metadata, TIMEOUT_MS);
		if (error)
			continue;
		error = metadata->topics[0].err;
		count = error ? 0 : metadata->topics[0].partition_cnt;
		rd_kafka_metadata_destroy(metadata);
	}
	if (!count)
		bench_fail(topic, rd_kafka_err2str(error));
	rd_kafka_topic_destroy(handle);
	return count;
}

static void query_bounds(rd_kafka_t *kafka, const char *topic, int partition, int64_t *low, int64_t *high)
{
	rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_UNKNOWN;

	for (int attempt = 0; error && attempt < ATTEMPTS; attempt++) {
		if (attempt)
			usleep(RETRY_US);
		error = rd_kafka_query_watermark_offsets(kafka, topic, partition, low, high, TIMEOUT_MS);
	}
	if (error)
		bench_fail(topic, rd_kafka_err2str(error));
}

int64_t records_add_topic(rd_kafka_t *kafka, const char *topic, rd_kafka_topic_partition_list_t *list)
{
	int count = count_partitions(kafka, topic);
	int64_t records = 0, low, high;

	for (int partition = 0; partition < count; partition++) {
		query_bounds(kafka, topic, partition, &low, &high);
		rd_kafka_topic_partition_list_add(list, topic, partition)->offset = low;
		records += high - low;
	}
	return records;
}

void records_open(struct records *records, const char *brokers, char *const *topics, int topic_count)
{
	rd_kafka_topic_partition_list_t *assignment = rd_kafka_topic_partition_list_new(16);

	*records = (struct records){ .kafka = new_consumer(brokers) };
	records->queue = rd_kafka_queue_get_consumer(records->kafka);
	for (int i = 0; i < topic_count; i++)
		records->wanted += records_add_topic(records->kafka, topics[i], assignment);
	rd_kafka_assign(records->kafka, assignment);
	rd_kafka_topic_partition_list_destroy(assignment);
}

static void free_batch(struct records *records)
{
	for (size_t i = 0; i < records->count; i++)
		rd_kafka_message_destroy(records->batch[i]);
	records->count = 0;
}

void records_close(struct records *records)
{
	free_batch(records);
	rd_kafka_queue_destroy(records->queue);
	rd_kafka_destroy(records->kafka);
}

/* Drops what is no record; returns how many are left. */
static size_t keep_records(rd_kafka_message_t **batch, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (batch[i]->err)
			rd_kafka_message_destroy(batch[i]);
		else
			batch[kept++] = batch[i];
	return kept;
}

int records_next(struct records *records)
{
	free_batch(records);
	if (records->got >= records->wanted)
		return 0;
	ssize_t count = rd_kafka_consume_batch_queue(records->queue, TIMEOUT_MS, records->batch, RECORDS_BATCH);
	if (count <= 0)
		bench_fail("no record came", "the topics hold transaction markers, or the broker is gone");
	records->count = keep_records(records->batch, (size_t)count);
	records->got += (int64_t)records->count;
	return 1;
}
