/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl dry-run: what the daemon would make of records, one JSON object a line, without Kafka or Redis. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include "alloc.h"
#include "config_pipeline.h"
#include "ledger.h"
#include "pipeline.h"
#include "record_line.h"

enum { BUFFER_SIZE = 1 << 16 };

/* Of one topic-partition: what was seen before. */
struct dry_stream {
	enum input input;
	int32_t partition;
	struct stream stream;
	struct dry_stream *next;
};

struct dry_run {
	const struct command_line *line;
	struct record_line lines;
	struct pipeline_settings settings;
	struct ruleset *ruleset;
	struct ledger *ledger;
	struct dry_stream *streams;
	struct arena arena; /* of the record at hand */
	struct rider_event event;
	struct fault fault;
	size_t dead_letters;
};

static struct stream *stream_of(struct dry_run *run, const struct input_record *record)
{
	struct dry_stream *stream = run->streams;

	while (stream && (stream->input != record->input || stream->partition != record->partition))
		stream = stream->next;
	if (!stream) {
		stream = alloc_zeroed(1, sizeof(*stream));
		*stream = (struct dry_stream){ record->input,
					       record->partition,
					       { .seen = seen_new(), .time_ms = STREAM_TIME_NONE },
					       run->streams };
		run->streams = stream;
	}
	return &stream->stream;
}

/* ---- output ---- */

static json_t *text_json(struct slice text)
{
	json_t *json = text.data ? json_stringn(text.data, text.size) : json_null();
	return json ? json : json_string("(not UTF-8)");
}

static const char *const type_names[EVENT_TYPE_COUNT] = {
	[EVENT_REPORT_CREATED] = "rider.report.created.v1",
	[EVENT_REPORT_REVIEWED] = "rider.report.reviewed.v1",
	[EVENT_DELIVERY_COMPLETED] = "rider.delivery.completed.v1",
};

static const char *outcome_of(const struct chunk *chunk)
{
	return chunk->outcomes[OUTCOME_DEAD_LETTER] ? "dead_letter"
	       : chunk->outcomes[OUTCOME_SKIPPED]   ? "skipped"
	       : chunk->outcomes[OUTCOME_DUPLICATE] ? "duplicate"
						    : "counted";
}

static void add_fault(struct dry_run *run, json_t *object)
{
	json_object_set_new(object, "reason", json_string(reason_text(run->fault.reason)));
	if (run->fault.field)
		json_object_set_new(object, "field", json_string(run->fault.field));
	json_object_set_new(object, "position", json_integer((json_int_t)run->fault.position));
}

static void add_verdict(struct dry_run *run, json_t *object)
{
	struct verdict verdict;
	json_t *also = json_array();

	ruleset_classify(run->ruleset, &run->event.report, &verdict);
	for (int i = 0; i < CATEGORY_OTHER; i++)
		if (verdict.also >> i & 1)
			json_array_append_new(also, json_string(category_name((enum category)i)));
	json_object_set_new(object, "category", json_string(category_name(verdict.category)));
	json_object_set_new(object, "also", also);
	json_object_set_new(object, "severity", json_string(severity_name(verdict.severity)));
	json_object_set_new(object, "hazard_code", text_json(verdict.hazard->code));
	json_object_set_new(object, "unsure", json_boolean(verdict.unsure));
}

/* How the rider's counters change; caps and reviews go by the records before. */
static void add_counters(struct dry_run *run, const struct chunk *chunk, json_t *object)
{
	struct slice key = rider_key(run->event.rider_id, &run->arena);
	const struct ledger_rider *rider = ledger_find_rider(run->ledger, key);
	int64_t before[COUNTER_COUNT] = { 0 };
	json_t *counters = json_object();

	if (rider)
		memcpy(before, rider->counters, sizeof(before));
	ledger_apply(run->ledger, chunk->effects, chunk->stream_time_ms);
	rider = ledger_find_rider(run->ledger, key);
	for (enum counter counter = 0; rider && counter < COUNTER_COUNT; counter++)
		if (rider->counters[counter] != before[counter])
			json_object_set_new(counters, counter_field(counter),
					    json_integer(rider->counters[counter] - before[counter]));
	json_object_set_new(object, "counters", counters);
}

static void add_alerts(const struct chunk *chunk, json_t *object)
{
	json_t *alerts = json_array();

	for (const struct output_record *record = chunk->records; record; record = record->next) {
		json_t *alert = json_object();
		json_object_set_new(alert, "topic", text_json(record->topic));
		json_object_set_new(alert, "key", text_json(record->key));
		json_object_set_new(alert, "alert", json_loadb(record->payload.data, record->payload.size, 0, NULL));
		json_array_append_new(alerts, alert);
	}
	json_object_set_new(object, "alerts", alerts);
}

static void print_record(struct dry_run *run, const struct chunk *chunk)
{
	json_t *object = json_pack("{s:i, s:s}", "line", run->lines.number, "outcome", outcome_of(chunk));

	if (run->fault.reason != REASON_NONE) {
		add_fault(run, object);
	} else {
		json_object_set_new(object, "type", json_string(type_names[run->event.type]));
		json_object_set_new(object, "id", text_json(run->event.id));
		json_object_set_new(object, "rider", text_json(run->event.rider_id));
		if (chunk->outcomes[OUTCOME_KEY_MISMATCH])
			json_object_set_new(object, "key_mismatch", json_true());
	}
	if (chunk->outcomes[OUTCOME_COUNTED]) {
		if (run->event.type == EVENT_REPORT_CREATED)
			add_verdict(run, object);
		add_counters(run, chunk, object);
		add_alerts(chunk, object);
	}
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

/* ---- records ---- */

static void run_record(struct dry_run *run)
{
	struct input_record *record = &run->lines.record;
	struct chunk *chunk = chunk_new(0, record->offset, run->ruleset);

	run->fault = (struct fault){ .reason = REASON_NONE };
	/* What a value alone does not say is taken as it should be. */
	if (event_decode(record, run->settings.max_event_bytes, &run->arena, &run->event, &run->fault) == REASON_NONE &&
	    !run->lines.whole)
		record->key = run->event.rider_id;
	pipeline_run(&run->settings, stream_of(run, record), record, false, chunk);
	print_record(run, chunk);
	run->dead_letters += chunk->outcomes[OUTCOME_DEAD_LETTER];
	chunk_free(&chunk);
	arena_reset(&run->arena);
}

static void fini(struct dry_run *run)
{
	for (struct dry_stream *stream = run->streams, *next; stream; stream = next) {
		next = stream->next;
		seen_free(&stream->stream.seen);
		free(stream);
	}
	record_line_close(&run->lines);
	ledger_free(&run->ledger);
	arena_fini(&run->arena);
	ruleset_unref(&run->ruleset);
}

static int run_all(struct dry_run *run)
{
	struct points_limits limits = ruleset_points_limits(run->ruleset);

	run->ledger = ledger_new(&limits, (struct slice){ 0 });
	arena_init(&run->arena);
	setvbuf(stdout, NULL, _IOFBF, BUFFER_SIZE);
	while (record_line_next(&run->lines))
		run_record(run);
	if (fflush(stdout) != 0)
		return command_fail(run->line, EX_IOERR, "output cannot be written");
	return run->dead_letters && command_value(run->line, "strict") ? EX_DATAERR : EX_OK;
}

static int read_time(const struct command_line *line, int64_t *time_ms)
{
	const char *text = command_value(line, "time");
	char *end;

	*time_ms = (int64_t)time(NULL) * 1000;
	if (!text)
		return 0;
	*time_ms = strtoll(text, &end, 10);
	return *end || *time_ms < 0 ? command_fail(line, EX_USAGE, "--time %s: must be milliseconds since 1970", text)
				    : 0;
}

static int run(const struct command_line *line, const struct config *config)
{
	struct dry_run run = { .line = line };
	int64_t time_ms;
	int status = read_time(line, &time_ms);

	if (status)
		return status;
	run.ruleset = command_rules(line, config);
	if (!run.ruleset)
		return EX_CONFIG;
	run.settings = config_pipeline(config, "riderwatchctl/" RIDERWATCH_VERSION);
	status = record_line_open(&run.lines, line, config, line->operand_count ? line->operands[0] : "-", time_ms)
			 ? run_all(&run)
			 : EX_NOINPUT;
	fini(&run);
	return status;
}

static const struct command_option options[] = {
	{ 0, "rules", "FOLDER", "rules to use, instead of rules.folder" },
	{ 0, "time", "MS", "time of records that say none, in milliseconds since 1970; default: now" },
	{ 0, "strict", NULL, "exit with 65 when a record goes to the dead-letter topic" },
	{ 0, NULL, NULL, NULL },
};
static const struct command_exit exits[] = {
	{ EX_DATAERR, "--strict: a record is no event" },
	{ EX_NOINPUT, "the file cannot be read" },
	{ EX_IOERR, "the output cannot be written" },
	{ 0, NULL },
};

const struct command command_dry_run = {
	.name = "dry-run",
	.operands = "[FILE]",
	.operands_max = 1,
	.summary = "what the daemon would make of events: verdict, counters, alerts",
	.details =
		"Reads events, one a line, from FILE or standard input: as JSON, or whole records as kcat -J prints "
		"them. Writes\n"
		"one JSON object a line: outcome (counted, duplicate, dead_letter, skipped), verdict, how counters "
		"change, alerts\n"
		"with their topics; of what is no event the reason. Goes by the lines before, as the daemon does "
		"(duplicates,\n"
		"caps, reviews). Needs neither Kafka nor Redis.\n\n"
		"  kcat -b kafka:9092 -t rider.reports.v1 -C -J -o -100 -e | riderwatchctl dry-run -c riderwatch.json",
	.options = options,
	.exits = exits,
	.run = run,
};
