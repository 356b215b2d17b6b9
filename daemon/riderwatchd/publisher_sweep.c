/* SPDX-License-Identifier: Apache-2.0 */
/* Brokers may forget to end a transaction: when they all come back from a crash, its end is not written to partitions
 * that have no leader at that moment, and the coordinator takes it for ended all the same. Then offsets of it stay
 * pending, so that nobody can read where to start; readers of the alerts get no further; and the next commit of this
 * producer would make visible what was aborted. An aborted transaction over the same partitions ends all that was left
 * open there by this transactional.id, so each new producer begins with one. */
#include "publisher_internal.h"

#include "kafka_conf.h"
#include "log.h"
#include "monotonic.h"
#include "must.h"

#define FLUSH_MS (3 * CALL_MS)
#define SWEEP_MS (10 * CALL_MS)

struct sweep {
	struct publisher *publisher;
	rd_kafka_t *producer;
	rd_kafka_topic_partition_list_t *offsets;
	rd_kafka_consumer_group_metadata_t *group;
};

static rd_kafka_error_t *begin(struct sweep *sweep)
{
	return rd_kafka_begin_transaction(sweep->producer);
}

/* Tombstones, which no read_committed consumer ever sees; with a key, since a compacted topic refuses others. */
static rd_kafka_error_t *produce(struct sweep *sweep)
{
	const struct producer *producer = &sweep->publisher->producer;
	for (size_t i = 0; i < producer->topic_count; i++) {
		for (int32_t p = 0; p < producer->topics[i].partitions; p++) {
			rd_kafka_resp_err_t code = rd_kafka_producev(
				sweep->producer, RD_KAFKA_V_RKT(producer->topics[i].handle), RD_KAFKA_V_PARTITION(p),
				RD_KAFKA_V_KEY("rw.sweep", 8), RD_KAFKA_V_VALUE(NULL, 0), RD_KAFKA_V_END);
			if (code)
				return rd_kafka_error_new(code, "%s", producer->topics[i].name);
		}
	}
	rd_kafka_resp_err_t code = rd_kafka_flush(sweep->producer, FLUSH_MS);
	return code ? rd_kafka_error_new(code, "flush") : NULL;
}

static rd_kafka_error_t *send_group(struct sweep *sweep)
{
	return rd_kafka_send_offsets_to_transaction(sweep->producer, sweep->offsets, sweep->group, CALL_MS);
}

static rd_kafka_error_t *send_shadow(struct sweep *sweep)
{
	return rd_kafka_send_offsets_to_transaction(sweep->producer, sweep->offsets,
						    sweep->publisher->shadow_metadata, CALL_MS);
}

static rd_kafka_error_t *abort_all(struct sweep *sweep)
{
	return rd_kafka_abort_transaction(sweep->producer, CALL_MS);
}

static const struct {
	const char *name;
	rd_kafka_error_t *(*call)(struct sweep *sweep);
} steps[] = {
	{ "begin_transaction (sweep)", begin },
	{ "produce (sweep)", produce },
	{ "send_offsets_to_transaction (sweep)", send_group },
	{ "send_offsets_to_transaction (sweep, shadow group)", send_shadow },
	{ "abort_transaction (sweep)", abort_all },
};

/* Again while that may help. */
static bool run_step(struct sweep *sweep, size_t step, int64_t until)
{
	for (;;) {
		watchdog_enter(sweep->publisher->watchdog, steps[step].name);
		rd_kafka_error_t *error = steps[step].call(sweep);
		watchdog_leave(sweep->publisher->watchdog);
		if (!error)
			return true;
		bool again = rd_kafka_error_is_retriable(error) && monotonic_ms() < until &&
			     !atomic_load(&sweep->publisher->stopping);
		log_limited(LOG_WARNING, "new producer cannot end what was left open yet", "step=\"%s\" error=%s text=\"%s\"",
			    steps[step].name, rd_kafka_error_name(error), rd_kafka_error_string(error));
		if (!again)
			publisher_report(sweep->publisher, rd_kafka_error_code(error), steps[step].name, NULL);
		rd_kafka_error_destroy(error);
		if (!again)
			return false;
		rd_kafka_poll(sweep->producer, 20);
	}
}

bool producer_sweep(struct publisher *publisher)
{
	const struct config *config = publisher->config;
	struct sweep sweep = {
		.publisher = publisher,
		.producer = publisher->producer.handle,
		.offsets = rd_kafka_topic_partition_list_new(1),
		.group = rd_kafka_consumer_group_metadata_new(config->kafka_group),
	};
	int64_t until = monotonic_ms() + SWEEP_MS;
	bool ok = true;

	/* Any offset will do: it is aborted. The groups only have to take part. */
	rd_kafka_topic_partition_list_add(sweep.offsets, config->topics_reports, 0)->offset = 0;
	for (size_t i = 0; ok && i < sizeof(steps) / sizeof(steps[0]); i++)
		ok = run_step(&sweep, i, until);
	rd_kafka_topic_partition_list_destroy(sweep.offsets);
	rd_kafka_consumer_group_metadata_destroy(sweep.group);
	return ok && !atomic_load(&publisher->producer.tainted);
}
