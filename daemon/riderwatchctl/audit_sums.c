/* SPDX-License-Identifier: Apache-2.0 */
/* The sums over a shard, of a day or of all days: one key holds those of every area. */
#include "audit.h"

#include <string.h>

#define UNMATCHED "reviews_unmatched"

/* Does the log hold the whole day, and the hours before it that its decisions on duplicates need? */
static bool is_whole_day(const struct audit *audit, uint32_t day)
{
	bool whole = day != LEDGER_DAY_ALL;
	for (int input = 0; input < INPUT_COUNT; input++) {
		const struct audit_log *log = &audit->logs[input];
		bool knows = log->replay.stream.time_ms != STREAM_TIME_NONE;
		uint32_t first_day = ledger_day_of(log->first_hour + audit->pipeline.dedup_hours);
		whole &= !log->truncated || (knows && day > first_day);
	}
	return whole;
}

/* Counters of these sums that cannot be compared. */
static uint32_t unchecked_of(const struct audit *audit, uint32_t day)
{
	uint32_t unchecked = audit->unchecked;
	if (is_whole_day(audit, day))
		unchecked &= ~LEDGER_PLAIN;
	return audit->rules_differ ? unchecked | LEDGER_BY_RULES : unchecked;
}

static void compare_field(struct audit *audit, struct slice key, uint32_t day, const redisReply *field,
			  const redisReply *value)
{
	struct slice rest, first = audit_split(audit_text(field), &rest);
	int32_t adcode = rest.data ? adcode_of(first) : ADCODE_NONE;
	enum counter counter = audit_counter(rest.data ? rest : first);
	struct ledger_sum *sum = ledger_find_sum(audit->ledger, day, adcode);
	if (counter == COUNTER_COUNT || (rest.data && adcode == ADCODE_NONE)) {
		audit_field_unknown(audit, key, audit_text(field), audit_text(value));
		return;
	}
	if (sum)
		sum->seen |= 1u << counter;
	if (!(unchecked_of(audit, day) >> counter & 1))
		audit_field(audit, key, audit_text(field), audit_text(value), sum ? sum->counters[counter] : 0);
}

static void compare_area_left(struct audit *audit, struct slice key, const struct ledger_sum *sum, uint32_t unchecked)
{
	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++) {
		char field[64] = "";
		if ((sum->seen | unchecked) >> counter & 1)
			continue;
		if (sum->adcode != ADCODE_NONE)
			snprintf(field, sizeof(field), "%06d:", sum->adcode);
		strcat(field, counter_field(counter));
		audit_field_absent(audit, key, field, sum->counters[counter]);
	}
}

/* What Redis did not show. */
static void compare_left(struct audit *audit, struct slice key, uint32_t day)
{
	uint32_t unchecked = unchecked_of(audit, day);
	const struct ledger_sum *sum;
	for (size_t i = 0; (sum = ledger_sum_at(audit->ledger, i)); i++)
		if (sum->day == day)
			compare_area_left(audit, key, sum, unchecked);
}

/* Reviews that met no report are told of all days only, and no rule set has a say in them. */
static void compare_unmatched(struct audit *audit, struct slice key, const redisReply *value, int64_t must)
{
	if (audit->logs[INPUT_REPORTS].truncated || audit->crossed)
		return;
	if (value)
		audit_field(audit, key, SLICE(UNMATCHED), audit_text(value), must);
	else
		audit_field_absent(audit, key, UNMATCHED, must);
}

static void compare_fields(struct audit *audit, struct slice key, uint32_t day, const redisReply *hash)
{
	const struct ledger_sum *sum = ledger_find_sum(audit->ledger, day, ADCODE_NONE);
	const redisReply *unmatched = NULL;
	for (size_t i = 0; i + 1 < hash->elements; i += 2) {
		const redisReply *field = hash->element[i], *value = hash->element[i + 1];
		if (day == LEDGER_DAY_ALL && slice_equal(audit_text(field), SLICE(UNMATCHED)))
			unmatched = value;
		else
			compare_field(audit, key, day, field, value);
	}
	if (day == LEDGER_DAY_ALL)
		compare_unmatched(audit, key, unmatched, sum ? sum->unmatched : 0);
	compare_left(audit, key, day);
}

void audit_compare_sums(struct audit *audit, struct slice key, uint32_t day, const redisReply *hash)
{
	struct ledger_sum *sum = ledger_find_sum(audit->ledger, day, ADCODE_NONE);
	if (sum && sum->met)
		return;
	if (sum)
		sum->met = true;
	if (!sum && unchecked_of(audit, day) == 0 && hash->elements) {
		audit_key_present(audit, key);
	} else if (hash->elements) {
		audit->counts.sums++;
		compare_fields(audit, key, day, hash);
	} else if (day != LEDGER_DAY_ALL && sum && audit_may_have_expired(audit, sum->kept_until_s)) {
		audit->counts.expired++;
	} else if (sum) {
		compare_fields(audit, key, day, hash);
	}
}
