/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

static const char *const refusals[REFUSAL_COUNT] = {
	[REFUSAL_NONE] = "none",
	[REFUSAL_STORE_EMPTY] =
		"Redis holds no state of this partition, but its offsets say that events were processed",
	[REFUSAL_STORE_FOREIGN] = "Redis holds the state of another store than the offsets belong to",
	[REFUSAL_LOG_TRUNCATED] = "Kafka has deleted events that Redis has not counted yet",
	[REFUSAL_LOG_SHORTER] = "the topic ends before what was already processed: another or a re-created topic",
	[REFUSAL_OFFSETS_MISSING] = "the committed offsets of group and shadow group are gone or were replaced",
	[REFUSAL_OFFSETS_WENT_BACK] = "the committed offsets stand below what is known to be committed",
	[REFUSAL_HIJACKED] = "the producer is fenced again and again: another process uses this instance name",
};

static const char *const notices[NOTICE_COUNT] = {
	[NOTICE_OFFSET_BEHIND] = "committed offset was behind what is done, moved forward",
	[NOTICE_OFFSET_AHEAD] =
		"committed offset was moved forward by hand: events are counted, their alerts are skipped",
	[NOTICE_OFFSETS_STALE] = "Kafka answers with offsets below what is known to be committed, they are read again",
	[NOTICE_SHADOW_MISSING] = "offset of the shadow group was missing, committed again",
	[NOTICE_RULESET_CHANGED] = "events are counted with another rule set than their alerts were published with",
	[NOTICE_STORE_WENT_BACK] = "Redis lost its latest writes: events are counted again",
	[NOTICE_STORE_HEALED] = "Redis lost its latest writes, they were sent again",
	[NOTICE_BEHIND] = "Redis cannot follow: alerts go on, counters will be caught up from the log",
	[NOTICE_CAUGHT_UP] = "counters are caught up",
	[NOTICE_STORE_CREATED] = "state created in Redis",
	[NOTICE_STARTED_ALONE] = "Redis does not answer: started from Kafka's log alone, alerts go on",
	[NOTICE_NOT_ALONE] = "Redis does not answer, and Kafka's log alone does not do: alerts of this partition wait",
};

static const char *const obstacles[OBSTACLE_COUNT] = {
	[OBSTACLE_NONE] = "none",
	[OBSTACLE_NO_OFFSET] = "no committed offset of ours: first start, or moved by hand",
	[OBSTACLE_NO_ANCHOR] = "the committed offset does not say yet from where to read",
	[OBSTACLE_OTHER_STORE] = "group and shadow group name different stores",
	[OBSTACLE_LOG] = "the log does not hold what would have to be read",
	[OBSTACLE_TIME] = "the log is not the one that the committed offset was made from",
};

static const char *const causes[LOAD_CAUSE_COUNT] = {
	[LOAD_ASSIGNED] = "assigned",
	[LOAD_REFUSED] = "refused",
	[LOAD_WENT_BACK] = "went_back",
	[LOAD_UNKNOWN_OUTCOME] = "unknown_outcome",
	[LOAD_DROPPED] = "dropped",
	[LOAD_OUT_OF_RANGE] = "out_of_range",
	[LOAD_LOG] = "log",
};

const char *refusal_text(enum refusal refusal)
{
	MUST((unsigned)refusal < REFUSAL_COUNT);
	return refusals[refusal];
}

const char *notice_text(enum notice notice)
{
	MUST((unsigned)notice < NOTICE_COUNT);
	return notices[notice];
}

const char *load_cause_text(enum load_cause cause)
{
	MUST((unsigned)cause < LOAD_CAUSE_COUNT);
	return causes[cause];
}

const char *obstacle_text(enum obstacle obstacle)
{
	MUST((unsigned)obstacle < OBSTACLE_COUNT);
	return obstacles[obstacle];
}
