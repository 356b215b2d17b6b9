/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a slot: absent -> loading -> live -> (loading again at each doubt) -> draining -> absent. */
#include "internal.h"

#include <string.h>

void partition_set_state(struct protocol *protocol, struct slot *slot, enum protocol_state state)
{
	protocol->loading += (state == SLOT_LOADING) - (slot->state == SLOT_LOADING);
	slot->state = state;
}

bool partition_owns(const struct protocol *protocol, const struct protocol_chunk *chunk)
{
	return chunk->token == protocol->slots[chunk->slot].token;
}

/* Forgets all that is undone of the slot; what a transaction or Redis holds becomes void, and comes back when they
 * answer. */
static void drop(struct protocol *protocol, int index, uint64_t token, enum load_cause cause)
{
	struct slot *slot = &protocol->slots[index];

	if (!PLANTED(PLANTED_UNSENT_KEPT) || token == 0)
		batch_drop(protocol, index);
	behind_end(protocol, index);
	apply_drop(protocol, index);
	slot->token = token;
	slot->recommit = false;
	slot->rebuilding = false;
	slot->suspected = REFUSAL_NONE;
	actions_add(protocol, ACTION_DROP, index)->cause = cause;
}

void partition_load(struct protocol *protocol, int index, enum load_cause cause)
{
	struct slot *slot = &protocol->slots[index];

	drop(protocol, index, ++protocol->last_token, cause);
	partition_set_state(protocol, slot, SLOT_LOADING);
	slot->step = LOAD_WAITING;
	slot->retry_at = protocol->now_ms;
	floor_look_anew(slot);
	alone_reset(protocol, slot);
	if (cause == LOAD_ASSIGNED)
		slot->applied = PROTOCOL_OFFSET_NONE;
}

void partition_out_of_range(struct protocol *protocol, int index)
{
	struct slot *slot = &protocol->slots[index];

	if (slot->state != SLOT_LIVE)
		return;
	partition_load(protocol, index, LOAD_OUT_OF_RANGE);
	slot->retry_at += protocol->settings.retry_ms;
}

void partition_give_up(struct protocol *protocol, int index)
{
	drop(protocol, index, 0, LOAD_DROPPED);
	partition_set_state(protocol, &protocol->slots[index], SLOT_ABSENT);
}

static void load_again(struct protocol *protocol, struct slot *slot)
{
	slot->step = LOAD_WAITING;
	slot->rebuilding = false;
	slot->retry_at = protocol->now_ms + protocol->settings.retry_ms;
}

void partition_restart_loads(struct protocol *protocol, enum load_step step)
{
	for (int i = 0; i < protocol->settings.slots; i++) {
		struct slot *slot = &protocol->slots[i];

		if (slot->state != SLOT_LOADING || slot->step != step)
			continue;
		slot->step = LOAD_WAITING;
		slot->rebuilding = false;
		slot->retry_at = protocol->now_ms;
	}
}

struct protocol_action *partition_start(struct protocol *protocol, int index, const struct start_decision *decision)
{
	struct slot *slot = &protocol->slots[index];

	partition_set_state(protocol, slot, SLOT_LIVE);
	slot->position = PLANTED(PLANTED_MUTED_START_FROM_C) ? decision->live_from : decision->position;
	slot->live_from = PLANTED(PLANTED_NO_MUTE) ? decision->position : decision->live_from;
	slot->next_apply = decision->position;
	slot->published = decision->live_from;
	floor_raise(slot, start_committed(&slot->offsets));
	slot->recommit = true;
	slot->committed_at = protocol->now_ms;
	for (size_t i = 0; i < decision->notice_count; i++)
		actions_notice(protocol, index, decision->notices[i].notice, decision->notices[i].count);

	struct protocol_action *action = actions_add(protocol, ACTION_START, index);
	action->token = slot->token;
	action->offset = slot->position;
	return action;
}

static void start(struct protocol *protocol, int index, const struct load_reply *reply,
		  const struct start_decision *decision)
{
	struct slot *slot = &protocol->slots[index];
	int64_t lost = reply->created ? 0 : slot->applied - decision->position;

	memcpy(slot->uuid, reply->uuid, sizeof(slot->uuid));
	slot->applied = decision->position;
	if (lost > 0)
		actions_notice(protocol, index, NOTICE_STORE_WENT_BACK, lost);
	partition_start(protocol, index, decision);
}

static int64_t refuse_after(const struct protocol_settings *settings, enum refusal refusal)
{
	return refusal == REFUSAL_OFFSETS_MISSING ? settings->refuse_offsets_after_ms : settings->refuse_after_ms;
}

/* One look is not enough: a daemon that hung between its two reads compares offsets of before with a state of after,
 * and a broker that hung answers with the log of before until it learns that another one leads. */
static void refuse(struct protocol *protocol, int index, enum refusal refusal)
{
	struct slot *slot = &protocol->slots[index];

	if (slot->suspected != refusal) {
		slot->suspected = refusal;
		slot->suspected_at = protocol->now_ms;
		load_again(protocol, slot);
	} else if (protocol->now_ms - slot->suspected_at < refuse_after(&protocol->settings, refusal)) {
		load_again(protocol, slot);
	} else if (protocol->settings.rebuild && !slot->rebuilding && start_rebuild_heals(refusal)) {
		slot->rebuilding = true;
		slot->step = LOAD_STATE;
	} else {
		actions_refuse(protocol, index, refusal);
	}
}

void partition_offsets(struct protocol *protocol, int index, const struct offsets_reply *reply)
{
	struct slot *slot = &protocol->slots[index];

	if (slot->step != LOAD_OFFSETS)
		return;
	if (reply->ok && reply->log_end < slot->floor.offset) {
		refuse(protocol, index, REFUSAL_LOG_SHORTER);
		return;
	}
	if (!reply->ok || !floor_holds(protocol, index, reply)) {
		load_again(protocol, slot);
		return;
	}
	slot->offsets = *reply;
	slot->step = LOAD_STATE;
	alone_offsets(slot);
}

/* W <= C, but for a state that was just created. */
static bool reaches_w(struct protocol *protocol, int index, const struct load_reply *reply)
{
	struct slot *slot = &protocol->slots[index];

	if (reply->applied > reply->start)
		floor_raise(slot, reply->applied);
	return floor_holds(protocol, index, &slot->offsets);
}

void partition_loaded(struct protocol *protocol, int index, const struct load_reply *reply)
{
	struct slot *slot = &protocol->slots[index];
	struct start_decision decision;

	if (slot->step != LOAD_ASKED)
		return;
	alone_store_answers(protocol, slot, reply->ok);
	if (!reply->ok) {
		load_again(protocol, slot);
		return;
	}
	start_decide(&protocol->settings, protocol->ruleset, &slot->offsets, reply, &decision);
	if (decision.refusal != REFUSAL_NONE)
		refuse(protocol, index, decision.refusal);
	else if (reaches_w(protocol, index, reply))
		start(protocol, index, reply, &decision);
	else
		load_again(protocol, slot);
}

void partition_watched(struct protocol *protocol, int index, int64_t at_least, const struct load_reply *reply)
{
	struct slot *slot = &protocol->slots[index];
	bool looked = slot->look == LOOK_ASKED;

	if (slot->state != SLOT_LIVE && !looked)
		return;
	if (behind_knows_no_w(slot))
		return;
	if (!reply->ok && looked)
		kept_look(protocol, slot, protocol->now_ms + protocol->settings.retry_ms);
	if (!reply->ok)
		return;
	if (reply->missing || memcmp(reply->uuid, slot->uuid, sizeof(slot->uuid)) != 0)
		apply_lost_store(protocol, index, LOAD_WENT_BACK);
	else if (looked)
		kept_seen(protocol, index, reply->applied);
	else if (reply->applied >= at_least)
		kept_confirm(protocol, slot);
	else if (!kept_look(protocol, slot, protocol->now_ms))
		apply_doubt(protocol, index, LOAD_WENT_BACK);
}

static void request_offsets(struct slot *slot, struct protocol_action *action)
{
	slot->step = LOAD_OFFSETS;
	action->kind = ACTION_READ_OFFSETS;
}

static void request_state(const struct protocol *protocol, struct slot *slot, struct protocol_action *action)
{
	struct start_plan plan = start_plan(&protocol->settings, &slot->offsets);

	slot->step = LOAD_ASKED;
	action->kind = ACTION_LOAD;
	action->rebuild = slot->rebuilding;
	action->may_create = plan.may_create && !slot->rebuilding;
	action->create_at = slot->rebuilding ? start_rebuild_at(&slot->offsets) : plan.create_at;
}

/* C must be read when no own transaction can still move it: an own transaction whose offsets were not sent yet is
 * invisible to a stable read. */
static bool may_read_offsets(const struct protocol *protocol, const struct slot *slot)
{
	if (slot->held && !PLANTED(PLANTED_LOAD_DOES_NOT_WAIT))
		return false;
	return slot->step == LOAD_WAITING && protocol->now_ms >= slot->retry_at;
}

bool partition_request(struct protocol *protocol, struct protocol_action *action)
{
	if (protocol->loading == 0)
		return false;
	for (int i = 0; i < protocol->settings.slots; i++) {
		struct slot *slot = &protocol->slots[i];

		if (slot->state != SLOT_LOADING)
			continue;
		*action = (struct protocol_action){ .slot = i, .token = slot->token };
		if (may_read_offsets(protocol, slot)) {
			request_offsets(slot, action);
			return true;
		}
		if (slot->step == LOAD_STATE && protocol->store_ready) {
			request_state(protocol, slot, action);
			return true;
		}
	}
	return false;
}
