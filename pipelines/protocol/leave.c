/* SPDX-License-Identifier: Apache-2.0 */
/* Giving slots up: revoke and graceful stop. Both wait, bounded, for what is under way. */
#include "internal.h"

static void drain(struct protocol *protocol, int index)
{
	struct slot *slot = &protocol->slots[index];

	batch_drop(protocol, index);
	slot->recommit = false;
	partition_set_state(protocol, slot, SLOT_DRAINING);
}

static void leave_slot(struct protocol *protocol, int index, bool lost)
{
	switch (protocol->slots[index].state) {
	case SLOT_ABSENT:
		return;
	case SLOT_DRAINING:
	case SLOT_LIVE:
	case SLOT_MUTED:
		if (!lost) {
			drain(protocol, index);
			return;
		}
		break;
	case SLOT_LOADING:
		break;
	}
	protocol->clean = false;
	partition_give_up(protocol, index);
}

static void release(struct protocol *protocol)
{
	protocol->draining = false;
	actions_add(protocol, ACTION_RELEASE, -1);
}

void leave_revoke(struct protocol *protocol, bool lost)
{
	for (int i = 0; i < protocol->settings.slots; i++)
		leave_slot(protocol, i, lost);
	if (lost) {
		release(protocol);
		return;
	}
	protocol->draining = true;
	protocol->drain_until = protocol->now_ms + protocol->settings.drain_ms;
}

void leave_stop(struct protocol *protocol)
{
	if (protocol->stopping)
		return;
	protocol->stopping = true;
	protocol->clean = true;
	protocol->stop_until = protocol->now_ms + protocol->settings.drain_ms;
	for (int i = 0; i < protocol->settings.slots; i++)
		if (protocol->slots[i].state == SLOT_LOADING)
			leave_slot(protocol, i, true);
}

static bool is_drained(const struct slot *slot)
{
	return slot->state != SLOT_DRAINING ||
	       ((slot->queue.count == 0 || slot->behind.step != BEHIND_NOT) && !slot->held);
}

static bool all_drained(const struct protocol *protocol)
{
	for (int i = 0; i < protocol->settings.slots; i++)
		if (!is_drained(&protocol->slots[i]))
			return false;
	return true;
}

static bool counts_equal_published(const struct slot *slot)
{
	return slot->applied == slot->published && slot->behind.step == BEHIND_NOT;
}

static void end_drain(struct protocol *protocol)
{
	for (int i = 0; i < protocol->settings.slots; i++) {
		if (protocol->slots[i].state != SLOT_DRAINING)
			continue;
		if (!counts_equal_published(&protocol->slots[i]) || protocol->slots[i].held)
			protocol->clean = false;
		partition_give_up(protocol, i);
	}
	release(protocol);
}

static bool is_idle(const struct protocol *protocol)
{
	return protocol->open.count == 0 && protocol->transaction.state == TRANSACTION_NONE && protocol->queued == 0 &&
	       !protocol->draining;
}

/* Of a slot that is still loading nobody knows. */
static bool is_clean(const struct slot *slot)
{
	return slot->state == SLOT_ABSENT || (slot->state == SLOT_LIVE && counts_equal_published(slot));
}

static void end_stop(struct protocol *protocol)
{
	bool clean = protocol->clean && is_idle(protocol);

	for (int i = 0; i < protocol->settings.slots; i++)
		clean = clean && is_clean(&protocol->slots[i]);
	protocol->stopped = true;
	actions_add(protocol, ACTION_STOPPED, -1)->clean = clean;
}

void leave_check(struct protocol *protocol)
{
	if (protocol->draining && (protocol->now_ms >= protocol->drain_until || all_drained(protocol)))
		end_drain(protocol);
	if (!protocol->stopping || protocol->stopped)
		return;
	if (protocol->now_ms >= protocol->stop_until || is_idle(protocol))
		end_stop(protocol);
}
