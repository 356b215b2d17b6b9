/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys of one shard must hold, worked out from the log alone. What an event does is the daemon's own decision
 * (effects); what the Redis function makes of it (caps, contributions of reviews, sums, time to live) is written here a
 * second time and shares nothing with the Lua text, so that a mistake in one of them shows when both are compared. */
#pragma once
#include <stddef.h>
#include "effects.h"

struct ledger;

#define LEDGER_DAY_ALL 0 /* the sums over all days */

/* Sets of counters, bit by bit. Of both topics: score. */
#define LEDGER_ALL_COUNTERS ((1u << COUNTER_COUNT) - 1)
#define LEDGER_FROM_DELIVERIES (1u << COUNTER_DELIVERIES | 1u << COUNTER_DELIVERIES_CHARITY | 1u << COUNTER_SCORE)
#define LEDGER_FROM_REPORTS (LEDGER_ALL_COUNTERS & ~(1u << COUNTER_DELIVERIES | 1u << COUNTER_DELIVERIES_CHARITY))
#define LEDGER_BY_CATEGORY                                                                                             \
	(1u << COUNTER_REPORTS_FIRE | 1u << COUNTER_REPORTS_FOOD | 1u << COUNTER_REPORTS_EMERGENCY |                   \
	 1u << COUNTER_REPORTS_OTHER)
/* What another rule set would have counted differently. */
#define LEDGER_BY_RULES (LEDGER_BY_CATEGORY | 1u << COUNTER_POINTS | 1u << COUNTER_POINTS_PENDING | 1u << COUNTER_SCORE)
/* What each event says by itself, whatever came before it. */
#define LEDGER_PLAIN                                                                                                   \
	(LEDGER_BY_CATEGORY | 1u << COUNTER_REPORTS | 1u << COUNTER_DELIVERIES | 1u << COUNTER_DELIVERIES_CHARITY)

enum ledger_state {
	LEDGER_PENDING,
	LEDGER_UPHELD,
	LEDGER_REJECTED,
	LEDGER_DUPLICATE,
	LEDGER_FRAUD,
	LEDGER_STATE_COUNT
};

/* met and seen are the reader's: marks of what was compared. kept_until_s: before that second of the clock no time to
 * live has taken the key away. */
struct ledger_rider {
	struct slice key; /* rider_key() */
	uint32_t number;
	int64_t last_ms; /* -1: never heard of with a known stream time */
	int64_t counters[COUNTER_COUNT];
	bool met;
};
struct ledger_report {
	uint64_t key; /* identity_report() */
	const struct ledger_rider *rider;
	int64_t points, score, scored; /* granted; when upheld; by its state */
	int64_t kept_until_s;
	int32_t adcode;
	uint32_t until_hour; /* can be reviewed until then */
	enum category category;
	enum ledger_state state;
	bool met;
};
struct ledger_day {
	const struct ledger_rider *rider;
	uint32_t day; /* 20261125 */
	int64_t paid, points;
	int64_t kept_until_s;
	bool met;
};
struct ledger_sum {
	uint32_t day; /* or LEDGER_DAY_ALL */
	int32_t adcode;
	int64_t counters[COUNTER_COUNT];
	int64_t unmatched; /* reviews without a report; LEDGER_DAY_ALL, ADCODE_NONE only */
	int64_t kept_until_s;
	uint32_t seen; /* bit set over counters */
	bool met;
};

/* only_rider: others are passed over, and the sums mean nothing; absent: everybody counts. Borrowed. */
struct ledger *ledger_new(const struct points_limits *limits, struct slice only_rider);
void ledger_free(struct ledger **ledger);

/* Adds what events of one hour of stream time do. Effects of one topic come in the order of its log. */
void ledger_apply(struct ledger *ledger, const struct effects *effects, int64_t stream_time_ms);

/* ---- what there is ---- */

/* NULL: no event ever wrote that key. */
struct ledger_rider *ledger_find_rider(const struct ledger *ledger, struct slice rider_key);
struct ledger_report *ledger_find_report(const struct ledger *ledger, uint64_t report_key);
struct ledger_day *ledger_find_day(const struct ledger *ledger, const struct ledger_rider *rider, uint32_t day);
struct ledger_sum *ledger_find_sum(const struct ledger *ledger, uint32_t day, int32_t adcode);
/* By number from 0; NULL behind the last. */
struct ledger_rider *ledger_rider_at(const struct ledger *ledger, size_t number);
struct ledger_report *ledger_report_at(const struct ledger *ledger, size_t number);
struct ledger_day *ledger_day_at(const struct ledger *ledger, size_t number);
struct ledger_sum *ledger_sum_at(const struct ledger *ledger, size_t number);
/* Clears every met and seen. */
void ledger_forget_marks(struct ledger *ledger);

const char *ledger_state_name(enum ledger_state state);
/* Day in UTC+8 of an hour since 1970, as 20261125. */
uint32_t ledger_day_of(uint32_t hour);
