/* SPDX-License-Identifier: Apache-2.0 */
/* What a key below rw:{p}: stands for. */
#include "audit.h"

#include <string.h>

#define HASH_DIGITS 16
#define DAY_DIGITS 8

/* Exactly so many digits of that base. */
static bool parse_digits(struct slice text, size_t size, unsigned base, uint64_t *number)
{
	static const char digits[] = "0123456789abcdef";
	*number = 0;
	if (text.size != size)
		return false;
	for (size_t i = 0; i < size; i++) {
		const char *digit = memchr(digits, text.data[i], base);
		if (!digit)
			return false;
		*number = *number * base + (uint64_t)(digit - digits);
	}
	return true;
}

struct slice audit_split(struct slice text, struct slice *rest)
{
	const char *colon = memchr(text.data, ':', text.size);
	*rest = (struct slice){ 0 };
	if (!colon)
		return text;
	size_t size = (size_t)(colon - text.data);
	*rest = (struct slice){ colon + 1, text.size - size - 1 };
	return (struct slice){ text.data, size };
}

/* What follows "rw:{p}:". */
static struct slice behind_shard(const struct audit *audit, struct slice key)
{
	char prefix[32];
	size_t size = (size_t)snprintf(prefix, sizeof(prefix), "rw:{%d}:", audit->shard);
	MUST(key.size >= size);
	return (struct slice){ key.data + size, key.size - size };
}

/* Reads a day where there is one; absent is LEDGER_DAY_ALL. */
static bool parse_day(struct slice text, uint32_t *day)
{
	uint64_t number = LEDGER_DAY_ALL;
	bool ok = !text.data || (parse_digits(text, DAY_DIGITS, 10, &number) && number != LEDGER_DAY_ALL);
	*day = (uint32_t)number;
	return ok;
}

static enum audit_kind parse_rider(struct slice rest, struct audit_name *name)
{
	struct slice day;
	name->rider = audit_split(rest, &day);
	if (!parse_day(day, &name->day))
		return AUDIT_UNKNOWN;
	return day.data ? AUDIT_DAY : AUDIT_RIDER;
}

struct audit_name audit_name(const struct audit *audit, struct slice key)
{
	struct slice rest, first = audit_split(behind_shard(audit, key), &rest);
	struct audit_name name = { .kind = AUDIT_UNKNOWN };
	if (slice_equal(first, SLICE("rider")) && rest.data)
		name.kind = parse_rider(rest, &name);
	else if (slice_equal(first, SLICE("report")) && rest.data)
		name.kind = parse_digits(rest, HASH_DIGITS, 16, &name.report) ? AUDIT_REPORT : AUDIT_UNKNOWN;
	else if (slice_equal(first, SLICE("totals")))
		name.kind = parse_day(rest, &name.day) ? AUDIT_SUMS : AUDIT_UNKNOWN;
	else if (slice_equal(first, SLICE("log")) || slice_equal(first, SLICE("seen")) ||
		 (slice_equal(first, SLICE("feeds")) && !rest.data) ||
		 (slice_equal(first, SLICE("unranked")) && !rest.data))
		name.kind = AUDIT_OTHER;
	return name;
}

enum counter audit_counter(struct slice field)
{
	enum counter counter = 0;
	while (counter < COUNTER_COUNT && !slice_equal(slice_of(counter_field(counter)), field))
		counter++;
	return counter;
}
