/* SPDX-License-Identifier: Apache-2.0 */
/* One key of Redis and what the ledger says of it. */
#include "audit.h"

#include <stdlib.h>
#include <string.h>

/* ---- small steps ---- */

bool audit_may_have_expired(const struct audit *audit, int64_t kept_until_s)
{
	return audit->now_s >= kept_until_s;
}

struct slice audit_text(const redisReply *reply)
{
	return (struct slice){ reply->str, (size_t)reply->len };
}

void audit_key_present(struct audit *audit, struct slice key)
{
	findings_differ(&audit->findings, key, "key", "present", "absent");
}

void audit_key_absent(struct audit *audit, struct slice key)
{
	findings_differ(&audit->findings, key, "key", "absent", "present");
}

static void differ(struct audit *audit, struct slice key, struct slice field, struct slice is, const char *must)
{
	char name[128], found[128];
	snprintf(name, sizeof(name), "%.*s", (int)field.size, field.data);
	snprintf(found, sizeof(found), "%.*s", (int)is.size, is.data);
	findings_differ(&audit->findings, key, name, found, must);
}

void audit_field(struct audit *audit, struct slice key, struct slice field, struct slice is, int64_t must)
{
	char wanted[24];
	snprintf(wanted, sizeof(wanted), "%lld", (long long)must);
	if (!slice_equal(is, slice_of(wanted)))
		differ(audit, key, field, is, wanted);
}

/* A field that is not there says 0. */
void audit_field_absent(struct audit *audit, struct slice key, const char *field, int64_t must)
{
	if (must)
		audit_field(audit, key, slice_of(field), SLICE("absent"), must);
}

void audit_field_unknown(struct audit *audit, struct slice key, struct slice field, struct slice is)
{
	differ(audit, key, field, is, "absent");
}

/* ---- rider ---- */

/* The counters that Redis did not show. */
static void compare_rider_left(struct audit *audit, struct slice key, const struct ledger_rider *rider, uint32_t seen)
{
	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++)
		if (!((seen | audit->unchecked) >> counter & 1))
			audit_field_absent(audit, key, counter_field(counter), rider->counters[counter]);
}

static void compare_rider_fields(struct audit *audit, struct slice key, const redisReply *hash,
				 const struct ledger_rider *rider)
{
	uint32_t seen = 0;
	bool heard = audit->last_ms_unchecked || rider->last_ms < 0;
	for (size_t i = 0; i + 1 < hash->elements; i += 2) {
		struct slice field = audit_text(hash->element[i]), value = audit_text(hash->element[i + 1]);
		enum counter counter = audit_counter(field);
		if (slice_equal(field, SLICE("last_ms"))) {
			heard = true;
			if (!audit->last_ms_unchecked)
				audit_field(audit, key, field, value, rider->last_ms);
		} else if (counter == COUNTER_COUNT) {
			audit_field_unknown(audit, key, field, value);
		} else {
			seen |= 1u << counter;
			if (!(audit->unchecked >> counter & 1))
				audit_field(audit, key, field, value, rider->counters[counter]);
		}
	}
	compare_rider_left(audit, key, rider, seen);
	if (!heard)
		audit_field_absent(audit, key, "last_ms", rider->last_ms);
}

/* A rider of whom only a review without a report was heard before any record had a time has no key. */
static bool leaves_traces(const struct ledger_rider *rider)
{
	bool traces = rider->last_ms >= 0;
	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++)
		traces |= rider->counters[counter] != 0;
	return traces;
}

static void compare_rider(struct audit *audit, struct slice key, const struct audit_name *name, const redisReply *hash)
{
	struct ledger_rider *rider = ledger_find_rider(audit->ledger, name->rider);
	bool truncated = audit->logs[INPUT_REPORTS].truncated || audit->logs[INPUT_DELIVERIES].truncated;
	if (rider && rider->met)
		return;
	if (!rider && hash->elements && truncated) {
		audit->counts.skipped++;
	} else if (!rider && hash->elements) {
		audit_key_present(audit, key);
	} else if (rider) {
		rider->met = true;
		audit->counts.riders++;
		if (hash->elements)
			compare_rider_fields(audit, key, hash, rider);
		else if (leaves_traces(rider))
			audit_key_absent(audit, key);
	}
}

/* ---- day ---- */

static void compare_day_fields(struct audit *audit, struct slice key, const redisReply *hash,
			       const struct ledger_day *day)
{
	const struct {
		const char *field;
		int64_t must;
	} rows[] = { { "paid", day->paid }, { "points", day->points } };
	bool seen[] = { false, false };
	for (size_t i = 0; i + 1 < hash->elements; i += 2) {
		struct slice field = audit_text(hash->element[i]), value = audit_text(hash->element[i + 1]);
		size_t row = slice_equal(field, SLICE("paid")) ? 0 : 1;
		if (slice_equal(field, slice_of(rows[row].field))) {
			seen[row] = true;
			audit_field(audit, key, field, value, rows[row].must);
		} else {
			audit_field_unknown(audit, key, field, value);
		}
	}
	for (size_t row = 0; row < 2; row++)
		if (!seen[row])
			audit_field_absent(audit, key, rows[row].field, rows[row].must);
}

static void compare_day(struct audit *audit, struct slice key, const struct audit_name *name, const redisReply *hash)
{
	const struct ledger_rider *rider = ledger_find_rider(audit->ledger, name->rider);
	struct ledger_day *day = rider ? ledger_find_day(audit->ledger, rider, name->day) : NULL;
	if (day && day->met)
		return;
	if (day)
		day->met = true;
	if (audit->reports_unchecked) {
		audit->counts.skipped += hash->elements > 0;
	} else if (!day) {
		if (hash->elements)
			audit_key_present(audit, key);
	} else if (hash->elements) {
		audit->counts.days++;
		compare_day_fields(audit, key, hash, day);
	} else if (audit_may_have_expired(audit, day->kept_until_s)) {
		audit->counts.expired++;
	} else {
		audit_key_absent(audit, key);
	}
}

/* ---- report ---- */

enum { REPORT_FIELDS = 8, REPORT_TEXT_SIZE = 160 };

static const char *const report_fields[REPORT_FIELDS] = { "rider",  "category", "points",       "score",
							  "scored", "state",    "jurisdiction", "until_hour" };

static void report_texts(const struct ledger_report *report, char texts[REPORT_FIELDS][REPORT_TEXT_SIZE])
{
	snprintf(texts[0], REPORT_TEXT_SIZE, "%.*s", (int)report->rider->key.size, report->rider->key.data);
	snprintf(texts[1], REPORT_TEXT_SIZE, "%s", category_name(report->category));
	snprintf(texts[2], REPORT_TEXT_SIZE, "%lld", (long long)report->points);
	snprintf(texts[3], REPORT_TEXT_SIZE, "%lld", (long long)report->score);
	snprintf(texts[4], REPORT_TEXT_SIZE, "%lld", (long long)report->scored);
	snprintf(texts[5], REPORT_TEXT_SIZE, "%s", ledger_state_name(report->state));
	texts[6][0] = '\0';
	if (report->adcode != ADCODE_NONE)
		snprintf(texts[6], REPORT_TEXT_SIZE, "%06d", report->adcode);
	snprintf(texts[7], REPORT_TEXT_SIZE, "%u", report->until_hour);
}

/* REPORT_FIELDS: none of ours. */
static int report_field(struct slice name)
{
	int field = 0;
	while (field < REPORT_FIELDS && !slice_equal(slice_of(report_fields[field]), name))
		field++;
	return field;
}

static void compare_report_fields(struct audit *audit, struct slice key, const redisReply *hash,
				  const struct ledger_report *report)
{
	char texts[REPORT_FIELDS][REPORT_TEXT_SIZE];
	bool seen[REPORT_FIELDS] = { false };
	report_texts(report, texts);
	for (size_t i = 0; i + 1 < hash->elements; i += 2) {
		struct slice name = audit_text(hash->element[i]), value = audit_text(hash->element[i + 1]);
		int field = report_field(name);
		if (field == REPORT_FIELDS) {
			audit_field_unknown(audit, key, name, value);
			continue;
		}
		seen[field] = true;
		if (!slice_equal(value, slice_of(texts[field])))
			differ(audit, key, name, value, texts[field]);
	}
	for (int field = 0; field < REPORT_FIELDS; field++)
		if (!seen[field])
			findings_differ(&audit->findings, key, report_fields[field], "absent", texts[field]);
}

static void compare_report(struct audit *audit, struct slice key, const struct audit_name *name, const redisReply *hash)
{
	struct ledger_report *report = ledger_find_report(audit->ledger, name->report);
	if (report && report->met)
		return;
	if (report)
		report->met = true;
	if (audit->reports_unchecked) {
		audit->counts.skipped += hash->elements > 0;
	} else if (!report) {
		if (hash->elements)
			audit_key_present(audit, key);
	} else if (hash->elements) {
		audit->counts.reports++;
		compare_report_fields(audit, key, hash, report);
	} else if (audit_may_have_expired(audit, report->kept_until_s)) {
		audit->counts.expired++;
	} else {
		audit_key_absent(audit, key);
	}
}

void audit_compare(struct audit *audit, struct slice key, const redisReply *hash)
{
	static void (*const compare[])(struct audit * audit, struct slice key, const struct audit_name *name,
				       const redisReply *hash) = {
		[AUDIT_RIDER] = compare_rider,
		[AUDIT_DAY] = compare_day,
		[AUDIT_REPORT] = compare_report,
	};
	struct audit_name name = audit_name(audit, key);
	MUST(name.kind < AUDIT_OTHER);
	if (hash->type != REDIS_REPLY_ARRAY)
		findings_differ(&audit->findings, key, "type", "another", "hash");
	else if (name.kind == AUDIT_SUMS)
		audit_compare_sums(audit, key, name.day, hash);
	else
		compare[name.kind](audit, key, &name, hash);
}
