/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "alloc.h"
#include "crash.h"
#include "kafka_conf.h"
#include "kafka_fault.h"
#include "log.h"
#include "monotonic.h"

#define WARM_TRIES 12
#define WARM_PAUSE_US 300000

/* Requests of which a late copy can end or change the transaction after the one it belongs to. */
static const int16_t transactional_requests[] = {
	0,  /* Produce */
	22, /* InitProducerId */
	24, /* AddPartitionsToTxn */
	25, /* AddOffsetsToTxn */
	26, /* EndTxn */
	28, /* TxnOffsetCommit */
};

/* Runs on broker threads. The library repeats a request that timed out and then reports success: only here can it be
 * seen that a copy may still be under way. */
static rd_kafka_resp_err_t on_response(rd_kafka_t *handle, int socket, const char *broker, int32_t broker_id,
				       int16_t request, int16_t version, int32_t correlation, size_t size,
				       int64_t time_us, rd_kafka_resp_err_t code, void *context)
{
	struct producer *producer = context;

	(void)handle, (void)socket, (void)broker, (void)broker_id, (void)version, (void)correlation, (void)size,
		(void)time_us;
	for (size_t i = 0; code && i < sizeof(transactional_requests) / sizeof(transactional_requests[0]); i++)
		if (request == transactional_requests[i])
			atomic_store(&producer->tainted, true);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *handle, const rd_kafka_conf_t *conf, void *context, char *error,
				  size_t error_size)
{
	(void)conf, (void)error, (void)error_size;
	return rd_kafka_interceptor_add_on_response_received(handle, "taint", on_response, context);
}

/* Runs inside commit and abort, on the worker. */
static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *context)
{
	struct producer *producer = context;

	(void)handle;
	if (!message->err || producer->failed || message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
	    message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
		return;
	producer->failed = message->err;
	snprintf(producer->failed_topic, sizeof(producer->failed_topic), "%s", rd_kafka_topic_name(message->rkt));
}

/* Runs on broker threads. Connections that this side closes, since they were idle for long, say nothing. */
static int on_close(int socket, void *context)
{
	struct producer *producer = context;
	char byte;

	if (recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
		atomic_store(&producer->cut, true);
	return close(socket);
}

static void on_error(rd_kafka_t *handle, int code, const char *reason, void *context)
{
	(void)handle, (void)reason, (void)context;
	log_limited(LOG_WARNING, "Kafka producer has trouble", "error=%s", rd_kafka_err2name(code));
}

rd_kafka_topic_t *producer_topic(struct producer *producer, struct slice name)
{
	struct producer_topic *topic = NULL;

	for (size_t i = 0; i < producer->topic_count && !topic; i++)
		if (slice_equal(name, slice_of(producer->topics[i].name)))
			topic = &producer->topics[i];
	if (!topic) {
		producer->topics =
			alloc_resize(producer->topics, (producer->topic_count + 1) * sizeof(*producer->topics));
		topic = &producer->topics[producer->topic_count++];
		topic->handle = NULL;
		topic->partitions = 0;
		topic->name = alloc_zeroed(1, name.size + 1);
		memcpy(topic->name, name.data, name.size);
	}
	if (!topic->handle && producer->handle)
		topic->handle = rd_kafka_topic_new(producer->handle, topic->name, NULL);
	return topic->handle;
}

void producer_close(struct producer *producer, struct watchdog *watchdog)
{
	for (size_t i = 0; i < producer->topic_count; i++) {
		if (producer->topics[i].handle)
			rd_kafka_topic_destroy(producer->topics[i].handle);
		producer->topics[i].handle = NULL;
	}
	if (!producer->handle)
		return;
	watchdog_enter(watchdog, "rd_kafka_destroy");
	rd_kafka_destroy(producer->handle);
	watchdog_leave(watchdog);
	producer->handle = NULL;
}

void producer_fini(struct producer *producer, struct watchdog *watchdog)
{
	producer_close(producer, watchdog);
	for (size_t i = 0; i < producer->topic_count; i++)
		free(producer->topics[i].name);
	free(producer->topics);
	producer->topics = NULL;
	producer->topic_count = 0;
}

static int on_statistics(rd_kafka_t *handle, char *json, size_t size, void *opaque)
{
	struct producer *producer = opaque;
	struct publisher *publisher = (struct publisher *)((char *)producer - offsetof(struct publisher, producer));

	(void)handle;
	pthread_mutex_lock(&publisher->lock);
	kafka_statistics_read(&publisher->stats.kafka, json, size);
	pthread_mutex_unlock(&publisher->lock);
	return 0;
}

static bool create(struct publisher *publisher)
{
	struct producer *producer = &publisher->producer;
	char error[512];
	rd_kafka_conf_t *conf = kafka_conf_new(publisher->config, KAFKA_PRODUCER, error, sizeof(error));

	if (conf) {
		rd_kafka_conf_set_opaque(conf, producer);
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
		rd_kafka_conf_set_error_cb(conf, on_error);
		rd_kafka_conf_set_closesocket_cb(conf, on_close);
		rd_kafka_conf_set_stats_cb(conf, on_statistics);
		rd_kafka_conf_interceptor_add_on_new(conf, "taint", on_new, producer);
		producer->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
		if (!producer->handle)
			rd_kafka_conf_destroy(conf);
	}
	if (!producer->handle)
		publisher_fault(publisher, "Kafka producer cannot be created: %s", error);
	return producer->handle;
}

/* Which known topic is in error; NULL when none is. */
static const struct rd_kafka_metadata_topic *bad_topic(const struct rd_kafka_metadata *metadata)
{
	for (int i = 0; i < metadata->topic_cnt; i++)
		if (metadata->topics[i].err)
			return &metadata->topics[i];
	return NULL;
}

static void count_partitions(struct producer *producer, const struct rd_kafka_metadata *metadata)
{
	for (int i = 0; i < metadata->topic_cnt; i++)
		for (size_t t = 0; t < producer->topic_count; t++)
			if (strcmp(metadata->topics[i].topic, producer->topics[t].name) == 0)
				producer->topics[t].partitions = metadata->topics[i].partition_cnt;
}

/* Without known topics the first transaction takes a second. A topic may be unknown for a moment while brokers start.
 */
static bool warm(struct publisher *publisher)
{
	struct producer *producer = &publisher->producer;

	for (size_t i = 0; i < producer->topic_count; i++)
		producer_topic(producer, slice_of(producer->topics[i].name));
	for (int tries = 1; !atomic_load(&publisher->stopping); tries++) {
		const struct rd_kafka_metadata *metadata;
		const struct rd_kafka_metadata_topic *bad;
		rd_kafka_resp_err_t code;
		bool reported;

		watchdog_enter(publisher->watchdog, "rd_kafka_metadata");
		code = rd_kafka_metadata(producer->handle, 0, NULL, &metadata, 3 * CALL_MS);
		watchdog_leave(publisher->watchdog);
		if (code) {
			log_limited(LOG_WARNING, "brokers do not answer the producer", "error=%s",
				    rd_kafka_err2name(code));
			return false;
		}
		bad = bad_topic(metadata);
		count_partitions(producer, metadata);
		reported = bad && tries >= WARM_TRIES && publisher_report(publisher, bad->err, bad->topic, NULL);
		rd_kafka_metadata_destroy(metadata);
		if (!bad || reported || tries >= WARM_TRIES)
			return !bad;
		usleep(WARM_PAUSE_US);
	}
	return false;
}

/* Ends what an earlier producer of this name left open, and fences it. */
static bool initialise(struct publisher *publisher)
{
	int64_t until = monotonic_ms() + publisher->config->kafka_transaction_timeout + EXPIRY_MARGIN_MS;
	bool again = true;

	while (again && !atomic_load(&publisher->stopping)) {
		rd_kafka_error_t *error;

		watchdog_enter(publisher->watchdog, "rd_kafka_init_transactions");
		error = rd_kafka_init_transactions(publisher->producer.handle, CALL_MS);
		watchdog_leave(publisher->watchdog);
		if (!error)
			return true;
		again = rd_kafka_error_is_retriable(error) && monotonic_ms() < until;
		log_limited(LOG_WARNING, "producer is not ready", "error=%s", rd_kafka_error_name(error));
		if (!rd_kafka_error_is_retriable(error))
			publisher_report(publisher, rd_kafka_error_code(error), "init_transactions", NULL);
		rd_kafka_error_destroy(error);
		rd_kafka_poll(publisher->producer.handle, 50);
	}
	return false;
}

bool producer_recreate(struct publisher *publisher)
{
	struct producer *producer = &publisher->producer;

	producer_close(producer, publisher->watchdog);
	crash_point("producer_closed");
	atomic_store(&producer->tainted, false);
	atomic_store(&producer->cut, false);
	if (!create(publisher) || !warm(publisher) || !initialise(publisher) || !producer_sweep(publisher)) {
		producer_close(producer, publisher->watchdog);
		atomic_store(&producer->cut, true);
		return false;
	}
	producer->unused = true;
	crash_point("producer_ready");
	return true;
}
