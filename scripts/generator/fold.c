/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOUR_MS 3600000LL
#define EARLIEST_MS 1420070400000LL /* 2015-01-01 */
#define LATEST_MS 4102444800000LL   /* 2100-01-01 */
#define DEDUP_HOURS 24
#define REPORT_POINTS_MAX 1000
#define DAY_REPORTS_MAX 20
#define DAY_POINTS_MAX 5000
#define CHARITY_SCORE 2
#define FRAUD_SCORE (-50)
#define ALL JURISDICTION_COUNT

const char *const counter_names[COUNTER_COUNT] = {
	"reports",
	"reports_fire",
	"reports_food",
	"reports_emergency",
	"reports_other",
	"deliveries",
	"deliveries_charity",
	"score",
	"points",
	"points_pending",
	"upheld",
	"rejected",
	"duplicates",
	"frauds",
};

static const enum counter category_counters[CATEGORY_COUNT] = {
	[CATEGORY_EMERGENCY] = COUNTER_REPORTS_EMERGENCY,
	[CATEGORY_FIRE] = COUNTER_REPORTS_FIRE,
	[CATEGORY_FOOD] = COUNTER_REPORTS_FOOD,
	[CATEGORY_OTHER] = COUNTER_REPORTS_OTHER,
};

static const enum counter decision_counters[DECISION_COUNT] = {
	[DECISION_UPHELD] = COUNTER_UPHELD,
	[DECISION_REJECTED] = COUNTER_REJECTED,
	[DECISION_DUPLICATE] = COUNTER_DUPLICATES,
	[DECISION_FRAUD] = COUNTER_FRAUDS,
};

/* Returns the address of a new, zeroed item at the end of a list. */
#define FOLD_APPEND(list)                                                                                              \
	(grow((void **)&(list)->items, &(list)->count, &(list)->capacity, sizeof(*(list)->items)),                     \
	 &(list)->items[(list)->count - 1])

static void grow(void **items, size_t *count, size_t *capacity, size_t size)
{
	if (*count == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 1024;
		*items = realloc(*items, *capacity * size);
		if (!*items)
			abort();
	}
	memset((char *)*items + *count * size, 0, size);
	++*count;
}

static void *make_filled(size_t count, size_t size, int byte)
{
	void *memory = malloc(count * size + 1);

	if (!memory)
		abort();
	memset(memory, byte, count * size);
	return memory;
}

struct fold *fold_new(const struct source *source)
{
	struct fold *fold = calloc(1, sizeof(*fold));

	if (!fold)
		abort();
	fold->source = source;
	fold->partitions = source->settings.partitions;
	fold->shards = calloc(fold->partitions, sizeof(*fold->shards));
	if (!fold->shards)
		abort();
	for (uint32_t p = 0; p < fold->partitions; p++) {
		fold->shards[p].days = calloc(1, sizeof(struct fold_day));
		fold->shards[p].day_count = 1;
	}
	fold->ends = make_filled((size_t)TOPIC_COUNT * fold->partitions, sizeof(*fold->ends), 0xff);
	return fold;
}

void fold_free(struct fold **fold)
{
	struct fold *old = *fold;

	*fold = NULL;
	if (!old)
		return;
	for (uint32_t p = 0; p < old->partitions; p++)
		free(old->shards[p].days);
	free(old->shards);
	free(old->ends);
	free(old->records.items);
	free(old->malformed.items);
	free(old->riders.items);
	free(old->reports.items);
	free(old->alerts.items);
	free(old->dead_letters.items);
	free(old->first_rider);
	free(old->first_report);
	free(old->seen_hour);
	free(old);
}

/* "size:bytes," for each part, "-," for an absent one: a hash over it knows where one part ends. */
static void append_part(struct text *text, bool present, const char *bytes, size_t size)
{
	if (present) {
		text_append_number(text, size);
		text_append_char(text, ':');
		text_append(text, bytes, size);
	} else {
		text_append_char(text, '-');
	}
	text_append_char(text, ',');
}

static void add_malformed(struct fold *fold, const struct event *event, uint32_t record)
{
	struct fold_malformed *malformed = FOLD_APPEND(&fold->malformed);
	struct text parts = { 0 };

	malformed->record = record;
	append_part(&parts, event->has_key, event->key.data, event->key.size);
	for (size_t i = 0; i < event->header_count; i++) {
		const struct header_text *header = &event->headers[i];

		append_part(&parts, true, header->name, strlen(header->name));
		append_part(&parts, true, event->header_values.data + header->from, header->size);
	}
	SHA256((const unsigned char *)event->value.data, event->value.size, malformed->value_sha256);
	SHA256((const unsigned char *)parts.data, parts.size, malformed->envelope_sha256);
	text_free(&parts);
}

size_t fold_add(struct fold *fold, const struct event *event)
{
	size_t index = fold->records.count;
	struct fold_record *record = FOLD_APPEND(&fold->records);

	record->facts = event->facts;
	record->offset = -1;
	if (event->facts.kind == KIND_MALFORMED) {
		record->malformed = (uint32_t)fold->malformed.count;
		add_malformed(fold, event, (uint32_t)index);
	}
	return index;
}

void fold_delivered(struct fold *fold, size_t record, int64_t offset, int64_t timestamp_ms)
{
	fold->records.items[record].offset = offset;
	fold->records.items[record].timestamp_ms = timestamp_ms;
}

static void advance(int64_t *time_ms, int64_t timestamp_ms)
{
	if (timestamp_ms < EARLIEST_MS || timestamp_ms >= LATEST_MS)
		return;
	if (*time_ms < 0)
		*time_ms = timestamp_ms;
	else if (timestamp_ms > *time_ms)
		*time_ms = timestamp_ms < *time_ms + HOUR_MS ? timestamp_ms : *time_ms + HOUR_MS;
}

/* yyyymmdd in China; 19700101 while T is unknown. */
static int32_t day_of(int64_t time_ms)
{
	time_t seconds = (time_t)((time_ms < 0 ? 0 : time_ms) / 1000 + 8 * 3600);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}

static struct fold_rider *find_rider(struct fold *fold, uint32_t number, int32_t partition)
{
	struct fold_rider *rider;
	uint32_t at;

	for (at = fold->first_rider[number]; at != NO_EVENT; at = fold->riders.items[at].next)
		if (fold->riders.items[at].partition == partition)
			return &fold->riders.items[at];
	rider = FOLD_APPEND(&fold->riders);
	rider->rider = number;
	rider->partition = partition;
	rider->next = fold->first_rider[number];
	fold->first_rider[number] = (uint32_t)(fold->riders.count - 1);
	return rider;
}

static struct fold_report *find_report(struct fold *fold, uint32_t number, int32_t partition)
{
	uint32_t at;

	if (number == NO_EVENT)
		return NULL;
	for (at = fold->first_report[number]; at != NO_EVENT; at = fold->reports.items[at].next)
		if (fold->reports.items[at].partition == partition)
			return &fold->reports.items[at];
	return NULL;
}

static struct fold_day *find_day(struct fold_shard *shard, int32_t day)
{
	for (size_t i = shard->day_count; i-- > 1;)
		if (shard->days[i].day == day)
			return &shard->days[i];
	shard->days = realloc(shard->days, (shard->day_count + 1) * sizeof(*shard->days));
	if (!shard->days)
		abort();
	memset(&shard->days[shard->day_count], 0, sizeof(*shard->days));
	shard->days[shard->day_count].day = day;
	return &shard->days[shard->day_count++];
}

/* What one event changes: a rider's counters and the totals, at a time and place. */
struct change {
	struct fold_rider *rider;
	struct fold_shard *shard;
	int32_t day;
	uint8_t jurisdiction;
};

static void count(const struct change *change, enum counter counter, int64_t by)
{
	struct fold_day *days[2] = { &change->shard->days[0], find_day(change->shard, change->day) };

	if (!by)
		return;
	days[0] = &change->shard->days[0]; /* find_day may have moved it */
	change->rider->counters[counter] += by;
	for (int i = 0; i < 2; i++) {
		days[i]->counters[ALL][counter] += by;
		if (change->jurisdiction != JURISDICTION_NONE)
			days[i]->counters[change->jurisdiction][counter] += by;
	}
}

/* Points put at stake within the limits of the rider's day. */
static int64_t grant_points(struct fold_rider *rider, int32_t day, int64_t stake)
{
	int64_t grant = stake < REPORT_POINTS_MAX ? stake : REPORT_POINTS_MAX;

	if (rider->day != day) {
		rider->day = day;
		rider->paid = rider->granted = 0;
	}
	if (rider->paid >= DAY_REPORTS_MAX)
		return 0;
	if (grant > DAY_POINTS_MAX - rider->granted)
		grant = DAY_POINTS_MAX - rider->granted;
	if (grant > 0) {
		rider->paid++;
		rider->granted += grant;
	}
	return grant;
}

static void run_report(struct fold *fold, const struct facts *facts, const struct change *change)
{
	const struct phrase *phrase = &fold->source->phrases.phrases[facts->phrase];
	struct fold_report *report;

	count(change, COUNTER_REPORTS, 1);
	count(change, category_counters[phrase->category], 1);
	if (find_report(fold, facts->report, facts->partition))
		return;
	report = FOLD_APPEND(&fold->reports);
	report->partition = facts->partition;
	report->rider = facts->rider;
	report->phrase = facts->phrase;
	report->jurisdiction = facts->jurisdiction;
	report->state = DECISION_COUNT;
	report->grant = grant_points(change->rider, change->day, phrase->points);
	report->next = fold->first_report[facts->report];
	fold->first_report[facts->report] = (uint32_t)(fold->reports.count - 1);
	count(change, COUNTER_POINTS_PENDING, report->grant);
}

/* Adds or takes back what a report contributes in its state. */
static void contribute(const struct fold *fold, const struct change *change, const struct fold_report *report, int sign)
{
	const struct phrase *phrase = &fold->source->phrases.phrases[report->phrase];

	if (report->state == DECISION_COUNT) {
		count(change, COUNTER_POINTS_PENDING, sign * report->grant);
		return;
	}
	count(change, decision_counters[report->state], sign);
	if (report->state == DECISION_UPHELD) {
		count(change, COUNTER_POINTS, sign * report->grant);
		count(change, COUNTER_SCORE, sign * phrase->score);
	} else if (report->state == DECISION_FRAUD) {
		count(change, COUNTER_SCORE, sign * FRAUD_SCORE);
	}
}

static void run_review(struct fold *fold, const struct facts *facts, struct change *change)
{
	struct fold_report *report = find_report(fold, facts->report, facts->partition);

	if (!report || report->rider != facts->rider) {
		change->shard->reviews_unmatched++;
		return;
	}
	change->jurisdiction = report->jurisdiction;
	contribute(fold, change, report, -1);
	report->state = facts->decision;
	contribute(fold, change, report, 1);
}

static void run_delivery(const struct facts *facts, const struct change *change)
{
	count(change, COUNTER_DELIVERIES, 1);
	if (facts->charity) {
		count(change, COUNTER_DELIVERIES_CHARITY, 1);
		count(change, COUNTER_SCORE, CHARITY_SCORE);
	}
}

static void run_alerts(struct fold *fold, uint32_t record)
{
	const struct phrase *phrase = &fold->source->phrases.phrases[fold->records.items[record].facts.phrase];

	for (uint8_t category = 0; category < CATEGORY_OTHER; category++)
		if (phrase->category == category || phrase->also & 1u << category)
			*FOLD_APPEND(&fold->alerts) = (struct fold_alert){ record, category };
}

/* Seen before within the window? Either way it counts as seen now. */
static bool is_duplicate(struct fold *fold, uint32_t number, int64_t time_ms)
{
	int32_t hour = (int32_t)((time_ms < 0 ? 0 : time_ms) / HOUR_MS), before = fold->seen_hour[number];

	fold->seen_hour[number] = hour;
	return before >= 0 && hour - before <= DEDUP_HOURS;
}

static void run_record(struct fold *fold, uint32_t index, int64_t time_ms)
{
	struct facts facts = fold->records.items[index].facts;
	struct change change;

	if (facts.kind == KIND_MALFORMED) {
		if (facts.dead_letter)
			*FOLD_APPEND(&fold->dead_letters) = index;
		return;
	}
	if (is_duplicate(fold, facts.number, time_ms))
		return;
	change = (struct change){ find_rider(fold, facts.rider, facts.partition), &fold->shards[facts.partition],
				  day_of(time_ms), facts.jurisdiction };
	if (time_ms > change.rider->last_ms)
		change.rider->last_ms = time_ms;
	if (facts.kind == KIND_REPORT) {
		run_report(fold, &facts, &change);
		run_alerts(fold, index);
	} else if (facts.kind == KIND_REVIEW) {
		run_review(fold, &facts, &change);
	} else {
		run_delivery(&facts, &change);
	}
}

static int compare_places(const void *a, const void *b, void *records)
{
	const struct fold_record *x = (struct fold_record *)records + *(const uint32_t *)a;
	const struct fold_record *y = (struct fold_record *)records + *(const uint32_t *)b;

	if (x->facts.topic != y->facts.topic)
		return x->facts.topic < y->facts.topic ? -1 : 1;
	if (x->facts.partition != y->facts.partition)
		return x->facts.partition < y->facts.partition ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

size_t fold_run(struct fold *fold)
{
	size_t known = 0;
	uint32_t *order = make_filled(fold->records.count, sizeof(*order), 0);

	fold->first_rider = make_filled(fold->source->riders.count, sizeof(uint32_t), 0xff);
	fold->first_report = make_filled(fold->source->next_number, sizeof(uint32_t), 0xff);
	fold->seen_hour = make_filled(fold->source->next_number, sizeof(int32_t), 0xff);
	for (size_t i = 0; i < fold->records.count; i++)
		if (fold->records.items[i].offset >= 0)
			order[known++] = (uint32_t)i;
	qsort_r(order, known, sizeof(*order), compare_places, fold->records.items);
	for (size_t i = 0; i < known; i++) {
		const struct fold_record *record = &fold->records.items[order[i]];
		struct fold_end *end =
			&fold->ends[record->facts.topic * fold->partitions + (uint32_t)record->facts.partition];

		fold->not_empty |= end->offset < 0 && record->offset > 0;
		advance(&end->time_ms, record->timestamp_ms);
		end->offset = record->offset + 1;
		run_record(fold, order[i], end->time_ms);
	}
	free(order);
	return fold->records.count - known;
}
