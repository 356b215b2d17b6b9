/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl audit: works the counters out again from the log and compares them with Redis. */
#include "audit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include "alloc.h"
#include "columns.h"
#include "commands.h"
#include "pipeline.h"

enum { EXIT_DIFFER = 1, EXIT_INCOMPLETE = 2 };

/* ---- what to audit ---- */

struct scope {
	int32_t first, last; /* shards */
};

static bool shard_knows(struct audit *audit, int32_t shard, struct slice key)
{
	char text[AUDIT_KEY_SIZE];
	audit->shard = shard;
	redis_link_send_words(&audit->redis,
			      (const struct slice[]){ SLICE("EXISTS"),
						      audit_key(audit, text, "rider:%.*s", (int)key.size, key.data) },
			      2);
	redisReply *reply = redis_link_receive(&audit->redis);
	bool known = reply && reply->integer;
	freeReplyObject(reply);
	return known;
}

/* A rider's home shard, and those that its records reached with a foreign key. */
static void scope_rider(struct audit *audit, const char *id, struct scope *scope)
{
	struct arena arena;
	arena_init(&arena);
	audit->rider = slice_of(id);
	struct slice key = rider_key(audit->rider, &arena);
	int32_t home = (int32_t)((murmur2(audit->rider) & 0x7fffffff) % (uint32_t)audit->kafka.partitions);
	scope->first = scope->last = home;
	for (int32_t shard = 0; shard < audit->kafka.partitions; shard++)
		if (shard != home && shard_knows(audit, shard, key))
			findings_note(&audit->findings, true,
				      "shard %d counts this rider too (records with a foreign key); audit --shard %d "
				      "checks it",
				      shard, shard);
	arena_fini(&arena);
}

static int read_scope(struct audit *audit, const struct command_line *line, struct scope *scope)
{
	const char *shard = command_value(line, "shard"), *rider = command_value(line, "rider");
	*scope = (struct scope){ 0, audit->kafka.partitions - 1 };
	if (shard && rider)
		return command_fail(line, EX_USAGE, "--shard and --rider exclude each other");
	if (rider)
		scope_rider(audit, rider, scope);
	if (!shard)
		return 0;
	char *end;
	long number = strtol(shard, &end, 10);
	if (*end || end == shard || number < 0 || number >= audit->kafka.partitions)
		return command_fail(line, EX_USAGE, "--shard %s: must be a number from 0 to %d", shard,
				    audit->kafka.partitions - 1);
	scope->first = scope->last = (int32_t)number;
	return 0;
}

/* Events between start and W over all shards at hand, for the progress. */
static bool count_events(struct audit *audit, const struct scope *scope, uint64_t *total)
{
	*total = 0;
	for (int32_t shard = scope->first; shard <= scope->last; shard++) {
		struct snapshot snapshot;
		bool ok = snapshot_read(&snapshot, &audit->redis, shard, "", NULL, 0);
		for (int input = 0; ok && input < INPUT_COUNT; input++)
			if (snapshot.logs[input].known && !snapshot.logs[input].garbled)
				*total += (uint64_t)(snapshot.logs[input].applied - snapshot.logs[input].start);
		snapshot_fini(&snapshot);
		if (!ok)
			return audit_fail(audit, EX_UNAVAILABLE, audit->redis.error);
	}
	return true;
}

/* ---- output ---- */

static uint64_t peak_memory(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_maxrss * 1024;
}

static const struct {
	const char *name, *json;
	size_t offset;
} rows[] = {
	{ "records read", "records", offsetof(struct audit_counts, records) },
	{ "events counted", "events", offsetof(struct audit_counts, events) },
	{ "duplicates", "duplicates", offsetof(struct audit_counts, duplicates) },
	{ "no events", "refused", offsetof(struct audit_counts, refused) },
	{ "riders compared", "riders", offsetof(struct audit_counts, riders) },
	{ "reports compared", "reports", offsetof(struct audit_counts, reports) },
	{ "days of riders compared", "days", offsetof(struct audit_counts, days) },
	{ "totals compared", "totals", offsetof(struct audit_counts, sums) },
	{ "journal buckets compared", "buckets", offsetof(struct audit_counts, buckets) },
	{ "keys past their time to live", "expired", offsetof(struct audit_counts, expired) },
	{ "keys that cannot be judged", "skipped", offsetof(struct audit_counts, skipped) },
};
enum { ROW_COUNT = sizeof(rows) / sizeof(*rows) };

static uint64_t count_at(const struct audit *audit, int row)
{
	return *(const uint64_t *)((const char *)&audit->counts + rows[row].offset);
}

static const char *result_of(const struct audit *audit)
{
	if (audit->error)
		return "unfinished";
	if (audit->findings.count)
		return "differences";
	return audit->findings.incomplete ? "agrees as far as it could be checked" : "agrees";
}

static void print_text(const struct audit *audit, double seconds)
{
	static const char *const headers[] = { "what", "count", NULL };
	struct columns *columns = columns_new(headers);
	char rate[32], number[32];
	for (int row = 0; row < ROW_COUNT; row++) {
		columns_text(columns, rows[row].name);
		columns_number(columns, (int64_t)count_at(audit, row));
	}
	columns_text(columns, "differences");
	columns_number(columns, (int64_t)audit->findings.count);
	columns_print(columns, stdout);
	columns_free(&columns);
	findings_print(&audit->findings, stdout);
	printf("\naudit: %s: %s differences, %.1f s, %s events/s, %llu MiB\n", result_of(audit),
	       text_number((int64_t)audit->findings.count, number), seconds,
	       text_number(seconds > 0 ? (int64_t)((double)audit->counts.records / seconds) : 0, rate),
	       (unsigned long long)peak_memory() >> 20);
}

static void print_json(const struct audit *audit, double seconds)
{
	json_t *object = json_object();
	json_object_set_new(object, "result", json_string(result_of(audit)));
	for (int row = 0; row < ROW_COUNT; row++)
		json_object_set_new(object, rows[row].json, json_integer((json_int_t)count_at(audit, row)));
	json_object_set_new(object, "seconds", json_real(seconds));
	json_object_set_new(object, "peak_bytes", json_integer((json_int_t)peak_memory()));
	json_object_set_new(object, "ruleset", json_stringn(ruleset_id(audit->ruleset).data, 16));
	findings_to_json(&audit->findings, object);
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

/* ---- the command ---- */

static bool run_shards(struct audit *audit, const struct scope *scope, bool quiet)
{
	uint64_t total;
	if (!count_events(audit, scope, &total))
		return false;
	progress_start(&audit->progress, "audit", total, quiet);
	for (int32_t shard = scope->first; shard <= scope->last; shard++)
		if (!audit_shard(audit, shard))
			return false;
	return true;
}

static int print_result(const struct audit *audit, const struct command_line *line, bool done)
{
	double seconds = progress_seconds(&audit->progress);
	command_value(line, "json") ? print_json(audit, seconds) : print_text(audit, seconds);
	if (!done)
		return command_fail(line, audit->status, "%s", audit->error);
	if (audit->findings.count)
		return EXIT_DIFFER;
	return audit->findings.incomplete ? EXIT_INCOMPLETE : EX_OK;
}

static int audit_connected(struct audit *audit, const struct command_line *line)
{
	struct scope scope;
	int status = read_scope(audit, line, &scope);
	if (status)
		return status;
	audit->pipeline.partitions = audit->kafka.partitions;
	bool done = run_shards(audit, &scope, command_value(line, "quiet"));
	progress_clear(&audit->progress);
	return print_result(audit, line, done);
}

static int connect_and_audit(struct audit *audit, const struct command_line *line)
{
	bool redis = redis_link_open(&audit->redis, audit->config);
	bool kafka = redis && kafka_link_open(&audit->kafka, audit->config);
	int status = redis && kafka ? audit_connected(audit, line)
				    : command_fail(line, EX_UNAVAILABLE, "%s",
						   redis ? audit->kafka.error : audit->redis.error);
	if (redis)
		kafka_link_close(&audit->kafka);
	redis_link_close(&audit->redis);
	return status;
}

static void init(struct audit *audit, const struct command_line *line, const struct config *config)
{
	audit->config = config;
	audit->now_s = time(NULL);
	audit->without_rules = command_value(line, "without-rules");
	audit->limits = ruleset_points_limits(audit->ruleset);
	/* Of the pipeline's settings only what decides about counters. */
	audit->pipeline = (struct pipeline_settings){ .max_event_bytes = (size_t)config->events_max_bytes,
						      .dedup_hours = (uint32_t)config->events_dedup_hours };
	audit->replay = (struct replay_settings){ &audit->pipeline, audit->ruleset };
}

static int run(const struct command_line *line, const struct config *config)
{
	int status = EX_CONFIG;
	struct audit *audit = alloc_zeroed(1, sizeof(*audit));
	audit->ruleset = command_ruleset(line, config);
	if (audit->ruleset) {
		init(audit, line, config);
		status = connect_and_audit(audit, line);
	}
	findings_fini(&audit->findings);
	ruleset_unref(&audit->ruleset);
	free(audit);
	return status;
}

static const struct command_option options[] = {
	{ 'r', "rider", "ID", "only this rider (reads the whole shard)" },
	{ 's', "shard", "P", "only this shard" },
	{ 0, "without-rules", NULL, "leave out what rules decide (categories, points, score): they were changed" },
	{ 0, "json", NULL, "for machines" },
	{ 'q', "quiet", NULL, "no progress on standard error" },
	{ 0, NULL, NULL, NULL },
};
static const struct command_exit exits[] = {
	{ EXIT_DIFFER, "there are differences" },
	{ EXIT_INCOMPLETE, "no differences, but something could not be checked; it is named" },
	{ EX_UNAVAILABLE, "Kafka or Redis does not answer, or refuses a read" },
	{ EX_TEMPFAIL, "Redis went back or was replaced while it was read: run again" },
	{ 0, NULL },
};

const struct command command_audit = {
	.name = "audit",
	.operands = "",
	.summary = "work the counters out again from the log, and compare",
	.details = "Reads the input topics from where counting began up to W, works out what every key in Redis must "
		   "hold,\nand prints each difference. Changes nothing; may run while the daemon works. Give it the "
		   "configuration\nand the rules that the daemon uses: where rules were changed since counting began, "
		   "what older rules decided\ndiffers, unless --without-rules leaves it out.\n\n"
		   "  riderwatchctl audit -c /etc/riderwatch/riderwatch.json\n"
		   "  riderwatchctl audit -c riderwatch.json --shard 3 --json > audit.json\n"
		   "  riderwatchctl audit -c riderwatch.json --rider 骑手-17",
	.options = options,
	.exits = exits,
	.run = run,
};
