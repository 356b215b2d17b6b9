/* SPDX-License-Identifier: Apache-2.0 */
/* Brokers may forget to end a transaction: when all replicas come back from a crash, its end is not written to
 * partitions that have no leader at that moment, and the coordinator takes it for ended all the same. Then offsets of
 * it stay pending, so that nobody can read where to start; readers of the alerts get no further; and whatever this
 * producer ends next on such a partition ends the rest of the old transaction in the same way: a commit may be undone,
 * an abort may become visible. So each new producer asks the coordinators' log how its transactions were ended, and
 * ends what is still open in that same way. */
#include "publisher_internal.h"

#include <stdio.h>
#include "kafka_record.h"
#include "log.h"
#include "monotonic.h"
#include "transaction_state.h"

#define FLUSH_MS (3 * CALL_MS)
#define SWEEP_MS (10 * CALL_MS)

struct sweep {
	struct publisher *publisher;
	rd_kafka_t *producer;
	const struct transaction_parts *parts;
	bool committed;    /* only parts that ended like this */
	size_t next;       /* part whose offsets are sent next */
	int32_t offsets_count; /* partitions of __consumer_offsets */
};

static rd_kafka_error_t *begin(struct sweep *sweep)
{
	return rd_kafka_begin_transaction(sweep->producer);
}

/* A tombstone, with a key, since a compacted topic refuses others; who reads an output topic passes over it. */
static rd_kafka_error_t *produce(struct sweep *sweep)
{
	for (size_t i = 0; i < sweep->parts->count; i++) {
		const struct transaction_part *part = &sweep->parts->list[i];
		rd_kafka_resp_err_t code;

		if (part_is_offsets(part) || part->committed != sweep->committed)
			continue;
		rd_kafka_topic_t *topic = producer_topic(&sweep->publisher->producer, slice_of(part->topic));
		code = rd_kafka_producev(sweep->producer, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(part->partition),
					 RD_KAFKA_V_KEY(KAFKA_SWEEP_KEY, sizeof(KAFKA_SWEEP_KEY) - 1),
					 RD_KAFKA_V_VALUE(NULL, 0), RD_KAFKA_V_END);
		if (code)
			return rd_kafka_error_new(code, "%s", part->topic);
	}
	rd_kafka_resp_err_t code = rd_kafka_flush(sweep->producer, FLUSH_MS);
	return code ? rd_kafka_error_new(code, "flush") : NULL;
}

/* Offsets of all groups that one partition keeps end together, and those that matter must not be sent again: a group of
 * that partition which nobody uses takes part for them. */
static void name_group(const struct sweep *sweep, int32_t partition, char *name, size_t size)
{
	int number = 0;

	do
		snprintf(name, size, "%s.sweep%d", sweep->publisher->config->kafka_group, number++);
	while (kafka_internal_partition(slice_of(name), sweep->offsets_count) != partition);
}

static rd_kafka_error_t *send_group(struct sweep *sweep, int32_t partition)
{
	const char *topic = sweep->publisher->config->topics_reports;
	rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
	char name[300];

	name_group(sweep, partition, name, sizeof(name));
	rd_kafka_topic_partition_list_add(offsets, topic, 0)->offset = 0;
	rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(name);
	rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(sweep->producer, offsets, group, CALL_MS);
	rd_kafka_consumer_group_metadata_destroy(group);
	rd_kafka_topic_partition_list_destroy(offsets);
	return error;
}

static rd_kafka_error_t *send_offsets(struct sweep *sweep)
{
	for (; sweep->next < sweep->parts->count; sweep->next++) {
		const struct transaction_part *part = &sweep->parts->list[sweep->next];
		rd_kafka_error_t *error = NULL;

		if (part_is_offsets(part) && part->committed == sweep->committed)
			error = send_group(sweep, part->partition);
		if (error)
			return error;
	}
	return NULL;
}

static rd_kafka_error_t *end(struct sweep *sweep)
{
	return sweep->committed ? rd_kafka_commit_transaction(sweep->producer, COMMIT_MS)
				: rd_kafka_abort_transaction(sweep->producer, CALL_MS);
}

static const struct {
	const char *name;
	rd_kafka_error_t *(*call)(struct sweep *sweep);
} steps[] = {
	{ "begin_transaction (sweep)", begin },
	{ "produce (sweep)", produce },
	{ "send_offsets_to_transaction (sweep)", send_offsets },
	{ "end of transaction (sweep)", end },
};

/* A commit that timed out is not called again: see publisher_transaction.c. */
static bool may_run_again(const struct sweep *sweep, size_t step, const rd_kafka_error_t *error, int64_t until)
{
	bool commits = steps[step].call == end && sweep->committed;

	return rd_kafka_error_is_retriable(error) && monotonic_ms() < until &&
	       !atomic_load(&sweep->publisher->stopping) &&
	       !(commits && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT);
}

/* Again while that may help. */
static bool run_step(struct sweep *sweep, size_t step, int64_t until)
{
	for (;;) {
		watchdog_enter(sweep->publisher->watchdog, steps[step].name);
		rd_kafka_error_t *error = steps[step].call(sweep);
		watchdog_leave(sweep->publisher->watchdog);
		if (!error)
			return true;
		bool again = may_run_again(sweep, step, error, until);
		log_limited(LOG_WARNING, "new producer cannot end what was left open yet",
			    "step=\"%s\" error=%s text=\"%s\"", steps[step].name, rd_kafka_error_name(error),
			    rd_kafka_error_string(error));
		if (!again)
			publisher_report(sweep->publisher, rd_kafka_error_code(error), steps[step].name, NULL);
		rd_kafka_error_destroy(error);
		if (!again)
			return false;
		rd_kafka_poll(sweep->producer, 20);
	}
}

static size_t count_parts(const struct transaction_parts *parts, bool committed)
{
	size_t count = 0;

	for (size_t i = 0; i < parts->count; i++)
		count += parts->list[i].committed == committed;
	return count;
}

static bool end_parts(struct publisher *publisher, const struct transaction_parts *parts, bool committed,
		      int32_t offsets_count, int64_t until)
{
	struct sweep sweep = {
		.publisher = publisher,
		.producer = publisher->producer.handle,
		.parts = parts,
		.committed = committed,
		.offsets_count = offsets_count,
	};
	bool ok = true;

	if (count_parts(parts, committed) == 0)
		return true;
	for (size_t i = 0; ok && i < sizeof(steps) / sizeof(steps[0]); i++)
		ok = run_step(&sweep, i, until);
	return ok && !atomic_load(&publisher->producer.tainted);
}

static void tell(struct publisher *publisher, const struct transaction_parts *parts)
{
	pthread_mutex_lock(&publisher->lock);
	publisher->stats.left_open += parts->count;
	pthread_mutex_unlock(&publisher->lock);
	for (size_t i = 0; i < parts->count; i++)
		log_warning("brokers forgot to end a transaction here, it is ended now", "topic=%s partition=%d as=%s",
			    parts->list[i].topic, (int)parts->list[i].partition,
			    parts->list[i].committed ? "committed" : "aborted");
}

bool producer_sweep(struct publisher *publisher)
{
	struct transaction_parts parts = { 0 };
	int64_t until = monotonic_ms() + SWEEP_MS;
	int32_t offsets_count;
	bool ok = open_parts_find(publisher, until, &parts, &offsets_count);

	if (ok) {
		tell(publisher, &parts);
		ok = end_parts(publisher, &parts, true, offsets_count, until) &&
		     end_parts(publisher, &parts, false, offsets_count, until);
	}
	transaction_parts_fini(&parts);
	return ok;
}
