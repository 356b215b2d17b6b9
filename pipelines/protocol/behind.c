/* SPDX-License-Identifier: Apache-2.0 */
/* A slot that Redis cannot follow is behind: its live side never waits for that. A second reader with a state of its
 * own catches up, from W to where the live side's next apply begins, and hands over. */
#include "internal.h"

#include <string.h>

static void end_reader(struct protocol *protocol, int index)
{
	struct behind *behind = &protocol->slots[index].behind;

	if (behind->step == BEHIND_LOADING || behind->step == BEHIND_READING)
		actions_add(protocol, ACTION_CATCH_UP_END, index);
	behind->token = 0;
}

void behind_end(struct protocol *protocol, int index)
{
	struct behind *behind = &protocol->slots[index].behind;

	protocol->behind -= behind->step != BEHIND_NOT;
	end_reader(protocol, index);
	behind->step = BEHIND_NOT;
}

bool behind_knows_no_w(const struct slot *slot)
{
	return slot->behind.step == BEHIND_WAITING || slot->behind.step == BEHIND_LOADING;
}

static void wait_for_store(struct protocol *protocol, int index, int64_t at_ms)
{
	struct behind *behind = &protocol->slots[index].behind;

	end_reader(protocol, index);
	behind->step = BEHIND_WAITING;
	behind->retry_at = at_ms;
}

void behind_begin(struct protocol *protocol, int index)
{
	struct slot *slot = &protocol->slots[index];
	bool again = slot->behind.step != BEHIND_NOT;

	apply_drop(protocol, index);
	wait_for_store(protocol, index, protocol->now_ms + (again ? protocol->settings.retry_ms : 0));
	if (again)
		return;
	protocol->behind++;
	slot->behind.ruleset = protocol->ruleset;
	actions_notice(protocol, index, NOTICE_BEHIND, slot->next_apply - slot->applied);
}

void behind_begin_alone(struct protocol *protocol, int index, uint64_t ruleset)
{
	struct slot *slot = &protocol->slots[index];

	MUST(slot->behind.step == BEHIND_NOT);
	wait_for_store(protocol, index, protocol->now_ms);
	protocol->behind++;
	slot->behind.ruleset = ruleset;
	slot->behind.from = slot->next_apply;
}

void behind_store_lost(struct protocol *protocol)
{
	for (int i = 0; i < protocol->settings.slots; i++)
		if (protocol->slots[i].behind.step == BEHIND_LOADING)
			wait_for_store(protocol, i, protocol->now_ms);
}

/* The next apply of the live side follows what the second reader handed over. */
static void hand_over(struct protocol *protocol, int index)
{
	struct slot *slot = &protocol->slots[index];

	int64_t count = slot->next_apply - slot->behind.from;

	actions_notice(protocol, index, NOTICE_CAUGHT_UP, count);
	if (slot->behind.ruleset != protocol->ruleset && count > 0)
		actions_notice(protocol, index, NOTICE_RULESET_CHANGED, count);
	behind_end(protocol, index);
}

static void begin_reading(struct protocol *protocol, int index)
{
	struct slot *slot = &protocol->slots[index];

	slot->behind.step = BEHIND_READING;
	actions_add(protocol, ACTION_CATCH_UP, index)->offset = slot->behind.position;
}

/* Another store; or further than all that we know to be committed, so that somebody else goes on with this slot.
 * (Further than the live side alone: that one will come there.) */
static bool is_lost(const struct slot *slot, const struct load_reply *reply)
{
	if (!reply->ok)
		return false;
	return reply->missing || memcmp(reply->uuid, slot->uuid, sizeof(slot->uuid)) != 0 ||
	       reply->applied > slot->published;
}

void behind_loaded(struct protocol *protocol, int index, const struct load_reply *reply)
{
	struct slot *slot = &protocol->slots[index];

	if (is_lost(slot, reply)) {
		partition_load(protocol, index, LOAD_REFUSED);
		return;
	}
	if (!reply->ok || reply->applied > slot->next_apply) {
		wait_for_store(protocol, index, protocol->now_ms + protocol->settings.retry_ms);
		return;
	}
	slot->applied = slot->behind.from = slot->behind.position = reply->applied;
	if (slot->applied == slot->next_apply || PLANTED(PLANTED_HAND_OVER_EARLY))
		hand_over(protocol, index);
	else
		begin_reading(protocol, index);
}

bool behind_request(struct protocol *protocol, struct protocol_action *action)
{
	if (protocol->behind == 0 || !protocol->store_ready || protocol->stopping)
		return false;
	for (int i = 0; i < protocol->settings.slots; i++) {
		struct slot *slot = &protocol->slots[i];
		struct behind *behind = &slot->behind;

		if (behind->step != BEHIND_WAITING || slot->state != SLOT_LIVE || protocol->now_ms < behind->retry_at)
			continue;
		behind->step = BEHIND_LOADING;
		behind->token = ++protocol->last_token;
		*action = (struct protocol_action){
			.kind = ACTION_LOAD, .slot = i, .token = behind->token, .catch_up = true
		};
		return true;
	}
	return false;
}

/* ---- the second reader ---- */

static bool is_reading(const struct slot *slot)
{
	return slot->behind.step == BEHIND_READING && slot->state == SLOT_LIVE;
}

int64_t protocol_catch_up_position(const struct protocol *protocol, int slot)
{
	return protocol->slots[slot].behind.position;
}

int64_t protocol_catch_up_end(const struct protocol *protocol, int slot)
{
	const struct slot *at = &protocol->slots[slot];

	return PLANTED(PLANTED_CATCH_UP_BEYOND) ? at->position : at->next_apply;
}

enum catch_up_intake protocol_catch_up_intake(const struct protocol *protocol, int slot, int64_t offset)
{
	const struct slot *at = &protocol->slots[slot];

	if (!is_reading(at) || protocol->stopping || protocol->refused || offset < at->behind.position)
		return CATCH_UP_DROP;
	return offset < protocol_catch_up_end(protocol, slot) ? CATCH_UP_DECIDE : CATCH_UP_BEYOND;
}

/* Half of the queue stays free for the slots that are not behind. */
bool protocol_catch_up_wants_records(const struct protocol *protocol)
{
	return protocol->store_ready && !protocol->stopping && !protocol->refused &&
	       protocol->queued_events < protocol->settings.apply_queue_max / 2;
}

void protocol_catch_up_add(struct protocol *protocol, struct protocol_chunk *chunk)
{
	struct slot *slot = &protocol->slots[chunk->slot];

	if (!is_reading(slot) || protocol->stopped) {
		actions_free_chunk(protocol, chunk);
		return;
	}
	MUST(chunk->from == slot->behind.position && chunk->to > chunk->from);
	MUST(chunk->to <= protocol_catch_up_end(protocol, chunk->slot));
	chunk->token = slot->token;
	chunk->muted = true;
	slot->behind.position = chunk->to;
	apply_append(protocol, chunk);
	if (slot->behind.position >= slot->next_apply)
		hand_over(protocol, chunk->slot);
}

void protocol_catch_up_missed(struct protocol *protocol, int slot)
{
	if (is_reading(&protocol->slots[slot]))
		partition_load(protocol, slot, LOAD_REFUSED);
}
