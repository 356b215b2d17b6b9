/* SPDX-License-Identifier: Apache-2.0 */
/* A slot that is loading while Redis does not answer need not wait for it: S and T at C are a function of the log, so
 * they are read from there, and the slot is live at C and behind from its start. The load from Redis is tried all the
 * while; the first of the two that is done counts. Nothing is assumed of W. */
#include "internal.h"

#include <string.h>

void alone_reset(struct protocol *protocol, struct slot *slot)
{
	slot->alone.step = ALONE_NOT;
	slot->alone.token = 0;
	slot->alone.since = protocol->now_ms;
	slot->alone.offsets_known = slot->alone.store_fails = false;
}

static bool may_start_alone(const struct protocol *protocol, const struct slot *slot)
{
	return slot->alone.may && protocol->settings.catch_up && protocol->settings.alone_after_ms > 0;
}

/* A store that is ready is asked, and answers, or is lost: a long answer is worth waiting for. */
static bool is_waiting(const struct protocol *protocol, const struct slot *slot)
{
	return may_start_alone(protocol, slot) && slot->state == SLOT_LOADING && slot->alone.step == ALONE_NOT &&
	       slot->alone.offsets_known && !slot->rebuilding && (!protocol->store_ready || slot->alone.store_fails);
}

int64_t alone_due_at(const struct protocol *protocol, const struct slot *slot)
{
	return is_waiting(protocol, slot) ? slot->alone.since + protocol->settings.alone_after_ms : INT64_MAX;
}

void alone_offsets(struct slot *slot)
{
	struct alone_plan plan = start_alone_plan(&slot->offsets);
	bool same =
		plan.obstacle == OBSTACLE_NONE && plan.offset == slot->alone.offset && plan.from == slot->alone.from;

	slot->alone.offsets_known = true;
	if (slot->alone.step == ALONE_READING && !same)
		slot->alone.step = ALONE_NOT;
}

void alone_store_answers(struct protocol *protocol, struct slot *slot, bool ok)
{
	slot->alone.store_fails = !ok;
	if (!ok)
		return;
	slot->alone.since = protocol->now_ms;
	if (slot->alone.step == ALONE_READING)
		slot->alone.step = ALONE_NOT;
}

static void give_up(struct protocol *protocol, int index, enum obstacle obstacle)
{
	protocol->slots[index].alone.step = ALONE_IMPOSSIBLE;
	actions_notice(protocol, index, NOTICE_NOT_ALONE, obstacle);
}

static void request(struct protocol *protocol, int index, const struct alone_plan *plan)
{
	struct alone *alone = &protocol->slots[index].alone;
	struct protocol_action *action = actions_add(protocol, ACTION_LOAD_LOG, index);

	alone->step = ALONE_READING;
	alone->token = action->token = ++protocol->last_token;
	alone->from = action->from = plan->from;
	alone->offset = action->offset = plan->offset;
}

bool alone_request(struct protocol *protocol, struct protocol_action *action)
{
	if (protocol->loading == 0 || protocol->stopping)
		return false;
	for (int i = 0; i < protocol->settings.slots; i++) {
		if (protocol->now_ms < alone_due_at(protocol, &protocol->slots[i]))
			continue;
		struct alone_plan plan = start_alone_plan(&protocol->slots[i].offsets);

		if (plan.obstacle != OBSTACLE_NONE)
			give_up(protocol, i, plan.obstacle);
		else
			request(protocol, i, &plan);
		return actions_take(protocol, action);
	}
	return false;
}

static void start(struct protocol *protocol, int index)
{
	struct slot *slot = &protocol->slots[index];
	struct alone_plan plan = start_alone_plan(&slot->offsets);
	struct start_decision decision;

	start_alone_decide(&slot->offsets, &plan, &decision);
	memcpy(slot->uuid, plan.entry->uuid, sizeof(slot->uuid));
	slot->applied = PLANTED(PLANTED_ALONE_ASSUMES_W) ? plan.offset : PROTOCOL_OFFSET_NONE;
	partition_start(protocol, index, &decision)->alone = true;
	if (!PLANTED(PLANTED_ALONE_ASSUMES_W))
		behind_begin_alone(protocol, index, plan.entry->ruleset);
}

void alone_loaded(struct protocol *protocol, int index, enum log_load_result result)
{
	if (result == LOG_LOAD_GOOD)
		start(protocol, index);
	else
		give_up(protocol, index, result == LOG_LOAD_GONE ? OBSTACLE_LOG : OBSTACLE_TIME);
}
