/* SPDX-License-Identifier: Apache-2.0 */
#include "topic_reader.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "kafka_fault.h"
#include "kafka_handle.h"
#include "kafka_record.h"

enum { ANSWER_MS = 10000 };

struct read_topic {
	rd_kafka_topic_t *handle;
	int32_t partitions;
	bool *ended; /* by partition: its end was reached once */
};

struct topic_reader {
	const struct config *config;
	rd_kafka_t *kafka;
	rd_kafka_queue_t *queue;
	struct read_topic *topics;
	size_t count, left; /* topics; partitions that have not ended */
};

struct topic_reader *topic_reader_new(const struct config *config, char *error, size_t error_size)
{
	struct topic_reader *reader = alloc_zeroed(1, sizeof(*reader));

	reader->config = config;
	reader->kafka = kafka_consumer_new(config, KAFKA_READER, error, error_size);
	if (!reader->kafka) {
		free(reader);
		return NULL;
	}
	reader->queue = rd_kafka_queue_new(reader->kafka);
	return reader;
}

void topic_reader_free(struct topic_reader **pointer)
{
	struct topic_reader *reader = *pointer;

	*pointer = NULL;
	if (!reader)
		return;
	for (size_t i = 0; i < reader->count; i++) {
		for (int32_t p = 0; p < reader->topics[i].partitions; p++)
			rd_kafka_consume_stop(reader->topics[i].handle, p);
		rd_kafka_topic_destroy(reader->topics[i].handle);
		free(reader->topics[i].ended);
	}
	free(reader->topics);
	rd_kafka_queue_destroy(reader->queue);
	rd_kafka_destroy(reader->kafka);
	free(reader);
}

/* ---- topics ---- */

static bool refuse(struct topic_reader *reader, const char *topic, rd_kafka_resp_err_t code, char *error,
		   size_t error_size)
{
	const struct kafka_fault *fault = kafka_fault_find(code);

	snprintf(error, error_size, "Kafka %s: %s: %s; %s", reader->config->kafka_brokers, topic,
		 rd_kafka_err2str(code), fault ? fault->advice : "check kafka.brokers and the broker's log");
	return false;
}

/* The first offset at or behind that time; the end when there is none. */
static rd_kafka_resp_err_t find_offsets(struct topic_reader *reader, const struct read_topic *topic, int64_t from,
					int64_t *offsets)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(topic->partitions);
	rd_kafka_resp_err_t code;

	for (int32_t p = 0; p < topic->partitions; p++)
		rd_kafka_topic_partition_list_add(list, rd_kafka_topic_name(topic->handle), p)->offset = from;
	code = from >= 0 ? rd_kafka_offsets_for_times(reader->kafka, list, ANSWER_MS) : RD_KAFKA_RESP_ERR_NO_ERROR;
	for (int32_t p = 0; p < topic->partitions; p++)
		offsets[p] = from == TOPIC_READER_START ? RD_KAFKA_OFFSET_BEGINNING
			     : from == TOPIC_READER_END ? RD_KAFKA_OFFSET_END
							: list->elems[p].offset;
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

static bool start(struct topic_reader *reader, struct read_topic *topic, int64_t from, char *error, size_t error_size)
{
	int64_t *offsets = alloc_zeroed((size_t)topic->partitions, sizeof(*offsets));
	rd_kafka_resp_err_t code = find_offsets(reader, topic, from, offsets);

	topic->ended = alloc_zeroed((size_t)topic->partitions, sizeof(*topic->ended));
	for (int32_t p = 0; p < topic->partitions && !code; p++) {
		if (rd_kafka_consume_start_queue(topic->handle, p, offsets[p], reader->queue))
			code = rd_kafka_last_error();
		else
			reader->left++;
	}
	free(offsets);
	return code ? refuse(reader, rd_kafka_topic_name(topic->handle), code, error, error_size) : true;
}

bool topic_reader_add(struct topic_reader *reader, const char *name, int64_t from, char *error, size_t error_size)
{
	struct read_topic *topic;
	rd_kafka_resp_err_t code;

	reader->topics = alloc_resize(reader->topics, (reader->count + 1) * sizeof(*reader->topics));
	topic = &reader->topics[reader->count++];
	*topic = (struct read_topic){ .handle = rd_kafka_topic_new(reader->kafka, name, NULL) };
	MUST(topic->handle);
	code = kafka_count_partitions(reader->kafka, topic->handle, ANSWER_MS, &topic->partitions);
	return code ? refuse(reader, name, code, error, error_size) : start(reader, topic, from, error, error_size);
}

/* ---- records ---- */

static void note_end(struct topic_reader *reader, const rd_kafka_message_t *message)
{
	for (size_t i = 0; i < reader->count; i++) {
		struct read_topic *topic = &reader->topics[i];
		if (topic->handle == message->rkt && !topic->ended[message->partition]) {
			topic->ended[message->partition] = true;
			reader->left--;
		}
	}
}

rd_kafka_message_t *topic_reader_next(struct topic_reader *reader, int timeout_ms, char *error, size_t error_size)
{
	rd_kafka_message_t *message = rd_kafka_consume_queue(reader->queue, timeout_ms);

	error[0] = '\0';
	rd_kafka_poll(reader->kafka, 0);
	if (!message || (!message->err && !kafka_record_is_sweep(message)))
		return message;
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		note_end(reader, message);
	else if (kafka_fault_find(message->err))
		refuse(reader, message->rkt ? rd_kafka_topic_name(message->rkt) : "connection", message->err, error,
		       error_size);
	rd_kafka_message_destroy(message);
	return NULL;
}

bool topic_reader_is_done(const struct topic_reader *reader)
{
	return reader->left == 0;
}
