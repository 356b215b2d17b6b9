/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"
#include "dead_letter.h"
#include "job.h"

static const struct step *const steps_by_type[EVENT_TYPE_COUNT] = {
	[EVENT_REPORT_CREATED] = report_steps,
	[EVENT_REPORT_REVIEWED] = review_steps,
	[EVENT_DELIVERY_COMPLETED] = delivery_steps,
};

static void count(struct job *job, enum outcome outcome)
{
	job->chunk->outcomes[outcome]++;
}

/* Only told, never refused: the event counts where it came, but its rider's counters are then spread over shards. */
enum step_result step_check_key(struct job *job)
{
	struct slice key = job->record->key;
	if (!key.data || !slice_equal(key, job->event.rider_id))
		count(job, OUTCOME_KEY_MISMATCH);
	if (key.data &&
	    (int32_t)((murmur2(key) & 0x7fffffff) % (uint32_t)job->settings->partitions) != job->record->partition)
		count(job, OUTCOME_PARTITION_MISMATCH);
	return STEP_NEXT;
}

/* Puts an identity into S; true when it was there within the window. */
static bool remember(const struct pipeline_settings *settings, struct stream *stream, uint64_t id, bool *changed)
{
	return seen_check(stream->seen, id, stream_hour(stream), settings->dedup_hours, changed);
}

enum step_result step_drop_duplicate(struct job *job)
{
	bool changed;
	bool duplicate = remember(job->settings, job->stream, job->id, &changed);
	if (changed)
		effects_journal(job->chunk->effects, job->id);
	if (!duplicate)
		return STEP_NEXT;
	count(job, OUTCOME_DUPLICATE);
	return STEP_DONE;
}

enum step_result step_heard(struct job *job)
{
	effects_heard(job->chunk->effects, job->event.rider_id, job->stream->time_ms);
	count(job, OUTCOME_COUNTED);
	return STEP_NEXT;
}

static void refuse(struct job *job, const struct fault *fault)
{
	job->chunk->reasons[fault->reason]++;
	if (reason_action(fault->reason) == REASON_ACTION_SKIP) {
		count(job, OUTCOME_SKIPPED);
		return;
	}
	count(job, OUTCOME_DEAD_LETTER);
	if (!job->muted)
		dead_letter_add(job, fault);
}

static void count_dropped_fields(struct job *job)
{
	for (int field = 0; job->event.dropped >> field; field++)
		job->chunk->dropped_fields[field] += job->event.dropped >> field & 1;
}

static void walk(struct job *job)
{
	/* The first step that needs it is not the first. */
	job->id = identity_event(job->stream->key, job->event.source, job->event.id);
	seen_prefetch(job->stream->seen, job->id);
	for (const struct step *step = steps_by_type[job->event.type]; step->run; step++) {
		if (step->run(job) == STEP_DONE)
			break;
	}
}

void pipeline_run(const struct pipeline_settings *settings, struct stream *stream, const struct input_record *record,
		  bool muted, struct chunk *chunk)
{
	struct job job; /* event and verdict, which are large, are filled in by their steps */
	struct fault fault;
	job.settings = settings;
	job.ruleset = chunk->ruleset;
	job.stream = stream;
	job.record = record;
	job.chunk = chunk;
	job.muted = muted;
	if (stream_advance(stream, record->timestamp_ms))
		count(&job, OUTCOME_TIMESTAMP_CLIPPED);
	if (muted)
		count(&job, OUTCOME_MUTED);
	if (event_decode(record, settings->max_event_bytes, &chunk->arena, &job.event, &fault) != REASON_NONE) {
		refuse(&job, &fault);
	} else {
		count_dropped_fields(&job);
		walk(&job);
	}
	chunk->link.to = record->offset + 1;
	chunk->stream_time_ms = stream->time_ms;
	chunk->events++;
}

void pipeline_remember(const struct pipeline_settings *settings, struct stream *stream,
		       const struct input_record *record, struct arena *arena)
{
	struct rider_event event;
	struct fault fault;
	bool changed;
	stream_advance(stream, record->timestamp_ms);
	if (event_decode(record, settings->max_event_bytes, arena, &event, &fault) == REASON_NONE)
		remember(settings, stream, identity_event(stream->key, event.source, event.id), &changed);
}
