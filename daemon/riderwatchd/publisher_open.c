/* SPDX-License-Identifier: Apache-2.0 */
/* Which partitions hold a transaction of this transactional.id open although it was ended: the transaction
 * coordinators' log tells what was touched and how it ended, the ends of committed and of all records tell what is
 * open. */
#include "publisher_internal.h"

#include <string.h>
#include <unistd.h>
#include "kafka_conf.h"
#include "kafka_fault.h"
#include "kafka_handle.h"
#include "log.h"
#include "monotonic.h"
#include "must.h"
#include "transaction_state.h"

/* Transactions of others at work are seen as open, too: they end within this. */
#define OPEN_MS CALL_MS
#define LOOK_PAUSE_US 20000

static const char offsets_topic[] = "__consumer_offsets";

bool part_is_offsets(const struct transaction_part *part)
{
	return strcmp(part->topic, offsets_topic) == 0;
}

/* Until when to look. */
struct patience {
	int64_t open_at; /* what is still open is open; what is still unknown is gone */
	int64_t until;   /* then brokers do not answer */
};

/* One side of the comparison: the end of what this handle may read. */
static rd_kafka_resp_err_t log_end(struct publisher *publisher, rd_kafka_t *handle, const struct transaction_part *part,
				   const struct patience *patience, int64_t *end)
{
	int64_t start, now;
	rd_kafka_resp_err_t code;

	for (;;) {
		watchdog_enter(publisher->watchdog, "rd_kafka_query_watermark_offsets");
		code = rd_kafka_query_watermark_offsets(handle, part->topic, part->partition, &start, end, CALL_MS);
		watchdog_leave(publisher->watchdog);
		now = monotonic_ms();
		if (!code || code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
		    now >= (kafka_topic_is_unknown(code) ? patience->open_at : patience->until) ||
		    atomic_load(&publisher->stopping))
			return code;
		usleep(LOOK_PAUSE_US);
	}
}

enum look { LOOK_ENDED, LOOK_OPEN, LOOK_FAILED };

/* Nobody gave us the right to look at that one; a topic that is gone holds nothing open. */
static enum look look_without_end(const struct transaction_part *part, rd_kafka_resp_err_t code)
{
	if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || kafka_topic_is_unknown(code))
		return LOOK_ENDED;
	log_limited(LOG_WARNING, "cannot see yet whether brokers forgot to end a transaction",
		    "topic=%s partition=%d error=%s", part->topic, (int)part->partition, rd_kafka_err2name(code));
	return LOOK_FAILED;
}

/* Open: what is committed does not reach what the log held at the first look. */
static enum look look_at(struct publisher *publisher, rd_kafka_t *uncommitted, const struct transaction_part *part,
			 const struct patience *patience)
{
	int64_t end, stable = -1;
	rd_kafka_resp_err_t code = log_end(publisher, uncommitted, part, patience, &end);

	while (!code && !(code = log_end(publisher, publisher->shadow, part, patience, &stable))) {
		if (stable >= end)
			return LOOK_ENDED;
		if (monotonic_ms() >= patience->open_at)
			return LOOK_OPEN;
		usleep(LOOK_PAUSE_US);
	}
	return look_without_end(part, code);
}

/* Leaves those that are open. Without a count of its partitions nothing can be ended in __consumer_offsets. */
static bool keep_open(struct publisher *publisher, rd_kafka_t *uncommitted, int32_t offsets_count,
		      struct transaction_parts *parts, int64_t until)
{
	struct patience patience = { monotonic_ms() + OPEN_MS, until };
	struct transaction_parts open = { 0 };
	enum look look = LOOK_ENDED;

	for (size_t i = 0; i < parts->count && look != LOOK_FAILED; i++) {
		const struct transaction_part *part = &parts->list[i];

		if (part_is_offsets(part) && offsets_count == 0)
			continue;
		look = look_at(publisher, uncommitted, part, &patience);
		if (look == LOOK_OPEN)
			transaction_parts_set(&open, part->topic, strlen(part->topic), part->partition,
					      part->committed);
	}
	transaction_parts_fini(parts);
	*parts = open;
	return look != LOOK_FAILED;
}

/* Nobody says how transactions were ended: all that could be open is aborted, as it is when a producer's time is up. */
static void add_all(struct publisher *publisher, int32_t offsets_count, struct transaction_parts *parts)
{
	const struct producer *producer = &publisher->producer;
	char shadow[300];

	for (size_t i = 0; i < producer->topic_count; i++)
		for (int32_t p = 0; p < producer->topics[i].partitions; p++)
			transaction_parts_set(parts, producer->topics[i].name, strlen(producer->topics[i].name), p,
					      false);
	kafka_conf_shadow_group(publisher->config, shadow, sizeof(shadow));
	const char *const groups[] = { publisher->config->kafka_group, shadow };
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && offsets_count > 0; i++)
		transaction_parts_set(parts, offsets_topic, sizeof(offsets_topic) - 1,
				      kafka_internal_partition(slice_of(groups[i]), offsets_count), false);
}

static bool find_open(struct publisher *publisher, rd_kafka_t *uncommitted, int32_t offsets_count, int64_t until,
		      struct transaction_parts *parts)
{
	char id[500];
	rd_kafka_resp_err_t code;

	kafka_conf_transactional_id(publisher->config, id, sizeof(id));
	watchdog_enter(publisher->watchdog, "transaction_log_read");
	enum transaction_log_result result = transaction_log_read(uncommitted, id, until, parts, &code);
	watchdog_leave(publisher->watchdog);
	log_debug("looked for what brokers forgot to end", "partitions=%zu error=%s", parts->count,
		  rd_kafka_err2name(code));
	if (result == TRANSACTION_LOG_READ)
		return keep_open(publisher, uncommitted, offsets_count, parts, until);
	log_limited(LOG_WARNING,
		    result == TRANSACTION_LOG_NEVER ? "how transactions ended cannot be read, so what brokers forgot "
						      "to end would be aborted: grant "
						      "Read and Describe on the topic"
						    : "how transactions ended cannot be read yet",
		    "topic=%s error=%s", TRANSACTION_STATE_TOPIC, rd_kafka_err2name(code));
	transaction_parts_fini(parts);
	if (result == TRANSACTION_LOG_NEVER)
		add_all(publisher, offsets_count, parts);
	return result == TRANSACTION_LOG_NEVER;
}

/* 0: there is none yet, or it cannot be seen; what is open in it stays so. False: brokers do not answer. */
static bool count_offsets_partitions(struct publisher *publisher, rd_kafka_t *handle, int32_t *count)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, offsets_topic, NULL);

	MUST(topic);
	watchdog_enter(publisher->watchdog, "rd_kafka_metadata");
	rd_kafka_resp_err_t code = kafka_count_partitions(handle, topic, CALL_MS, count);
	watchdog_leave(publisher->watchdog);
	rd_kafka_topic_destroy(topic);
	if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		log_limited(LOG_WARNING,
			    "offsets that brokers forgot to end cannot be found: grant Describe on the topic",
			    "topic=%s", offsets_topic);
	return !code || code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || kafka_topic_is_unknown(code);
}

bool open_parts_find(struct publisher *publisher, int64_t until, struct transaction_parts *parts,
		     int32_t *offsets_count)
{
	char error[512];
	rd_kafka_t *uncommitted = kafka_consumer_new(publisher->config, KAFKA_UNCOMMITTED, error, sizeof(error));

	if (!uncommitted) {
		publisher_fault(publisher, "Kafka consumer cannot be created: %s", error);
		return false;
	}
	bool ok = count_offsets_partitions(publisher, uncommitted, offsets_count) &&
		  find_open(publisher, uncommitted, *offsets_count, until, parts);
	watchdog_enter(publisher->watchdog, "rd_kafka_destroy");
	rd_kafka_destroy_flags(uncommitted, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	watchdog_leave(publisher->watchdog);
	return ok;
}
