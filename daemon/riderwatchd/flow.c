/* SPDX-License-Identifier: Apache-2.0 */
#include "flow_internal.h"
#include "alloc.h"
#include "config_pipeline.h"
#include "crash.h"
#include "log.h"
#include "monotonic.h"

#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#define WATCH_SECONDS 1
/* Events decided and not yet committed, as a multiple of a batch, at which reading pauses. */
#define READ_AHEAD_BATCHES 2
#define DECIDE_SAMPLE 64
/* A full queue waits so long for a Redis that answers nothing. */
#define PATIENCE_MS 1000
#define PARTITION_COUNT_TRIES 15
#define PARTITION_COUNT_TIMEOUT_MS 2000

void stream_free(struct stream **stream)
{
	if (*stream) {
		seen_free(&(*stream)->seen);
		free(*stream);
		*stream = NULL;
	}
}

struct flow_slot *flow_slot(struct flow *flow, enum input input, int32_t partition)
{
	if (partition < 0 || partition >= flow->partitions)
		return NULL;
	return &flow->slots[(int)input * flow->partitions + partition];
}

static int slot_number(const struct flow *flow, const struct flow_slot *slot)
{
	return (int)(slot - flow->slots);
}

void flow_fatal(struct flow *flow, int exit_code, const char *text)
{
	flow->callbacks.on_fatal(flow->context, exit_code, text);
}

/* ---- chunks ---- */

void flow_close_chunk(struct flow *flow, struct flow_slot *slot)
{
	if (!slot->open)
		return;
	struct chunk *chunk = slot->open;
	slot->open = NULL;
	flow_count_chunk(flow, chunk);
	chunk->link.events = (uint32_t)chunk->events;
	if (slot->open_muted)
		flow_compact(flow, chunk);
	protocol_add(flow->protocol, &chunk->link);
}

static void open_chunk(struct flow *flow, struct flow_slot *slot, bool muted)
{
	int number = slot_number(flow, slot);
	int64_t from = protocol_position(flow->protocol, number);
	slot->open = chunk_new(number, from, flow->ruleset);
	slot->open->stream_time_ms = slot->stream->time_ms;
	anchors_move(&slot->anchors, from, slot->stream->time_ms, flow->settings.dedup_hours);
	slot->open->anchors = slot->anchors;
	slot->open_muted = muted;
}

static void note_due(struct flow *flow, const struct chunk *chunk, size_t records_before)
{
	struct flow_due *due = &flow->due;
	int64_t now = due->first_event && chunk->record_count == records_before ? 0 : monotonic_ms();
	due->events++;
	if (!due->first_event)
		due->first_event = now;
	if (chunk->record_count > records_before && !due->first_record)
		due->first_record = now;
	due->urgent |= chunk->urgency >= SEVERITY_SEVERE;
}

/* Reading the clock costs a tenth of a decision: one in DECIDE_SAMPLE is timed. */
static void decide_timed(struct flow *flow, struct flow_slot *slot, const struct input_record *record, bool muted)
{
	bool timed = flow->decided++ % DECIDE_SAMPLE == 0;
	struct timespec began, ended;
	if (timed)
		clock_gettime(CLOCK_MONOTONIC, &began);
	pipeline_run(&flow->settings, slot->stream, record, muted, slot->open);
	if (!timed)
		return;
	clock_gettime(CLOCK_MONOTONIC, &ended);
	metrics_observe(flow->metrics, METRIC_DECIDE_SECONDS,
			(double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
}

/* A chunk holds muted or live events, never both, is of one hour, and small enough for one call. */
static void decide(struct flow *flow, struct flow_slot *slot, const struct input_record *record, bool muted)
{
	if (slot->open &&
	    (slot->open_muted != muted || slot->open->events >= (size_t)flow->config->batch_chunk_events ||
	     pipeline_hour_changes(slot->stream, record)))
		flow_close_chunk(flow, slot);
	if (!slot->open)
		open_chunk(flow, slot, muted);
	size_t records_before = slot->open->record_count;
	decide_timed(flow, slot, record, muted);
	crash_point(muted ? "decided_muted" : "decided");
	if (!muted)
		note_due(flow, slot->open, records_before);
}

static void on_record(void *context, const struct input_record *record)
{
	struct flow *flow = context;
	struct flow_slot *slot = flow_slot(flow, record->input, record->partition);
	if (!slot || !slot->started || flow->stopping)
		return;
	/* Below the open chunk's end the protocol's position says nothing: what it covers is decided. */
	if (slot->open && record->offset < slot->open->link.to)
		return;
	enum intake intake = protocol_intake(flow->protocol, slot_number(flow, slot), record->offset);
	if (intake != INTAKE_DROP)
		decide(flow, slot, record, intake == INTAKE_MUTED);
	if (flow->due.events >= (size_t)flow->config->batch_events_max * READ_AHEAD_BATCHES)
		flow_act(flow);
}

static void close_chunks(struct flow *flow, bool live)
{
	for (int i = 0; i < flow->slot_count; i++) {
		struct flow_slot *slot = &flow->slots[i];
		if (slot->open && slot->open_muted == !live)
			flow_close_chunk(flow, slot);
	}
}

/* ---- when to commit ---- */

/* Loop time at which what was read must be committed; INT64_MAX when there is nothing. */
static int64_t due_at(const struct flow *flow)
{
	const struct flow_due *due = &flow->due;
	int64_t at = INT64_MAX;
	if (due->events)
		at = due->first_event + flow->config->batch_idle_after;
	if (due->first_record && due->first_record + flow->config->batch_alert_after < at)
		at = due->first_record + flow->config->batch_alert_after;
	if (due->urgent || due->events >= (size_t)flow->config->batch_events_max)
		at = due->first_event;
	return at < flow->next_commit ? flow->next_commit : at;
}

static void publish_when_due(struct flow *flow, int64_t now)
{
	if (flow->publishing)
		return;
	if (now >= due_at(flow)) {
		close_chunks(flow, true);
		flow->due = (struct flow_due){ 0 };
	}
	if (!flow->due.events && protocol_can_publish(flow->protocol))
		protocol_publish(flow->protocol);
}

static void arm_timer(struct flow *flow, int64_t now)
{
	int64_t at = protocol_next_tick(flow->protocol), due = flow->publishing ? INT64_MAX : due_at(flow);
	if (due < at)
		at = due;
	if (at == INT64_MAX) {
		event_del(flow->timer);
		return;
	}
	int64_t wait = at > now ? at - now : 0;
	struct timeval delay = { wait / 1000, wait % 1000 * 1000 };
	event_add(flow->timer, &delay);
}

static void set_reading(struct flow *flow)
{
	bool reading = !flow->stopping && protocol_wants_records(flow->protocol) &&
		       flow->due.events < (size_t)flow->config->batch_events_max * READ_AHEAD_BATCHES;
	if (reading != flow->reading) {
		flow->reading = reading;
		source_set_reading(flow->source, reading);
	}
}

void flow_plan(struct flow *flow)
{
	int64_t now = monotonic_ms();
	publish_when_due(flow, now);
	set_reading(flow);
	reader_set_reading(flow->reader, protocol_catch_up_wants_records(flow->protocol));
	arm_timer(flow, now);
}

/* ---- consumer ---- */

static void on_turn(void *context)
{
	struct flow *flow = context;
	close_chunks(flow, false);
	flow_act(flow);
}

static void retire_metadata(struct flow *flow, rd_kafka_consumer_group_metadata_t *metadata)
{
	if (flow->publishing && !flow->metadata_retired)
		flow->metadata_retired = flow->metadata;
	else if (flow->metadata)
		rd_kafka_consumer_group_metadata_destroy(flow->metadata);
	flow->metadata = metadata;
}

static void on_assigned(void *context, const struct source_partition *partitions, size_t count,
			rd_kafka_consumer_group_metadata_t *metadata)
{
	struct flow *flow = context;
	int numbers[count + 1];
	retire_metadata(flow, metadata);
	flow->assignment_answered = false;
	flow->member = true;
	for (size_t i = 0; i < count; i++) {
		struct flow_slot *slot = flow_slot(flow, partitions[i].input, partitions[i].partition);
		if (!slot) {
			flow_fatal(flow, EX_UNAVAILABLE,
				   "an input topic has more partitions than at start; restart the daemon so that it "
				   "counts them anew "
				   "(riders move between partitions when their number changes)");
			return;
		}
		slot->assigned = true;
		slot->started = false;
		numbers[i] = slot_number(flow, slot);
	}
	log_info("partitions assigned", "count=%zu", count);
	crash_point("assigned");
	protocol_assigned(flow->protocol, numbers, count, monotonic_ms());
	if (count == 0)
		source_assign(flow->source, NULL, 0);
	flow_act(flow);
}

static void on_revoked(void *context, bool lost)
{
	struct flow *flow = context;
	flow->member = false;
	log_info("partitions revoked", "lost=%s", lost ? "true" : "false");
	for (int i = 0; i < flow->slot_count; i++)
		flow->slots[i].assigned = false;
	crash_point("revoked");
	protocol_revoked(flow->protocol, lost, monotonic_ms());
	flow_act(flow);
}

/* The log was cut below us while we read, or a broker that hung still believes that it leads. */
static void on_out_of_range(void *context, enum input input, int32_t partition, int64_t offset)
{
	struct flow *flow = context;
	(void)offset;
	protocol_out_of_range(flow->protocol, slot_number(flow, flow_slot(flow, input, partition)), monotonic_ms());
	flow_act(flow);
}

static void on_source_fatal(void *context, const char *text)
{
	flow_fatal(context, EX_UNAVAILABLE, text);
}

static const struct source_callbacks source_callbacks = {
	.on_record = on_record,
	.on_turn = on_turn,
	.on_assigned = on_assigned,
	.on_revoked = on_revoked,
	.on_out_of_range = on_out_of_range,
	.on_fatal = on_source_fatal,
};

/* ---- timers ---- */

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	struct flow *flow = context;
	protocol_tick(flow->protocol, monotonic_ms());
	flow_act(flow);
}

static void watch(struct flow *flow)
{
	for (int i = 0; i < flow->slot_count && store_is_ready(flow->store); i++) {
		struct flow_slot *slot = &flow->slots[i];
		uint64_t token;
		int64_t at_least;
		if (protocol_watches(flow->protocol, i, &token, &at_least))
			store_watch(flow->store, i, token, at_least, slice_of(flow->settings.input_topics[slot->input]),
				    slot->partition);
	}
}

static void on_watch_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	watch(context);
}

/* ---- life ---- */

static void init_settings(struct flow *flow, struct slice pseudonym_key)
{
	flow->settings = config_pipeline(flow->config, "riderwatchd/" RIDERWATCH_VERSION);
	flow->settings.partitions = flow->partitions;
	flow->settings.pseudonym_key = pseudonym_key;
}

static struct protocol_settings protocol_settings(const struct flow *flow)
{
	const struct config *config = flow->config;
	return (struct protocol_settings){
		.slots = flow->slot_count,
		.apply_window = (size_t)config->redis_window,
		.apply_queue_max = (size_t)config->redis_queue_max,
		.catch_up = true,
		.alone_after_ms = config->redis_start_without_after,
		.patience_ms = PATIENCE_MS,
		.keep_max = config->redis_keep ? (size_t)config->redis_queue_max : 0,
		.keep_ms = config->redis_keep,
		.retry_ms = 200,
		.refuse_after_ms = 3000,
		.refuse_offsets_after_ms = 15000,
		.drain_ms = config->shutdown_timeout / 2,
		.recommit_ms = 24 * HOUR_MS,
		.recreations_max = 20,
		.start_at_end = strcmp(config->kafka_start_offset, "latest") == 0,
		.accept_missing_offsets = config->kafka_accept_missing_offsets,
		.rebuild = config->redis_rebuild,
	};
}

static void init_slots(struct flow *flow)
{
	flow->slot_count = INPUT_COUNT * flow->partitions;
	flow->slots = alloc_zeroed((size_t)flow->slot_count, sizeof *flow->slots);
	for (int i = 0; i < flow->slot_count; i++) {
		flow->slots[i].input = (enum input)(i / flow->partitions);
		flow->slots[i].partition = i % flow->partitions;
	}
}

/* Kafka may start later than we do: worth half a minute of patience, then the supervisor is told. */
static int count_partitions(struct flow *flow, char *error, size_t error_size)
{
	for (int i = 0; i < PARTITION_COUNT_TRIES; i++) {
		flow->partitions = source_partition_count(flow->source, PARTITION_COUNT_TIMEOUT_MS, error, error_size);
		if (flow->partitions > 0)
			return 0;
		log_warning("input topics cannot be used yet", "error=\"%s\"", error);
		nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	}
	return -1;
}

static int connect_all(struct flow *flow, char *error, size_t error_size)
{
	flow->source = source_new(flow->base, flow->config, &source_callbacks, flow, error, error_size);
	if (!flow->source || count_partitions(flow, error, error_size))
		return -1;
	flow->publisher = publisher_new(flow->base, flow->config, source_handle(flow->source),
					&flow_publisher_callbacks, flow, error, error_size);
	if (!flow->publisher)
		return -1;
	flow->reader = reader_new(flow->base, flow->config, &flow_reader_callbacks, flow);
	flow->log_reader = reader_new(flow->base, flow->config, &flow_log_reader_callbacks, flow);
	reader_set_reading(flow->log_reader, true);
	flow->store = store_new(flow->base, flow->config, &flow_store_callbacks, flow);
	source_join(flow->source, flow->partitions);
	return 0;
}

/* Only reports lead to alerts; what deliveries do can wait for Redis. */
static void init_protocol(struct flow *flow)
{
	struct protocol_settings settings = protocol_settings(flow);
	flow->protocol = protocol_new(&settings);
	for (int i = 0; i < flow->slot_count; i++) {
		if (flow->slots[i].input == INPUT_REPORTS)
			protocol_let_start_alone(flow->protocol, i);
	}
}

static void start_timers(struct flow *flow)
{
	flow->timer = evtimer_new(flow->base, on_timer, flow);
	flow->watch_timer = event_new(flow->base, -1, EV_PERSIST, on_watch_timer, flow);
	event_add(flow->watch_timer, &(struct timeval){ WATCH_SECONDS, 0 });
	flow_start_rollups(flow);
}

struct flow *flow_new(struct event_base *base, const struct config *config, struct ruleset *ruleset,
		      struct slice pseudonym_key, struct metrics *metrics, const struct flow_callbacks *callbacks,
		      void *context, char *error, size_t error_size)
{
	struct flow *flow = alloc_zeroed(1, sizeof *flow);
	flow->base = base;
	flow->config = config;
	flow->callbacks = *callbacks;
	flow->context = context;
	flow->metrics = metrics;
	flow->reading = true;
	flow->ruleset = ruleset_ref(ruleset);
	arena_init(&flow->scratch);
	if (connect_all(flow, error, error_size)) {
		flow_free(&flow);
		return NULL;
	}
	init_slots(flow);
	init_settings(flow, pseudonym_key);
	init_protocol(flow);
	start_timers(flow);
	flow_set_ruleset(flow, ruleset);
	return flow;
}

/* A topic that is warmed before its first alert does not delay that by a second. */
static void warm_topics(struct flow *flow)
{
	struct slice topics[ROUTE_TOPICS_MAX];
	size_t count = ruleset_topics(flow->ruleset, topics);
	for (size_t i = 0; i < count; i++)
		publisher_add_topic(flow->publisher, topics[i]);
}

void flow_set_ruleset(struct flow *flow, struct ruleset *ruleset)
{
	for (int i = 0; i < flow->slot_count; i++)
		flow_close_chunk(flow, &flow->slots[i]);
	struct ruleset *old = flow->ruleset;
	flow->ruleset = ruleset_ref(ruleset);
	ruleset_unref(&old);
	warm_topics(flow);
	protocol_set_ruleset(flow->protocol, ruleset_number(ruleset));
}

void flow_stop(struct flow *flow)
{
	if (flow->stopping)
		return;
	flow->stopping = true;
	close_chunks(flow, false);
	close_chunks(flow, true);
	flow->due = (struct flow_due){ 0 };
	crash_point("stopping");
	protocol_stop(flow->protocol, monotonic_ms());
	flow_act(flow);
}

static void free_slot(struct flow_slot *slot)
{
	chunk_free(&slot->open);
	stream_free(&slot->stream);
	stream_free(&slot->loaded);
	stream_free(&slot->alone.stream);
	flow_free_second(&slot->second);
}

static void free_protocol(struct flow *flow)
{
	struct protocol_action action;
	if (flow->protocol)
		protocol_close(flow->protocol);
	while (flow->protocol && protocol_next(flow->protocol, &action)) {
		struct chunk *chunk = (struct chunk *)action.chunk;
		if (action.kind == ACTION_FREE)
			chunk_free(&chunk);
	}
	protocol_free(&flow->protocol);
}

void flow_free(struct flow **pointer)
{
	struct flow *flow = *pointer;
	if (!flow)
		return;
	*pointer = NULL;
	publisher_free(&flow->publisher);
	store_free(&flow->store);
	reader_free(&flow->reader);
	reader_free(&flow->log_reader);
	source_free(&flow->source);
	free_protocol(flow);
	for (int i = 0; i < flow->slot_count; i++)
		free_slot(&flow->slots[i]);
	if (flow->timer)
		event_free(flow->timer);
	if (flow->watch_timer)
		event_free(flow->watch_timer);
	if (flow->rollup_timer)
		event_free(flow->rollup_timer);
	if (flow->metadata)
		rd_kafka_consumer_group_metadata_destroy(flow->metadata);
	if (flow->metadata_retired)
		rd_kafka_consumer_group_metadata_destroy(flow->metadata_retired);
	ruleset_unref(&flow->ruleset);
	arena_fini(&flow->scratch);
	free(flow->offsets);
	free(flow->slots);
	free(flow);
}
