/* SPDX-License-Identifier: Apache-2.0 */
/* The dedup journal: which hours have a bucket, and the ids in each, in their order; and stream time. */
#include "audit.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define PIECE_SIZE (256 * 1024)
#define TRIES_MAX 5
#define ID_SIZE 8

struct hours {
	uint32_t list[REPLAY_BUCKETS_MAX];
	size_t count;
};

/* ---- hours ---- */

/* Buckets that the log says there must be. With a log that begins late the first hour is not whole. */
static size_t wanted_buckets(const struct audit_log *log, struct replay_bucket wanted[REPLAY_BUCKETS_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < log->replay.bucket_count; i++)
		if (!log->truncated || log->replay.buckets[i].hour > log->first_hour)
			wanted[count++] = log->replay.buckets[i];
	return count;
}

static struct hours wanted_hours(const struct audit_log *log)
{
	struct replay_bucket wanted[REPLAY_BUCKETS_MAX];
	struct hours hours = { .count = wanted_buckets(log, wanted) };
	for (size_t i = 0; i < hours.count; i++)
		hours.list[i] = wanted[i].hour;
	return hours;
}

static bool same_hours(const struct hours *a, const struct hours *b)
{
	return a->count == b->count && memcmp(a->list, b->list, a->count * sizeof(*a->list)) == 0;
}

static struct hours parse_hours(const char *text)
{
	struct hours hours = { .count = 0 };
	while (*text && hours.count < REPLAY_BUCKETS_MAX) {
		hours.list[hours.count++] = (uint32_t)strtoul(text, NULL, 10);
		text += strcspn(text, ",");
		text += *text == ',';
	}
	return hours;
}

static bool has_hour(const struct hours *hours, uint32_t hour)
{
	bool found = false;
	for (size_t i = 0; i < hours->count; i++)
		found |= hours->list[i] == hour;
	return found;
}

static void check_hours(struct audit *audit, const struct audit_log *log, const char *text, const struct hours *wanted)
{
	char key[AUDIT_KEY_SIZE], field[40];
	struct hours listed = parse_hours(text);
	struct slice name = audit_log_key(audit, log, key);
	for (size_t i = 0; i < wanted->count; i++) {
		snprintf(field, sizeof(field), "hours: %u", wanted->list[i]);
		if (!has_hour(&listed, wanted->list[i]))
			findings_differ(&audit->findings, name, field, "absent", "present");
	}
	for (size_t i = 0; i < listed.count && !log->truncated; i++) {
		snprintf(field, sizeof(field), "hours: %u", listed.list[i]);
		if (!has_hour(wanted, listed.list[i]))
			findings_differ(&audit->findings, name, field, "present", "absent");
	}
}

static void check_time(struct audit *audit, const struct audit_log *log, const struct log_state *state)
{
	char key[AUDIT_KEY_SIZE];
	if (log->truncated || state->time_ms == log->replay.stream.time_ms)
		return;
	findings_differ_number(&audit->findings, audit_log_key(audit, log, key), "time (T)", state->time_ms,
			       log->replay.stream.time_ms);
}

/* ---- buckets ---- */

static redisReply *read_piece(struct audit *audit, struct slice key, uint64_t begin, uint64_t end)
{
	char from[24], to[24];
	snprintf(from, sizeof(from), "%llu", (unsigned long long)begin);
	snprintf(to, sizeof(to), "%llu", (unsigned long long)end - 1);
	redis_link_send_words(&audit->redis,
			      (const struct slice[]){ SLICE("GETRANGE"), key, slice_of(from), slice_of(to) }, 4);
	redisReply *reply = redis_link_receive(&audit->redis);
	if (!reply)
		(void)audit_fail(audit, EX_UNAVAILABLE, audit->redis.error);
	return reply;
}

/* Hash of the first size bytes; they never change while the bucket is there. False: gone meanwhile, or Redis failed
 * (audit->error is set). */
static bool hash_bucket(struct audit *audit, struct slice key, uint64_t size, uint64_t *hash)
{
	bool whole = true;
	*hash = 0;
	for (uint64_t at = 0; at < size && whole;) {
		uint64_t end = at + PIECE_SIZE < size ? at + PIECE_SIZE : size;
		redisReply *reply = read_piece(audit, key, at, end);
		whole = reply && (uint64_t)reply->len == end - at;
		if (whole)
			*hash = replay_hash(*hash, reply->str, (size_t)reply->len);
		freeReplyObject(reply);
		at = end;
	}
	return whole;
}

/* False: the bucket went away while it was read, or audit->error is set. */
static bool check_bucket(struct audit *audit, struct slice key, const struct replay_bucket *wanted,
			 const redisReply *length)
{
	uint64_t hash;
	if (length->type != REDIS_REPLY_INTEGER) {
		findings_differ(&audit->findings, key, "type", "another", "string");
		return true;
	}
	if ((uint64_t)length->integer != wanted->count * ID_SIZE) {
		findings_differ_number(&audit->findings, key, "bytes", length->integer,
				       (int64_t)(wanted->count * ID_SIZE));
		return true;
	}
	if (!hash_bucket(audit, key, (uint64_t)length->integer, &hash))
		return false;
	if (hash != wanted->hash)
		findings_differ(&audit->findings, key, "ids", "others", "those of the log, in its order");
	return true;
}

/* ---- one topic ---- */

/* What was read with one W and fits to its hours. False: another hour began meanwhile, or audit->error is set. */
static bool check_buckets(struct audit *audit, struct audit_log *log, const struct slice *keys,
			  const struct snapshot *snapshot)
{
	struct replay_bucket wanted[REPLAY_BUCKETS_MAX];
	size_t count = wanted_buckets(log, wanted);
	for (size_t i = 0; i < count; i++)
		if (!check_bucket(audit, keys[i], &wanted[i], snapshot_reply(snapshot, i)))
			return false;
	audit->counts.buckets += count;
	return true;
}

static bool try_journal(struct audit *audit, struct audit_log *log)
{
	char texts[REPLAY_BUCKETS_MAX][AUDIT_KEY_SIZE];
	struct slice keys[REPLAY_BUCKETS_MAX];
	struct snapshot snapshot;
	struct hours before = wanted_hours(log), after;
	for (size_t i = 0; i < before.count; i++)
		keys[i] = audit_key(audit, texts[i], "seen:%s:%u", audit_topic(audit, log), before.list[i]);
	bool ok = snapshot_read(&snapshot, &audit->redis, audit->shard, "STRLEN", keys, before.count);
	ok = ok ? audit_follow(audit, &snapshot) : audit_fail(audit, EX_UNAVAILABLE, audit->redis.error);
	after = wanted_hours(log);
	ok = ok && same_hours(&before, &after);
	if (ok) {
		check_hours(audit, log, snapshot.logs[log->input].hours, &after);
		check_time(audit, log, &snapshot.logs[log->input]);
		ok = check_buckets(audit, log, keys, &snapshot);
	}
	snapshot_fini(&snapshot);
	return ok;
}

bool audit_check_journal(struct audit *audit, struct audit_log *log)
{
	size_t before = audit->findings.count;
	if (!log->feed || log->beyond)
		return true; /* which buckets were dropped depends on where W really was */
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		findings_rewind(&audit->findings, before);
		if (try_journal(audit, log))
			return true;
		if (audit->error)
			return false;
	}
	findings_rewind(&audit->findings, before);
	findings_note(&audit->findings, true, "shard %d: the journal of %s changed too fast to be read", audit->shard,
		      audit_topic(audit, log));
	return true;
}
