/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks on their way to Redis: in order per slot, apply_window at a time over all slots. The compare-and-set chain
 * keeps the order even when several of one slot are in flight. */
#include "internal.h"

bool apply_is_stuck(const struct protocol *protocol)
{
	if (!protocol->settings.catch_up || protocol->queued_events < protocol->settings.apply_queue_max)
		return false;
	return !protocol->store_ready || protocol->now_ms - protocol->answered_at >= protocol->settings.patience_ms;
}

void apply_add(struct protocol *protocol, struct protocol_chunk *chunk)
{
	struct slot *slot = &protocol->slots[chunk->slot];

	slot->next_apply = chunk->to;
	if (slot->behind.step == BEHIND_NOT && slot->state == SLOT_LIVE && apply_is_stuck(protocol))
		behind_begin(protocol, chunk->slot);
	if (slot->behind.step == BEHIND_NOT || PLANTED(PLANTED_BEHIND_APPLIES))
		apply_append(protocol, chunk);
	else
		actions_free_chunk(protocol, chunk);
}

void apply_append(struct protocol *protocol, struct protocol_chunk *chunk)
{
	chunk->in_flight = chunk->dropped = false;
	chunk_list_append(&protocol->slots[chunk->slot].queue, chunk);
	protocol->queued++;
	protocol->queued_events += chunk->events;
	protocol->unsent++;
}

void apply_drop(struct protocol *protocol, int index)
{
	struct slot *slot = &protocol->slots[index];
	struct protocol_chunk *chunk;

	while ((chunk = chunk_list_take(&slot->queue)) != NULL) {
		protocol->queued--;
		protocol->queued_events -= chunk->events;
		if (chunk->in_flight) {
			chunk->dropped = true;
			chunk_list_append(&protocol->orphans, chunk);
			continue;
		}
		protocol->unsent--;
		actions_free_chunk(protocol, chunk);
	}
	slot->in_flight = 0;
	slot->resend = false;
	kept_drop(protocol, slot);
	kept_end_look(protocol, slot);
}

void apply_pass(struct protocol *protocol, struct slot *slot)
{
	struct protocol_chunk *chunk = chunk_list_take(&slot->queue);

	MUST(chunk != NULL && !chunk->in_flight);
	protocol->queued--;
	protocol->queued_events -= chunk->events;
	protocol->unsent--;
	if (chunk->to > slot->applied)
		slot->applied = chunk->to;
	kept_add(protocol, slot, chunk);
}

/* Redis answers in order, so W at the end of this chunk means that those before it are done too, whoever did them. */
static void done(struct protocol *protocol, struct slot *slot, const struct protocol_chunk *chunk)
{
	const struct protocol_chunk *passed;

	protocol->unsent++; /* as if it had not been sent */
	do {
		passed = slot->queue.first;
		apply_pass(protocol, slot);
	} while (passed != chunk);
}

void apply_send_again(struct slot *slot, int64_t at_ms)
{
	slot->resend = true;
	slot->retry_at = at_ms;
}

/* A slot that is about to be released leaves it to its next owner. */
void apply_lost_store(struct protocol *protocol, int index, enum load_cause cause)
{
	if (protocol->slots[index].state != SLOT_DRAINING) {
		partition_load(protocol, index, cause);
		return;
	}
	protocol->clean = false;
	partition_give_up(protocol, index);
}

void apply_doubt(struct protocol *protocol, int index, enum load_cause cause)
{
	if (protocol->settings.catch_up && protocol->slots[index].state == SLOT_LIVE && !PLANTED(PLANTED_LIVE_DROPPED))
		behind_begin(protocol, index);
	else
		apply_lost_store(protocol, index, cause);
}

static void not_done(struct protocol *protocol, struct protocol_chunk *chunk, enum apply_result result)
{
	struct slot *slot = &protocol->slots[chunk->slot];

	protocol->unsent++;
	if (result == APPLY_RETRY)
		apply_send_again(slot, protocol->now_ms + protocol->settings.retry_ms);
	else if (result == APPLY_REFUSED && chunk != slot->queue.first)
		apply_send_again(slot, protocol->now_ms); /* only because the one before it was not done */
	else if (result == APPLY_FOREIGN)
		apply_lost_store(protocol, chunk->slot, LOAD_REFUSED);
	else if (!kept_look(protocol, slot, protocol->now_ms))
		apply_doubt(protocol, chunk->slot, LOAD_REFUSED);
}

void apply_answered(struct protocol *protocol, struct protocol_chunk *chunk, enum apply_result result)
{
	struct slot *slot = &protocol->slots[chunk->slot];

	MUST(chunk->in_flight);
	chunk->in_flight = false;
	protocol->in_flight--;
	if (chunk->dropped) {
		MUST(chunk_list_remove(&protocol->orphans, chunk));
		actions_free_chunk(protocol, chunk);
		return;
	}
	slot->in_flight--;
	if (result != APPLY_RETRY)
		protocol->answered_at = protocol->now_ms;
	if (result == APPLY_OK)
		done(protocol, slot, chunk);
	else
		not_done(protocol, chunk, result);
}

void apply_store_lost(struct protocol *protocol)
{
	struct protocol_chunk *chunk;

	for (int i = 0; i < protocol->settings.slots; i++) {
		struct slot *slot = &protocol->slots[i];

		for (chunk = slot->queue.first; chunk != NULL; chunk = chunk->next) {
			protocol->unsent += chunk->in_flight;
			chunk->in_flight = false;
		}
		slot->in_flight = 0;
		slot->resend = false;
	}
	while ((chunk = chunk_list_take(&protocol->orphans)) != NULL) {
		chunk->in_flight = false;
		actions_free_chunk(protocol, chunk);
	}
	protocol->in_flight = 0;
}

/* Next chunk of the slot that may be sent now, or NULL. */
static struct protocol_chunk *next_to_send(const struct protocol *protocol, struct slot *slot)
{
	struct protocol_chunk *chunk = slot->queue.first;

	if (slot->queue.count == slot->in_flight || slot->look != LOOK_NONE)
		return NULL;
	if (slot->resend && (slot->in_flight > 0 || protocol->now_ms < slot->retry_at))
		return NULL;
	slot->resend = false;
	while (chunk->in_flight)
		chunk = chunk->next;
	return chunk;
}

static void send(struct protocol *protocol, struct protocol_chunk *chunk, struct protocol_action *action)
{
	chunk->in_flight = true;
	protocol->slots[chunk->slot].in_flight++;
	protocol->in_flight++;
	protocol->unsent--;
	*action = (struct protocol_action){
		.kind = ACTION_APPLY, .slot = chunk->slot, .token = chunk->token, .chunk = chunk
	};
}

bool apply_request(struct protocol *protocol, struct protocol_action *action)
{
	if (!protocol->store_ready || protocol->unsent == 0 || protocol->in_flight >= protocol->settings.apply_window)
		return false;
	for (int i = 0; i < protocol->settings.slots; i++) {
		int index = protocol->next_slot;
		struct protocol_chunk *chunk = next_to_send(protocol, &protocol->slots[index]);

		protocol->next_slot = (index + 1) % protocol->settings.slots;
		if (chunk != NULL) {
			send(protocol, chunk, action);
			return true;
		}
	}
	return false;
}
