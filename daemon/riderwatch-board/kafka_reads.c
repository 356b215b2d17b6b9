/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_reads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <librdkafka/rdkafka.h>
#include "alloc.h"
#include "kafka_handle.h"

#define ANSWER_MS 3000

struct kafka_reads {
	const struct config *config;
	rd_kafka_t *handle; /* NULL until first needed */
	char error[512];
};

struct kafka_reads *kafka_reads_new(const struct config *config)
{
	struct kafka_reads *reads = alloc_zeroed(1, sizeof *reads);
	reads->config = config;
	return reads;
}

void kafka_reads_free(struct kafka_reads **pointer)
{
	if (!*pointer)
		return;
	if ((*pointer)->handle)
		rd_kafka_destroy_flags((*pointer)->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	free(*pointer);
	*pointer = NULL;
}

const char *kafka_reads_error(const struct kafka_reads *reads)
{
	return reads->error;
}

static bool is_ready(struct kafka_reads *reads)
{
	if (reads->handle) {
		rd_kafka_poll(reads->handle, 0);
		return true;
	}
	reads->handle = kafka_consumer_new(reads->config, KAFKA_READER, reads->error, sizeof reads->error);
	return reads->handle != NULL;
}

static void describe(struct kafka_reads *reads, const char *topic, int32_t partition, const char *what,
		     const char *advice)
{
	snprintf(reads->error, sizeof reads->error, "Kafka %s: %s, partition %d: %s; %s", reads->config->kafka_brokers,
		 topic, partition, what, advice);
}

/* ---- one record ---- */

/* What is no UTF-8 cannot be shown as JSON text. */
static json_t *text_of(const void *bytes, size_t size)
{
	json_t *text = bytes ? json_stringn(bytes, size) : json_null();
	return text ? text : json_string("(bytes that are no UTF-8)");
}

static json_t *headers_of(const rd_kafka_message_t *message)
{
	json_t *list = json_object();
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t size;
	if (rd_kafka_message_headers(message, &headers))
		return list;
	for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++)
		json_object_set_new(list, name, text_of(value, size));
	return list;
}

static json_t *describe_record(const rd_kafka_message_t *message, const char *topic)
{
	json_t *value = message->payload
				? json_loadb(message->payload, message->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
				: NULL;
	json_t *record = json_object();
	json_object_set_new(record, "topic", json_string(topic));
	json_object_set_new(record, "partition", json_integer(message->partition));
	json_object_set_new(record, "offset", json_integer(message->offset));
	json_object_set_new(record, "timestamp_ms", json_integer(rd_kafka_message_timestamp(message, NULL)));
	json_object_set_new(record, "key", text_of(message->key, message->key_len));
	json_object_set_new(record, "headers", headers_of(message));
	json_object_set_new(record, "value", value ? value : text_of(message->payload, message->len));
	return record;
}

static json_t *consume_one(struct kafka_reads *reads, rd_kafka_topic_t *handle, int32_t partition, int64_t offset)
{
	const char *topic = rd_kafka_topic_name(handle);
	json_t *record = NULL;
	rd_kafka_message_t *message = rd_kafka_consume(handle, partition, ANSWER_MS);
	if (!message)
		describe(reads, topic, partition, "no answer", "try again");
	else if (message->err)
		describe(reads, topic, partition, rd_kafka_err2name(message->err),
			 "the log may not hold this record any more");
	else if (message->offset != offset)
		describe(reads, topic, partition, "this record is gone",
			 "the topic's retention decides how long records stay");
	else
		record = describe_record(message, topic);
	if (message)
		rd_kafka_message_destroy(message);
	return record;
}

json_t *kafka_reads_record(struct kafka_reads *reads, const char *topic, int32_t partition, int64_t offset)
{
	json_t *record = NULL;
	if (!is_ready(reads))
		return NULL;
	rd_kafka_topic_t *handle = rd_kafka_topic_new(reads->handle, topic, NULL);
	if (!handle || rd_kafka_consume_start(handle, partition, offset)) {
		describe(reads, topic, partition, rd_kafka_err2name(rd_kafka_last_error()), "try again");
	} else {
		record = consume_one(reads, handle, partition, offset);
		rd_kafka_consume_stop(handle, partition);
	}
	if (handle)
		rd_kafka_topic_destroy(handle);
	return record;
}

/* ---- ends ---- */

int kafka_reads_ends(struct kafka_reads *reads, const char *topic, int32_t partitions, int64_t *ends)
{
	if (!is_ready(reads))
		return -1;
	for (int32_t p = 0; p < partitions; p++) {
		int64_t low;
		rd_kafka_resp_err_t code =
			rd_kafka_query_watermark_offsets(reads->handle, topic, p, &low, &ends[p], ANSWER_MS);
		if (code) {
			describe(reads, topic, p, rd_kafka_err2name(code), "is the partition's leader up?");
			return -1;
		}
	}
	return 0;
}
