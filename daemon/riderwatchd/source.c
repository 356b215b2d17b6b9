/* SPDX-License-Identifier: Apache-2.0 */
/* Positions are ours alone: next[] holds them, and every start, move and resumption hands them to the library as a new
 * assignment with explicit offsets. Seek, pause and resume are not used: each can rewind or skip in some version of the
 * library, while an assignment voids whatever was fetched for the one before. */
#include "source_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "alloc.h"
#include "kafka_conf.h"
#include "log.h"
#include "monotonic.h"
#include "must.h"

#define TURN_RECORDS 2000
#define TURN_MS 5
#define TICK_MS 250
#define CLOSING_TICK_MS 20
#define PARK_AFTER_MS 1000

void source_arm(struct source *source)
{
	uint64_t one = 1;

	/* A full counter means that it is armed. */
	if (write(source->wake_fd, &one, sizeof(one)) < 0)
		return;
}

static void set_tick(struct source *source, int64_t ms)
{
	struct timeval interval = { ms / 1000, ms % 1000 * 1000 };

	event_add(source->timer, &interval);
}

/* ---- positions ---- */

void source_forget(struct source *source)
{
	for (int input = 0; input < INPUT_COUNT; input++)
		for (int32_t p = 0; p < source->topics[input].size; p++)
			source->topics[input].next[p] = SOURCE_NOT_READ;
	source->moved = false;
}

static void set_position(struct source *source, const struct source_partition *partition)
{
	struct source_topic *topic = &source->topics[partition->input];

	MUST(partition->partition >= 0 && partition->offset >= 0);
	if (partition->partition >= topic->size) {
		int32_t size = partition->partition + 16;

		topic->next = alloc_resize(topic->next, (size_t)size * sizeof(*topic->next));
		while (topic->size < size)
			topic->next[topic->size++] = SOURCE_NOT_READ;
	}
	topic->next[partition->partition] = partition->offset;
	source->moved = true;
}

/* Gives the library the partitions at their positions, or none at all. */
static void assign(struct source *source, bool all)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
	rd_kafka_resp_err_t code;

	for (int input = 0; all && input < INPUT_COUNT; input++)
		for (int32_t p = 0; p < source->topics[input].size; p++)
			if (source->topics[input].next[p] != SOURCE_NOT_READ)
				rd_kafka_topic_partition_list_add(list, source->topics[input].name, p)->offset =
					source->topics[input].next[p];
	code = rd_kafka_assign(source->consumer, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (code)
		source_fatal(source, "Kafka consumer: assignment refused: %s; restart", rd_kafka_err2str(code));
}

static void settle_positions(struct source *source)
{
	if (source->state != SOURCE_MEMBER)
		return;
	if (source->reading && (source->moved || source->parked)) {
		assign(source, true);
		source->moved = source->parked = false;
	} else if (!source->reading && !source->parked && monotonic_ms() - source->idle_since_ms >= PARK_AFTER_MS) {
		assign(source, false);
		source->parked = true;
	}
}

/* ---- the loop ---- */

/* While nobody reads, the queue is left alone until it is known to hold no records. */
static bool may_poll(const struct source *source)
{
	return source->state != SOURCE_MEMBER || source->parked || (source->reading && !source->moved);
}

static void poll_records(struct source *source)
{
	int64_t until = monotonic_ms() + TURN_MS;

	for (int count = 1; may_poll(source); count++) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(source->consumer, 0);

		if (!message)
			return;
		if (message->err)
			source_message_error(source, message);
		else
			source_deliver(source, message);
		rd_kafka_message_destroy(message);
		if (count >= TURN_RECORDS || (count % 64 == 0 && monotonic_ms() >= until)) {
			source_arm(source);
			return;
		}
	}
}

/* False when the source is closed; it may be freed already then. */
static bool still_open(struct source *source)
{
	void (*on_closed)(void *context) = source->on_closed;

	if (source->state != SOURCE_CLOSING)
		return true;
	if (!on_closed || !(source->close_refused || rd_kafka_consumer_closed(source->consumer)))
		return on_closed;
	source->on_closed = NULL;
	event_del(source->timer);
	event_del(source->wake);
	on_closed(source->context);
	return false;
}

static void turn(struct source *source)
{
	if (source->join_at > 0 && source->state != SOURCE_CLOSING)
		source_try_join(source);
	settle_positions(source);
	poll_records(source);
	if (still_open(source) && source->state != SOURCE_CLOSING)
		source->callbacks->on_turn(source->context);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		count = 0;
	turn(context);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	turn(context);
}

/* ---- start and end ---- */

static int on_statistics(rd_kafka_t *consumer, char *json, size_t size, void *opaque)
{
	struct source *source = opaque;

	(void)consumer;
	kafka_statistics_read(&source->statistics, json, size);
	return 0;
}

static bool create_consumer(struct source *source, const struct config *config, char *error, size_t error_size)
{
	rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_CONSUMER, error, error_size);

	if (!conf)
		return false;
	rd_kafka_conf_set_opaque(conf, source);
	rd_kafka_conf_set_rebalance_cb(conf, source_on_rebalance);
	rd_kafka_conf_set_error_cb(conf, source_on_error);
	rd_kafka_conf_set_stats_cb(conf, on_statistics);
	source->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, error_size);
	if (!source->consumer) {
		rd_kafka_conf_destroy(conf);
		return false;
	}
	rd_kafka_poll_set_consumer(source->consumer);
	source->group = config->kafka_group;
	source->topics[INPUT_REPORTS].name = config->topics_reports;
	source->topics[INPUT_DELIVERIES].name = config->topics_deliveries;
	for (int input = 0; input < INPUT_COUNT; input++)
		source->topics[input].handle = rd_kafka_topic_new(source->consumer, source->topics[input].name, NULL);
	return true;
}

static void listen_to_queue(struct source *source, rd_kafka_queue_t *queue)
{
	static const uint64_t one = 1;

	rd_kafka_queue_io_event_enable(queue, source->wake_fd, &one, sizeof(one));
}

struct source *source_new(struct event_base *base, const struct config *config,
			  const struct source_callbacks *callbacks, void *context, char *error, size_t error_size)
{
	struct source *source = alloc_zeroed(1, sizeof(*source));

	source->callbacks = callbacks;
	source->context = context;
	source->reading = true;
	/* Non-blocking: a full pipe would stop the library. */
	source->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	MUST(source->wake_fd >= 0);
	source->wake = event_new(base, source->wake_fd, EV_READ | EV_PERSIST, on_wake, source);
	source->timer = event_new(base, -1, EV_PERSIST, on_tick, source);
	MUST(source->wake && source->timer);
	if (!create_consumer(source, config, error, error_size))
		goto fail;
	source->queue = rd_kafka_queue_get_consumer(source->consumer);
	listen_to_queue(source, source->queue);
	event_add(source->wake, NULL);
	set_tick(source, TICK_MS);
	/* What was queued before listening began wakes nobody. */
	source_arm(source);
	return source;
fail:
	source_free(&source);
	return NULL;
}

const struct kafka_statistics *source_statistics(const struct source *source)
{
	return &source->statistics;
}

int64_t source_log_end(const struct source *source, enum input input, int32_t partition)
{
	int64_t start, end;

	return rd_kafka_get_watermark_offsets(source->consumer, source->topics[input].name, partition, &start, &end) ||
			       end == RD_KAFKA_OFFSET_INVALID
		       ? -1
		       : end;
}

rd_kafka_t *source_handle(struct source *source)
{
	return source->consumer;
}

void source_assign(struct source *source, const struct source_partition *partitions, size_t count)
{
	if (source->state != SOURCE_MEMBER)
		return;
	source_forget(source);
	for (size_t i = 0; i < count; i++)
		set_position(source, &partitions[i]);
	source->moved = true;
	source_arm(source);
}

void source_seek(struct source *source, const struct source_partition *partition)
{
	if (source->state != SOURCE_MEMBER)
		return;
	set_position(source, partition);
	source_arm(source);
}

void source_release(struct source *source)
{
	if (source->state != SOURCE_REVOKING)
		return;
	source_forget(source);
	source->state = SOURCE_OUTSIDE;
	source->lost = source->parked = false;
	rd_kafka_assign(source->consumer, NULL);
	source_arm(source);
}

void source_set_reading(struct source *source, bool reading)
{
	if (source->reading == reading)
		return;
	source->reading = reading;
	source->idle_since_ms = monotonic_ms();
	if (reading)
		source_arm(source);
}

void source_close(struct source *source, void (*on_closed)(void *context))
{
	rd_kafka_error_t *error;

	MUST(source->state != SOURCE_CLOSING);
	source_forget(source);
	/* A revoke that waits for its answer gets it, else the close would wait for it too. */
	if (source->state == SOURCE_REVOKING)
		rd_kafka_assign(source->consumer, NULL);
	source->state = SOURCE_CLOSING;
	source->on_closed = on_closed;
	source->closing_queue = rd_kafka_queue_new(source->consumer);
	listen_to_queue(source, source->closing_queue);
	error = rd_kafka_consumer_close_queue(source->consumer, source->closing_queue);
	if (error) {
		log_warning("the group is left without a good-bye", "error=%s", rd_kafka_error_string(error));
		rd_kafka_error_destroy(error);
		source->close_refused = true;
	}
	set_tick(source, CLOSING_TICK_MS);
	source_arm(source);
}

static void free_handle(struct source *source)
{
	rd_kafka_queue_t *queues[] = { source->queue, source->closing_queue };

	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
		if (!queues[i])
			continue;
		rd_kafka_queue_io_event_enable(queues[i], -1, NULL, 0);
		rd_kafka_queue_destroy(queues[i]);
	}
	for (int input = 0; input < INPUT_COUNT; input++)
		if (source->topics[input].handle)
			rd_kafka_topic_destroy(source->topics[input].handle);
	/* Leaving the group is source_close()'s; here it would block. */
	if (source->consumer)
		rd_kafka_destroy_flags(source->consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void source_free(struct source **source_pointer)
{
	struct source *source = *source_pointer;

	if (!source)
		return;
	*source_pointer = NULL;
	event_free(source->wake);
	event_free(source->timer);
	free_handle(source);
	close(source->wake_fd);
	for (int input = 0; input < INPUT_COUNT; input++)
		free(source->topics[input].next);
	kafka_headers_fini(&source->headers);
	free(source);
}
