/* SPDX-License-Identifier: Apache-2.0 */
/* Redis as it answers: three functions that are atomic, copies that can come back, requests that arrive late. The
 * invariants about counters are checked at each write, so that they hold on every copy that can ever come back. */
#include "sim.h"

#include <string.h>

uint32_t redis_new_uuid(struct world *world)
{
	return ++world->redis.last_uuid;
}

void redis_reply(const struct shard *shard, bool created, struct load_reply *reply)
{
	*reply = (struct load_reply){
		.ok = true,
		.missing = !shard->exists,
		.created = created,
		.start = shard->start,
		.applied = shard->applied,
	};
	memcpy(reply->uuid, &shard->uuid, sizeof(shard->uuid));
}

static void snapshot(struct world *world)
{
	struct redis *redis = &world->redis;

	memcpy(redis->snapshots[redis->snapshot_count++ % SNAPSHOTS], redis->shards, sizeof(redis->shards));
}

void redis_go_back(struct world *world)
{
	struct redis *redis = &world->redis;
	size_t kept = redis->snapshot_count < SNAPSHOTS ? redis->snapshot_count : SNAPSHOTS;

	if (kept == 0)
		return;
	size_t back = 1 + (size_t)random_below(world, (int)kept);
	redis->snapshot_count -= back;
	redis->disturbances++;
	memcpy(redis->shards, redis->snapshots[redis->snapshot_count % SNAPSHOTS], sizeof(redis->shards));
	TRACE(world, "redis: back by %zu writes, W %d %d %d", back, redis->shards[0].applied, redis->shards[1].applied,
	      redis->shards[2].applied);
	/* Older copies than this stay reachable; younger ones are gone. */
}

/* ---- invariants ---- */

static void check_shard(struct world *world, int partition)
{
	const struct shard *shard = &world->redis.shards[partition];
	const struct input *input = &world->inputs[partition];
	const struct counters *expected = &input->counters[shard->applied];

	if (shard->applied > world->kafka.done[partition])
		violate(world, "W of %d is %d, above C %d", partition, shard->applied, world->kafka.done[partition]);
	if (shard->counters.accepted != expected->accepted || shard->counters.duplicates != expected->duplicates ||
	    shard->counters.sum != expected->sum)
		violate(world, "counters of %d at %d: %d accepted, %d duplicates, expected %d and %d", partition,
			shard->applied, shard->counters.accepted, shard->counters.duplicates, expected->accepted,
			expected->duplicates);
	if (world->bug == BUG_NONE && memcmp(&shard->state, &input->states[shard->applied], sizeof(shard->state)) != 0)
		violate(world, "journal of %d at %d is not the fold", partition, shard->applied);
}

/* ---- functions ---- */

static void add_effects(struct world *world, struct shard *shard, const struct effects *effects)
{
	shard->counters.accepted += effects->counters.accepted;
	shard->counters.duplicates += effects->counters.duplicates;
	shard->counters.sum += effects->counters.sum;
	for (size_t i = 0; i < effects->count; i++)
		shard->state.seen[effects->sightings[i].id] = effects->sightings[i].hour;
	if (world->bug != BUG_TIME_NOT_STORED)
		shard->state.time = effects->time;
}

static enum apply_result compare(struct world *world, const struct shard *shard, const struct effects *effects)
{
	if (!shard->exists)
		return world->bug == BUG_MISSING_IS_ZERO ? APPLY_OK : APPLY_REFUSED;
	if (shard->uuid != effects->uuid && world->bug != BUG_NO_UUID_CHECK)
		return APPLY_FOREIGN;
	if (shard->applied == effects->from)
		return APPLY_OK;
	if (world->bug == BUG_NO_CAS)
		return APPLY_OK;
	count_path(world, shard->applied >= effects->to ? PATH_CAS_PASSED : PATH_CAS_REFUSED, 1);
	return APPLY_REFUSED;
}

/* Planted: the ids are written by a call of their own, which can be lost; or an error strikes after the first write. */
static bool half_done(struct world *world, struct shard *shard, const struct effects *effects)
{
	if (world->bug == BUG_WRITE_THEN_FAIL && random_percent(world, 5) && !world->healing) {
		add_effects(world, shard, effects);
		return true;
	}
	if (world->bug == BUG_JOURNAL_NOT_ATOMIC && random_percent(world, 10) && !world->healing) {
		struct decided before = shard->state;

		add_effects(world, shard, effects);
		shard->state = before;
		shard->applied = effects->to;
		return true;
	}
	return false;
}

static enum apply_result apply(struct world *world, const struct effects *effects)
{
	struct shard *shard = &world->redis.shards[effects->partition];
	enum apply_result result = compare(world, shard, effects);

	if (result == APPLY_REFUSED && shard->exists && shard->applied >= effects->to)
		return APPLY_OK; /* done already */
	if (result != APPLY_OK)
		return result;
	snapshot(world);
	if (half_done(world, shard, effects))
		return APPLY_RETRY;
	shard->exists = true;
	add_effects(world, shard, effects);
	shard->applied = effects->to;
	check_shard(world, effects->partition);
	count_path(world, PATH_APPLIES, 1);
	TRACE(world, "redis: %d applied up to %d", effects->partition, effects->to);
	return APPLY_OK;
}

static void create(struct world *world, struct shard *shard, int at)
{
	uint32_t uuid = world->bug == BUG_REBUILD_KEEPS_UUID && shard->exists ? shard->uuid : redis_new_uuid(world);

	snapshot(world);
	memset(shard, 0, sizeof(*shard));
	memset(&shard->state, 0xff, sizeof(shard->state));
	shard->exists = true;
	shard->uuid = uuid;
	shard->start = shard->applied = at;
	/* That a copy from before the creation comes back is a case of its own: it ends in refusal. */
	if (!world->scenario->cold)
		world->redis.snapshot_count = 0;
	count_path(world, PATH_CREATED, 1);
	TRACE(world, "redis: %d created at %d, uuid %u", (int)(shard - world->redis.shards), at, shard->uuid);
}

static void load(struct world *world, struct request *request)
{
	struct shard *shard = &world->redis.shards[request->slot];

	request->created = request->rebuild || (!shard->exists && request->may_create);
	if (request->created)
		create(world, shard, request->create_at);
	/* Planted: head and journal by two calls. */
	if (request->half_read)
		request->seen.state = shard->state;
	else
		request->seen = *shard;
}

static void recheck(const struct world *world, struct request *request)
{
	const struct shard *shard = &world->redis.shards[request->slot];

	/* Planted: what was read in two pieces is not looked at again. */
	if (world->bug == BUG_READ_IN_PIECES)
		return;
	request->torn = shard->exists != request->seen.exists || shard->uuid != request->seen.uuid ||
			shard->applied != request->seen.applied;
}

void redis_execute(struct world *world, struct request *request)
{
	if (world->bug == BUG_READ_IN_PIECES && request->kind == REQUEST_LOAD && !request->half_read &&
	    !request->rechecks) {
		load(world, request);
		request->half_read = true;
		return;
	}
	request->executed = true;
	request->disturbances = world->redis.disturbances;
	if (request->kind == REQUEST_WATCH)
		request->seen = world->redis.shards[request->slot];
	else if (request->kind == REQUEST_LOAD && request->rechecks)
		recheck(world, request);
	else if (request->kind == REQUEST_LOAD)
		load(world, request);
	else if (strikes(world, FAULT_BUSY, 8))
		request->result = APPLY_RETRY;
	else
		request->result = apply(world, &request->effects);
}

/* ---- given-up requests ---- */

void redis_add_late(struct world *world, const struct request *request)
{
	if (world->redis.late_count < LATE_MAX)
		world->redis.late[world->redis.late_count++] = *request;
}

void redis_run_late(struct world *world)
{
	struct redis *redis = &world->redis;

	if (redis->late_count == 0 || redis->down)
		return;
	size_t at = (size_t)random_below(world, (int)redis->late_count);
	struct request late = redis->late[at];
	redis->late[at] = redis->late[--redis->late_count];
	redis->disturbances++;
	TRACE(world, "redis: late request %d of %d arrives", late.kind, late.slot);
	redis_execute(world, &late);
}
