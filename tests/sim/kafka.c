/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka as it answers: transactions with epochs, group commits fenced by member and generation, stable reads, late
 * requests. The invariants about alerts are checked here, at the instant at which a commit makes them visible. */
#include "sim.h"

#include <string.h>

/* ---- invariants ---- */

static int next_expected(const struct input *input, int offset, int end)
{
	while (offset < end && !input->alert[offset])
		offset++;
	return offset;
}

static void check_alert(struct world *world, int partition, int offset, int expected)
{
	if (offset < world->kafka.done[partition])
		violate(world, "duplicate alert %d/%d, visible up to %d", partition, offset,
			world->kafka.done[partition]);
	if (!world->inputs[partition].alert[offset])
		violate(world, "unexpected alert %d/%d", partition, offset);
	if (offset > expected)
		violate(world, "lost alert %d/%d, or out of order: %d comes first", partition, expected, offset);
	if (offset < expected)
		violate(world, "alert %d/%d out of order", partition, offset);
}

/* The alerts of this transaction must be exactly those of [done, end), in order. */
static void check_commit(struct world *world, const struct open_transaction *transaction, int partition)
{
	const struct input *input = &world->inputs[partition];
	const struct committed *pending = &transaction->pending[GROUP_REAL][partition];
	int *done = &world->kafka.done[partition];
	int end = pending->present ? pending->offset : *done;
	int expected = next_expected(input, *done, input->length);

	for (size_t i = 0; i < transaction->alert_count; i++) {
		if (transaction->alerts[i].partition != partition)
			continue;
		check_alert(world, partition, transaction->alerts[i].offset, expected);
		expected = next_expected(input, expected + 1, input->length);
	}
	if (end < *done)
		violate(world, "offset of %d goes back from %d to %d", partition, *done, end);
	if (expected < end)
		violate(world, "lost alert %d/%d", partition, expected);
	if (expected > end && transaction->alert_count > 0) {
		int beyond = next_expected(input, end, input->length);

		if (beyond < expected)
			violate(world, "alerts of %d beyond the committed offset %d", partition, end);
	}
	*done = end;
}

/* ---- transactions ---- */

static void clear(struct open_transaction *transaction)
{
	transaction->open = false;
	transaction->alert_count = 0;
	memset(transaction->sent, 0, sizeof(transaction->sent));
	memset(transaction->pending, 0, sizeof(transaction->pending));
}

/* ---- what brokers forget to end ---- */

static bool touches(const struct open_transaction *transaction, int part)
{
	if (part < PART_ALERTS)
		return transaction->sent[part];
	for (size_t i = 0; i < transaction->alert_count; i++)
		if (transaction->alerts[i].partition == part - PART_ALERTS)
			return true;
	return false;
}

static void store_offsets(struct world *world, int group, const struct committed *pending)
{
	for (int i = 0; i < world->partitions; i++)
		if (pending[i].present)
			world->kafka.groups[group][i] = pending[i];
}

/* Every part of a transaction must end as the transaction did. */
static void end_left(struct world *world, int name, int part, bool commits)
{
	struct left_open *left = &world->kafka.coordinators[name].left[part];

	if (!left->open)
		return;
	if (left->committed != commits)
		violate(world, "part %d of a transaction of %d is %s, the transaction was %s", part, name,
			commits ? "committed" : "aborted", left->committed ? "committed" : "aborted");
	if (commits && part < PART_ALERTS)
		store_offsets(world, part, left->pending);
	memset(left, 0, sizeof(*left));
}

void kafka_sweep(struct world *world, int name, bool as_ended)
{
	for (int part = 0; part < PARTS; part++) {
		const struct left_open *left = &world->kafka.coordinators[name].left[part];

		count_path(world, PATH_SWEPT, left->open);
		if (left->open)
			TRACE(world, "kafka: part %d of producer %d is ended now", part, name);
		end_left(world, name, part, as_ended && left->committed);
	}
}

bool kafka_left_open(const struct world *world)
{
	for (int i = 0; i < world->daemon_count; i++)
		for (int part = 0; part < PARTS; part++)
			if (world->kafka.coordinators[i].left[part].open)
				return true;
	return false;
}

/* All brokers crash once the end is decided, and leave it out in some of its parts. */
static void forget(struct world *world, int name, bool commits)
{
	struct coordinator *coordinator = &world->kafka.coordinators[name];

	for (int part = 0; part < PARTS; part++) {
		struct left_open *left = &coordinator->left[part];

		if (!touches(&coordinator->transaction, part) || random_percent(world, 50))
			continue;
		*left = (struct left_open){ .open = true, .committed = commits };
		if (part < PART_ALERTS)
			memcpy(left->pending, coordinator->transaction.pending[part], sizeof(left->pending));
		TRACE(world, "kafka: brokers crash, part %d of producer %d is left open", part, name);
	}
	for (int i = 0; i < world->daemon_count; i++)
		world->daemons[i].cut = true;
}

static void commit(struct world *world, int name)
{
	const struct coordinator *coordinator = &world->kafka.coordinators[name];

	for (int i = 0; i < world->partitions; i++)
		check_commit(world, &coordinator->transaction, i);
	for (int group = 0; group < GROUPS; group++)
		if (!coordinator->left[group].open)
			store_offsets(world, group, coordinator->transaction.pending[group]);
	count_path(world, PATH_COMMITS, 1);
	TRACE(world, "kafka: transaction of %d committed, done %d %d %d", name, world->kafka.done[0],
	      world->kafka.done[1], world->kafka.done[2]);
}

/* What an earlier transaction left open in the same parts ends along with this one. */
static void end_transaction(struct world *world, int name, bool commits)
{
	struct open_transaction *transaction = &world->kafka.coordinators[name].transaction;

	for (int part = 0; part < PARTS; part++)
		if (touches(transaction, part))
			end_left(world, name, part, commits);
	if (strikes(world, FAULT_FORGET, 10))
		forget(world, name, commits);
	if (commits)
		commit(world, name);
	else
		TRACE(world, "kafka: transaction of %d aborted", name);
	clear(transaction);
}

int kafka_init(struct world *world, int name)
{
	struct coordinator *coordinator = &world->kafka.coordinators[name];

	if (coordinator->transaction.open)
		end_transaction(world, name, false);
	TRACE(world, "kafka: producer %d has epoch %d", name, coordinator->epoch + 1);
	return ++coordinator->epoch;
}

void kafka_expire(struct world *world, int name)
{
	struct coordinator *coordinator = &world->kafka.coordinators[name];

	if (!coordinator->transaction.open)
		return;
	TRACE(world, "kafka: transaction of %d expires", name);
	end_transaction(world, name, false);
	coordinator->epoch++;
}

bool kafka_produce(struct world *world, int name, int epoch, int partition, int offset)
{
	struct coordinator *coordinator = &world->kafka.coordinators[name];
	struct open_transaction *transaction = &coordinator->transaction;

	if (epoch != coordinator->epoch)
		return false;
	transaction->open = true;
	MUST(transaction->alert_count < ALERTS_MAX);
	transaction->alerts[transaction->alert_count++] = (struct alert){ (int8_t)partition, (int8_t)offset };
	return true;
}

static bool is_stale(const struct world *world)
{
	return !world->healing && world->now < world->kafka.stale_until;
}

static bool member_is_valid(const struct world *world, int name, int generation, int member)
{
	const struct member *known = &world->kafka.members[name];

	if (generation < 0)
		return true; /* brokers check nothing then */
	return known->present && known->id == member && world->kafka.generation == generation;
}

enum offsets_answer kafka_send_offsets(struct world *world, int name, int epoch, int group, int generation, int member,
				       const struct committed *offsets)
{
	struct coordinator *coordinator = &world->kafka.coordinators[name];
	struct open_transaction *transaction = &coordinator->transaction;

	if (epoch != coordinator->epoch)
		return OFFSETS_FENCED;
	if (group == GROUP_REAL && !member_is_valid(world, name, generation, member))
		return OFFSETS_REFUSED;
	if (is_stale(world))
		return OFFSETS_REFUSED; /* what it would append does not fit its log */
	transaction->open = true;
	transaction->sent[group] = true;
	for (int i = 0; i < world->partitions; i++)
		if (offsets[i].present)
			transaction->pending[group][i] = offsets[i];
	return OFFSETS_OK;
}

bool kafka_end(struct world *world, int name, int epoch, bool commits)
{
	struct coordinator *coordinator = &world->kafka.coordinators[name];

	if (epoch != coordinator->epoch)
		return false;
	if (!coordinator->transaction.open)
		return true; /* ended already: a repeated request is answered like the first */
	end_transaction(world, name, commits);
	return true;
}

static bool is_pending(const struct world *world, int group, int partition)
{
	for (int i = 0; i < world->daemon_count; i++)
		if (world->kafka.coordinators[i].transaction.pending[group][partition].present ||
		    world->kafka.coordinators[i].left[group].pending[partition].present)
			return true;
	return false;
}

/* A part of its log, at most what was committed before W: what lies between W and C cannot be told from a commit that
 * never was by a daemon that is new (README). */
static struct committed_offset read_too_little(struct world *world, int partition)
{
	const struct shard *shard = &world->redis.shards[partition];
	struct committed_offset answer = { .offset = PROTOCOL_OFFSET_NONE };

	if (random_percent(world, 50)) {
		answer.offset = shard->start + random_below(world, shard->applied - shard->start);
		answer.ours = true;
		memcpy(answer.uuid, &shard->uuid, sizeof(shard->uuid));
	}
	return answer;
}

bool kafka_read(struct world *world, int group, int partition, struct committed_offset *out)
{
	const struct committed *entry = &world->kafka.groups[group][partition];

	if (is_pending(world, group, partition) && world->bug != BUG_UNSTABLE_READ) {
		count_path(world, PATH_UNSTABLE, 1);
		return false;
	}
	if (is_stale(world) && random_percent(world, 80)) {
		*out = read_too_little(world, partition);
		return true;
	}
	*out = (struct committed_offset){ .offset = entry->present ? entry->offset : PROTOCOL_OFFSET_NONE };
	out->ours = entry->present && entry->ours;
	memcpy(out->uuid, &entry->uuid, sizeof(entry->uuid));
	return true;
}

void kafka_add_late(struct world *world, struct late_kafka late)
{
	if (world->kafka.late_count < LATE_MAX)
		world->kafka.late[world->kafka.late_count++] = late;
}

/* Executes one given-up request, or finds it fenced. */
void kafka_run_late(struct world *world)
{
	struct kafka *kafka = &world->kafka;

	if (kafka->late_count == 0)
		return;
	size_t at = (size_t)random_below(world, (int)kafka->late_count);
	struct late_kafka late = kafka->late[at];
	kafka->late[at] = kafka->late[--kafka->late_count];
	if (late.epoch != kafka->coordinators[late.name].epoch || !kafka->coordinators[late.name].transaction.open)
		return;
	TRACE(world, "kafka: late request %d of producer %d arrives", late.kind, late.name);
	if (late.kind == LATE_OFFSETS)
		kafka_send_offsets(world, late.name, late.epoch, late.group, late.generation, late.member,
				   late.offsets);
	else
		kafka_end(world, late.name, late.epoch, late.kind == LATE_COMMIT);
}

/* ---- consumer group ---- */

void group_rebalance(struct world *world)
{
	world->kafka.stable = false;
	for (int i = 0; i < world->daemon_count; i++)
		world->kafka.members[i].joined = false;
}

void group_remove(struct world *world, int name)
{
	struct member *member = &world->kafka.members[name];

	if (!member->present)
		return;
	TRACE(world, "group: member %d of %d removed", member->id, name);
	*member = (struct member){ 0 };
	group_rebalance(world);
}

static int pick_member(struct world *world)
{
	for (;;) {
		int i = random_below(world, world->daemon_count);

		if (world->kafka.members[i].present)
			return i;
	}
}

/* Ends a rebalance when everybody has joined. */
void group_step(struct world *world)
{
	struct kafka *kafka = &world->kafka;
	int present = 0;

	if (kafka->stable)
		return;
	for (int i = 0; i < world->daemon_count; i++) {
		if (kafka->members[i].present && !kafka->members[i].joined)
			return;
		present += kafka->members[i].present;
		kafka->members[i].partitions = 0;
	}
	if (present == 0)
		return;
	for (int i = 0; i < world->partitions; i++)
		kafka->members[pick_member(world)].partitions |= 1u << i;
	kafka->generation++;
	kafka->stable = true;
	TRACE(world, "group: generation %d", kafka->generation);
}
