/* SPDX-License-Identifier: Apache-2.0 */
/* The open batch, the transaction at hand, its outcome, and the producer that makes it. */
#include "internal.h"

#define MINUTE_MS 60000

static bool is_void(const struct protocol *protocol, const struct protocol_commit *commit)
{
	return commit->token != protocol->slots[commit->slot].token;
}

static bool wants_recommit(const struct slot *slot)
{
	return slot->state == SLOT_LIVE && slot->recommit;
}

static bool any_recommit(const struct protocol *protocol)
{
	for (int i = 0; i < protocol->settings.slots; i++)
		if (wants_recommit(&protocol->slots[i]))
			return true;
	return false;
}

void batch_recommit_due(struct protocol *protocol)
{
	for (int i = 0; i < protocol->settings.slots; i++) {
		struct slot *slot = &protocol->slots[i];

		if (protocol->now_ms - slot->committed_at >= protocol->settings.recommit_ms)
			slot->recommit = slot->state == SLOT_LIVE;
	}
}

void batch_drop(struct protocol *protocol, int slot)
{
	struct chunk_list kept;
	struct protocol_chunk *chunk;

	chunk_list_init(&kept);
	while ((chunk = chunk_list_take(&protocol->open)) != NULL) {
		if (chunk->slot == slot)
			actions_free_chunk(protocol, chunk);
		else
			chunk_list_append(&kept, chunk);
	}
	chunk_list_prepend(&protocol->open, &kept);
}

/* ---- making a transaction ---- */

static void add_commit(struct protocol *protocol, int index, int64_t offset, bool unchanged)
{
	struct slot *slot = &protocol->slots[index];
	struct transaction *transaction = &protocol->transaction;

	if (!slot->held) {
		slot->held = true;
		slot->commit_index = transaction->batch.commit_count++;
	}
	transaction->fates[slot->commit_index] = FATE_ASK;
	transaction->commits[slot->commit_index] = (struct protocol_commit){
		.slot = index,
		.token = slot->token,
		.offset = offset,
		.unchanged = unchanged,
	};
}

static void close_batch(struct protocol *protocol)
{
	struct transaction *transaction = &protocol->transaction;

	chunk_list_prepend(&transaction->chunks, &protocol->open);
	transaction->batch = (struct protocol_batch){
		.chunks = transaction->chunks.first,
		.commits = transaction->commits,
	};
	for (struct protocol_chunk *chunk = transaction->chunks.first; chunk != NULL; chunk = chunk->next) {
		MUST(partition_owns(protocol, chunk) || PLANTED(PLANTED_VOID_PARTS_STAY) ||
		     PLANTED(PLANTED_UNSENT_KEPT));
		add_commit(protocol, chunk->slot, chunk->to, false);
	}
	for (int i = 0; i < protocol->settings.slots; i++)
		if (wants_recommit(&protocol->slots[i]) && !protocol->slots[i].held)
			add_commit(protocol, i, protocol->slots[i].published, true);
	transaction->state = TRANSACTION_OPEN;
	protocol->publish_asked = false;
}

bool batch_can_publish(const struct protocol *protocol)
{
	if (protocol->refused || protocol->stopped || protocol->producer != PRODUCER_READY)
		return false;
	if (protocol->transaction.state != TRANSACTION_NONE || protocol->now_ms < protocol->publish_retry_at)
		return false;
	return protocol->open.count > 0 || any_recommit(protocol);
}

/* The caller paces batches with chunks in them. Without chunks nobody else asks: offsets alone go when all slots are
 * loaded, so that they share one transaction. */
static bool is_due(const struct protocol *protocol)
{
	return protocol->publish_asked || protocol->stopping || (protocol->open.count == 0 && protocol->loading == 0);
}

/* ---- outcome ---- */

static void conclude_commits(struct protocol *protocol, bool committed)
{
	struct transaction *transaction = &protocol->transaction;

	for (size_t i = 0; i < transaction->batch.commit_count; i++) {
		const struct protocol_commit *commit = &transaction->commits[i];
		struct slot *slot = &protocol->slots[commit->slot];

		slot->held = false;
		if (!committed || is_void(protocol, commit))
			continue;
		slot->published = commit->offset;
		floor_raise(slot, commit->offset);
		slot->committed_at = protocol->now_ms;
		slot->recommit = false;
	}
}

/* Void chunks are dropped even if they are committed: the load that made them void counts them, muted. A slot that is
 * about to be released tries nothing again. */
static bool goes_again(const struct protocol *protocol, const struct protocol_chunk *chunk)
{
	if (PLANTED(PLANTED_VOID_PARTS_STAY))
		return true;
	return partition_owns(protocol, chunk) && protocol->slots[chunk->slot].state == SLOT_LIVE;
}

static void conclude(struct protocol *protocol, bool committed)
{
	struct transaction *transaction = &protocol->transaction;
	struct chunk_list again;
	struct protocol_chunk *chunk;

	conclude_commits(protocol, committed);
	chunk_list_init(&again);
	while ((chunk = chunk_list_take(&transaction->chunks)) != NULL) {
		if (committed && partition_owns(protocol, chunk))
			apply_add(protocol, chunk);
		else if (!committed && goes_again(protocol, chunk))
			chunk_list_append(&again, chunk);
		else
			actions_free_chunk(protocol, chunk);
	}
	if (PLANTED(PLANTED_RETRY_GOES_LAST)) {
		chunk_list_prepend(&again, &protocol->open);
		protocol->open = (struct chunk_list){ 0 };
		chunk_list_init(&protocol->open);
	}
	chunk_list_prepend(&protocol->open, &again);
	transaction->state = TRANSACTION_NONE;
	transaction->batch = (struct protocol_batch){ 0 };
}

void batch_published(struct protocol *protocol, enum publish_result result, bool tainted)
{
	struct transaction *transaction = &protocol->transaction;

	MUST(transaction->state == TRANSACTION_OPEN);
	if (result == PUBLISH_UNKNOWN || (tainted && !PLANTED(PLANTED_TAINT_IGNORED)))
		protocol->producer = PRODUCER_WANTED;
	if (result == PUBLISH_UNKNOWN) {
		transaction->state = TRANSACTION_UNKNOWN;
		transaction->fate_retry_at = protocol->now_ms;
		return;
	}
	conclude(protocol, result == PUBLISH_COMMITTED);
	if (result == PUBLISH_ABORTED)
		protocol->publish_retry_at = protocol->now_ms + protocol->settings.retry_ms;
}

/* Index of the next commit whose fate is not known and can be asked for, or commit_count. Unchanged offsets tell
 * nothing. */
static size_t next_open_fate(const struct protocol *protocol)
{
	const struct transaction *transaction = &protocol->transaction;
	size_t i;

	for (i = 0; i < transaction->batch.commit_count; i++) {
		const struct protocol_commit *commit = &transaction->commits[i];

		if (!commit->unchanged && !is_void(protocol, commit) && transaction->fates[i] == FATE_ASK)
			break;
	}
	return i;
}

/* Counts the fates of what is still ours. */
static size_t count_fates(const struct protocol *protocol, enum fate fate)
{
	const struct transaction *transaction = &protocol->transaction;
	size_t count = 0;

	for (size_t i = 0; i < transaction->batch.commit_count; i++) {
		const struct protocol_commit *commit = &transaction->commits[i];

		count += !commit->unchanged && !is_void(protocol, commit) && transaction->fates[i] == fate;
	}
	return count;
}

/* A transaction is all or nothing, so offsets that disagree were touched by somebody else: no guess, load. */
static void load_all(struct protocol *protocol)
{
	struct transaction *transaction = &protocol->transaction;

	for (size_t i = 0; i < transaction->batch.commit_count; i++)
		if (!is_void(protocol, &transaction->commits[i]) &&
		    protocol->slots[transaction->commits[i].slot].state == SLOT_LIVE)
			partition_load(protocol, transaction->commits[i].slot, LOAD_UNKNOWN_OUTCOME);
}

void batch_settle(struct protocol *protocol)
{
	if (protocol->transaction.state != TRANSACTION_UNKNOWN || protocol->producer != PRODUCER_READY)
		return;
	if (count_fates(protocol, FATE_ASK) + count_fates(protocol, FATE_ASKED) > 0)
		return;
	size_t committed = count_fates(protocol, FATE_COMMITTED);
	if (committed > 0 && count_fates(protocol, FATE_NOT_COMMITTED) > 0) {
		load_all(protocol);
		committed = 0;
	}
	conclude(protocol, committed > 0);
}

void batch_outcome(struct protocol *protocol, int index, const struct offsets_reply *reply)
{
	struct transaction *transaction = &protocol->transaction;
	const struct slot *slot = &protocol->slots[index];

	if (transaction->state != TRANSACTION_UNKNOWN || !slot->held ||
	    transaction->fates[slot->commit_index] != FATE_ASKED)
		return;
	enum fate *fate = &transaction->fates[slot->commit_index];
	if (!reply->ok || !floor_holds(protocol, index, reply)) {
		*fate = FATE_ASK;
		transaction->fate_retry_at = protocol->now_ms + protocol->settings.retry_ms;
	} else if (start_committed(reply) >= transaction->commits[slot->commit_index].offset) {
		*fate = FATE_COMMITTED;
	} else {
		*fate = FATE_NOT_COMMITTED;
	}
}

/* ---- producer ---- */

/* True when this re-creation is one too many within a minute. */
static bool count_recreation(struct protocol *protocol)
{
	int max = protocol->settings.recreations_max;

	if (max <= 0)
		return false;
	int64_t *oldest = &protocol->recreations[protocol->recreation_next++ % (size_t)max];
	bool too_many = protocol->recreation_next > (size_t)max && protocol->now_ms - *oldest < MINUTE_MS;
	*oldest = protocol->now_ms;
	return too_many;
}

void batch_recreated(struct protocol *protocol, bool ok)
{
	MUST(protocol->producer == PRODUCER_ASKED);
	if (!ok) {
		protocol->producer = PRODUCER_WANTED;
		protocol->producer_retry_at = protocol->now_ms + protocol->settings.retry_ms;
		return;
	}
	protocol->producer = PRODUCER_READY;
	if (protocol->producer_was_ready && count_recreation(protocol))
		actions_refuse(protocol, -1, REFUSAL_HIJACKED);
	protocol->producer_was_ready = true;
}

static bool request_producer(struct protocol *protocol, struct protocol_action *action)
{
	if (protocol->producer != PRODUCER_WANTED || protocol->now_ms < protocol->producer_retry_at)
		return false;
	protocol->producer = PRODUCER_ASKED;
	*action = (struct protocol_action){ .kind = ACTION_RECREATE, .slot = -1 };
	return true;
}

static bool request_fate(struct protocol *protocol, struct protocol_action *action)
{
	struct transaction *transaction = &protocol->transaction;

	if (transaction->state != TRANSACTION_UNKNOWN || protocol->producer != PRODUCER_READY ||
	    protocol->now_ms < transaction->fate_retry_at)
		return false;
	size_t i = next_open_fate(protocol);
	if (i == transaction->batch.commit_count)
		return false;
	transaction->fates[i] = FATE_ASKED;
	*action = (struct protocol_action){
		.kind = ACTION_READ_OFFSETS,
		.slot = transaction->commits[i].slot,
		.token = transaction->commits[i].token,
	};
	return true;
}

bool batch_request(struct protocol *protocol, struct protocol_action *action)
{
	if (request_producer(protocol, action) || request_fate(protocol, action))
		return true;
	if (!batch_can_publish(protocol) || !is_due(protocol))
		return false;
	close_batch(protocol);
	*action = (struct protocol_action){ .kind = ACTION_PUBLISH, .slot = -1, .batch = &protocol->transaction.batch };
	return true;
}
