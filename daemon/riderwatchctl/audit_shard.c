/* SPDX-License-Identifier: Apache-2.0 */
#include "audit.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

bool audit_fail(struct audit *audit, int status, const char *error)
{
	audit->status = status;
	audit->error = error;
	return false;
}

/* ---- fold ---- */

struct turn {
	struct audit *audit;
	struct audit_log *log;
};

static void on_record(void *context, const struct input_record *record)
{
	struct audit_log *log = ((struct turn *)context)->log;
	bool is_first = log->replay.stream.time_ms == STREAM_TIME_NONE;
	replay_record(&log->replay, record);
	if (is_first)
		log->first_hour = stream_hour(&log->replay.stream);
}

static void on_turn(void *context, uint64_t records)
{
	progress_add(&((struct turn *)context)->audit->progress, records);
}

static bool fold_to(struct audit *audit, struct audit_log *log, int64_t until)
{
	struct turn turn = { audit, log };
	if (!log->feed || until <= log->position)
		return true;
	if (!log_feed_run(log->feed, until, on_record, on_turn, &turn))
		return audit_fail(audit, EX_UNAVAILABLE, audit->kafka.error);
	replay_settle(&log->replay);
	log->position = until;
	return true;
}

/* C as it is now; W can only be found beyond it when C was read before. */
static bool read_published(struct audit *audit, struct audit_log *log)
{
	struct group_offset *list = calloc((size_t)audit->kafka.partitions, sizeof(*list));
	bool ok = list != NULL;
	log->published = -1;
	for (int shadow = 0; shadow < 2 && ok; shadow++) {
		ok = kafka_link_committed(&audit->kafka, shadow, log->input, list);
		if (ok)
			*(shadow ? &log->shadow : &log->group) = list[audit->shard];
	}
	free(list);
	ok = ok && kafka_link_bounds(&audit->kafka, log->input, audit->shard, &log->bounds);
	if (!ok)
		return audit_fail(audit, EX_UNAVAILABLE, audit->kafka.error);
	log->published = log->group.offset > log->shadow.offset ? log->group.offset : log->shadow.offset;
	return true;
}

/* Where the fold must stand to be compared with values read at W. */
static bool target_of(struct audit *audit, struct audit_log *log, int64_t applied, int64_t *until)
{
	*until = log->look_further ? log->published : applied;
	if (*until > log->published && !log->beyond) {
		if (!read_published(audit, log))
			return false;
		if (*until > log->published) {
			char key[AUDIT_KEY_SIZE];
			log->beyond = true;
			findings_differ_number(&audit->findings, audit_log_key(audit, log, key),
					       "applied (W), at most C", applied, log->published);
		}
	}
	if (log->beyond && *until > log->published)
		*until = log->published;
	if (*until > log->bounds.end)
		*until = log->bounds.end;
	return true;
}

static bool same_store(const struct log_state *a, const struct log_state *b)
{
	return a->known == b->known && a->garbled == b->garbled && strcmp(a->store, b->store) == 0 &&
	       a->start == b->start;
}

bool audit_follow(struct audit *audit, const struct snapshot *snapshot)
{
	for (int input = 0; input < INPUT_COUNT; input++) {
		struct audit_log *log = &audit->logs[input];
		const struct log_state *state = &snapshot->logs[input];
		int64_t until;
		if (!same_store(state, &log->state) || (state->known && state->applied < log->applied))
			return audit_fail(audit, EX_TEMPFAIL,
					  "Redis went back or was filled anew while it was read; run again");
		if (!state->known || state->garbled)
			continue;
		if (log->look_further && state->applied != log->applied)
			return audit_fail(audit, EX_TEMPFAIL, "W moved during the second look; run again");
		log->applied = state->applied;
		if (!target_of(audit, log, state->applied, &until) || !fold_to(audit, log, until))
			return false;
	}
	return true;
}

/* ---- one shard ---- */

static void start_log(struct audit *audit, struct audit_log *log)
{
	replay_init(&log->replay, &audit->replay, audit->ledger, log->state.key);
	log->position = log->applied = log->state.start;
	if (!log->state.known || log->state.garbled)
		return;
	log->truncated = log->bounds.start > log->state.start;
	if (log->truncated)
		log->position = log->bounds.start;
	log->feed = log_feed_new(&audit->kafka, log->input, audit->shard, log->position);
}

static void end_log(struct audit *audit, struct audit_log *log)
{
	audit->counts.records += log->replay.records;
	audit->counts.events += log->replay.events;
	audit->counts.duplicates += log->replay.duplicates;
	audit->counts.refused += log->replay.refused;
	log_feed_free(&log->feed);
	replay_fini(&log->replay);
}

/* A report that came on the deliveries topic was counted in an order that neither log tells. */
static void check_crossing(struct audit *audit)
{
	uint64_t crossed = audit->logs[INPUT_DELIVERIES].replay.ordered;
	if (!crossed)
		return;
	findings_note(&audit->findings, true,
		      "shard %d: %llu reports or reviews came on %s: in which order they were counted is not known; "
		      "points, score and reviews are not compared",
		      audit->shard, (unsigned long long)crossed, audit->config->topics_deliveries);
	audit->unchecked |= LEDGER_FROM_REPORTS & ~LEDGER_PLAIN;
	audit->reports_unchecked = audit->crossed = true;
}

static bool compare_all(struct audit *audit)
{
	if (!audit_keys(audit))
		return false;
	for (int input = 0; input < INPUT_COUNT && !audit->rider.data; input++)
		if (!audit_check_journal(audit, &audit->logs[input]))
			return false;
	return true;
}

/* Differences where C is ahead of W may all come from a W that somebody turned back: then everything fits C. */
static bool is_ahead(struct audit *audit)
{
	bool ahead = false;
	for (int input = 0; input < INPUT_COUNT; input++) {
		struct audit_log *log = &audit->logs[input];
		log->look_further = log->feed && log->published > log->applied && !log->beyond;
		ahead |= log->look_further;
	}
	return ahead;
}

static void report_turned_back(struct audit *audit)
{
	for (int input = 0; input < INPUT_COUNT; input++) {
		const struct audit_log *log = &audit->logs[input];
		char key[AUDIT_KEY_SIZE];
		if (log->look_further)
			findings_differ_number(&audit->findings, audit_log_key(audit, log, key),
					       "applied (W): all else fits C", log->applied, log->published);
	}
}

/* Compares once more, with what C says. Where that does not explain all, what was found first stands. before: number of
 * findings that have nothing to do with keys. */
static bool look_again(struct audit *audit, size_t before)
{
	struct audit_counts counts = audit->counts;
	size_t found = audit->findings.count;
	if (found == before || !is_ahead(audit))
		return true;
	ledger_forget_marks(audit->ledger);
	bool ok = compare_all(audit);
	bool explained = ok && audit->findings.count == found;
	if (!ok && audit->status != EX_TEMPFAIL)
		return false;
	audit->error = NULL; /* W moved meanwhile: the daemon works, and will bring W up to C itself */
	audit->status = EX_OK;
	audit->counts = counts;
	findings_rewind(&audit->findings, explained ? before : found);
	if (explained)
		report_turned_back(audit);
	return true;
}

static bool audit_logs(struct audit *audit)
{
	struct snapshot snapshot;
	for (int input = 0; input < INPUT_COUNT; input++)
		start_log(audit, &audit->logs[input]);
	audit_check_books(audit);
	if (audit->foreign)
		return true;
	size_t before = audit->findings.count;
	bool ok = snapshot_read(&snapshot, &audit->redis, audit->shard, "", NULL, 0);
	ok = ok ? audit_follow(audit, &snapshot) : audit_fail(audit, EX_UNAVAILABLE, audit->redis.error);
	snapshot_fini(&snapshot);
	if (!ok)
		return false;
	check_crossing(audit);
	return compare_all(audit) && look_again(audit, before);
}

bool audit_shard(struct audit *audit, int32_t shard)
{
	audit->shard = shard;
	audit->unchecked = 0;
	audit->last_ms_unchecked = audit->reports_unchecked = audit->rules_differ = audit->foreign = audit->crossed =
		false;
	memset(audit->logs, 0, sizeof(audit->logs));
	for (int input = 0; input < INPUT_COUNT; input++)
		audit->logs[input].input = input;
	if (!audit_read_books(audit))
		return false;
	for (int input = 0; input < INPUT_COUNT; input++)
		if (!read_published(audit, &audit->logs[input]))
			return false;
	audit->ledger = ledger_new(&audit->limits, audit->rider);
	bool ok = audit_logs(audit);
	for (int input = 0; input < INPUT_COUNT; input++)
		end_log(audit, &audit->logs[input]);
	ledger_free(&audit->ledger);
	return ok;
}
