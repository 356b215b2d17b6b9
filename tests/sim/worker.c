/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's Kafka thread: jobs in order, one request a step, so that a crash, a rebalance or a late request fits
 * between any two. */
#include "sim.h"

#include <string.h>

void worker_add(struct world *world, struct daemon *daemon, struct job job)
{
	(void)world;
	MUST(daemon->job_count < JOBS_MAX);
	daemon->jobs[daemon->job_count++] = job;
}

/* Takes a finished job off the queue. */
static struct job finish(struct daemon *daemon, const struct job *done)
{
	struct job job = *done;
	size_t at = (size_t)(done - daemon->jobs);

	daemon->job_count--;
	memmove(&daemon->jobs[at], &daemon->jobs[at + 1], (daemon->job_count - at) * sizeof(job));
	return job;
}

/* ---- publish ---- */

static void published(struct world *world, struct daemon *daemon, const struct job *publishing,
		      enum publish_result result)
{
	struct job job = finish(daemon, publishing);
	bool tainted = job.tainted;

	if (result == PUBLISH_UNKNOWN) {
		count_path(world, PATH_UNKNOWN, 1);
		if (world->bug == BUG_UNKNOWN_IS_ABORT)
			result = PUBLISH_ABORTED;
		if (world->bug == BUG_UNKNOWN_IS_COMMIT)
			result = PUBLISH_COMMITTED;
		tainted = true;
	}
	count_path(world, PATH_TAINTED, tainted);
	TRACE(world, "daemon %d: published, result %d%s", daemon->name, result, tainted ? ", tainted" : "");
	protocol_published(daemon->protocol, result, tainted, world->now);
}

static bool produce_chunk(struct world *world, struct daemon *daemon, const struct sim_chunk *chunk)
{
	for (size_t i = 0; i < chunk->alert_count; i++)
		if (!kafka_produce(world, daemon->name, daemon->epoch, chunk->link.slot, chunk->alerts[i]))
			return false;
	return true;
}

static void produce(struct world *world, struct daemon *daemon, struct job *job)
{
	if (job->next == NULL) {
		job->stage++;
		return;
	}
	if (!produce_chunk(world, daemon, (const struct sim_chunk *)job->next)) {
		published(world, daemon, job, PUBLISH_UNKNOWN);
		return;
	}
	job->next = job->next->next;
	if (strikes(world, FAULT_ABORT, 3))
		job->aborting = true;
}

static void use_metadata(struct world *world, const struct daemon *daemon, struct job *job)
{
	const struct member *member = &world->kafka.members[daemon->name];

	if (world->bug != BUG_METADATA_AT_COMMIT)
		return;
	/* Thrown out: the client's member id is empty, and brokers check nothing. */
	job->generation = member->present ? world->kafka.generation : -1;
	job->member = member->id;
}

static void send_offsets(struct world *world, struct daemon *daemon, struct job *job)
{
	int group = job->stage == 1 ? GROUP_REAL : GROUP_SHADOW;

	use_metadata(world, daemon, job);
	if (strikes(world, FAULT_LATE_KAFKA, 3)) {
		kafka_add_late(world, (struct late_kafka){ LATE_OFFSETS,
							   daemon->name,
							   daemon->epoch,
							   group,
							   job->generation,
							   job->member,
							   { job->offsets[0], job->offsets[1], job->offsets[2] } });
		job->tainted = true;
	}
	switch (kafka_send_offsets(world, daemon->name, daemon->epoch, group, job->generation, job->member,
				   job->offsets)) {
	case OFFSETS_OK:
		job->stage++;
		break;
	case OFFSETS_REFUSED:
		count_path(world, PATH_FENCED, 1);
		job->aborting = true;
		break;
	case OFFSETS_FENCED:
		count_path(world, PATH_FENCED, 1);
		published(world, daemon, job, PUBLISH_UNKNOWN);
		break;
	}
}

/* EndTxn: answered, or executed but not answered, or on its way for long; or repeated while a first copy is still on
 * its way. */
static void end(struct world *world, struct daemon *daemon, struct job *job)
{
	bool commits = !job->aborting;
	struct late_kafka copy = { .kind = commits ? LATE_COMMIT : LATE_ABORT,
				   .name = daemon->name,
				   .epoch = daemon->epoch };

	if (strikes(world, FAULT_UNKNOWN, 6)) {
		if (random_percent(world, 50))
			kafka_end(world, daemon->name, daemon->epoch, commits);
		else if (strikes(world, FAULT_LATE_KAFKA, 50))
			kafka_add_late(world, copy);
		published(world, daemon, job, PUBLISH_UNKNOWN);
		return;
	}
	if (strikes(world, FAULT_LATE_KAFKA, 4)) {
		kafka_add_late(world, copy);
		job->tainted = true;
	}
	if (!kafka_end(world, daemon->name, daemon->epoch, commits)) {
		count_path(world, PATH_FENCED, 1);
		published(world, daemon, job, PUBLISH_UNKNOWN);
		return;
	}
	published(world, daemon, job, commits ? PUBLISH_COMMITTED : PUBLISH_ABORTED);
}

static void publish(struct world *world, struct daemon *daemon, struct job *job)
{
	if (job->stage == 0 && !job->begun && daemon->cut && world->bug != BUG_CUT_IGNORED) {
		job->tainted = true;
		published(world, daemon, job, PUBLISH_ABORTED);
		return;
	}
	job->begun = true;
	if (!job->aborting && strikes(world, FAULT_ABORT, 2))
		job->aborting = true;
	if (job->aborting || job->stage == 3)
		end(world, daemon, job);
	else if (job->stage == 0)
		produce(world, daemon, job);
	else
		send_offsets(world, daemon, job);
}

/* ---- read ---- */

static void answer_read(struct world *world, struct daemon *daemon, const struct job *reading, bool ok)
{
	struct job job = finish(daemon, reading);
	struct place *place = &daemon->places[job.slot];

	job.reply.ok = ok;
	if (ok)
		memcpy(place->found, job.found, sizeof(job.found));
	if (world->bug == BUG_OLD_C && ok) {
		if (place->old_c_known)
			job.reply = place->old_c;
		place->old_c = job.reply;
		place->old_c_known = true;
	}
	TRACE(world, "daemon %d: offsets of %d: %s, group %lld, shadow %lld", daemon->name, job.slot,
	      ok ? "ok" : "wait", (long long)job.reply.group.offset, (long long)job.reply.shadow.offset);
	protocol_offsets(daemon->protocol, job.slot, job.token, &job.reply, world->now);
}

/* Two groups, then the bounds: three calls, other things happen between them. */
static void read_offsets(struct world *world, struct daemon *daemon, struct job *job)
{
	if (job->stage == 0 || job->stage == 1) {
		struct committed_offset *entry = job->stage == 0 ? &job->reply.group : &job->reply.shadow;

		if (kafka_read(world, job->stage, job->slot, entry)) {
			job->found[job->stage] = world->kafka.groups[job->stage][job->slot];
			alone_found(&job->found[job->stage++], entry);
		} else
			answer_read(world, daemon, job, false);
		return;
	}
	job->reply.log_start = 0;
	job->reply.log_end = world->inputs[job->slot].visible;
	answer_read(world, daemon, job, true);
}

static bool make_producer(struct world *world, struct daemon *daemon)
{
	if (strikes(world, FAULT_UNKNOWN, 10))
		return false;
	daemon->cut = false;
	daemon->epoch = kafka_init(world, daemon->name);
	if (world->bug != BUG_NO_SWEEP)
		kafka_sweep(world, daemon->name, world->bug != BUG_SWEEP_ABORTS);
	return true;
}

static void recreate(struct world *world, struct daemon *daemon, const struct job *job)
{
	bool ok = make_producer(world, daemon);

	finish(daemon, job);
	protocol_recreated(daemon->protocol, ok, world->now);
}

static struct job *pick(struct world *world, struct daemon *daemon)
{
	struct job *job = &daemon->jobs[random_below(world, (int)daemon->job_count)];

	return job->kind == JOB_READ ? job : &daemon->jobs[0];
}

/* Between jobs, without being asked. */
static bool mend(struct world *world, struct daemon *daemon)
{
	bool busy = daemon->job_count > 0 && daemon->jobs[0].kind == JOB_PUBLISH && daemon->jobs[0].begun;

	if (!daemon->cut || busy || daemon->epoch < 0 || world->bug == BUG_CUT_IGNORED || !random_percent(world, 50))
		return false;
	make_producer(world, daemon);
	return true;
}

void worker_step(struct world *world, struct daemon *daemon)
{
	if (mend(world, daemon) || daemon->job_count == 0)
		return;
	struct job *job = pick(world, daemon);
	if (job->kind == JOB_PUBLISH)
		publish(world, daemon, job);
	else if (job->kind == JOB_READ)
		read_offsets(world, daemon, job);
	else
		recreate(world, daemon, job);
	daemon_pump(world, daemon);
}
