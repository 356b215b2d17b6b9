/* SPDX-License-Identifier: Apache-2.0 */
/* What breaks between two steps, one function per kind of fault. */
#include "faults.h"

#include <string.h>

static struct daemon *pick_daemon(struct world *world)
{
	return &world->daemons[random_below(world, world->daemon_count)];
}

static bool crash(struct world *world)
{
	struct daemon *daemon = pick_daemon(world);

	if (!daemon->alive)
		return false;
	daemon_crash(world, daemon);
	return true;
}

static bool stop(struct world *world)
{
	struct daemon *daemon = pick_daemon(world);

	if (!daemon->alive || daemon->paused)
		return false;
	daemon_stop(world, daemon);
	return true;
}

static bool time_out(struct world *world)
{
	int name = random_below(world, world->daemon_count);

	if (!world->kafka.coordinators[name].transaction.open)
		return false;
	kafka_expire(world, name);
	return true;
}

static bool rebalance(struct world *world)
{
	if (!world->kafka.stable)
		return false;
	TRACE(world, "group: rebalance");
	group_rebalance(world);
	return true;
}

/* All brokers crash; the coordinator of the groups comes back and answers before it has read its log. With nothing
 * applied yet that cannot be told from a first start (README). */
static bool go_stale(struct world *world)
{
	for (int i = 0; i < world->partitions; i++)
		if (!world->redis.shards[i].exists || world->redis.shards[i].applied <= world->redis.shards[i].start)
			return false;
	TRACE(world, "group: the coordinator has read too little");
	world->kafka.stale_until = world->now + 50 + random_below(world, 400);
	group_rebalance(world);
	return true;
}

/* Hangs, is thrown out, wakes up at any later step and believes that nothing happened. */
static bool pause(struct world *world)
{
	struct daemon *daemon = pick_daemon(world);

	if (!daemon->alive || daemon->paused)
		return false;
	TRACE(world, "daemon %d: hangs", daemon->name);
	daemon->paused = true;
	return true;
}

static void disconnect_all(struct world *world)
{
	for (int i = 0; i < world->daemon_count; i++)
		client_disconnect(world, &world->daemons[i]);
}

static bool outage(struct world *world)
{
	if (world->redis.down)
		return false;
	TRACE(world, "redis: down");
	world->redis.down = true;
	disconnect_all(world);
	/* Somebody has to start meanwhile. */
	if (world->scenario->alone && random_percent(world, 70))
		return random_percent(world, 50) ? rebalance(world) || crash(world) : crash(world);
	return true;
}

/* What comes back is an older copy. */
static bool outage_with_loss(struct world *world)
{
	if (!outage(world) && !world->redis.down)
		return false;
	redis_go_back(world);
	return true;
}

static bool tail_loss(struct world *world)
{
	if (world->scenario->alone && random_percent(world, 50))
		return outage_with_loss(world);
	world->redis.down = true; /* nothing sent now is executed any more */
	disconnect_all(world);
	world->redis.down = false;
	redis_go_back(world);
	return true;
}

/* An old copy takes over. Clients notice nothing, or reconnect. */
static bool failover(struct world *world)
{
	redis_go_back(world);
	for (int i = 0; i < world->daemon_count; i++)
		if (random_percent(world, 40))
			client_disconnect(world, &world->daemons[i]);
	return true;
}

/* ---- operators ---- */

/* Tools refuse to touch a group that has members: everything is down, and no transaction is left. */
static void everybody_down(struct world *world)
{
	for (int i = 0; i < world->daemon_count; i++) {
		daemon_crash(world, &world->daemons[i]);
		group_remove(world, i);
		kafka_expire(world, i);
		world->kafka.coordinators[i].epoch++;
	}
}

static bool is_ours(const struct world *world, int group, int partition)
{
	const struct committed *entry = &world->kafka.groups[group][partition];

	return entry->present && entry->ours;
}

/* Forward means: never publish what lies between. */
static void move_group(struct world *world, int partition)
{
	struct committed *entry = &world->kafka.groups[GROUP_REAL][partition];
	int *done = &world->kafka.done[partition];

	entry->ours = false;
	if (random_percent(world, 70)) {
		entry->offset = random_below(world, *done + 1);
	} else {
		entry->offset = *done + random_below(world, world->inputs[partition].visible - *done + 1);
		*done = entry->offset;
	}
	TRACE(world, "operator: group of %d to %d", partition, entry->offset);
}

static bool rewind_group(struct world *world)
{
	bool any = false;

	everybody_down(world);
	for (int i = 0; i < world->partitions; i++) {
		/* Not twice before a daemon has seen it: then only the operator's last word counts. */
		if (!is_ours(world, GROUP_SHADOW, i) || !is_ours(world, GROUP_REAL, i))
			continue;
		move_group(world, i);
		any = true;
	}
	return any;
}

/* The shadow group counts as inactive, so tools touch it while the daemons run. */
static bool move_shadow(struct world *world)
{
	int partition = random_below(world, world->partitions);
	struct committed *entry = &world->kafka.groups[GROUP_SHADOW][partition];

	if (!is_ours(world, GROUP_REAL, partition) || !entry->present)
		return false;
	entry->ours = false;
	entry->present = random_percent(world, 50);
	entry->offset = random_below(world, world->inputs[partition].visible + 1);
	TRACE(world, "operator: shadow of %d to %d", partition, entry->present ? entry->offset : -1);
	return true;
}

/* Both gone leaves only W; right after a start, with nothing applied yet, that cannot be told from a first start
 * (README). */
static void delete_offsets(struct world *world, int partition)
{
	const struct shard *shard = &world->redis.shards[partition];

	if (is_ours(world, GROUP_SHADOW, partition))
		world->kafka.groups[GROUP_REAL][partition].present = false;
	if (random_percent(world, 80) || shard->applied == shard->start)
		return;
	world->kafka.groups[GROUP_SHADOW][partition].present = false;
	if (world->kafka.groups[GROUP_REAL][partition].present)
		return;
	world->refusals_allowed |= 1u << REFUSAL_OFFSETS_MISSING;
	TRACE(world, "operator: all offsets of %d deleted", partition);
}

static bool delete_group(struct world *world)
{
	everybody_down(world);
	for (int i = 0; i < world->partitions; i++)
		delete_offsets(world, i);
	return true;
}

/* ---- another store ---- */

static void allow_store_refusals(struct world *world)
{
	if (!world->scenario->rebuild)
		world->refusals_allowed |= 1u << REFUSAL_STORE_EMPTY | 1u << REFUSAL_STORE_FOREIGN;
}

static bool wipe(struct world *world)
{
	TRACE(world, "redis: wiped");
	memset(world->redis.shards, 0, sizeof(world->redis.shards));
	world->redis.snapshot_count = 0;
	world->redis.disturbances++;
	allow_store_refusals(world);
	return true;
}

/* Somebody else's Redis: a state of its own, with counters that have nothing to do with ours. */
static bool foreign(struct world *world)
{
	int partition = random_below(world, world->partitions);
	struct shard *shard = &world->redis.shards[partition];

	/* Before anything is published a state that nobody has written to is as good as ours. */
	if (!is_ours(world, GROUP_REAL, partition) || !shard->exists)
		return false;
	shard->uuid = redis_new_uuid(world);
	shard->applied = random_below(world, world->inputs[partition].visible + 1);
	shard->counters.accepted = 1000;
	world->redis.snapshot_count = 0;
	TRACE(world, "redis: foreign store, W of %d is %d", partition, shard->applied);
	world->redis.disturbances++;
	allow_store_refusals(world);
	return true;
}

static const struct {
	enum fault fault;
	int weight;
	bool (*strike)(struct world *world);
} rows[] = {
	{ FAULT_CRASH, 6, crash },         { FAULT_TIMEOUT, 3, time_out },    { FAULT_STOP, 2, stop },
	{ FAULT_REBALANCE, 5, rebalance }, { FAULT_PAUSE, 5, pause },         { FAULT_TAIL_LOSS, 4, tail_loss },
	{ FAULT_OUTAGE, 4, outage },       { FAULT_FAILOVER, 4, failover },   { FAULT_REWIND, 2, rewind_group },
	{ FAULT_SHADOW, 3, move_shadow },  { FAULT_DELETE, 2, delete_group }, { FAULT_WIPE, 1, wipe },
	{ FAULT_FOREIGN, 1, foreign },     { FAULT_STALE, 5, go_stale },
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

void faults_strike(struct world *world)
{
	int total = 0;

	for (size_t i = 0; i < ROW_COUNT; i++)
		total += has_fault(world, rows[i].fault) ? rows[i].weight : 0;
	if (total == 0)
		return;
	int left = random_below(world, total);
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (!has_fault(world, rows[i].fault))
			continue;
		left -= rows[i].weight;
		if (left >= 0)
			continue;
		if (rows[i].strike(world))
			world->counts->faults[rows[i].fault]++;
		return;
	}
}
