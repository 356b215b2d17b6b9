/* SPDX-License-Identifier: Apache-2.0 */
#include "produce.h"
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_TIMEOUT_MS 15000
#define FAILURES_SHOWN 10

struct producer {
	rd_kafka_t *kafka;
	rd_kafka_topic_t *topics[TOPIC_COUNT];
	uint32_t partitions;
	struct fold *fold;
	uint64_t sent, acknowledged, failed;
};

static const char *const settings[][2] = {
	{ "client.id", "rider-generator" },
	{ "log_level", "3" }, /* a broker that is still loading is asked again, that is no news */
	{ "enable.idempotence", "true" },
	{ "linger.ms", "5" },
	{ "batch.num.messages", "10000" },
	{ "queue.buffering.max.messages", "200000" },
	{ "queue.buffering.max.kbytes", "262144" },
	{ "message.max.bytes", "2097152" },
	{ "message.timeout.ms", "120000" },
	{ "reconnect.backoff.max.ms", "500" },
};

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
	struct producer *producer = opaque;
	rd_kafka_timestamp_type_t type;

	(void)kafka;
	if (message->err) {
		if (producer->failed++ < FAILURES_SHOWN)
			fprintf(stderr, "generate: %s [%" PRId32 "]: record not acknowledged: %s\n",
				rd_kafka_topic_name(message->rkt), message->partition, rd_kafka_err2str(message->err));
		return;
	}
	producer->acknowledged++;
	if (producer->fold)
		fold_delivered(producer->fold, (size_t)message->_private, message->offset,
			       rd_kafka_message_timestamp(message, &type));
}

static rd_kafka_conf_t *make_settings(const char *brokers, const char *compression, struct producer *producer)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char error[512];
	bool good = rd_kafka_conf_set(conf, "bootstrap.servers", brokers, error, sizeof(error)) == RD_KAFKA_CONF_OK &&
		    rd_kafka_conf_set(conf, "compression.type", compression, error, sizeof(error)) == RD_KAFKA_CONF_OK;

	for (size_t i = 0; good && i < sizeof(settings) / sizeof(settings[0]); i++)
		good = rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof(error)) ==
		       RD_KAFKA_CONF_OK;
	if (!good) {
		fprintf(stderr, "generate: %s\n", error);
		rd_kafka_conf_destroy(conf);
		return NULL;
	}
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_opaque(conf, producer);
	return conf;
}

/* Partitions of a topic; 0 after a message. */
static uint32_t ask_partitions(struct producer *producer, rd_kafka_topic_t *topic)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t error = rd_kafka_metadata(producer->kafka, 0, topic, &metadata, METADATA_TIMEOUT_MS);
	uint32_t partitions = 0;

	if (!error) {
		error = metadata->topic_cnt ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
		partitions = !error ? (uint32_t)metadata->topics[0].partition_cnt : 0;
		rd_kafka_metadata_destroy(metadata);
	}
	if (!partitions)
		fprintf(stderr, "generate: topic %s: %s; does it exist? scripts/create-topics makes the topics\n",
			rd_kafka_topic_name(topic), rd_kafka_err2str(error));
	return partitions;
}

static bool open_topics(struct producer *producer, const char *const topics[TOPIC_COUNT])
{
	uint32_t partitions[TOPIC_COUNT];

	for (int i = 0; i < TOPIC_COUNT; i++) {
		producer->topics[i] = rd_kafka_topic_new(producer->kafka, topics[i], NULL);
		if (!producer->topics[i]) {
			fprintf(stderr, "generate: topic %s: %s\n", topics[i], rd_kafka_err2str(rd_kafka_last_error()));
			return false;
		}
		partitions[i] = ask_partitions(producer, producer->topics[i]);
		if (!partitions[i])
			return false;
	}
	producer->partitions = partitions[0];
	if (partitions[0] == partitions[1])
		return true;
	fprintf(stderr, "generate: %s has %u partitions, %s has %u; they must have the same number\n", topics[0],
		partitions[0], topics[1], partitions[1]);
	return false;
}

struct producer *producer_new(const char *brokers, const char *const topics[TOPIC_COUNT], const char *compression)
{
	struct producer *producer = calloc(1, sizeof(*producer));
	char error[512];
	rd_kafka_conf_t *conf;

	if (!producer)
		abort();
	conf = make_settings(brokers, compression, producer);
	if (conf)
		producer->kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
	if (conf && !producer->kafka) {
		fprintf(stderr, "generate: %s\n", error);
		rd_kafka_conf_destroy(conf);
	}
	if (!producer->kafka || !open_topics(producer, topics))
		producer_free(&producer);
	return producer;
}

uint32_t producer_partitions(const struct producer *producer)
{
	return producer->partitions;
}

void producer_set_fold(struct producer *producer, struct fold *fold)
{
	producer->fold = fold;
}

static rd_kafka_headers_t *make_headers(const struct event *event, int64_t intended_ms)
{
	rd_kafka_headers_t *headers;

	if (!event->header_count && !intended_ms)
		return NULL;
	headers = rd_kafka_headers_new(event->header_count + 1);
	for (size_t i = 0; i < event->header_count; i++) {
		const struct header_text *header = &event->headers[i];

		rd_kafka_header_add(headers, header->name, -1, event->header_values.data + header->from,
				    (ssize_t)header->size);
	}
	if (intended_ms) {
		char digits[24];
		int size = snprintf(digits, sizeof(digits), "%" PRId64, intended_ms);

		rd_kafka_header_add(headers, "rw-intended-ms", -1, digits, size);
	}
	return headers;
}

static rd_kafka_resp_err_t try_send(struct producer *producer, const struct event *event, rd_kafka_headers_t *headers,
				    size_t record)
{
	/* Without bytes: an absent value is a tombstone, an empty one is not. */
	static char empty[1];
	void *value = !event->has_value ? NULL : event->value.size ? event->value.data : empty;
	void *key = event->has_key ? event->key.data : NULL;

	return rd_kafka_producev(producer->kafka, RD_KAFKA_V_RKT(producer->topics[event->facts.topic]),
				 RD_KAFKA_V_PARTITION(event->facts.partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
				 RD_KAFKA_V_VALUE(value, event->has_value ? event->value.size : 0),
				 RD_KAFKA_V_KEY(key, event->has_key ? event->key.size : 0), RD_KAFKA_V_HEADERS(headers),
				 RD_KAFKA_V_OPAQUE((void *)record), RD_KAFKA_V_END);
}

bool producer_send(struct producer *producer, const struct event *event, int64_t intended_ms)
{
	rd_kafka_headers_t *headers = make_headers(event, intended_ms);
	size_t record = producer->fold ? fold_add(producer->fold, event) : 0;
	rd_kafka_resp_err_t error;

	while ((error = try_send(producer, event, headers, record)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		rd_kafka_poll(producer->kafka, 10);
	if (!error) {
		producer->sent++;
		return true;
	}
	if (headers)
		rd_kafka_headers_destroy(headers);
	fprintf(stderr, "generate: cannot send event %u: %s\n", event->facts.number, rd_kafka_err2str(error));
	return false;
}

void producer_poll(struct producer *producer, int wait_ms)
{
	rd_kafka_poll(producer->kafka, wait_ms);
}

uint64_t producer_acknowledged(const struct producer *producer)
{
	return producer->acknowledged;
}

uint64_t producer_finish(struct producer *producer)
{
	while (rd_kafka_flush(producer->kafka, 1000) == RD_KAFKA_RESP_ERR__TIMED_OUT)
		continue; /* message.timeout.ms bounds it */
	return producer->sent - producer->acknowledged;
}

void producer_free(struct producer **producer)
{
	struct producer *old = *producer;

	*producer = NULL;
	if (!old)
		return;
	for (int i = 0; i < TOPIC_COUNT; i++)
		if (old->topics[i])
			rd_kafka_topic_destroy(old->topics[i]);
	if (old->kafka)
		rd_kafka_destroy(old->kafka);
	free(old);
}
