/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction_log.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "kafka_fault.h"
#include "kafka_handle.h"
#include "monotonic.h"
#include "transaction_state.h"

#define CALL_MS 1000
#define FIRST_WINDOW 1000 /* records from the end: usually ours are the last */
#define WINDOW_GROWS 16
#define UNKNOWN_PAUSE_MS 50

/* ---- parts ---- */

void transaction_parts_set(struct transaction_parts *parts, const char *topic, size_t topic_size, int32_t partition,
			   bool committed)
{
	for (size_t i = 0; i < parts->count; i++) {
		struct transaction_part *part = &parts->list[i];

		if (part->partition != partition ||
		    !slice_equal(slice_of(part->topic), (struct slice){ topic, topic_size }))
			continue;
		part->committed = committed;
		return;
	}
	char *name = alloc_zeroed(1, topic_size + 1);

	memcpy(name, topic, topic_size);
	parts->list = alloc_resize(parts->list, (parts->count + 1) * sizeof(*parts->list));
	parts->list[parts->count++] = (struct transaction_part){ name, partition, committed };
}

void transaction_parts_fini(struct transaction_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		free(parts->list[i].topic);
	free(parts->list);
	*parts = (struct transaction_parts){ 0 };
}

/* ---- one record ---- */

struct past {
	struct slice id;
	struct transaction_parts *parts;
	enum transaction_status status; /* of the record at hand */
	bool found;
};

/* What prepares an end lists all partitions that it is to reach; the records around it add nothing to that. */
static bool prepares_end(enum transaction_status status)
{
	return status == TRANSACTION_PREPARE_COMMIT || status == TRANSACTION_PREPARE_ABORT ||
	       status == TRANSACTION_PREPARE_EPOCH_FENCE;
}

static void on_partition(void *context, struct slice topic, int partition)
{
	const struct past *past = context;

	if (prepares_end(past->status))
		transaction_parts_set(past->parts, topic.data, topic.size, partition,
				      past->status == TRANSACTION_PREPARE_COMMIT);
}

static void take_record(struct past *past, const rd_kafka_message_t *message)
{
	struct slice key = { message->key, message->key_len }, value = { message->payload, message->len };

	if (slice_equal(transaction_state_id(key), past->id) &&
	    transaction_state_read(value, &past->status, on_partition, past))
		past->found |= prepares_end(past->status);
}

/* ---- reading ---- */

struct window {
	rd_kafka_topic_t *topic;
	int32_t partition;
	int64_t from, end, until;
};

static rd_kafka_resp_err_t read_window(const struct window *window, struct past *past)
{
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

	if (rd_kafka_consume_start(window->topic, window->partition, window->from))
		return rd_kafka_last_error();
	for (int64_t next = window->from; !code && next < window->end;) {
		rd_kafka_message_t *message = rd_kafka_consume(window->topic, window->partition, CALL_MS);

		if (!message && monotonic_ms() >= window->until)
			code = RD_KAFKA_RESP_ERR__TIMED_OUT;
		if (!message)
			continue;
		if (!message->err)
			take_record(past, message);
		else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
			code = message->err;
		next = message->offset + 1;
		if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			next = window->end; /* the last offsets may be markers or compacted */
		rd_kafka_message_destroy(message);
	}
	rd_kafka_consume_stop(window->topic, window->partition);
	return code;
}

static rd_kafka_resp_err_t read_backwards(rd_kafka_t *handle, struct window *window, struct past *past)
{
	int64_t start, size = FIRST_WINDOW;
	rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(handle, TRANSACTION_STATE_TOPIC, window->partition,
								    &start, &window->end, CALL_MS);

	while (!code) {
		window->from = window->end - start > size ? window->end - size : start;
		code = read_window(window, past);
		if (past->found || window->from == start)
			break;
		size *= WINDOW_GROWS;
	}
	return code;
}

/* Brokers that know this id know the topic, unless they have none: another one may be late to hear of it. */
static rd_kafka_resp_err_t count_partitions(rd_kafka_t *handle, rd_kafka_topic_t *topic, int32_t *count)
{
	int64_t until = monotonic_ms() + CALL_MS;
	rd_kafka_resp_err_t code;

	while (kafka_topic_is_unknown(code = kafka_count_partitions(handle, topic, CALL_MS, count)) &&
	       monotonic_ms() < until)
		rd_kafka_poll(handle, UNKNOWN_PAUSE_MS);
	return code || *count > 0 ? code : RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

static enum transaction_log_result result_of(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return TRANSACTION_LOG_READ;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
		return TRANSACTION_LOG_NEVER;
	default:
		return TRANSACTION_LOG_LATER;
	}
}

enum transaction_log_result transaction_log_read(rd_kafka_t *handle, const char *id, int64_t until,
						 struct transaction_parts *parts, rd_kafka_resp_err_t *code)
{
	struct past past = { .id = slice_of(id), .parts = parts };
	struct window window = { .topic = rd_kafka_topic_new(handle, TRANSACTION_STATE_TOPIC, NULL), .until = until };
	int32_t count;

	MUST(window.topic);
	*code = count_partitions(handle, window.topic, &count);
	if (!*code) {
		window.partition = kafka_internal_partition(past.id, count);
		*code = read_backwards(handle, &window, &past);
	}
	rd_kafka_topic_destroy(window.topic);
	return result_of(*code);
}
