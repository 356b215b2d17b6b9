/* SPDX-License-Identifier: Apache-2.0 */
#include "flow_internal.h"
#include "log.h"

#include <math.h>

/* Copies one row of per-event counts into metrics. */
static void add_counts(struct flow *flow, const struct chunk *chunk, int input)
{
	for (int i = 0; i < OUTCOME_COUNT; i++)
		metrics_add(flow->metrics, METRIC_EVENTS, input, i, chunk->outcomes[i]);
	for (int i = 1; i < REASON_COUNT; i++)
		metrics_add(flow->metrics, METRIC_DEAD_LETTERS, i, 0, chunk->reasons[i]);
	for (int i = 0; i < DROPPED_FIELD_COUNT; i++)
		metrics_add(flow->metrics, METRIC_FIELDS_DROPPED, i, 0, chunk->dropped_fields[i]);
	for (int category = 0; category < CATEGORY_COUNT; category++) {
		for (int severity = 0; severity < SEVERITY_COUNT; severity++)
			metrics_add(flow->metrics, METRIC_ALERTS, category, severity,
				    chunk->alerts[category][severity]);
	}
}

/* What upstream should mend: told, rate limited, with a place to look. */
static void warn_upstream(const struct flow *flow, const struct chunk *chunk, const struct flow_slot *slot)
{
	static const struct {
		enum outcome outcome;
		const char *text;
	} warnings[] = {
		{ OUTCOME_KEY_MISMATCH,
		  "records whose key is not the rider id; counters of such a rider are spread over shards" },
		{ OUTCOME_PARTITION_MISMATCH,
		  "records on another partition than murmur2 of their key; check the producers' partitioner" },
		{ OUTCOME_TIMESTAMP_CLIPPED,
		  "record timestamps missing, absurd or far ahead; set message.timestamp.type=LogAppendTime" },
		{ OUTCOME_DEAD_LETTER, "records that are not events went to the dead-letter topic" },
	};
	for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
		uint32_t count = chunk->outcomes[warnings[i].outcome];
		static struct log_site sites[sizeof warnings / sizeof *warnings];
		if (count)
			log_write(LOG_WARNING, &sites[i], warnings[i].text,
				  "topic=%s partition=%d count=%u from_offset=%lld",
				  flow->settings.input_topics[slot->input], slot->partition, count,
				  (long long)chunk->link.from);
	}
}

void flow_count_chunk(struct flow *flow, const struct chunk *chunk)
{
	const struct flow_slot *slot = &flow->slots[chunk->link.slot];
	add_counts(flow, chunk, slot->input);
	warn_upstream(flow, chunk, slot);
}

/* A partition that is not ours has no offsets: its series is left out. */
static double known(int64_t offset)
{
	return offset < 0 ? NAN : (double)offset;
}

static void refresh_slot(struct flow *flow, int number, size_t *behind, size_t *queued, size_t *ids, size_t *bytes)
{
	const struct flow_slot *slot = &flow->slots[number];
	struct protocol_view view;
	protocol_view(flow->protocol, number, &view);
	metrics_set(flow->metrics, METRIC_PARTITION_STATE, slot->input, slot->partition, view.state);
	metrics_set(flow->metrics, METRIC_APPLIED_OFFSET, slot->input, slot->partition, known(view.applied));
	metrics_set(flow->metrics, METRIC_PUBLISHED_OFFSET, slot->input, slot->partition, known(view.published));
	metrics_set(flow->metrics, METRIC_BEHIND_EVENTS, slot->input, slot->partition,
		    view.state == SLOT_ABSENT ? NAN : (double)view.missing);
	int64_t end = view.state == SLOT_ABSENT ? -1 : source_log_end(flow->source, slot->input, slot->partition);
	metrics_set(flow->metrics, METRIC_LAG, slot->input, slot->partition,
		    end < 0 || view.published < 0 ? NAN : (double)(end > view.published ? end - view.published : 0));
	*behind += view.behind;
	*queued += view.queued;
	if (slot->stream) {
		*ids += seen_count(slot->stream->seen);
		*bytes += seen_bytes(slot->stream->seen);
	}
}

static void refresh_rollups(struct flow *flow, const struct store_stats *store)
{
	metrics_set(flow->metrics, METRIC_ROLLUPS, 0, 0, (double)store->rollups);
	metrics_set(flow->metrics, METRIC_ROLLUPS, 0, 1, (double)store->rollups_failed);
	metrics_set(flow->metrics, METRIC_ROLLUPS, 1, 0, (double)store->rankings);
	metrics_set(flow->metrics, METRIC_ROLLUPS, 1, 1, (double)store->rankings_failed);
	metrics_set(flow->metrics, METRIC_ROLLUP_SECONDS, 0, 0, (double)store->rollup_us / 1e6);
	metrics_set(flow->metrics, METRIC_RANKED, 0, 0, (double)store->ranked);
}

static void refresh_kafka(struct flow *flow, int client, const struct kafka_statistics *statistics)
{
	metrics_set(flow->metrics, METRIC_KAFKA_CONNECTS, client, 0, (double)statistics->connects);
	metrics_set(flow->metrics, METRIC_KAFKA_DISCONNECTS, client, 0, (double)statistics->disconnects);
	metrics_set(flow->metrics, METRIC_KAFKA_REQUEST_ERRORS, client, 0, (double)statistics->request_errors);
	metrics_set(flow->metrics, METRIC_KAFKA_REQUEST_TIMEOUTS, client, 0, (double)statistics->request_timeouts);
	metrics_set(flow->metrics, METRIC_KAFKA_RTT, client, 0, (double)statistics->rtt_us / 1e6);
	metrics_set(flow->metrics, METRIC_KAFKA_THROTTLE, client, 0, (double)statistics->throttle_ms / 1e3);
	metrics_set(flow->metrics, METRIC_KAFKA_QUEUED, client, 0, (double)statistics->queued);
}

static void refresh_adapters(struct flow *flow)
{
	struct publisher_stats publisher;
	struct store_stats store;
	publisher_stats(flow->publisher, &publisher);
	store_stats(flow->store, &store);
	metrics_set(flow->metrics, METRIC_PRODUCER_TAINTED, 0, 0, (double)publisher.tainted);
	metrics_set(flow->metrics, METRIC_PRODUCER_RECREATED, 0, 0, (double)publisher.recreated);
	metrics_set(flow->metrics, METRIC_TRANSACTIONS_LEFT_OPEN, 0, 0, (double)publisher.left_open);
	metrics_set(flow->metrics, METRIC_OFFSET_READS_FAILED, 0, 0, (double)publisher.offset_reads_failed);
	metrics_set(flow->metrics, METRIC_TRANSACTION_SECONDS_SUM, 0, 0, (double)publisher.commit_us_total / 1e6);
	metrics_set(flow->metrics, METRIC_TRANSACTION_SECONDS_MAX, 0, 0, (double)publisher.commit_us_max / 1e6);
	metrics_set(flow->metrics, METRIC_REDIS_UP, 0, 0, store.up);
	metrics_set(flow->metrics, METRIC_REDIS_CONNECTS, 0, 0, (double)store.connects);
	metrics_set(flow->metrics, METRIC_REDIS_LOSSES, 0, 0, (double)store.losses);
	metrics_set(flow->metrics, METRIC_CHUNKS_APPLIED, 0, 0, (double)store.applied);
	metrics_set(flow->metrics, METRIC_APPLY_REFUSED, 0, 0, (double)store.refused);
	metrics_set(flow->metrics, METRIC_REDIS_SECONDS_SUM, 0, 0, (double)store.latency_us_total / 1e6);
	metrics_set(flow->metrics, METRIC_REDIS_SECONDS_MAX, 0, 0, (double)store.latency_us_max / 1e6);
	metrics_set(flow->metrics, METRIC_REDIS_IN_FLIGHT, 0, 0, (double)store.in_flight);
	refresh_rollups(flow, &store);
	refresh_kafka(flow, 0, source_statistics(flow->source));
	refresh_kafka(flow, 1, &publisher.kafka);
	metrics_set(flow->metrics, METRIC_KAFKA_REBALANCES, 0, 0, (double)source_statistics(flow->source)->rebalances);
	metrics_set(flow->metrics, METRIC_KAFKA_ASSIGNED, 0, 0, (double)source_statistics(flow->source)->assigned);
}

void flow_refresh_metrics(struct flow *flow)
{
	size_t behind = 0, queued = 0, ids = 0, bytes = 0;
	for (int i = 0; i < flow->slot_count; i++)
		refresh_slot(flow, i, &behind, &queued, &ids, &bytes);
	metrics_set(flow->metrics, METRIC_PARTITIONS_BEHIND, 0, 0, (double)behind);
	metrics_set(flow->metrics, METRIC_REDIS_QUEUE_CHUNKS, 0, 0, (double)queued);
	metrics_set(flow->metrics, METRIC_DEDUP_IDS, 0, 0, (double)ids);
	metrics_set(flow->metrics, METRIC_DEDUP_BYTES, 0, 0, (double)bytes);
	refresh_adapters(flow);
}

void flow_view(const struct flow *flow, struct flow_view *view)
{
	*view = (struct flow_view){ .redis_up = store_is_ready(flow->store), .joined = flow->member };
	for (int i = 0; i < flow->slot_count; i++) {
		struct protocol_view slot;
		protocol_view(flow->protocol, i, &slot);
		view->loading += slot.state == SLOT_LOADING;
		view->behind += slot.behind;
	}
}
