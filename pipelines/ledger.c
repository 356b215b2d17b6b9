/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger.h"
#include "alloc.h"
#include "date.h"
#include "effects_sums.h"
#include "ledger_table.h"
#include "must.h"
#include "pipeline.h"
#include "stream.h"

#include <stdlib.h>

#define DAY_HOURS 24
#define HOUR_S 3600
#define REPORT_HOURS (120 * DAY_HOURS)
#define DAY_KEY_HOURS (40 * DAY_HOURS)
#define GRACE_HOURS (7 * DAY_HOURS)

struct ledger {
	struct points_limits limits;
	struct slice only_rider;
	struct ledger_table riders, reports, days, sums;
	struct arena texts;
	uint32_t hour, day; /* of the effects at hand */
};

struct ledger *ledger_new(const struct points_limits *limits, struct slice only_rider)
{
	struct ledger *ledger = alloc_zeroed(1, sizeof *ledger);
	ledger->limits = *limits;
	ledger->only_rider = only_rider;
	ledger_table_init(&ledger->riders, sizeof(struct ledger_rider));
	ledger_table_init(&ledger->reports, sizeof(struct ledger_report));
	ledger_table_init(&ledger->days, sizeof(struct ledger_day));
	ledger_table_init(&ledger->sums, sizeof(struct ledger_sum));
	arena_init(&ledger->texts);
	return ledger;
}

void ledger_free(struct ledger **ledger)
{
	if (!*ledger)
		return;
	ledger_table_fini(&(*ledger)->riders);
	ledger_table_fini(&(*ledger)->reports);
	ledger_table_fini(&(*ledger)->days);
	ledger_table_fini(&(*ledger)->sums);
	arena_fini(&(*ledger)->texts);
	free(*ledger);
	*ledger = NULL;
}

/* ---- time ---- */

uint32_t ledger_day_of(uint32_t hour)
{
	return china_day(hour);
}

static void begin_hour(struct ledger *ledger, int64_t stream_time_ms)
{
	ledger->hour = stream_time_ms < 0 ? 0 : (uint32_t)(stream_time_ms / HOUR_MS);
	ledger->day = china_day(ledger->hour);
}

static int64_t kept_until_s(uint32_t until_hour)
{
	return (int64_t)(until_hour + GRACE_HOURS) * HOUR_S;
}

/* Of what belongs to the day at hand. */
static int64_t day_kept_until_s(const struct ledger *ledger)
{
	uint32_t day_end = ((ledger->hour + CHINA_HOURS) / DAY_HOURS + 1) * DAY_HOURS - CHINA_HOURS;
	return kept_until_s(day_end + DAY_KEY_HOURS);
}

/* ---- riders ---- */

static uint64_t hash_of(struct slice text)
{
	static const uint8_t key[STREAM_KEY_SIZE] = "riderwatch/ledge";
	return identity_event(key, text, SLICE(""));
}

/* Two keys with the same hash: the later one stands at the next free number. */
static struct ledger_rider *find_by_key(const struct ledger *ledger, struct slice key, uint64_t *hash)
{
	for (*hash = hash_of(key);; ++*hash) {
		struct ledger_rider *rider = ledger_table_find(&ledger->riders, *hash);
		if (!rider || slice_equal(rider->key, key))
			return rider;
	}
}

struct ledger_rider *ledger_find_rider(const struct ledger *ledger, struct slice key)
{
	uint64_t hash;
	return find_by_key(ledger, key, &hash);
}

static struct ledger_rider *rider_of(struct ledger *ledger, struct slice key)
{
	uint64_t hash;
	bool is_new;
	struct ledger_rider *rider = find_by_key(ledger, key, &hash);
	if (rider)
		return rider;
	rider = ledger_table_get(&ledger->riders, hash, &is_new);
	MUST(is_new);
	rider->key = arena_copy(&ledger->texts, key);
	rider->last_ms = -1;
	rider->number = (uint32_t)ledger->riders.count - 1;
	return rider;
}

/* ---- sums ---- */

static uint64_t sum_key(uint32_t day, int32_t adcode)
{
	return (uint64_t)day << 32 | (uint32_t)adcode;
}

static struct ledger_sum *sum_of(struct ledger *ledger, uint32_t day, int32_t adcode)
{
	bool is_new;
	struct ledger_sum *sum = ledger_table_get(&ledger->sums, sum_key(day, adcode), &is_new);
	if (is_new) {
		sum->day = day;
		sum->adcode = adcode;
		sum->kept_until_s = day_kept_until_s(ledger);
	}
	return sum;
}

/* One rider's counter, and the sums of it. */
static void count(struct ledger *ledger, struct ledger_rider *rider, int32_t adcode, enum counter counter, int64_t by)
{
	rider->counters[counter] += by;
	sum_of(ledger, LEDGER_DAY_ALL, ADCODE_NONE)->counters[counter] += by;
	sum_of(ledger, ledger->day, ADCODE_NONE)->counters[counter] += by;
	if (adcode == ADCODE_NONE)
		return;
	sum_of(ledger, LEDGER_DAY_ALL, adcode)->counters[counter] += by;
	sum_of(ledger, ledger->day, adcode)->counters[counter] += by;
}

/* ---- reports ---- */

static uint64_t day_key(const struct ledger_rider *rider, uint32_t day)
{
	return (uint64_t)rider->number << 32 | day;
}

static struct ledger_day *day_of(struct ledger *ledger, const struct ledger_rider *rider)
{
	bool is_new;
	uint64_t key = day_key(rider, ledger->day);
	struct ledger_day *day = ledger_table_get(&ledger->days, key, &is_new);
	if (is_new) {
		day->rider = rider;
		day->day = ledger->day;
		day->kept_until_s = day_kept_until_s(ledger);
	}
	return day;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* A paid report needs points at stake, a place among the day's paid ones, and some of the day's points left. */
static int64_t grant(struct ledger *ledger, const struct ledger_rider *rider, int64_t stake)
{
	const struct points_limits *limits = &ledger->limits;
	const struct ledger_day *before = ledger_find_day(ledger, rider, ledger->day);
	int64_t paid = before ? before->paid : 0, granted = before ? before->points : 0;
	if (stake <= 0 || paid >= limits->paid_reports_per_day)
		return 0;
	int64_t points = least(least(stake, limits->points_per_report_max), limits->points_per_day - granted);
	if (points <= 0)
		return 0;
	struct ledger_day *day = day_of(ledger, rider);
	day->paid++;
	day->points += points;
	return points;
}

static void apply_report(struct ledger *ledger, const struct effect *effect)
{
	bool is_new;
	const struct points *points = &effect->points;
	struct ledger_rider *rider = rider_of(ledger, effect->rider->key);
	struct ledger_report *report = ledger_table_get(&ledger->reports, effect->report_key, &is_new);
	if (!is_new && report->until_hour >= ledger->hour)
		return; /* still known: its state stays, and it is paid once */
	*report = (struct ledger_report){
		.key = effect->report_key, .rider = rider, .category = effect->category, .score = points->score
	};
	report->adcode = effect->adcode;
	report->until_hour = ledger->hour + REPORT_HOURS;
	report->kept_until_s = kept_until_s(report->until_hour);
	report->points = grant(ledger, rider, points->points);
	if (report->points)
		count(ledger, rider, report->adcode, COUNTER_POINTS_PENDING, report->points);
}

/* What a report in some state adds to its rider, in this order: points, score, one decision more. */
struct contribution {
	int64_t pending, points, score;
	enum counter decision; /* COUNTER_COUNT: none yet */
};

static struct contribution contribution_of(const struct ledger *ledger, const struct ledger_report *report,
					   enum ledger_state state)
{
	switch (state) {
	case LEDGER_PENDING:
		return (struct contribution){ report->points, 0, 0, COUNTER_COUNT };
	case LEDGER_UPHELD:
		return (struct contribution){ 0, report->points, report->score, COUNTER_UPHELD };
	case LEDGER_REJECTED:
		return (struct contribution){ 0, 0, 0, COUNTER_REJECTED };
	case LEDGER_DUPLICATE:
		return (struct contribution){ 0, 0, 0, COUNTER_DUPLICATES };
	case LEDGER_FRAUD:
		return (struct contribution){ 0, 0, ledger->limits.fraud_score, COUNTER_FRAUDS };
	case LEDGER_STATE_COUNT:
		break;
	}
	MUST(false);
	return (struct contribution){ 0 };
}

static void add_contribution(struct ledger *ledger, struct ledger_rider *rider, int32_t adcode,
			     const struct contribution *what, int sign)
{
	const struct {
		enum counter counter;
		int64_t by;
	} rows[] = { { COUNTER_POINTS_PENDING, what->pending },
		     { COUNTER_POINTS, what->points },
		     { COUNTER_SCORE, what->score },
		     { what->decision, 1 } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].counter != COUNTER_COUNT && rows[i].by)
			count(ledger, rider, adcode, rows[i].counter, sign * rows[i].by);
	}
}

static void apply_review(struct ledger *ledger, const struct effect *effect)
{
	static const enum ledger_state states[] = { [DECISION_UPHELD] = LEDGER_UPHELD,
						    [DECISION_REJECTED] = LEDGER_REJECTED,
						    [DECISION_DUPLICATE] = LEDGER_DUPLICATE,
						    [DECISION_FRAUD] = LEDGER_FRAUD };
	struct ledger_rider *rider = rider_of(ledger, effect->rider->key);
	struct ledger_report *report = ledger_find_report(ledger, effect->report_key);
	enum ledger_state state = states[effect->decision];
	if (!report || report->rider != rider || report->until_hour < ledger->hour) {
		sum_of(ledger, LEDGER_DAY_ALL, ADCODE_NONE)->unmatched++;
		return;
	}
	if (report->state == state)
		return;
	struct contribution old = contribution_of(ledger, report, report->state);
	old.score = report->scored; /* what it really added, should limits have changed since */
	struct contribution new = contribution_of(ledger, report, state);
	add_contribution(ledger, rider, report->adcode, &old, -1);
	add_contribution(ledger, rider, report->adcode, &new, 1);
	report->state = state;
	report->scored = new.score;
}

/* ---- chunks ---- */

static bool is_wanted(const struct ledger *ledger, const struct rider_sum *rider)
{
	return !ledger->only_rider.data || slice_equal(ledger->only_rider, rider->id);
}

static void add_steps(int64_t counters[COUNTER_COUNT], const struct sums *sums)
{
	for (uint32_t rest = sums->used; rest; rest &= rest - 1)
		counters[__builtin_ctz(rest)] += sums->by[__builtin_ctz(rest)];
}

static void apply_riders(struct ledger *ledger, const struct effects *effects)
{
	for (const struct rider_sum *sum = effects->riders; sum; sum = sum->next) {
		if (!is_wanted(ledger, sum))
			continue;
		struct ledger_rider *rider = rider_of(ledger, sum->key);
		if (sum->heard_ms > rider->last_ms)
			rider->last_ms = sum->heard_ms;
		add_steps(rider->counters, &sum->sums);
	}
}

static void apply_sums(struct ledger *ledger, int32_t adcode, const struct sums *sums)
{
	add_steps(sum_of(ledger, LEDGER_DAY_ALL, adcode)->counters, sums);
	add_steps(sum_of(ledger, ledger->day, adcode)->counters, sums);
}

void ledger_apply(struct ledger *ledger, const struct effects *effects, int64_t stream_time_ms)
{
	begin_hour(ledger, stream_time_ms);
	apply_riders(ledger, effects);
	for (const struct effect *effect = effects->list; effect; effect = effect->next) {
		if (is_wanted(ledger, effect->rider))
			effect->kind == EFFECT_REPORT ? apply_report(ledger, effect) : apply_review(ledger, effect);
	}
	if (ledger->only_rider.data)
		return;
	apply_sums(ledger, ADCODE_NONE, &effects->totals);
	for (const struct area_sum *area = effects->areas; area; area = area->next)
		apply_sums(ledger, area->adcode, &area->sums);
}

/* ---- reading ---- */

struct ledger_report *ledger_find_report(const struct ledger *ledger, uint64_t report_key)
{
	return ledger_table_find(&ledger->reports, report_key);
}

struct ledger_day *ledger_find_day(const struct ledger *ledger, const struct ledger_rider *rider, uint32_t day)
{
	return ledger_table_find(&ledger->days, day_key(rider, day));
}

struct ledger_sum *ledger_find_sum(const struct ledger *ledger, uint32_t day, int32_t adcode)
{
	return ledger_table_find(&ledger->sums, sum_key(day, adcode));
}

static void *item_at(const struct ledger_table *table, size_t number)
{
	return number < table->count ? ledger_table_at(table, number) : NULL;
}

struct ledger_rider *ledger_rider_at(const struct ledger *ledger, size_t number)
{
	return item_at(&ledger->riders, number);
}

struct ledger_report *ledger_report_at(const struct ledger *ledger, size_t number)
{
	return item_at(&ledger->reports, number);
}

struct ledger_day *ledger_day_at(const struct ledger *ledger, size_t number)
{
	return item_at(&ledger->days, number);
}

struct ledger_sum *ledger_sum_at(const struct ledger *ledger, size_t number)
{
	return item_at(&ledger->sums, number);
}

void ledger_forget_marks(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->riders.count; i++)
		ledger_rider_at(ledger, i)->met = false;
	for (size_t i = 0; i < ledger->reports.count; i++)
		ledger_report_at(ledger, i)->met = false;
	for (size_t i = 0; i < ledger->days.count; i++)
		ledger_day_at(ledger, i)->met = false;
	for (size_t i = 0; i < ledger->sums.count; i++) {
		ledger_sum_at(ledger, i)->met = false;
		ledger_sum_at(ledger, i)->seen = 0;
	}
}

const char *ledger_state_name(enum ledger_state state)
{
	static const enum decision decisions[LEDGER_STATE_COUNT] = { [LEDGER_UPHELD] = DECISION_UPHELD,
								     [LEDGER_REJECTED] = DECISION_REJECTED,
								     [LEDGER_DUPLICATE] = DECISION_DUPLICATE,
								     [LEDGER_FRAUD] = DECISION_FRAUD };
	MUST((unsigned)state < LEDGER_STATE_COUNT);
	return state == LEDGER_PENDING ? "pending" : decision_name(decisions[state]);
}
