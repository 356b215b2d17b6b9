/* SPDX-License-Identifier: Apache-2.0 */
/* First every key that Redis has (SCAN), then what of the ledger was not among them. For one rider: the keys that the
 * log knows. */
#include "audit.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define BATCH_KEYS 500
#define SCAN_COUNT "2000"

struct batch {
	struct audit *audit;
	char texts[BATCH_KEYS][AUDIT_KEY_SIZE];
	struct slice keys[BATCH_KEYS];
	size_t count;
};

static bool compare_batch(struct batch *batch)
{
	struct audit *audit = batch->audit;
	struct snapshot snapshot;
	if (batch->count == 0)
		return true;
	bool ok = snapshot_read(&snapshot, &audit->redis, audit->shard, "HGETALL", batch->keys, batch->count);
	ok = ok ? audit_follow(audit, &snapshot) : audit_fail(audit, EX_UNAVAILABLE, audit->redis.error);
	for (size_t i = 0; i < batch->count && ok; i++)
		audit_compare(audit, batch->keys[i], snapshot_reply(&snapshot, i));
	snapshot_fini(&snapshot);
	batch->count = 0;
	return ok;
}

static bool add_key(struct batch *batch, struct slice key)
{
	if (key.size >= AUDIT_KEY_SIZE) {
		findings_differ(&batch->audit->findings, (struct slice){ key.data, 100 }, "key", "present", "absent");
		return true;
	}
	memcpy(batch->texts[batch->count], key.data, key.size);
	batch->keys[batch->count] = (struct slice){ batch->texts[batch->count], key.size };
	batch->count++;
	return batch->count < BATCH_KEYS || compare_batch(batch);
}

/* ---- what Redis has ---- */

static bool add_found(struct batch *batch, const redisReply *name)
{
	struct slice key = { name->str, (size_t)name->len };
	switch (audit_name(batch->audit, key).kind) {
	case AUDIT_OTHER:
		return true;
	case AUDIT_UNKNOWN:
		findings_differ(&batch->audit->findings, key, "key", "present", "absent");
		return true;
	case AUDIT_RIDER:
	case AUDIT_DAY:
	case AUDIT_REPORT:
	case AUDIT_SUMS:
		break;
	}
	return add_key(batch, key);
}

static bool scan(struct batch *batch)
{
	struct audit *audit = batch->audit;
	char cursor[32] = "0", pattern[40];
	bool ok = true;
	snprintf(pattern, sizeof(pattern), "rw:{%d}:*", audit->shard);
	do {
		redisReply *reply =
			redis_link_ask(&audit->redis, "SCAN %s MATCH %s COUNT " SCAN_COUNT, cursor, pattern);
		if (!reply || reply->elements != 2)
			return audit_fail(audit, EX_UNAVAILABLE, audit->redis.error);
		snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
		const redisReply *names = reply->element[1];
		for (size_t i = 0; i < names->elements && ok; i++)
			ok = add_found(batch, names->element[i]);
		freeReplyObject(reply);
	} while (ok && strcmp(cursor, "0") != 0);
	return ok && compare_batch(batch);
}

/* ---- what Redis must have ---- */

static bool add_riders(struct batch *batch)
{
	char key[AUDIT_KEY_SIZE];
	const struct ledger_rider *rider;
	bool ok = true;
	for (size_t i = 0; ok && (rider = ledger_rider_at(batch->audit->ledger, i)); i++)
		if (!rider->met)
			ok = add_key(batch,
				     audit_key(batch->audit, key, "rider:%.*s", (int)rider->key.size, rider->key.data));
	return ok;
}

static bool add_reports(struct batch *batch)
{
	char key[AUDIT_KEY_SIZE];
	const struct ledger_report *report;
	bool ok = true;
	for (size_t i = 0; ok && (report = ledger_report_at(batch->audit->ledger, i)); i++)
		if (!report->met)
			ok = add_key(batch,
				     audit_key(batch->audit, key, "report:%016llx", (unsigned long long)report->key));
	return ok;
}

static bool add_days(struct batch *batch)
{
	char key[AUDIT_KEY_SIZE];
	const struct ledger_day *day;
	bool ok = true;
	for (size_t i = 0; ok && (day = ledger_day_at(batch->audit->ledger, i)); i++)
		if (!day->met)
			ok = add_key(batch, audit_key(batch->audit, key, "rider:%.*s:%08u", (int)day->rider->key.size,
						      day->rider->key.data, day->day));
	return ok;
}

/* One key holds the sums of every area. */
static bool add_sums(struct batch *batch)
{
	char key[AUDIT_KEY_SIZE];
	const struct ledger_sum *sum;
	bool ok = true;
	for (size_t i = 0; ok && (sum = ledger_sum_at(batch->audit->ledger, i)); i++) {
		if (sum->adcode != ADCODE_NONE || sum->met)
			continue;
		ok = add_key(batch, sum->day == LEDGER_DAY_ALL ? audit_key(batch->audit, key, "totals")
							       : audit_key(batch->audit, key, "totals:%08u", sum->day));
	}
	return ok;
}

bool audit_keys(struct audit *audit)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	MUST(batch);
	batch->audit = audit;
	bool all = !audit->rider.data;
	bool ok = (!all || scan(batch)) && add_riders(batch) && add_reports(batch) && add_days(batch) &&
		  (!all || add_sums(batch)) && compare_batch(batch);
	free(batch);
	return ok;
}
