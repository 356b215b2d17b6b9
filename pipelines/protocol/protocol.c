/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol.h"

#include "alloc.h"
#include "internal.h"

#include <stdlib.h>

struct protocol *protocol_new(const struct protocol_settings *settings)
{
	struct protocol *protocol = alloc_zeroed(1, sizeof(*protocol));
	size_t slots = (size_t)settings->slots;

	MUST(settings->slots > 0 && settings->apply_window > 0 && settings->apply_queue_max > 0);
	protocol->settings = *settings;
	protocol->slots = alloc_zeroed(slots, sizeof(*protocol->slots));
	protocol->transaction.commits = alloc_zeroed(slots, sizeof(*protocol->transaction.commits));
	protocol->transaction.fates = alloc_zeroed(slots, sizeof(*protocol->transaction.fates));
	if (settings->recreations_max > 0)
		protocol->recreations = alloc_zeroed((size_t)settings->recreations_max, sizeof(*protocol->recreations));
	for (size_t i = 0; i < slots; i++) {
		chunk_list_init(&protocol->slots[i].queue);
		chunk_list_init(&protocol->slots[i].kept);
		protocol->slots[i].floor.offset = PROTOCOL_OFFSET_NONE;
	}
	chunk_list_init(&protocol->open);
	chunk_list_init(&protocol->orphans);
	chunk_list_init(&protocol->transaction.chunks);
	protocol->now_ms = INT64_MIN / 2;
	return protocol;
}

static void free_list(struct protocol *protocol, struct chunk_list *list)
{
	struct protocol_chunk *chunk;

	while ((chunk = chunk_list_take(list)) != NULL)
		actions_free_chunk(protocol, chunk);
}

void protocol_close(struct protocol *protocol)
{
	protocol->stopped = true;
	protocol->store_ready = false;
	for (int i = 0; i < protocol->settings.slots; i++) {
		free_list(protocol, &protocol->slots[i].queue);
		free_list(protocol, &protocol->slots[i].kept);
	}
	free_list(protocol, &protocol->open);
	free_list(protocol, &protocol->transaction.chunks);
	free_list(protocol, &protocol->orphans);
	protocol->queued = protocol->queued_events = protocol->unsent = protocol->in_flight = 0;
}

void protocol_free(struct protocol **protocol)
{
	struct protocol *old = *protocol;

	*protocol = NULL;
	if (old == NULL)
		return;
	free(old->slots);
	free(old->transaction.commits);
	free(old->transaction.fates);
	free(old->recreations);
	free(old->actions.actions);
	free(old);
}

static struct slot *slot_at(const struct protocol *protocol, int slot)
{
	MUST(slot >= 0 && slot < protocol->settings.slots);
	return &protocol->slots[slot];
}

/* Time never goes back, whatever the caller's clock does. */
static void set_time(struct protocol *protocol, int64_t now_ms)
{
	if (now_ms > protocol->now_ms)
		protocol->now_ms = now_ms;
}

void protocol_let_start_alone(struct protocol *protocol, int slot)
{
	slot_at(protocol, slot)->alone.may = true;
}

/* ---- intake ---- */

enum intake protocol_intake(const struct protocol *protocol, int slot, int64_t offset)
{
	const struct slot *at = slot_at(protocol, slot);

	if (at->state != SLOT_LIVE || protocol->stopping || protocol->refused || offset < at->position)
		return INTAKE_DROP;
	return offset < at->live_from ? INTAKE_MUTED : INTAKE_LIVE;
}

int64_t protocol_position(const struct protocol *protocol, int slot)
{
	return slot_at(protocol, slot)->position;
}

int64_t protocol_live_from(const struct protocol *protocol, int slot)
{
	return slot_at(protocol, slot)->live_from;
}

bool protocol_wants_records(const struct protocol *protocol)
{
	size_t max = protocol->settings.apply_queue_max;

	return !protocol->stopping && !protocol->refused && protocol->open.events < max &&
	       (protocol->queued_events < max || apply_is_stuck(protocol));
}

void protocol_add(struct protocol *protocol, struct protocol_chunk *chunk)
{
	struct slot *slot = slot_at(protocol, chunk->slot);

	if (slot->state != SLOT_LIVE || protocol->stopped) {
		actions_free_chunk(protocol, chunk);
		return;
	}
	MUST(chunk->from == slot->position && chunk->to > chunk->from);
	chunk->token = slot->token;
	chunk->in_flight = false;
	chunk->muted = chunk->to <= slot->live_from;
	slot->position = chunk->to;
	if (chunk->muted)
		apply_add(protocol, chunk);
	else
		chunk_list_append(&protocol->open, chunk);
}

size_t protocol_open_chunks(const struct protocol *protocol)
{
	return protocol->open.count;
}

bool protocol_can_publish(const struct protocol *protocol)
{
	return !protocol->publish_asked && batch_can_publish(protocol);
}

void protocol_publish(struct protocol *protocol)
{
	if (batch_can_publish(protocol))
		protocol->publish_asked = true;
}

/* ---- consumer group ---- */

void protocol_assigned(struct protocol *protocol, const int *slots, size_t count, int64_t now_ms)
{
	set_time(protocol, now_ms);
	for (int i = 0; i < protocol->settings.slots; i++)
		if (protocol->slots[i].state != SLOT_ABSENT)
			partition_give_up(protocol, i); /* a new assignment without a revoke: its generation is over */
	protocol->draining = false;
	/* With nothing to do a producer still ends what our last run left open, which others wait for. */
	if (count == 0 && protocol->producer == PRODUCER_NONE)
		protocol->producer = PRODUCER_WANTED;
	for (size_t i = 0; i < count; i++) {
		slot_at(protocol, slots[i]);
		partition_load(protocol, slots[i], LOAD_ASSIGNED);
	}
}

void protocol_revoked(struct protocol *protocol, bool lost, int64_t now_ms)
{
	set_time(protocol, now_ms);
	leave_revoke(protocol, lost);
}

void protocol_stop(struct protocol *protocol, int64_t now_ms)
{
	set_time(protocol, now_ms);
	leave_stop(protocol);
}

/* ---- Kafka ---- */

void protocol_published(struct protocol *protocol, enum publish_result result, bool tainted, int64_t now_ms)
{
	set_time(protocol, now_ms);
	batch_published(protocol, result, tainted);
}

void protocol_out_of_range(struct protocol *protocol, int slot, int64_t now_ms)
{
	slot_at(protocol, slot);
	set_time(protocol, now_ms);
	partition_out_of_range(protocol, slot);
}

void protocol_recreated(struct protocol *protocol, bool ok, int64_t now_ms)
{
	set_time(protocol, now_ms);
	batch_recreated(protocol, ok);
}

void protocol_offsets(struct protocol *protocol, int slot, uint64_t token, const struct offsets_reply *reply,
		      int64_t now_ms)
{
	const struct slot *at = slot_at(protocol, slot);

	set_time(protocol, now_ms);
	/* Also after a failed read: what it waits for may be a transaction of our own last run, which a new producer
	 * ends. */
	if (protocol->producer == PRODUCER_NONE)
		protocol->producer = PRODUCER_WANTED;
	if (token == 0 || token != at->token)
		return;
	if (at->state == SLOT_LOADING)
		partition_offsets(protocol, slot, reply);
	else
		batch_outcome(protocol, slot, reply);
}

/* ---- Redis ---- */

void protocol_loaded(struct protocol *protocol, int slot, uint64_t token, const struct load_reply *reply,
		     int64_t now_ms)
{
	const struct slot *at = slot_at(protocol, slot);

	set_time(protocol, now_ms);
	if (token == at->token && at->state == SLOT_LOADING)
		partition_loaded(protocol, slot, reply);
	else if (token == at->behind.token && at->behind.step == BEHIND_LOADING)
		behind_loaded(protocol, slot, reply);
}

void protocol_log_loaded(struct protocol *protocol, int slot, uint64_t token, enum log_load_result result,
			 int64_t now_ms)
{
	const struct slot *at = slot_at(protocol, slot);

	set_time(protocol, now_ms);
	if (token == at->alone.token && at->state == SLOT_LOADING && at->alone.step == ALONE_READING)
		alone_loaded(protocol, slot, result);
}

void protocol_applied(struct protocol *protocol, struct protocol_chunk *chunk, enum apply_result result, int64_t now_ms)
{
	set_time(protocol, now_ms);
	apply_answered(protocol, chunk, result);
}

void protocol_store_lost(struct protocol *protocol, int64_t now_ms)
{
	set_time(protocol, now_ms);
	protocol->store_ready = false;
	apply_store_lost(protocol);
	behind_store_lost(protocol);
	partition_restart_loads(protocol, LOAD_ASKED);
}

void protocol_store_ready(struct protocol *protocol, int64_t now_ms)
{
	set_time(protocol, now_ms);
	protocol->store_ready = true;
	protocol->answered_at = protocol->now_ms;
	for (int i = 0; i < protocol->settings.slots; i++)
		kept_look_again(protocol, &protocol->slots[i]);
	partition_restart_loads(protocol, LOAD_STATE); /* they may have waited for long: log bounds are read again */
}

bool protocol_watches(const struct protocol *protocol, int slot, uint64_t *token, int64_t *at_least)
{
	const struct slot *at = slot_at(protocol, slot);

	*token = at->token;
	*at_least = at->applied;
	return at->state == SLOT_LIVE && at->look == LOOK_NONE && !protocol->stopped && !behind_knows_no_w(at);
}

void protocol_watched(struct protocol *protocol, int slot, uint64_t token, int64_t at_least,
		      const struct load_reply *reply, int64_t now_ms)
{
	set_time(protocol, now_ms);
	if (token == slot_at(protocol, slot)->token)
		partition_watched(protocol, slot, at_least, reply);
}

/* ---- time ---- */

void protocol_tick(struct protocol *protocol, int64_t now_ms)
{
	set_time(protocol, now_ms);
	batch_recommit_due(protocol);
}

static void earlier(int64_t *earliest, bool applies, int64_t at_ms)
{
	if (applies && at_ms < *earliest)
		*earliest = at_ms;
}

static void slot_tick(const struct protocol *protocol, const struct slot *slot, int64_t *earliest)
{
	earlier(earliest, slot->state == SLOT_LOADING && slot->step == LOAD_WAITING && !slot->held, slot->retry_at);
	earlier(earliest, true, alone_due_at(protocol, slot));
	earlier(earliest,
		slot->resend && slot->in_flight == 0 && protocol->store_ready &&
			(slot->look == LOOK_WANTED || (slot->look == LOOK_NONE && slot->queue.count > 0)),
		slot->retry_at);
	earlier(earliest, slot->behind.step == BEHIND_WAITING && slot->state == SLOT_LIVE && protocol->store_ready,
		slot->behind.retry_at);
	earlier(earliest, slot->state == SLOT_LIVE && !slot->recommit,
		slot->committed_at + protocol->settings.recommit_ms);
}

int64_t protocol_next_tick(const struct protocol *protocol)
{
	const struct transaction *transaction = &protocol->transaction;
	bool idle = transaction->state == TRANSACTION_NONE && protocol->producer == PRODUCER_READY;
	int64_t earliest = INT64_MAX;

	for (int i = 0; i < protocol->settings.slots; i++)
		slot_tick(protocol, &protocol->slots[i], &earliest);
	earlier(&earliest, idle && protocol->now_ms < protocol->publish_retry_at, protocol->publish_retry_at);
	earlier(&earliest, protocol->producer == PRODUCER_WANTED, protocol->producer_retry_at);
	earlier(&earliest,
		transaction->state == TRANSACTION_UNKNOWN && protocol->producer == PRODUCER_READY &&
			protocol->now_ms < transaction->fate_retry_at,
		transaction->fate_retry_at);
	earlier(&earliest,
		protocol->settings.catch_up && protocol->store_ready && !apply_is_stuck(protocol) &&
			protocol->queued_events >= protocol->settings.apply_queue_max,
		protocol->answered_at + protocol->settings.patience_ms);
	earlier(&earliest, protocol->draining, protocol->drain_until);
	earlier(&earliest, protocol->stopping && !protocol->stopped, protocol->stop_until);
	return earliest;
}

/* ---- output ---- */

bool protocol_next(struct protocol *protocol, struct protocol_action *action)
{
	batch_settle(protocol);
	leave_check(protocol);
	if (actions_take(protocol, action))
		return true;
	if (protocol->refused || protocol->stopped)
		return false;
	return behind_request(protocol, action) || kept_request(protocol, action) || apply_request(protocol, action) ||
	       batch_request(protocol, action) || alone_request(protocol, action) ||
	       partition_request(protocol, action);
}

/* Of a start from the log alone W is not known for long: then since the start. */
static int64_t missing(const struct slot *slot)
{
	if (slot->behind.step == BEHIND_NOT)
		return 0;
	return slot->next_apply - (slot->applied != PROTOCOL_OFFSET_NONE ? slot->applied : slot->behind.from);
}

void protocol_view(const struct protocol *protocol, int slot, struct protocol_view *view)
{
	const struct slot *at = slot_at(protocol, slot);
	bool muted = at->state == SLOT_LIVE && at->position < at->live_from;

	*view = (struct protocol_view){
		.state = muted ? SLOT_MUTED : at->state,
		.position = at->position,
		.applied = at->applied,
		.published = at->published,
		.queued = at->queue.count,
		.kept = at->kept.events,
		.behind = at->behind.step != BEHIND_NOT,
		.missing = missing(at),
	};
}

void protocol_set_ruleset(struct protocol *protocol, uint64_t ruleset)
{
	protocol->ruleset = ruleset;
}
