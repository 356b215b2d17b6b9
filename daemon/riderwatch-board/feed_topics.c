/* SPDX-License-Identifier: Apache-2.0 */
/* The feed's thread. Whatever goes wrong, it begins again from the same hours back: the ring knows what it has. */
#include "feed_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "alloc.h"
#include "kafka_handle.h"
#include "kafka_record.h"
#include "log.h"
#include "must.h"

#define ANSWER_MS 5000
#define POLL_MS 100
#define AGAIN_MS 1000
/* Partitions are added to a topic by hand, and seldom. */
#define CHECK_MS 60000

static void pause_before_again(struct feed *feed)
{
	for (int waited = 0; waited < AGAIN_MS && !feed_stopping(feed); waited += POLL_MS)
		usleep(POLL_MS * 1000);
}

static bool fail(const struct feed *feed, const char *what, const char *name, rd_kafka_resp_err_t code)
{
	log_limited(LOG_WARNING, "Kafka cannot be read; trying again", "brokers=%s step=%s topic=%s error=%s",
		    feed->config->kafka_brokers, what, name, rd_kafka_err2name(code));
	return false;
}

/* ---- begin ---- */

static bool make_handle(struct feed *feed)
{
	char error[512];
	feed->handle = kafka_consumer_new(feed->config, KAFKA_READER, error, sizeof error);
	if (feed->handle) {
		feed->queue = rd_kafka_queue_new(feed->handle);
		return true;
	}
	log_limited(LOG_ERROR, "cannot make a Kafka client", "error=%s", error);
	return false;
}

/* How many partitions the topic has; -1 after a complaint. */
static int32_t count_partitions(const struct feed *feed, const char *name)
{
	int32_t count;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(feed->handle, name, NULL);
	rd_kafka_resp_err_t code = kafka_count_partitions(feed->handle, topic, ANSWER_MS, &count);
	if (code)
		fail(feed, "metadata", name, code);
	rd_kafka_topic_destroy(topic);
	return code ? -1 : count;
}

static bool count_all(struct feed *feed)
{
	int32_t inputs = count_partitions(feed, feed->config->topics_reports);
	for (size_t i = 0; i < feed->topic_count && inputs > 0; i++) {
		feed->topics[i].partitions = count_partitions(feed, feed->topics[i].name);
		if (feed->topics[i].partitions <= 0)
			return false;
	}
	pthread_mutex_lock(&feed->lock);
	feed->state.input_partitions = inputs > 0 ? inputs : feed->state.input_partitions;
	pthread_mutex_unlock(&feed->lock);
	return inputs > 0;
}

/* Offsets of the first record that is young enough; RD_KAFKA_OFFSET_END where there is none. */
static bool find_starts(struct feed *feed, rd_kafka_topic_partition_list_t *starts)
{
	int64_t from_ms = feed_now_ms() - feed->config->board_history;
	for (size_t i = 0; i < feed->topic_count; i++) {
		for (int32_t p = 0; p < feed->topics[i].partitions; p++)
			rd_kafka_topic_partition_list_add(starts, feed->topics[i].name, p)->offset = from_ms;
	}
	rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(feed->handle, starts, ANSWER_MS);
	for (int i = 0; i < starts->cnt && !code; i++)
		code = starts->elems[i].err;
	return code ? fail(feed, "offsets by time", "", code) : true;
}

static struct feed_topic *topic_named(struct feed *feed, const char *name)
{
	size_t i = 0;
	while (strcmp(feed->topics[i].name, name) != 0)
		i++;
	return &feed->topics[i];
}

static bool start_partitions(struct feed *feed, const rd_kafka_topic_partition_list_t *starts)
{
	for (int i = 0; i < starts->cnt; i++) {
		const rd_kafka_topic_partition_t *start = &starts->elems[i];
		struct feed_topic *topic = topic_named(feed, start->topic);
		if (!topic->handle) {
			topic->handle = rd_kafka_topic_new(feed->handle, topic->name, NULL);
			topic->ended = alloc_zeroed((size_t)topic->partitions, sizeof *topic->ended);
		}
		if (rd_kafka_consume_start_queue(topic->handle, start->partition, start->offset, feed->queue))
			return fail(feed, "start", topic->name, rd_kafka_last_error());
	}
	return true;
}

static bool begin(struct feed *feed)
{
	if (!make_handle(feed) || !count_all(feed))
		return false;
	rd_kafka_topic_partition_list_t *starts = rd_kafka_topic_partition_list_new(16);
	bool ok = find_starts(feed, starts) && start_partitions(feed, starts);
	rd_kafka_topic_partition_list_destroy(starts);
	feed->checked_ms = feed_now_ms();
	return ok;
}

static void end(struct feed *feed)
{
	for (size_t i = 0; i < feed->topic_count; i++) {
		struct feed_topic *topic = &feed->topics[i];
		for (int32_t p = 0; topic->handle && p < topic->partitions; p++)
			rd_kafka_consume_stop(topic->handle, p);
		if (topic->handle)
			rd_kafka_topic_destroy(topic->handle);
		free(topic->ended);
		topic->handle = NULL;
		topic->ended = NULL;
	}
	if (feed->queue)
		rd_kafka_queue_destroy(feed->queue);
	if (feed->handle)
		rd_kafka_destroy_flags(feed->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	feed->queue = NULL;
	feed->handle = NULL;
}

/* ---- read ---- */

static void set_state(struct feed *feed, bool connected, bool caught_up)
{
	pthread_mutex_lock(&feed->lock);
	feed->state.connected = connected;
	feed->state.caught_up |= caught_up;
	pthread_mutex_unlock(&feed->lock);
}

static bool all_ended(const struct feed *feed)
{
	for (size_t i = 0; i < feed->topic_count; i++) {
		for (int32_t p = 0; p < feed->topics[i].partitions; p++) {
			if (!feed->topics[i].ended[p])
				return false;
		}
	}
	return true;
}

static void take_alert(struct feed *feed, const struct feed_topic *topic, const rd_kafka_message_t *message)
{
	char error[256];
	if (kafka_record_is_sweep(message))
		return;
	struct card_place place = { .topic = topic->name,
				    .partition = message->partition,
				    .offset = message->offset,
				    .written_ms = rd_kafka_message_timestamp(message, NULL),
				    .seen_ms = feed_now_ms() };
	struct card *card = card_new((struct slice){ message->payload, message->len }, &place, error, sizeof error);
	pthread_mutex_lock(&feed->lock);
	feed->state.records++;
	feed->state.refused += card == NULL;
	pthread_mutex_unlock(&feed->lock);
	if (card)
		feed_hand_over(feed, card);
	else
		log_limited(LOG_WARNING, "a record of an alert topic is no alert; it is left out",
			    "topic=%s partition=%d offset=%lld reason=%s", topic->name, (int)place.partition,
			    (long long)place.offset, error);
}

/* False: begin again. */
static bool take_error(struct feed *feed, const struct feed_topic *topic, const rd_kafka_message_t *message)
{
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		topic->ended[message->partition] = true;
		set_state(feed, true, all_ended(feed));
		return true;
	}
	fail(feed, "read", topic->name, message->err);
	set_state(feed, false, false);
	return message->err != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET &&
	       message->err != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION && message->err != RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

static bool take(struct feed *feed, const rd_kafka_message_t *message)
{
	struct feed_topic *topic = feed->topics;
	while (topic < feed->topics + feed->topic_count && topic->handle != message->rkt)
		topic++;
	if (topic == feed->topics + feed->topic_count)
		return true; /* concerns no topic */
	if (message->err)
		return take_error(feed, topic, message);
	if (topic->dead_letters)
		feed_count_dead_letter(feed, rd_kafka_message_timestamp(message, NULL));
	else
		take_alert(feed, topic, message);
	return true;
}

/* False when a topic has got more partitions since the beginning. */
static bool partitions_are_the_same(struct feed *feed)
{
	if (feed_now_ms() - feed->checked_ms < CHECK_MS)
		return true;
	feed->checked_ms = feed_now_ms();
	for (size_t i = 0; i < feed->topic_count; i++) {
		if (count_partitions(feed, feed->topics[i].name) > feed->topics[i].partitions) {
			log_info("a topic has new partitions", "topic=%s", feed->topics[i].name);
			return false;
		}
	}
	return true;
}

static void read_on(struct feed *feed)
{
	bool ok = true;
	set_state(feed, true, false);
	while (ok && !feed_stopping(feed)) {
		rd_kafka_message_t *message = rd_kafka_consume_queue(feed->queue, POLL_MS);
		rd_kafka_poll(feed->handle, 0);
		if (message) {
			ok = take(feed, message);
			rd_kafka_message_destroy(message);
		}
		ok = ok && partitions_are_the_same(feed);
	}
}

void *feed_run(void *context)
{
	struct feed *feed = context;
	while (!feed_stopping(feed)) {
		if (begin(feed))
			read_on(feed);
		set_state(feed, false, false);
		end(feed);
		pause_before_again(feed);
	}
	return NULL;
}
