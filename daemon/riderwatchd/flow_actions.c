/* SPDX-License-Identifier: Apache-2.0 */
/* What the protocol asks for, and the answers that come back. */
#include "flow_internal.h"
#include "alloc.h"
#include "crash.h"
#include "log.h"
#include "monotonic.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#define PAUSE_DIVISOR 4

static struct slice topic_of(const struct flow *flow, const struct flow_slot *slot)
{
	return slice_of(flow->settings.input_topics[slot->input]);
}

/* ---- loading ---- */

static void drop(struct flow *flow, const struct protocol_action *action)
{
	struct flow_slot *slot = &flow->slots[action->slot];
	slot->started = false;
	chunk_free(&slot->open);
	stream_free(&slot->stream);
	stream_free(&slot->loaded);
	flow_end_alone(flow, slot);
	metrics_add(flow->metrics, METRIC_LOADS, action->cause, 0, 1);
	if (action->cause != LOAD_ASSIGNED)
		log_limited(LOG_WARNING, "partition state dropped, it is read again from Redis",
			    "topic=%s partition=%d cause=%s", topic_of(flow, slot).data, slot->partition,
			    load_cause_text(action->cause));
}

static void read_offsets(struct flow *flow, const struct protocol_action *action)
{
	struct flow_slot *slot = &flow->slots[action->slot];
	publisher_read_offsets(flow->publisher, action->slot, action->token, slot->input, slot->partition);
}

static void load(struct flow *flow, const struct protocol_action *action)
{
	struct flow_slot *slot = &flow->slots[action->slot];
	*(action->catch_up ? &slot->second.token : &slot->token) = action->token;
	struct store_load load = {
		.slot = action->slot,
		.token = action->token,
		.topic = topic_of(flow, slot),
		.partition = slot->partition,
		.may_create = action->may_create,
		.rebuild = action->rebuild,
		.create_at = action->create_at,
		.dedup_hours = (int)flow->config->events_dedup_hours,
	};
	store_load(flow->store, &load);
}

static bool all_started(const struct flow *flow)
{
	for (int i = 0; i < flow->slot_count; i++) {
		if (flow->slots[i].assigned && !flow->slots[i].started)
			return false;
	}
	return true;
}

/* The assignment is answered once, when every partition knows where it starts, or when one does that did not wait for
 * Redis: the others may wait for it for long, and follow when they start. */
static void answer_assignment(struct flow *flow)
{
	struct source_partition partitions[flow->slot_count];
	size_t count = 0;
	for (int i = 0; i < flow->slot_count; i++) {
		const struct flow_slot *slot = &flow->slots[i];
		if (slot->assigned && slot->started)
			partitions[count++] = (struct source_partition){ slot->input, slot->partition,
									 protocol_position(flow->protocol, i) };
	}
	source_assign(flow->source, partitions, count);
	flow->assignment_answered = true;
	log_info("reading", "partitions=%zu", count);
}

static void take_loaded(struct flow *flow, struct flow_slot *slot, const struct protocol_action *action)
{
	stream_free(&slot->stream);
	if (action->alone) {
		metrics_add(flow->metrics, METRIC_LOADS, LOAD_LOG, 0, 1);
		flow_take_alone(slot, action->offset);
	} else {
		MUST(slot->loaded);
		slot->stream = slot->loaded;
		slot->loaded = NULL;
	}
	/* Whichever comes too late. */
	slot->token = 0;
	stream_free(&slot->loaded);
	flow_end_alone(flow, slot);
}

static void start(struct flow *flow, const struct protocol_action *action)
{
	struct flow_slot *slot = &flow->slots[action->slot];
	MUST(!slot->open);
	take_loaded(flow, slot, action);
	flow_begin_entry(flow, action->slot);
	slot->started = true;
	if (flow->assignment_answered)
		source_seek(flow->source, &(struct source_partition){ slot->input, slot->partition, action->offset });
	else if (action->alone || all_started(flow))
		answer_assignment(flow);
}

static void on_loaded(void *context, int number, uint64_t token, const struct load_reply *reply, struct stream *stream)
{
	struct flow *flow = context;
	struct flow_slot *slot = &flow->slots[number];
	if (stream && token == slot->second.token) {
		stream_free(&slot->second.loaded);
		slot->second.loaded = stream;
	} else if (stream && token == slot->token) {
		stream_free(&slot->loaded);
		slot->loaded = stream;
		slot->fresh = reply->applied == reply->start && stream->time_ms == STREAM_TIME_NONE;
		memcpy(slot->store_uuid, reply->uuid, STORE_UUID_SIZE);
	} else {
		stream_free(&stream); /* nobody waits for it any more */
	}
	crash_point("loaded");
	protocol_loaded(flow->protocol, number, token, reply, monotonic_ms());
	flow_act(flow);
}

static void on_offsets(void *context, int number, uint64_t token, const struct offsets_reply *reply,
		       const char *group_metadata, const char *shadow_metadata)
{
	struct flow *flow = context;
	struct offsets_reply parsed = *reply;
	crash_point("offsets_read");
	flow_read_entries(flow, &flow->slots[number], &parsed, group_metadata, shadow_metadata);
	protocol_offsets(flow->protocol, number, token, &parsed, monotonic_ms());
	flow_act(flow);
}

/* ---- publishing ---- */

static void publish(struct flow *flow, const struct protocol_action *action)
{
	const struct protocol_batch *batch = action->batch;
	flow->offsets = alloc_resize(flow->offsets, (batch->commit_count + 1) * sizeof *flow->offsets);
	for (size_t i = 0; i < batch->commit_count; i++)
		flow_write_entry(flow, batch, i);
	flow->batch = batch;
	flow->publishing = true;
	flow->publish_began_us = monotonic_us();
	struct publish_job job = { batch, flow->offsets, batch->commit_count, flow->metadata };
	crash_point("before_transaction");
	publisher_publish(flow->publisher, &job);
}

/* Counts what was published, and keeps of it only what Redis needs. */
static void on_committed(struct flow *flow)
{
	struct timespec wall;
	clock_gettime(CLOCK_REALTIME, &wall);
	int64_t now = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
	for (struct protocol_chunk *link = flow->batch->chunks; link; link = link->next) {
		struct chunk *chunk = (struct chunk *)link;
		metrics_add(flow->metrics, METRIC_RECORDS_PUBLISHED, 0, 0, (int64_t)chunk->record_count);
		if (chunk->events && chunk->stream_time_ms != STREAM_TIME_NONE)
			metrics_observe(flow->metrics, METRIC_EVENT_AGE,
					(double)(now - chunk->stream_time_ms) / 1000.0);
		flow_compact(flow, chunk);
	}
}

/* At least a quarter of what the last transaction took: it costs much the same whatever it holds, so the busier all
 * are, the more should be in the next one. */
static int64_t pause_after(const struct flow *flow, int64_t took_ms)
{
	int64_t urgent = flow->config->batch_urgent_after;
	return took_ms / PAUSE_DIVISOR > urgent ? took_ms / PAUSE_DIVISOR : urgent;
}

static void on_published(void *context, enum publish_result result, bool tainted)
{
	struct flow *flow = context;
	int64_t now = monotonic_ms();
	flow->publishing = false;
	flow->next_commit = now + pause_after(flow, now - flow->publish_began_us / 1000);
	if (result == PUBLISH_COMMITTED)
		on_committed(flow);
	flow->batch = NULL;
	if (flow->metadata_retired) {
		rd_kafka_consumer_group_metadata_destroy(flow->metadata_retired);
		flow->metadata_retired = NULL;
	}
	metrics_add(flow->metrics, METRIC_TRANSACTIONS, result, 0, 1);
	metrics_observe(flow->metrics, METRIC_TRANSACTION_SECONDS,
			(double)(monotonic_us() - flow->publish_began_us) / 1e6);
	crash_point("commit_known");
	protocol_published(flow->protocol, result, tainted, now);
	flow_act(flow);
}

static void recreate(struct flow *flow, const struct protocol_action *action)
{
	(void)action;
	publisher_recreate(flow->publisher);
}

static void on_recreated(void *context, bool ok)
{
	struct flow *flow = context;
	protocol_recreated(flow->protocol, ok, monotonic_ms());
	flow_act(flow);
}

static void on_publisher_fatal(void *context, const char *text)
{
	flow_fatal(context, EX_UNAVAILABLE, text);
}

const struct publisher_callbacks flow_publisher_callbacks = {
	.on_published = on_published,
	.on_recreated = on_recreated,
	.on_offsets = on_offsets,
	.on_fatal = on_publisher_fatal,
};

/* ---- applying ---- */

void flow_compact(struct flow *flow, struct chunk *chunk)
{
	struct flow_slot *slot = &flow->slots[chunk->link.slot];
	struct apply_target target = {
		.topic = topic_of(flow, slot),
		.partition = slot->partition,
		.from = chunk->link.from,
		.to = chunk->link.to,
		.stream_time_ms = chunk->stream_time_ms,
		.dedup_hours = (int)flow->config->events_dedup_hours,
		.limits = ruleset_points_limits(chunk->ruleset),
	};
	memcpy(target.store_uuid, slot->store_uuid, STORE_UUID_SIZE);
	chunk_compact(chunk, effects_apply_command(chunk->effects, &target, &chunk->arena));
}

static void apply(struct flow *flow, const struct protocol_action *action)
{
	struct chunk *chunk = (struct chunk *)action->chunk;
	/* Of a transaction whose outcome became known only later. */
	if (!chunk->command.data)
		flow_compact(flow, chunk);
	crash_point("before_apply");
	store_apply(flow->store, &chunk->link, chunk->command);
}

static void on_applied(void *context, struct protocol_chunk *chunk, enum apply_result result, uint32_t conflicts,
		       uint32_t unmatched)
{
	struct flow *flow = context;
	struct flow_slot *slot = &flow->slots[chunk->slot];
	crash_point("applied");
	metrics_add(flow->metrics, METRIC_APPLY_CONFLICTS, 0, 0, conflicts);
	metrics_add(flow->metrics, METRIC_REVIEWS_UNMATCHED, 0, 0, unmatched);
	if (result == APPLY_OK)
		metrics_add(flow->metrics, METRIC_EVENTS_APPLIED, 0, 0, (int64_t)(chunk->to - chunk->from));
	if (conflicts)
		log_limited(LOG_ERROR, "Redis keys of another type were passed over, their counters are incomplete",
			    "topic=%s partition=%d offset=%lld keys=%u hint=\"find them with redis-cli --scan "
			    "--pattern 'rw:{%d}:*' and TYPE\"",
			    topic_of(flow, slot).data, slot->partition, (long long)chunk->from, conflicts,
			    slot->partition);
	protocol_applied(flow->protocol, chunk, result, monotonic_ms());
	flow_act(flow);
}

static void look(struct flow *flow, const struct protocol_action *action)
{
	struct flow_slot *slot = &flow->slots[action->slot];
	store_watch(flow->store, action->slot, action->token, action->offset, topic_of(flow, slot), slot->partition);
}

static void on_watched(void *context, int slot, uint64_t token, int64_t at_least, const struct load_reply *reply)
{
	struct flow *flow = context;
	protocol_watched(flow->protocol, slot, token, at_least, reply, monotonic_ms());
	flow_act(flow);
}

static void on_store_ready(void *context)
{
	struct flow *flow = context;
	log_info("Redis ready", NULL);
	protocol_store_ready(flow->protocol, monotonic_ms());
	flow_act(flow);
}

static void on_store_lost(void *context)
{
	struct flow *flow = context;
	log_limited(LOG_WARNING, "Redis lost; alerts go on, counters wait", NULL);
	protocol_store_lost(flow->protocol, monotonic_ms());
	flow_act(flow);
}

static void on_store_fatal(void *context, const char *text)
{
	flow_fatal(context, EX_UNAVAILABLE, text);
}

const struct store_callbacks flow_store_callbacks = {
	.on_ready = on_store_ready,
	.on_lost = on_store_lost,
	.on_loaded = on_loaded,
	.on_applied = on_applied,
	.on_watched = on_watched,
	.on_fatal = on_store_fatal,
};

/* ---- the rest ---- */

static void free_chunk(struct flow *flow, const struct protocol_action *action)
{
	(void)flow;
	struct chunk *chunk = (struct chunk *)action->chunk;
	chunk_free(&chunk);
}

static void release(struct flow *flow, const struct protocol_action *action)
{
	(void)action;
	crash_point("release");
	source_release(flow->source);
}

static void on_closed(void *context)
{
	struct flow *flow = context;
	flow->callbacks.on_stopped(flow->context, flow->stopped_clean);
}

static void stopped(struct flow *flow, const struct protocol_action *action)
{
	flow->stopped_clean = action->clean;
	if (!action->clean)
		log_warning("stopped before everything was applied to Redis; the next start goes on from there", NULL);
	crash_point("stopped");
	source_close(flow->source, on_closed);
}

/* What an operator can do about each refusal. */
static const char *const refusal_help[REFUSAL_COUNT] = {
	[REFUSAL_STORE_EMPTY] =
		"Redis lost its data or is another one. Restore it, or order a recount from the log with "
		"-o redis.rebuild=true (exact only if the log still holds everything)",
	[REFUSAL_STORE_FOREIGN] = "this Redis belongs to another set of offsets. Check redis.host and kafka.group",
	[REFUSAL_LOG_TRUNCATED] =
		"the log no longer holds events that Redis has not counted. Counters cannot be exact; restore a "
		"younger Redis copy, or flush Redis and start with -o redis.rebuild=true",
	[REFUSAL_LOG_SHORTER] = "the topic was re-created or is another one. Check kafka.brokers and topics",
	[REFUSAL_OFFSETS_MISSING] =
		"the group's offsets are gone (deleted, or stopped for longer than offsets.retention.minutes). Did "
		"the only broker just come back from a crash? Its group coordinator may have read too little: "
		"restart the broker. If nobody moved them and that is not it, start once with "
		"-o kafka.accept_missing_offsets=true",
	[REFUSAL_OFFSETS_WENT_BACK] =
		"Kafka lost commits that it had acknowledged, or does not know them. Did the only broker just come "
		"back from a crash? Its group coordinator may have read too little: restart the broker. "
		"If the offsets were restored from an older copy on purpose, start once with "
		"-o kafka.accept_missing_offsets=true",
	[REFUSAL_HIJACKED] = "another process uses the same kafka.instance. Give each process its own",
};

/* A breach of the guarantee's conditions, of one partition or of none. */
static void refuse(struct flow *flow, const struct protocol_action *action)
{
	char text[768], place[320] = "";
	if (action->slot >= 0 && action->slot < flow->slot_count) {
		const struct flow_slot *slot = &flow->slots[action->slot];
		snprintf(place, sizeof place, "topic %s partition %d: ", topic_of(flow, slot).data, slot->partition);
	}
	snprintf(text, sizeof text, "%s%s: %s", place, refusal_text(action->refusal), refusal_help[action->refusal]);
	flow_fatal(flow, EX_DATAERR, text);
}

static void notice(struct flow *flow, const struct protocol_action *action)
{
	const struct flow_slot *slot = &flow->slots[action->slot];
	bool is_good = action->notice == NOTICE_STORE_CREATED || action->notice == NOTICE_CAUGHT_UP;
	enum log_level level = is_good ? LOG_INFO : LOG_WARNING;
	metrics_add(flow->metrics, METRIC_NOTICES, action->notice, 0, 1);
	if (action->notice == NOTICE_NOT_ALONE)
		log_write(level, NULL, notice_text(action->notice), "topic=%s partition=%d why=%s",
			  topic_of(flow, slot).data, slot->partition, obstacle_text((enum obstacle)action->count));
	else
		log_write(level, NULL, notice_text(action->notice), "topic=%s partition=%d count=%lld",
			  topic_of(flow, slot).data, slot->partition, (long long)action->count);
}

typedef void action_f(struct flow *flow, const struct protocol_action *action);

static action_f *const actions[] = {
	[ACTION_DROP] = drop,
	[ACTION_READ_OFFSETS] = read_offsets,
	[ACTION_LOAD] = load,
	[ACTION_LOAD_LOG] = flow_load_log,
	[ACTION_START] = start,
	[ACTION_PUBLISH] = publish,
	[ACTION_RECREATE] = recreate,
	[ACTION_APPLY] = apply,
	[ACTION_CATCH_UP] = flow_catch_up,
	[ACTION_CATCH_UP_END] = flow_catch_up_end,
	[ACTION_LOOK] = look,
	[ACTION_FREE] = free_chunk,
	[ACTION_RELEASE] = release,
	[ACTION_STOPPED] = stopped,
	[ACTION_REFUSE] = refuse,
	[ACTION_NOTICE] = notice,
};

static void do_actions(struct flow *flow)
{
	struct protocol_action action;
	while (protocol_next(flow->protocol, &action))
		actions[action.kind](flow, &action);
}

void flow_act(struct flow *flow)
{
	/* An adapter may answer while it is called: the outer loop does what follows from that. */
	if (flow->acting)
		return;
	flow->acting = true;
	do_actions(flow);
	flow_plan(flow);
	do_actions(flow);
	flow->acting = false;
}
