/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the audit_*.c files: audit.c (command and output), audit_shard.c (one shard from the first record to the
 * last difference), audit_books.c (offsets and stores), audit_journal.c (dedup journal), audit_keys.c (which keys are
 * compared), audit_name.c (what a key is), audit_compare.c and audit_sums.c (one key).
 *
 * How it stays right while the daemon works: a function call of the daemon moves W and the counters at once, so
 * whatever is read together with W in one MULTI is exact for that W. The audit folds the log up to the W it saw first;
 * each later read brings values and their W, and the fold goes on to exactly that W before they are compared. Nothing
 * is tried again, nothing is waited for. */
#pragma once
#include "findings.h"
#include "kafka_link.h"
#include "ledger.h"
#include "log_feed.h"
#include "progress.h"
#include "redis_link.h"
#include "replay.h"
#include "snapshot.h"

#define AUDIT_KEY_SIZE 640

struct audit_counts {
	uint64_t riders, reports, days, sums, buckets; /* compared */
	uint64_t expired;                              /* reports, days and daily sums whose time to live was over */
	uint64_t skipped;                              /* keys that could not be judged: the log begins too late */
	uint64_t records, events, duplicates, refused;
};

/* One topic of the shard being audited. */
struct audit_log {
	enum input input;
	struct log_state state; /* as first read */
	struct log_bounds bounds;
	struct group_offset group, shadow;
	int64_t published; /* C: the larger of both, -1: none */
	int64_t position;  /* everything below it is in the ledger */
	int64_t applied;   /* W to compare with: as last read */
	bool truncated;    /* the log begins behind the first event that was counted */
	bool beyond;       /* W was found beyond C and reported */
	bool look_further; /* second look: compare with what C says, not with W */
	uint32_t first_hour;
	struct replay replay;
	struct log_feed *feed; /* NULL: nothing to read */
};

struct audit {
	const struct config *config;
	struct redis_link redis;
	struct kafka_link kafka;
	struct ruleset *ruleset;
	struct points_limits limits;
	struct pipeline_settings pipeline;
	struct replay_settings replay;
	struct progress progress;
	struct findings findings;
	struct audit_counts counts;
	int64_t now_s;      /* the clock, for what may have expired */
	const char *error;  /* why the audit ended early */
	int status;         /* exit code of that */
	bool without_rules; /* told to leave out what a rule set decides */

	/* the shard at hand */
	int32_t shard;
	struct slice rider; /* absent: all riders */
	struct ledger *ledger;
	struct audit_log logs[INPUT_COUNT];
	uint32_t unchecked; /* bit set of counters that cannot be compared */
	bool last_ms_unchecked, reports_unchecked;
	bool rules_differ; /* decided with other rules than those at hand */
	bool foreign;      /* nothing can be compared: not the store that the group counted into, or unknown topics */
	bool crossed;      /* reports or reviews came on the deliveries topic */
};

/* Ends the audit: false, for the caller to return. */
bool audit_fail(struct audit *audit, int status, const char *error);
/* "rw:{p}:" and what the format says. */
struct slice audit_key(const struct audit *audit, char text[AUDIT_KEY_SIZE], const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* audit_shard.c: everything about one shard. */
MUST_CHECK bool audit_shard(struct audit *audit, int32_t shard);
/* Reads on until the ledger stands where the snapshot does. */
MUST_CHECK bool audit_follow(struct audit *audit, const struct snapshot *snapshot);

/* audit_books.c */
const char *audit_topic(const struct audit *audit, const struct audit_log *log);
struct slice audit_log_key(const struct audit *audit, const struct audit_log *log, char text[AUDIT_KEY_SIZE]);
MUST_CHECK bool audit_read_books(struct audit *audit);
void audit_check_books(struct audit *audit);
/* audit_journal.c: also compares stream time. */
MUST_CHECK bool audit_check_journal(struct audit *audit, struct audit_log *log);

/* audit_keys.c: compares every key of the shard (or of the rider). */
MUST_CHECK bool audit_keys(struct audit *audit);

/* audit_name.c */
enum audit_kind { AUDIT_RIDER, AUDIT_DAY, AUDIT_REPORT, AUDIT_SUMS, AUDIT_OTHER, AUDIT_UNKNOWN };
struct audit_name {
	enum audit_kind kind;
	struct slice rider; /* RIDER, DAY: as rider_key() writes it */
	uint32_t day;       /* DAY, SUMS: 20261125 or LEDGER_DAY_ALL */
	uint64_t report;    /* REPORT */
};
struct audit_name audit_name(const struct audit *audit, struct slice key);
/* Splits at the first colon; *rest is absent when there is none. */
struct slice audit_split(struct slice text, struct slice *rest);
/* Counter of that name, COUNTER_COUNT for none. */
enum counter audit_counter(struct slice field);

/* audit_compare.c: compares one key, found or not found (no elements); marks what of the ledger was met. */
void audit_compare(struct audit *audit, struct slice key, const redisReply *hash);
/* audit_sums.c: the same for a key of sums. */
void audit_compare_sums(struct audit *audit, struct slice key, uint32_t day, const redisReply *hash);

/* Findings about one field; what is not a number in its shortest form differs from every number. */
void audit_field(struct audit *audit, struct slice key, struct slice field, struct slice is, int64_t must);
void audit_field_absent(struct audit *audit, struct slice key, const char *field, int64_t must);
void audit_field_unknown(struct audit *audit, struct slice key, struct slice field, struct slice is);
void audit_key_absent(struct audit *audit, struct slice key);
void audit_key_present(struct audit *audit, struct slice key);
/* Can a time to live have taken away what is kept until then? */
bool audit_may_have_expired(const struct audit *audit, int64_t kept_until_s);
struct slice audit_text(const redisReply *reply);
