/* SPDX-License-Identifier: Apache-2.0 */
/* S and T of a partition from the log alone, while Redis does not answer. Nothing is counted or published on the way.
 */
#include "flow_internal.h"
#include "alloc.h"
#include "log.h"
#include "monotonic.h"

#include <sysexits.h>

static void answer(struct flow *flow, struct flow_slot *slot, enum log_load_result result)
{
	reader_stop(flow->log_reader, slot->input, slot->partition);
	slot->alone.reading = false;
	if (result != LOG_LOAD_GOOD)
		stream_free(&slot->alone.stream);
	protocol_log_loaded(flow->protocol, (int)(slot - flow->slots), slot->alone.token, result, monotonic_ms());
}

static void finish(struct flow *flow, struct flow_slot *slot)
{
	const struct stream *stream = slot->alone.stream;
	bool same = stream->time_ms == slot->alone.time_ms;
	log_info("log is read", "topic=%s partition=%d offset=%lld ids=%zu same_time=%s",
		 flow->settings.input_topics[slot->input], slot->partition, (long long)slot->alone.end,
		 seen_count(stream->seen), same ? "true" : "false");
	answer(flow, slot, same ? LOG_LOAD_GOOD : LOG_LOAD_DIFFERS);
}

static void on_record(void *context, const struct input_record *record)
{
	struct flow *flow = context;
	struct flow_slot *slot = flow_slot(flow, record->input, record->partition);
	if (!slot || !slot->alone.reading)
		return;
	if (record->offset < slot->alone.end) {
		pipeline_remember(&flow->settings, slot->alone.stream, record, &flow->scratch);
		arena_reset(&flow->scratch);
		log_limited(LOG_INFO, "reading the log for what Redis does not tell",
			    "topic=%s partition=%d offset=%lld end=%lld", flow->settings.input_topics[slot->input],
			    slot->partition, (long long)record->offset, (long long)slot->alone.end);
	}
	if (record->offset + 1 >= slot->alone.end)
		finish(flow, slot);
}

static void on_turn(void *context)
{
	flow_act(context);
}

static void on_out_of_range(void *context, enum input input, int32_t partition, int64_t offset)
{
	struct flow *flow = context;
	struct flow_slot *slot = flow_slot(flow, input, partition);
	(void)offset;
	if (slot->alone.reading)
		answer(flow, slot, LOG_LOAD_GONE);
	flow_act(flow);
}

static void on_fatal(void *context, const char *text)
{
	flow_fatal(context, EX_UNAVAILABLE, text);
}

const struct reader_callbacks flow_log_reader_callbacks = {
	.on_record = on_record,
	.on_turn = on_turn,
	.on_out_of_range = on_out_of_range,
	.on_fatal = on_fatal,
};

void flow_load_log(struct flow *flow, const struct protocol_action *action)
{
	struct flow_slot *slot = &flow->slots[action->slot];
	const struct offset_metadata *found = flow_found_entry(slot, action->offset);
	MUST(found && found->complete && found->anchors.old.offset == action->from);
	flow_end_alone(flow, slot);
	struct stream *stream = alloc_zeroed(1, sizeof *stream);
	stream->seen = seen_new();
	stream->time_ms = found->anchors.old.time_ms;
	memcpy(stream->key, found->key, STREAM_KEY_SIZE);
	slot->alone = (struct flow_alone){ stream, action->token, action->offset, found->stream_time_ms, true };
	if (action->from < action->offset)
		reader_start(flow->log_reader, slot->input, slot->partition, action->from);
	else
		finish(flow, slot);
}

void flow_take_alone(struct flow_slot *slot, int64_t offset)
{
	const struct offset_metadata *found = flow_found_entry(slot, offset);
	MUST(found && slot->alone.stream && !slot->alone.reading);
	memcpy(slot->store_uuid, found->store_uuid, STORE_UUID_SIZE);
	slot->stream = slot->alone.stream;
	slot->alone.stream = NULL;
}

void flow_end_alone(struct flow *flow, struct flow_slot *slot)
{
	if (slot->alone.reading)
		reader_stop(flow->log_reader, slot->input, slot->partition);
	stream_free(&slot->alone.stream);
	slot->alone = (struct flow_alone){ 0 };
}
