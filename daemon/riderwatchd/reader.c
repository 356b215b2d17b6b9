/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "alloc.h"
#include "kafka_fault.h"
#include "kafka_handle.h"
#include "kafka_record.h"
#include "log.h"
#include "monotonic.h"
#include "must.h"

#define TURN_RECORDS 1000
#define TURN_MS 4
#define NOT_READ (-1)

struct reader_topic {
	const char *name;
	rd_kafka_topic_t *handle;
	int64_t *next; /* offset to deliver next of each partition, or NOT_READ */
	int32_t size;
};

struct reader {
	const struct config *config;
	const struct reader_callbacks *callbacks;
	void *context;
	rd_kafka_t *handle; /* NULL until first needed */
	rd_kafka_queue_t *queue;
	struct reader_topic topics[INPUT_COUNT];
	struct kafka_headers headers;
	int wake_fd;
	struct event *wake;
	bool reading, fatal;
};

/* Another turn soon, after other events of the loop had theirs. */
static void arm(struct reader *reader)
{
	uint64_t one = 1;
	/* A full counter means that it is armed. */
	if (write(reader->wake_fd, &one, sizeof one) < 0)
		return;
}

static void fatal(struct reader *reader, const char *what, const char *advice)
{
	char text[512];
	if (reader->fatal)
		return;
	reader->fatal = true;
	snprintf(text, sizeof text, "Kafka reader: %s; %s", what, advice);
	reader->callbacks->on_fatal(reader->context, text);
}

/* ---- messages ---- */

static enum input input_of(const struct reader *reader, const rd_kafka_message_t *message)
{
	int input = 0;
	while (input < INPUT_COUNT && reader->topics[input].handle != message->rkt)
		input++;
	return (enum input)input;
}

/* Position of the message's partition, NULL when it is not read (any more). */
static int64_t *next_of(struct reader *reader, enum input input, const rd_kafka_message_t *message)
{
	if (input == INPUT_COUNT || message->partition < 0 || message->partition >= reader->topics[input].size)
		return NULL;
	int64_t *next = &reader->topics[input].next[message->partition];
	return *next == NOT_READ ? NULL : next;
}

static void on_error(struct reader *reader, const rd_kafka_message_t *message)
{
	enum input input = input_of(reader, message);
	const int64_t *next = next_of(reader, input, message);
	const struct kafka_fault *fault = kafka_fault_find(message->err);
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		return;
	if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && next) {
		int64_t offset = *next;
		reader_stop(reader, input, message->partition);
		reader->callbacks->on_out_of_range(reader->context, input, message->partition, offset);
	} else if (fault && !kafka_topic_is_unknown(message->err)) {
		fatal(reader, rd_kafka_message_errstr(message), fault->advice);
	} else {
		log_limited(LOG_WARNING, "Kafka reader has trouble", "error=%s partition=%d", rd_kafka_err2name(message->err),
			    (int)message->partition);
	}
}

static void deliver(struct reader *reader, rd_kafka_message_t *message)
{
	enum input input = input_of(reader, message);
	int64_t *next = next_of(reader, input, message);
	struct input_record record;
	/* Fetched before it was stopped or moved. */
	if (!next || message->offset < *next)
		return;
	*next = message->offset + 1;
	kafka_record_read(message, input, &reader->headers, &record);
	reader->callbacks->on_record(reader->context, &record);
}

static void poll_records(struct reader *reader)
{
	int64_t until = monotonic_ms() + TURN_MS;
	for (int count = 1; reader->reading; count++) {
		rd_kafka_message_t *message = rd_kafka_consume_queue(reader->queue, 0);
		if (!message)
			return;
		if (message->err)
			on_error(reader, message);
		else
			deliver(reader, message);
		rd_kafka_message_destroy(message);
		if (count >= TURN_RECORDS || (count % 64 == 0 && monotonic_ms() >= until)) {
			arm(reader);
			return;
		}
	}
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct reader *reader = context;
	uint64_t count;
	(void)what;
	if (read(fd, &count, sizeof count) < 0)
		count = 0;
	if (!reader->handle)
		return;
	rd_kafka_poll(reader->handle, 0);
	poll_records(reader);
	reader->callbacks->on_turn(reader->context);
}

/* ---- start and stop ---- */

static bool connect_reader(struct reader *reader)
{
	static const uint64_t one = 1;
	char error[512];
	if (reader->handle)
		return true;
	reader->handle = kafka_consumer_new(reader->config, KAFKA_READER, error, sizeof error);
	if (!reader->handle) {
		fatal(reader, error, "check kafka.properties and the limit of open files");
		return false;
	}
	reader->queue = rd_kafka_queue_new(reader->handle);
	rd_kafka_queue_io_event_enable(reader->queue, reader->wake_fd, &one, sizeof one);
	for (int input = 0; input < INPUT_COUNT; input++) {
		reader->topics[input].handle = rd_kafka_topic_new(reader->handle, reader->topics[input].name, NULL);
		MUST(reader->topics[input].handle);
	}
	return true;
}

static void make_room(struct reader_topic *topic, int32_t partition)
{
	if (partition < topic->size)
		return;
	int32_t size = partition + 16;
	topic->next = alloc_resize(topic->next, (size_t)size * sizeof *topic->next);
	while (topic->size < size)
		topic->next[topic->size++] = NOT_READ;
}

void reader_start(struct reader *reader, enum input input, int32_t partition, int64_t offset)
{
	struct reader_topic *topic = &reader->topics[input];
	MUST(partition >= 0 && offset >= 0);
	make_room(topic, partition);
	reader_stop(reader, input, partition);
	if (!connect_reader(reader))
		return;
	if (rd_kafka_consume_start_queue(topic->handle, partition, offset, reader->queue)) {
		fatal(reader, rd_kafka_err2str(rd_kafka_last_error()), "restart");
		return;
	}
	topic->next[partition] = offset;
	arm(reader);
}

void reader_stop(struct reader *reader, enum input input, int32_t partition)
{
	struct reader_topic *topic = &reader->topics[input];
	if (partition >= topic->size || topic->next[partition] == NOT_READ)
		return;
	topic->next[partition] = NOT_READ;
	rd_kafka_consume_stop(topic->handle, partition);
}

void reader_set_reading(struct reader *reader, bool reading)
{
	if (reading && !reader->reading)
		arm(reader);
	reader->reading = reading;
}

/* ---- life ---- */

struct reader *reader_new(struct event_base *base, const struct config *config, const struct reader_callbacks *callbacks,
			  void *context)
{
	struct reader *reader = alloc_zeroed(1, sizeof *reader);
	reader->config = config;
	reader->callbacks = callbacks;
	reader->context = context;
	reader->topics[INPUT_REPORTS].name = config->topics_reports;
	reader->topics[INPUT_DELIVERIES].name = config->topics_deliveries;
	/* Non-blocking: a full pipe would stop the library. */
	reader->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	MUST(reader->wake_fd >= 0);
	reader->wake = event_new(base, reader->wake_fd, EV_READ | EV_PERSIST, on_wake, reader);
	MUST(reader->wake);
	event_add(reader->wake, NULL);
	return reader;
}

static void disconnect(struct reader *reader)
{
	if (!reader->handle)
		return;
	for (int input = 0; input < INPUT_COUNT; input++) {
		for (int32_t p = 0; p < reader->topics[input].size; p++)
			reader_stop(reader, (enum input)input, p);
		rd_kafka_topic_destroy(reader->topics[input].handle);
	}
	rd_kafka_queue_io_event_enable(reader->queue, -1, NULL, 0);
	rd_kafka_queue_destroy(reader->queue);
	rd_kafka_destroy_flags(reader->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void reader_free(struct reader **pointer)
{
	struct reader *reader = *pointer;
	if (!reader)
		return;
	*pointer = NULL;
	event_free(reader->wake);
	disconnect(reader);
	close(reader->wake_fd);
	for (int input = 0; input < INPUT_COUNT; input++)
		free(reader->topics[input].next);
	kafka_headers_fini(&reader->headers);
	free(reader);
}
