/* SPDX-License-Identifier: Apache-2.0 */
/* What holds the guarantee together: W and C, and the store's uuid on both sides. */
#include "audit.h"

#include <stdarg.h>
#include <string.h>
#include <sysexits.h>
#include "kafka_conf.h"
#include "offset_metadata.h"

struct slice audit_key(const struct audit *audit, char text[AUDIT_KEY_SIZE], const char *format, ...)
{
	va_list arguments;
	int size = snprintf(text, AUDIT_KEY_SIZE, "rw:{%d}:", audit->shard);
	va_start(arguments, format);
	size += vsnprintf(text + size, AUDIT_KEY_SIZE - (size_t)size, format, arguments);
	va_end(arguments);
	MUST(size < AUDIT_KEY_SIZE);
	return (struct slice){ text, (size_t)size };
}

const char *audit_topic(const struct audit *audit, const struct audit_log *log)
{
	return kafka_link_topic(&audit->kafka, log->input);
}

struct slice audit_log_key(const struct audit *audit, const struct audit_log *log, char text[AUDIT_KEY_SIZE])
{
	return audit_key(audit, text, "log:%s", audit_topic(audit, log));
}

/* ---- feeds: which topics are counted in this shard ---- */

static bool is_input(const struct audit *audit, const char *topic)
{
	return strcmp(topic, audit->config->topics_reports) == 0 ||
	       strcmp(topic, audit->config->topics_deliveries) == 0;
}

static void check_feed(struct audit *audit, const struct audit_log *log, const redisReply *feeds)
{
	char key[AUDIT_KEY_SIZE];
	const char *store = "absent";
	for (size_t i = 0; i + 1 < feeds->elements; i += 2)
		if (strcmp(feeds->element[i]->str, audit_topic(audit, log)) == 0)
			store = feeds->element[i + 1]->str;
	if (log->state.known && !log->state.garbled && strcmp(store, log->state.store) != 0)
		findings_differ(&audit->findings, audit_key(audit, key, "feeds"), audit_topic(audit, log), store,
				log->state.store);
}

static void check_feeds(struct audit *audit, const redisReply *feeds)
{
	for (int input = 0; input < INPUT_COUNT; input++)
		check_feed(audit, &audit->logs[input], feeds);
	for (size_t i = 0; i + 1 < feeds->elements; i += 2) {
		if (is_input(audit, feeds->element[i]->str))
			continue;
		audit->foreign = true;
		findings_note(&audit->findings, true,
			      "shard %d: topic %s was counted here too; name it in section topics, or nothing of this "
			      "shard can be "
			      "checked",
			      audit->shard, feeds->element[i]->str);
	}
}

bool audit_read_books(struct audit *audit)
{
	char key[AUDIT_KEY_SIZE];
	struct slice feeds = audit_key(audit, key, "feeds");
	struct snapshot snapshot;
	bool ok = snapshot_read(&snapshot, &audit->redis, audit->shard, "HGETALL", &feeds, 1);
	for (int input = 0; ok && input < INPUT_COUNT; input++)
		audit->logs[input].state = snapshot.logs[input];
	if (ok)
		check_feeds(audit, snapshot_reply(&snapshot, 0));
	snapshot_fini(&snapshot);
	return ok || audit_fail(audit, EX_UNAVAILABLE, audit->redis.error);
}

/* ---- offsets ---- */

static void check_group(struct audit *audit, const struct audit_log *log, const char *group,
			const struct group_offset *offset)
{
	struct offset_metadata metadata;
	char name[AUDIT_KEY_SIZE], store[STORE_UUID_SIZE + 1] = "none of ours";
	if (offset->offset < 0 && log->state.applied == log->state.start)
		return;
	snprintf(name, sizeof(name), "group %s, %s [%d]", group, audit_topic(audit, log), audit->shard);
	if (offset->offset < log->state.applied)
		findings_differ_number(&audit->findings, slice_of(name), "committed (C), at least W", offset->offset,
				       log->state.applied);
	if (offset->offset < 0)
		return;
	if (offset_metadata_parse(offset->metadata, &metadata)) {
		memcpy(store, metadata.store_uuid, STORE_UUID_SIZE);
		if (metadata.ruleset != ruleset_number(audit->ruleset))
			audit->rules_differ = true;
	}
	if (strcmp(store, log->state.store) == 0)
		return;
	findings_differ(&audit->findings, slice_of(name), "store uuid", store, log->state.store);
	audit->foreign = true;
}

static void note_truncated(struct audit *audit, const struct audit_log *log)
{
	findings_note(&audit->findings, true,
		      "shard %d: %s begins at offset %lld, counting began at %lld: %s that this topic feeds cannot be "
		      "worked out again; checked all the same: offsets, store, journal and daily sums of days that the "
		      "log still "
		      "holds whole",
		      audit->shard, audit_topic(audit, log), (long long)log->bounds.start, (long long)log->state.start,
		      log->input == INPUT_REPORTS ? "reports, points, score, reviews and last_ms of every rider"
						  : "deliveries, score and last_ms of every rider");
	audit->unchecked |= log->input == INPUT_REPORTS ? LEDGER_FROM_REPORTS : LEDGER_FROM_DELIVERIES;
	audit->last_ms_unchecked = true;
	audit->reports_unchecked |= log->input == INPUT_REPORTS;
}

static void check_log(struct audit *audit, const struct audit_log *log)
{
	char key[AUDIT_KEY_SIZE], shadow[300];
	struct slice name = audit_log_key(audit, log, key);
	if (!log->state.known) {
		if (log->published >= 0)
			findings_differ(&audit->findings, name, "key", "absent", "present: its group has offsets");
		return;
	}
	if (log->state.garbled) {
		findings_differ(&audit->findings, name, "key", "garbled", "store, key, start, applied, time, hours");
		audit->foreign = true;
		return;
	}
	if (log->published > log->bounds.end)
		findings_differ_number(&audit->findings, name, "C, at most the log's end", log->published,
				       log->bounds.end);
	if (log->bounds.start > log->state.applied)
		findings_differ_number(&audit->findings, name, "the log's begin, at most W", log->bounds.start,
				       log->state.applied);
	kafka_conf_shadow_group(audit->config, shadow, sizeof(shadow));
	check_group(audit, log, audit->config->kafka_group, &log->group);
	check_group(audit, log, shadow, &log->shadow);
	if (log->truncated)
		note_truncated(audit, log);
}

static void note_rules(struct audit *audit)
{
	audit->unchecked |= LEDGER_BY_RULES;
	audit->reports_unchecked = true;
	if (audit->without_rules)
		findings_note(&audit->findings, true,
			      "shard %d: categories, points and score are not compared, as --without-rules says",
			      audit->shard);
	else
		findings_note(&audit->findings, true,
			      "shard %d: the last events were decided with another rule set than that of rules.folder "
			      "(%.16s): categories, points and score are not compared; give the folder they were "
			      "decided with (-o rules.folder=...)",
			      audit->shard, ruleset_id(audit->ruleset).data);
}

void audit_check_books(struct audit *audit)
{
	for (int input = 0; input < INPUT_COUNT; input++)
		check_log(audit, &audit->logs[input]);
	audit->rules_differ |= audit->without_rules;
	if (audit->foreign)
		findings_note(&audit->findings, true,
			      "shard %d: Redis does not hold what this group counted, so that its keys were not "
			      "compared; does section redis name the right server?",
			      audit->shard);
	else if (audit->rules_differ)
		note_rules(audit);
}
