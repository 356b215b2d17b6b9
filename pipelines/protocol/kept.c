/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks that Redis acknowledged, kept a while: when it turns out to have lost its latest writes, and W is where one of
 * them begins, they are sent again, and nothing is loaded. Decisions do not change by that: they come from the log. */
#include "internal.h"

static void free_first(struct protocol *protocol, struct slot *slot)
{
	struct protocol_chunk *chunk = chunk_list_take(&slot->kept);

	protocol->kept_events -= chunk->events;
	actions_free_chunk(protocol, chunk);
}

void kept_add(struct protocol *protocol, struct slot *slot, struct protocol_chunk *chunk)
{
	chunk->applied_ms = protocol->now_ms;
	chunk_list_append(&slot->kept, chunk);
	protocol->kept_events += chunk->events;
	while (protocol->kept_events > protocol->settings.keep_max && slot->kept.count > 0)
		free_first(protocol, slot);
}

void kept_drop(struct protocol *protocol, struct slot *slot)
{
	while (slot->kept.count > 0)
		free_first(protocol, slot);
}

/* Age alone frees nothing: while Redis is away its losses are not known yet. */
void kept_confirm(struct protocol *protocol, struct slot *slot)
{
	int64_t before = protocol->now_ms - protocol->settings.keep_ms;

	while (slot->kept.count > 0 && slot->kept.first->applied_ms <= before)
		free_first(protocol, slot);
}

bool kept_look(struct protocol *protocol, struct slot *slot, int64_t at_ms)
{
	if (protocol->settings.keep_max == 0)
		return false;
	protocol->looks += slot->look != LOOK_WANTED;
	slot->look = LOOK_WANTED;
	apply_send_again(slot, at_ms);
	return true;
}

void kept_look_again(struct protocol *protocol, struct slot *slot)
{
	if ((slot->state == SLOT_LIVE || slot->state == SLOT_DRAINING) && !behind_knows_no_w(slot))
		kept_look(protocol, slot, protocol->now_ms);
}

void kept_end_look(struct protocol *protocol, struct slot *slot)
{
	protocol->looks -= slot->look == LOOK_WANTED;
	slot->look = LOOK_NONE;
}

/* ---- going back to W ---- */

static bool is_border(const struct slot *slot, int64_t applied)
{
	if (PLANTED(PLANTED_KEPT_SHORT))
		return slot->kept.count > 0;
	for (const struct protocol_chunk *chunk = slot->kept.first; chunk != NULL; chunk = chunk->next)
		if (chunk->from == applied)
			return true;
	return false;
}

static void take_back(struct protocol *protocol, struct slot *slot, int64_t applied)
{
	struct chunk_list stay, again;
	struct protocol_chunk *chunk;

	chunk_list_init(&stay);
	chunk_list_init(&again);
	while ((chunk = chunk_list_take(&slot->kept)) != NULL)
		chunk_list_append(chunk->to <= applied ? &stay : &again, chunk);
	chunk_list_prepend(&slot->kept, &stay);
	protocol->kept_events -= again.events;
	protocol->queued_events += again.events;
	protocol->queued += again.count;
	protocol->unsent += again.count;
	chunk_list_prepend(&slot->queue, &again);
	if (!PLANTED(PLANTED_HEAL_KEEPS_W))
		slot->applied = applied;
}

/* W went on without us: somebody else, or a request that was given up, applied what we have queued. */
static void pass(struct protocol *protocol, struct slot *slot, int64_t applied)
{
	while (slot->queue.count > 0 && slot->queue.first->to <= applied)
		apply_pass(protocol, slot);
}

void kept_seen(struct protocol *protocol, int index, int64_t applied)
{
	struct slot *slot = &protocol->slots[index];
	int64_t lost = slot->applied - applied;

	kept_end_look(protocol, slot);
	if (lost > 0 && !is_border(slot, applied)) {
		apply_doubt(protocol, index, LOAD_WENT_BACK);
		return;
	}
	pass(protocol, slot, applied);
	if (lost > 0) {
		take_back(protocol, slot, applied);
		actions_notice(protocol, index, NOTICE_STORE_HEALED, lost);
	} else if (slot->queue.count > 0 && slot->queue.first->from != applied) {
		apply_doubt(protocol, index, LOAD_REFUSED); /* W is inside of a chunk: others drew the borders */
	}
}

bool kept_request(struct protocol *protocol, struct protocol_action *action)
{
	if (protocol->looks == 0 || !protocol->store_ready)
		return false;
	for (int i = 0; i < protocol->settings.slots; i++) {
		struct slot *slot = &protocol->slots[i];

		if (slot->look != LOOK_WANTED || slot->in_flight > 0 || protocol->now_ms < slot->retry_at)
			continue;
		kept_end_look(protocol, slot);
		slot->look = LOOK_ASKED;
		*action = (struct protocol_action){
			.kind = ACTION_LOOK, .slot = i, .token = slot->token, .offset = slot->applied
		};
		return true;
	}
	return false;
}
