/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon around the real protocol: decides, builds chunks, asks Kafka and Redis, belongs to the group. What flow.c
 * does, small. */
#include "sim.h"

#include <string.h>

/* ---- chunks ---- */

static struct sim_chunk *take_chunk(struct daemon *daemon)
{
	for (size_t i = 0; i < CHUNKS_MAX; i++) {
		struct sim_chunk *chunk = &daemon->chunks[i];

		if (chunk->used)
			continue;
		memset(chunk, 0, sizeof(*chunk));
		chunk->used = true;
		daemon->chunks_used++;
		return chunk;
	}
	MUST(!"room for chunks");
	return NULL;
}

void daemon_free_chunk(struct world *world, struct daemon *daemon, struct sim_chunk *chunk)
{
	if (!chunk->used)
		violate(world, "chunk freed twice");
	chunk->used = false;
	daemon->chunks_used--;
}

struct sim_chunk *daemon_open_chunk(struct daemon *daemon, int slot, int from)
{
	struct sim_chunk *chunk = take_chunk(daemon);

	chunk->link.slot = slot;
	chunk->link.from = from;
	chunk->effects.partition = slot;
	chunk->effects.from = from;
	chunk->effects.uuid = daemon->places[slot].uuid;
	return chunk;
}

static void close_chunk(struct world *world, struct daemon *daemon, int slot)
{
	struct place *place = &daemon->places[slot];
	struct sim_chunk *chunk = place->open;

	if (chunk == NULL)
		return;
	place->open = NULL;
	TRACE(world, "daemon %d: chunk %d [%d, %d)%s", daemon->name, slot, chunk->effects.from, chunk->effects.to,
	      chunk->muted ? " muted" : "");
	protocol_add(daemon->protocol, &chunk->link);
}

static void close_chunks(struct world *world, struct daemon *daemon)
{
	for (int i = 0; i < world->partitions; i++)
		close_chunk(world, daemon, i);
}

/* ---- records ---- */

void daemon_add_event(struct world *world, struct sim_chunk *chunk, struct decided *state, int slot, int offset)
{
	const struct input *input = &world->inputs[slot];
	struct effects *effects = &chunk->effects;
	bool fresh = decide(state, input->id[offset], input->hour[offset]);

	effects->counters.accepted += fresh;
	effects->counters.duplicates += !fresh;
	effects->counters.sum += fresh ? offset_hash(slot, offset) : 0;
	effects->sightings[effects->count].id = input->id[offset];
	effects->sightings[effects->count++].hour = state->time;
	effects->time = state->time;
	effects->to = offset + 1;
	chunk->link.to = offset + 1;
	if (fresh && !chunk->muted)
		chunk->alerts[chunk->alert_count++] = (int8_t)offset;
	count_path(world, PATH_MUTED, chunk->muted);
	count_path(world, PATH_DUPLICATES, !fresh);
}

static void take_record(struct world *world, struct daemon *daemon, int slot, int offset)
{
	struct place *place = &daemon->places[slot];
	enum intake intake = protocol_intake(daemon->protocol, slot, offset);

	/* The position counts closed chunks; what is in the open one was taken too. */
	if (intake == INTAKE_DROP || (place->open != NULL && offset < place->open->effects.to))
		return;
	if (place->open != NULL && place->open->muted != (intake == INTAKE_MUTED))
		close_chunk(world, daemon, slot);
	struct sim_chunk *chunk = place->open;
	if (chunk == NULL) {
		chunk = place->open = daemon_open_chunk(daemon, slot, (int)protocol_position(daemon->protocol, slot));
		chunk->muted = intake == INTAKE_MUTED;
		alone_mark_chunk(place, chunk);
	}
	daemon_add_event(world, chunk, &place->state, slot, offset);
	if (chunk->effects.count == CHUNK_EVENTS_MAX)
		close_chunk(world, daemon, slot);
}

static void read_record(struct world *world, struct daemon *daemon)
{
	int slot = random_below(world, world->partitions);
	struct place *place = &daemon->places[slot];
	const struct input *input = &world->inputs[slot];

	if (!place->reading || !protocol_wants_records(daemon->protocol) || place->cursor >= input->visible)
		return;
	int offset = place->cursor++;
	if (!input->hole[offset])
		take_record(world, daemon, slot, offset);
	if (random_percent(world, 25))
		close_chunk(world, daemon, slot);
}

/* ---- actions ---- */

static void fill_offsets(const struct world *world, struct daemon *daemon, struct job *job)
{
	for (size_t i = 0; i < job->batch->commit_count; i++) {
		const struct protocol_commit *commit = &job->batch->commits[i];

		if (commit->unchanged && world->bug == BUG_BEHIND_LEFT)
			continue;
		job->offsets[commit->slot] = alone_entry(world, daemon, job->batch, commit);
	}
}

static void on_publish(struct world *world, struct daemon *daemon, const struct protocol_batch *batch)
{
	struct job job = { .kind = JOB_PUBLISH, .batch = batch, .next = batch->chunks, .member = daemon->member };

	job.generation = daemon->generation;
	fill_offsets(world, daemon, &job);
	if (world->bug == BUG_APPLY_BEFORE_COMMIT) {
		for (const struct protocol_chunk *chunk = batch->chunks; chunk != NULL; chunk = chunk->next) {
			struct request request = { .kind = REQUEST_APPLY, .slot = chunk->slot };

			request.effects = ((const struct sim_chunk *)chunk)->effects;
			redis_execute(world, &request);
		}
	}
	worker_add(world, daemon, job);
}

static void on_load(struct world *world, struct daemon *daemon, const struct protocol_action *action)
{
	struct request request = { .kind = REQUEST_LOAD, .slot = action->slot, .token = action->token };

	request.may_create = action->may_create || (world->bug == BUG_MISSING_IS_ZERO && !action->catch_up);
	request.rebuild = action->rebuild;
	request.catch_up = action->catch_up;
	request.create_at = (int)action->create_at;
	client_ask(daemon, &request);
}

static void on_apply(struct daemon *daemon, struct protocol_chunk *chunk)
{
	struct request request = { .kind = REQUEST_APPLY, .slot = chunk->slot, .token = chunk->token, .chunk = chunk };

	request.effects = ((const struct sim_chunk *)chunk)->effects;
	client_ask(daemon, &request);
}

static void take_loaded(struct world *world, struct place *place, const struct protocol_action *action)
{
	bool keep = world->bug == BUG_STATE_KEPT && place->uuid != 0;

	if (!keep)
		place->state = place->aside;
	place->uuid = place->aside_uuid;
	if (world->bug == BUG_NONE &&
	    memcmp(&place->state, &world->inputs[action->slot].states[action->offset], sizeof(place->state)) != 0)
		violate(world, "decision state of %d at %lld is not the fold", action->slot, (long long)action->offset);
}

static void on_start(struct world *world, struct daemon *daemon, const struct protocol_action *action)
{
	struct place *place = &daemon->places[action->slot];

	if (action->alone)
		alone_start(world, daemon, action);
	else
		take_loaded(world, place, action);
	alone_end(place);
	alone_begin_entry(daemon, action->slot);
	place->reading = true;
	/* Records from before the position come too sometimes, and must be dropped. */
	place->cursor = (int)action->offset - random_below(world, 3);
	if (place->cursor < 0)
		place->cursor = 0;
}

/* What was sent again must have been what Redis lacked. */
static void check_heal(struct world *world, const struct place *place, const struct protocol_action *action)
{
	if (place->healed && (action->cause == LOAD_REFUSED || action->cause == LOAD_WENT_BACK) &&
	    place->disturbances == world->redis.disturbances &&
	    place->told_w == world->redis.shards[action->slot].applied)
		violate(world, "%d is loaded although Redis stands at %d as it said", action->slot, place->told_w);
}

/* Live state is dropped when Redis is another one, or further than we are: never because it lags. */
static void check_drop(struct world *world, struct daemon *daemon, const struct protocol_action *action)
{
	const struct shard *shard = &world->redis.shards[action->slot];
	struct protocol_view view;

	protocol_view(daemon->protocol, action->slot, &view);
	if (daemon->catches_up && (action->cause == LOAD_REFUSED || action->cause == LOAD_WENT_BACK) && shard->exists &&
	    shard->uuid == daemon->places[action->slot].uuid && shard->applied <= view.published)
		violate(world, "live state of %d dropped although Redis only lags", action->slot);
}

static void on_drop(struct world *world, struct daemon *daemon, const struct protocol_action *action)
{
	static const enum path paths[LOAD_CAUSE_COUNT] = {
		[LOAD_ASSIGNED] = PATH_LOAD_ASSIGNED,
		[LOAD_REFUSED] = PATH_LOAD_REFUSED,
		[LOAD_WENT_BACK] = PATH_LOAD_WENT_BACK,
		[LOAD_UNKNOWN_OUTCOME] = PATH_LOAD_UNKNOWN,
	};
	struct place *place = &daemon->places[action->slot];

	check_heal(world, place, action);
	check_drop(world, daemon, action);
	place->reading = place->healed = false;
	alone_end(place);
	if (place->open != NULL)
		daemon_free_chunk(world, daemon, place->open);
	place->open = NULL;
	if (action->cause != LOAD_DROPPED)
		count_path(world, paths[action->cause], 1);
}

static void on_notice(struct world *world, struct daemon *daemon, const struct protocol_action *action)
{
	struct place *place = &daemon->places[action->slot];

	if (action->notice == NOTICE_STORE_HEALED) {
		place->healed = true;
		place->disturbances = place->told_disturbances;
	}
	count_path(world, PATH_BEHIND, action->notice == NOTICE_OFFSET_BEHIND);
	count_path(world, PATH_STALE, action->notice == NOTICE_OFFSETS_STALE);
	count_path(world, PATH_AHEAD, action->notice == NOTICE_OFFSET_AHEAD);
	count_path(world, PATH_LATE, action->notice == NOTICE_BEHIND);
	count_path(world, PATH_CAUGHT_UP, action->notice == NOTICE_CAUGHT_UP);
	count_path(world, PATH_HEALED, action->notice == NOTICE_STORE_HEALED);
	count_path(world, PATH_SHADOW, action->notice == NOTICE_SHADOW_MISSING);
	count_path(world, PATH_NOT_ALONE, action->notice == NOTICE_NOT_ALONE);
}

static void on_release(struct world *world, struct daemon *daemon)
{
	struct member *member = &world->kafka.members[daemon->name];

	daemon->revoking = daemon->owns = false;
	if (!world->kafka.stable && member->present && member->id == daemon->member)
		member->joined = true;
}

/* "Clean" promises that Redis holds all that was published. (A copy of Redis that comes back later breaks no promise.)
 */
static void check_clean(struct world *world, const struct daemon *daemon)
{
	const struct member *member = &world->kafka.members[daemon->name];
	bool copies_come_back = (world->scenario->faults & (1u << FAULT_TAIL_LOSS | 1u << FAULT_FAILOVER)) != 0;

	if (copies_come_back || !daemon->owns || !member->present || member->id != daemon->member)
		return;
	for (int i = 0; i < world->partitions; i++)
		if ((member->partitions >> i & 1u) != 0 && world->redis.shards[i].applied != world->kafka.done[i])
			violate(world, "clean stop with W of %d %d, C %d", i, world->redis.shards[i].applied,
				world->kafka.done[i]);
}

static void on_stopped(struct world *world, struct daemon *daemon, bool clean)
{
	if (clean)
		check_clean(world, daemon);
	count_path(world, PATH_STOPPED_CLEAN, clean);
	daemon->stopping = true;
}

static void on_refuse(struct world *world, const struct protocol_action *action)
{
	if ((world->refusals_allowed >> action->refusal & 1u) == 0)
		violate(world, "refused without cause: %s", refusal_text(action->refusal));
	count_path(world, PATH_REFUSAL, 1);
	world->refused = true;
}

static void do_action(struct world *world, struct daemon *daemon, const struct protocol_action *action)
{
	switch (action->kind) {
	case ACTION_DROP:
		on_drop(world, daemon, action);
		break;
	case ACTION_READ_OFFSETS:
		worker_add(world, daemon,
			   (struct job){ .kind = JOB_READ, .slot = action->slot, .token = action->token });
		break;
	case ACTION_LOAD:
		on_load(world, daemon, action);
		break;
	case ACTION_LOAD_LOG:
		alone_load(world, daemon, action);
		break;
	case ACTION_START:
		on_start(world, daemon, action);
		break;
	case ACTION_PUBLISH:
		on_publish(world, daemon, action->batch);
		break;
	case ACTION_RECREATE:
		worker_add(world, daemon, (struct job){ .kind = JOB_RECREATE });
		break;
	case ACTION_APPLY:
		on_apply(daemon, action->chunk);
		break;
	case ACTION_CATCH_UP:
		catch_up_start(world, daemon, action);
		break;
	case ACTION_CATCH_UP_END:
		catch_up_end(world, daemon, action->slot);
		break;
	case ACTION_LOOK:
		client_ask(daemon, &(struct request){ .kind = REQUEST_WATCH,
						      .slot = action->slot,
						      .token = action->token,
						      .at_least = action->offset });
		break;
	case ACTION_FREE:
		daemon_free_chunk(world, daemon, (struct sim_chunk *)action->chunk);
		break;
	case ACTION_RELEASE:
		on_release(world, daemon);
		break;
	case ACTION_STOPPED:
		on_stopped(world, daemon, action->clean);
		break;
	case ACTION_REFUSE:
		on_refuse(world, action);
		break;
	case ACTION_NOTICE:
		on_notice(world, daemon, action);
		break;
	}
}

static const char *const action_names[] = { "drop",     "read offsets", "load",     "load log",  "start", "publish",
					    "recreate", "apply",        "catch up", "caught up", "look",  "free",
					    "release",  "stopped",      "refuse",   "notice" };

void daemon_pump(struct world *world, struct daemon *daemon)
{
	struct protocol_action action;

	while (daemon->alive && protocol_next(daemon->protocol, &action)) {
		TRACE(world, "daemon %d: %s %d token %llu offset %lld", daemon->name, action_names[action.kind],
		      action.slot, (unsigned long long)action.token, (long long)action.offset);
		do_action(world, daemon, &action);
	}
	if (daemon->stopping && daemon->alive)
		daemon_crash(world, daemon); /* nothing is left to lose */
}

/* ---- group ---- */

static void join(struct world *world, struct daemon *daemon)
{
	struct member *member = &world->kafka.members[daemon->name];

	daemon->member = ++world->kafka.last_member;
	daemon->generation = -1;
	if (!member->present) {
		group_rebalance(world);
		member->present = true;
	}
	member->id = daemon->member; /* a static member comes back into its place; the old id is fenced */
	member->joined = true;
	TRACE(world, "daemon %d: joins as %d", daemon->name, daemon->member);
}

bool daemon_has_twin(const struct world *world, const struct daemon *daemon)
{
	for (int i = 0; i < world->daemon_count; i++) {
		const struct daemon *other = &world->daemons[i];

		if (other != daemon && other->alive && other->name == daemon->name)
			return true;
	}
	return false;
}

static void lose(struct world *world, struct daemon *daemon)
{
	/* A static member whose place was taken is fenced for good: the daemon exits. */
	if (world->kafka.members[daemon->name].present && daemon_has_twin(world, daemon)) {
		daemon_crash(world, daemon);
		return;
	}
	daemon->member = 0;
	if (!daemon->owns)
		return;
	daemon->owns = daemon->revoking = false;
	TRACE(world, "daemon %d: lost its partitions", daemon->name);
	protocol_revoked(daemon->protocol, true, world->now);
}

static void revoke(struct world *world, struct daemon *daemon)
{
	if (daemon->revoking)
		return;
	daemon->revoking = true;
	TRACE(world, "daemon %d: revoke", daemon->name);
	protocol_revoked(daemon->protocol, false, world->now);
}

static void assign(struct world *world, struct daemon *daemon)
{
	unsigned partitions = world->kafka.members[daemon->name].partitions;
	int slots[PARTITIONS_MAX];
	size_t count = 0;

	for (int i = 0; i < world->partitions; i++)
		if (partitions >> i & 1u)
			slots[count++] = i;
	daemon->generation = world->kafka.generation;
	daemon->owns = true;
	TRACE(world, "daemon %d: assigned mask %u in generation %d", daemon->name, partitions, daemon->generation);
	protocol_assigned(daemon->protocol, slots, count, world->now);
}

static void poll_group(struct world *world, struct daemon *daemon)
{
	struct member *member = &world->kafka.members[daemon->name];

	if (daemon->member == 0)
		join(world, daemon);
	else if (!member->present || member->id != daemon->member)
		lose(world, daemon);
	else if (!world->kafka.stable && !member->joined && daemon->owns)
		revoke(world, daemon);
	else if (!world->kafka.stable)
		member->joined = true;
	else if (daemon->generation != world->kafka.generation && !daemon->owns)
		assign(world, daemon);
	daemon_pump(world, daemon);
}

/* ---- life ---- */

void daemon_start(struct world *world, struct daemon *daemon)
{
	struct protocol_settings settings = {
		.slots = world->partitions,
		.apply_window = (size_t)(1 + random_below(world, 5)),
		.apply_queue_max = (size_t)(2 + random_below(world, 10)),
		.retry_ms = 30,
		.keep_max = world->scenario->keeps ? 8 : (size_t)random_below(world, 6),
		.catch_up = world->scenario->catches_up || random_percent(world, 50),
		.patience_ms = 50 * random_below(world, 5),
		.keep_ms = 100 * random_below(world, 10),
		.drain_ms = 400,
		.recommit_ms = 3000,
		.rebuild = world->scenario->rebuild,
	};

	if ((world->scenario->faults & 1u << FAULT_STALE) != 0)
		settings.refuse_offsets_after_ms = 60000; /* more than a schedule lasts */
	if (world->scenario->alone)
		settings.alone_after_ms = 10 + settings.patience_ms / 4;
	else if ((world->scenario->faults & 1u << FAULT_OUTAGE) != 0)
		settings.alone_after_ms = settings.patience_ms / 2;
	TRACE(world, "daemon %d: starts", daemon->name);
	daemon->alive = true;
	daemon->paused = daemon->stopping = daemon->connected = false;
	daemon->catches_up = settings.catch_up;
	daemon->revoking = daemon->owns = false;
	daemon->member = 0;
	daemon->epoch = -1;
	daemon->job_count = daemon->request_count = daemon->chunks_used = 0;
	memset(daemon->places, 0, sizeof(daemon->places));
	for (size_t i = 0; i < CHUNKS_MAX; i++)
		daemon->chunks[i].used = false;
	daemon->protocol = protocol_new(&settings);
	for (int i = 0; i < world->partitions; i++)
		protocol_let_start_alone(daemon->protocol, i);
}

void daemon_crash(struct world *world, struct daemon *daemon)
{
	const struct job *job = &daemon->jobs[0];

	if (!daemon->alive)
		return;
	TRACE(world, "daemon %d: ends", daemon->name);
	daemon->alive = false;
	client_abandon(world, daemon);
	if (daemon->job_count > 0 && job->kind == JOB_PUBLISH && job->stage == 3 &&
	    strikes(world, FAULT_LATE_KAFKA, 30))
		kafka_add_late(world, (struct late_kafka){
					      .kind = LATE_COMMIT, .name = daemon->name, .epoch = daemon->epoch });
	protocol_free(&daemon->protocol);
}

void daemon_stop(struct world *world, struct daemon *daemon)
{
	if (!daemon->alive)
		return;
	TRACE(world, "daemon %d: stops", daemon->name);
	close_chunks(world, daemon);
	protocol_stop(daemon->protocol, world->now);
	daemon_pump(world, daemon);
}

static void close_some(struct world *world, struct daemon *daemon)
{
	close_chunk(world, daemon, random_below(world, world->partitions));
	daemon_pump(world, daemon);
}

static void publish(struct world *world, struct daemon *daemon)
{
	if (protocol_can_publish(daemon->protocol))
		protocol_publish(daemon->protocol);
	daemon_pump(world, daemon);
}

static void read_some(struct world *world, struct daemon *daemon)
{
	for (int i = random_below(world, 4); i >= 0; i--)
		read_record(world, daemon);
	daemon_pump(world, daemon);
}

static void read_aside(struct world *world, struct daemon *daemon)
{
	catch_up_read(world, daemon);
	if (daemon->alive)
		alone_read(world, daemon);
}

static void (*const steps[])(struct world *, struct daemon *) = {
	read_some,   read_some,      worker_step, worker_step, worker_step, worker_step, client_talk, client_deliver,
	client_talk, client_deliver, read_aside,  read_aside,  publish,     close_some,  poll_group,  client_watch,
};
#define STEP_COUNT ((int)(sizeof(steps) / sizeof(steps[0])))

static void tick(struct world *world, struct daemon *daemon)
{
	protocol_tick(daemon->protocol, world->now);
	daemon_pump(world, daemon);
}

void daemon_step(struct world *world, struct daemon *daemon)
{
	tick(world, daemon);
	if (daemon->alive && random_percent(world, 25))
		poll_group(world, daemon);
	for (int i = random_below(world, 4); i >= 0 && daemon->alive; i--)
		steps[random_below(world, STEP_COUNT)](world, daemon);
}

void daemon_turn(struct world *world, struct daemon *daemon)
{
	tick(world, daemon);
	for (int i = 0; i < STEP_COUNT && daemon->alive; i++)
		steps[i](world, daemon);
}
