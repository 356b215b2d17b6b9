/* SPDX-License-Identifier: Apache-2.0 */
/* The second reader of partitions that are behind: decides what Redis lacks with a state of its own. Publishes nothing. */
#include "flow_internal.h"
#include "log.h"
#include "monotonic.h"

#include <sysexits.h>

/* Hands the second reader's open chunk to the protocol, if there is one. */
static void close_chunk(struct flow *flow, struct flow_slot *slot)
{
	struct chunk *chunk = slot->second.open;
	if (!chunk)
		return;
	slot->second.open = NULL;
	metrics_add(flow->metrics, METRIC_CATCH_UP_EVENTS, 0, 0, (int64_t)chunk->events);
	chunk->link.events = (uint32_t)chunk->events;
	flow_compact(flow, chunk);
	protocol_catch_up_add(flow->protocol, &chunk->link);
}

/* Its chunks are like those of the live side, and one ends where the live side's next apply begins. */
static void decide(struct flow *flow, struct flow_slot *slot, int number, const struct input_record *record)
{
	struct flow_second *second = &slot->second;
	if (second->open && (second->open->events >= (size_t)flow->config->batch_chunk_events ||
			     pipeline_hour_changes(second->stream, record)))
		close_chunk(flow, slot);
	if (!second->open) {
		second->open = chunk_new(number, protocol_catch_up_position(flow->protocol, number), flow->ruleset);
		second->open->stream_time_ms = second->stream->time_ms;
	}
	pipeline_run(&flow->settings, second->stream, record, true, second->open);
	if (record->offset + 1 == protocol_catch_up_end(flow->protocol, number))
		close_chunk(flow, slot);
}

static void on_record(void *context, const struct input_record *record)
{
	struct flow *flow = context;
	struct flow_slot *slot = flow_slot(flow, record->input, record->partition);
	if (!slot || !slot->second.stream || (slot->second.open && record->offset < slot->second.open->link.to))
		return;
	int number = (int)(slot - flow->slots);
	switch (protocol_catch_up_intake(flow->protocol, number, record->offset)) {
	case CATCH_UP_DROP:
		break;
	case CATCH_UP_DECIDE:
		decide(flow, slot, number, record);
		break;
	case CATCH_UP_BEYOND:
		close_chunk(flow, slot);
		protocol_catch_up_missed(flow->protocol, number);
		break;
	}
}

static void on_turn(void *context)
{
	struct flow *flow = context;
	for (int i = 0; i < flow->slot_count; i++)
		close_chunk(flow, &flow->slots[i]);
	flow_act(flow);
}

/* The log was cut below what Redis lacks, or a broker that hung still believes that it leads: the bounds of the log that
 * the next load sees tell which. */
static void on_out_of_range(void *context, enum input input, int32_t partition, int64_t offset)
{
	struct flow *flow = context;
	struct flow_slot *slot = flow_slot(flow, input, partition);
	log_warning("what Redis lacks is outside the log", "offset=%lld", (long long)offset);
	protocol_out_of_range(flow->protocol, (int)(slot - flow->slots), monotonic_ms());
	flow_act(flow);
}

static void on_fatal(void *context, const char *text)
{
	flow_fatal(context, EX_UNAVAILABLE, text);
}

const struct reader_callbacks flow_reader_callbacks = {
	.on_record = on_record,
	.on_turn = on_turn,
	.on_out_of_range = on_out_of_range,
	.on_fatal = on_fatal,
};

void flow_catch_up(struct flow *flow, const struct protocol_action *action)
{
	struct flow_slot *slot = &flow->slots[action->slot];
	MUST(slot->second.loaded && !slot->second.open);
	stream_free(&slot->second.stream);
	slot->second.stream = slot->second.loaded;
	slot->second.loaded = NULL;
	reader_start(flow->reader, slot->input, slot->partition, action->offset);
}

void flow_catch_up_end(struct flow *flow, const struct protocol_action *action)
{
	struct flow_slot *slot = &flow->slots[action->slot];
	reader_stop(flow->reader, slot->input, slot->partition);
	flow_free_second(&slot->second);
}

void flow_free_second(struct flow_second *second)
{
	chunk_free(&second->open);
	stream_free(&second->stream);
	stream_free(&second->loaded);
	second->token = 0;
}
