/* SPDX-License-Identifier: Apache-2.0 */
/* What goes with a committed offset: read when a partition loads, written with each transaction. It must be exact for
 * that very offset, which is behind what is decided: whoever takes over may have nothing but this and the log. */
#include "flow_internal.h"
#include "log.h"

/* An operator's tool writes such entries; what they say helps to find out which. */
static void tell_foreign(const struct flow *flow, const struct flow_slot *slot, const char *group, int64_t offset,
			 const char *text)
{
	log_limited(LOG_WARNING, "committed offset without metadata of ours",
		    "group=%s topic=%s partition=%d offset=%lld metadata=\"%s\"", group,
		    flow->settings.input_topics[slot->input], slot->partition, (long long)offset, text);
}

/* What the metadata say of it, and where the log would have to be read from to do without Redis. */
static void parse(const struct flow *flow, const struct flow_slot *slot, const char *group, const char *text,
		  struct committed_offset *offset, struct flow_entry *entry)
{
	struct offset_metadata *metadata = &entry->metadata;
	entry->offset = offset->offset;
	offset->readable_from = PROTOCOL_OFFSET_NONE;
	offset->ours = entry->ours = offset_metadata_parse(text, metadata);
	if (!entry->ours) {
		if (offset->offset != PROTOCOL_OFFSET_NONE)
			tell_foreign(flow, slot, group, offset->offset, text);
		return;
	}
	memcpy(offset->uuid, metadata->store_uuid, STORE_UUID_SIZE);
	offset->ruleset = metadata->ruleset;
	const struct anchor *old = &metadata->anchors.old;
	if (metadata->complete && old->offset <= entry->offset &&
	    anchor_serves(old, metadata->stream_time_ms, (uint32_t)flow->config->events_dedup_hours))
		offset->readable_from = old->offset;
}

void flow_read_entries(struct flow *flow, struct flow_slot *slot, struct offsets_reply *reply, const char *group,
		       const char *shadow)
{
	if (!reply->ok)
		return;
	parse(flow, slot, "main", group, &reply->group, &slot->found[0]);
	parse(flow, slot, "shadow", shadow, &reply->shadow, &slot->found[1]);
}

const struct offset_metadata *flow_found_entry(const struct flow_slot *slot, int64_t offset)
{
	for (int i = 1; i >= 0; i--) {
		if (slot->found[i].ours && slot->found[i].offset == offset)
			return &slot->found[i].metadata;
	}
	return NULL;
}

static void set_stream(struct offset_metadata *metadata, const struct flow_slot *slot, int64_t time_ms,
		       const struct anchors *anchors)
{
	memcpy(metadata->store_uuid, slot->store_uuid, STORE_UUID_SIZE);
	memcpy(metadata->key, slot->stream->key, STREAM_KEY_SIZE);
	metadata->stream_time_ms = time_ms;
	metadata->anchors = *anchors;
	metadata->complete = true;
}

/* Nothing stands in Kafka that could be taken over. Of an offset beyond W nobody knows S and T until it is reached. */
static void make_entry(const struct flow *flow, struct flow_slot *slot, int64_t position,
		       const struct offset_metadata *found)
{
	struct offset_metadata *metadata = &slot->entry.metadata;
	anchors_begin(&slot->anchors, position, slot->stream->time_ms, slot->fresh);
	set_stream(metadata, slot, slot->stream->time_ms, &slot->anchors);
	metadata->ruleset = found ? found->ruleset : ruleset_number(flow->ruleset);
	if (slot->entry.offset == position)
		return;
	metadata->stream_time_ms = found ? found->stream_time_ms : STREAM_TIME_NONE;
	metadata->complete = false;
}

void flow_begin_entry(struct flow *flow, int number)
{
	struct flow_slot *slot = &flow->slots[number];
	int64_t committed = protocol_live_from(flow->protocol, number);
	const struct offset_metadata *found = flow_found_entry(slot, committed);
	slot->attempt = (struct flow_entry){ .offset = PROTOCOL_OFFSET_NONE };
	slot->entry = (struct flow_entry){ .offset = committed };
	if (!found || !found->complete || memcmp(found->store_uuid, slot->store_uuid, STORE_UUID_SIZE) != 0) {
		make_entry(flow, slot, protocol_position(flow->protocol, number), found);
		return;
	}
	slot->entry.metadata = *found;
	slot->anchors = found->anchors;
}

/* ---- writing ---- */

static const struct chunk *last_chunk(const struct protocol_batch *batch, int slot)
{
	const struct chunk *last = NULL;
	for (const struct protocol_chunk *chunk = batch->chunks; chunk; chunk = chunk->next) {
		if (chunk->slot == slot)
			last = (const struct chunk *)chunk;
	}
	return last;
}

/* The entry that is in Kafka now. Of a transaction whose outcome became known later only the protocol is told. */
static void settle(const struct flow *flow, struct flow_slot *slot, int number)
{
	struct protocol_view view;
	protocol_view(flow->protocol, number, &view);
	if (slot->attempt.offset == view.published)
		slot->entry = slot->attempt;
}

static void attempt(struct flow_slot *slot, const struct chunk *chunk)
{
	slot->attempt.offset = chunk->link.to;
	set_stream(&slot->attempt.metadata, slot, chunk->stream_time_ms, &chunk->anchors);
	slot->attempt.metadata.ruleset = ruleset_number(chunk->ruleset);
}

void flow_write_entry(struct flow *flow, const struct protocol_batch *batch, size_t i)
{
	const struct protocol_commit *commit = &batch->commits[i];
	struct flow_slot *slot = &flow->slots[commit->slot];
	const struct chunk *chunk = last_chunk(batch, commit->slot);
	struct publish_offset *offset = &flow->offsets[i];
	settle(flow, slot, commit->slot);
	if (chunk)
		attempt(slot, chunk);
	*offset =
		(struct publish_offset){ .input = slot->input, .partition = slot->partition, .offset = commit->offset };
	offset_metadata_format(chunk ? &slot->attempt.metadata : &slot->entry.metadata, offset->metadata);
}
