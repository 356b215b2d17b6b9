/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl dlq: what could not be counted, and once more. */
#include "dead_letters.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include "columns.h"
#include "commands.h"
#include "duration.h"
#include "stop.h"

enum { TURN_MS = 200, SILENCE_MS = 30000, PREVIEW_COLUMNS = 48 };

/* ---- reading ---- */

static void take_number(struct slice value, int64_t *number)
{
	char text[24];
	snprintf(text, sizeof(text), "%.*s", (int)value.size, value.data);
	*number = strtoll(text, NULL, 10);
}

static void take_header(struct dead_letter *letter, const char *name, struct slice value)
{
	int64_t number = -1;

	if (strcmp(name, DEAD_LETTER_PREFIX "reason") == 0) {
		letter->reason = value;
	} else if (strcmp(name, DEAD_LETTER_PREFIX "field") == 0) {
		letter->field = value;
	} else if (strcmp(name, DEAD_LETTER_PREFIX "topic") == 0) {
		letter->topic = value;
	} else if (strcmp(name, DEAD_LETTER_PREFIX "truncated") == 0) {
		letter->truncated = true;
	} else if (strcmp(name, DEAD_LETTER_PREFIX "partition") == 0) {
		take_number(value, &number);
		letter->partition = (int32_t)number;
	} else if (strcmp(name, DEAD_LETTER_PREFIX "offset") == 0) {
		take_number(value, &letter->offset);
	}
}

static void read_letter(rd_kafka_message_t *message, struct dead_letter *letter)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t size;

	*letter = (struct dead_letter){ .message = message, .partition = -1, .offset = -1 };
	if (rd_kafka_message_headers(message, &headers))
		return;
	/* The daemon's come last: the same name further up is what was in the record already. */
	for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
		take_header(letter, name, (struct slice){ value ? value : "", value ? size : 0 });
}

struct filter {
	const char *reason;
	int32_t partition; /* --at; -1: any */
	int64_t offset;
	int64_t from; /* of topic_reader_add */
	long limit;   /* 0: none */
};

static int read_filter(const struct command_line *line, struct filter *filter)
{
	const char *at = command_value(line, "at"), *since = command_value(line, "since");
	int64_t back;
	int used = 0;

	*filter =
		(struct filter){ .reason = command_value(line, "reason"), .partition = -1, .from = TOPIC_READER_START };
	if (at && (sscanf(at, "%" SCNd32 ":%" SCNd64 "%n", &filter->partition, &filter->offset, &used) != 2 ||
		   at[used] || filter->partition < 0))
		return command_fail(line, EX_USAGE, "--at %s: must be PARTITION:OFFSET, as dlq list shows them", at);
	if (since && !duration_parse(since, &back))
		return command_fail(line, EX_USAGE, "--since %s: must be a time such as 30s, 10m or 24h", since);
	if (since)
		filter->from = (int64_t)time(NULL) * 1000 - back;
	return command_limit(line, &filter->limit);
}

static bool passes(const struct filter *filter, const struct dead_letter *letter)
{
	return (!filter->reason || slice_equal(letter->reason, slice_of(filter->reason))) &&
	       (filter->partition < 0 ||
		(letter->message->partition == filter->partition && letter->message->offset == filter->offset));
}

static int read_all(const struct command_line *line, struct topic_reader *reader, const struct filter *filter,
		    dead_letter_f *on_letter, void *context)
{
	char error[512];
	int status = EX_OK;
	long taken = 0;

	for (int silent_ms = 0; status == EX_OK && !stop_asked() && (!filter->limit || taken < filter->limit);) {
		rd_kafka_message_t *message = topic_reader_next(reader, TURN_MS, error, sizeof(error));
		struct dead_letter letter;
		if (error[0])
			return command_fail(line, EX_UNAVAILABLE, "%s", error);
		if (!message && topic_reader_is_done(reader))
			break;
		silent_ms = message ? 0 : silent_ms + TURN_MS;
		if (silent_ms > SILENCE_MS)
			return command_fail(line, EX_UNAVAILABLE,
					    "nothing came for 30 s; are all brokers up? run again");
		if (!message)
			continue;
		read_letter(message, &letter);
		if (passes(filter, &letter)) {
			status = on_letter(context, &letter);
			taken++;
		}
		rd_kafka_message_destroy(message);
	}
	return status;
}

int dead_letters_read(const struct command_line *line, const struct config *config, dead_letter_f *on_letter,
		      void *context)
{
	struct filter filter;
	char error[512];
	int status = read_filter(line, &filter);

	if (status)
		return status;
	stop_listen();
	struct topic_reader *reader = topic_reader_new(config, error, sizeof(error));
	bool open = reader && topic_reader_add(reader, config->topics_dead_letters, filter.from, error, sizeof(error));
	status = open ? read_all(line, reader, &filter, on_letter, context)
		      : command_fail(line, EX_UNAVAILABLE, "%s", error);
	topic_reader_free(&reader);
	return status;
}

/* ---- list ---- */

struct listing {
	struct columns *columns; /* NULL: JSON lines */
	size_t count;
};

static void time_text(const rd_kafka_message_t *message, char text[32])
{
	rd_kafka_timestamp_type_t type;
	time_t seconds = rd_kafka_message_timestamp(message, &type) / 1000;
	struct tm local;

	strftime(text, 32, "%m-%d %H:%M:%S", localtime_r(&seconds, &local));
}

static json_t *bytes_json(const void *data, size_t size)
{
	json_t *text = data ? json_stringn(data, size) : json_null();
	char *hex;

	if (text)
		return text;
	/* Not UTF-8: as hexadecimal digits. */
	hex = calloc(1, 2 * size + 1);
	MUST(hex);
	for (size_t i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", ((const unsigned char *)data)[i]);
	text = json_pack("{s:s}", "hex", hex);
	free(hex);
	return text;
}

static void print_json(const struct dead_letter *letter)
{
	const rd_kafka_message_t *message = letter->message;
	rd_kafka_timestamp_type_t type;
	json_t *object = json_pack("{s:i, s:I, s:I, s:o, s:o, s:o, s:i, s:I, s:b, s:o, s:o}", "partition",
				   (int)message->partition, "offset", (json_int_t)message->offset, "time_ms",
				   (json_int_t)rd_kafka_message_timestamp(message, &type), "reason",
				   bytes_json(letter->reason.data, letter->reason.size), "field",
				   bytes_json(letter->field.data, letter->field.size), "from_topic",
				   bytes_json(letter->topic.data, letter->topic.size), "from_partition",
				   (int)letter->partition, "from_offset", (json_int_t)letter->offset, "truncated",
				   (int)letter->truncated, "key", bytes_json(message->key, message->key_len), "value",
				   bytes_json(message->payload, message->len));
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void add_row(struct columns *columns, const struct dead_letter *letter)
{
	const rd_kafka_message_t *message = letter->message;
	char time[32], *preview, *start = strndup(message->payload ? message->payload : "", message->len);

	MUST(start);
	preview = text_cut(start, PREVIEW_COLUMNS);
	time_text(message, time);
	columns_format(columns, "%d:%lld", (int)message->partition, (long long)message->offset);
	columns_text(columns, time);
	columns_format(columns, "%.*s", (int)letter->reason.size, letter->reason.data);
	columns_format(columns, "%.*s", (int)letter->field.size, letter->field.data);
	columns_format(columns, "%.*s %d:%lld", (int)letter->topic.size, letter->topic.data, (int)letter->partition,
		       (long long)letter->offset);
	columns_text(columns, preview);
	free(preview);
	free(start);
}

static int list_letter(void *context, const struct dead_letter *letter)
{
	struct listing *listing = context;

	listing->count++;
	if (listing->columns)
		add_row(listing->columns, letter);
	else
		print_json(letter);
	return EX_OK;
}

static int list(const struct command_line *line, const struct config *config)
{
	static const char *const headers[] = { "at", "time", "reason", "field", "from", "begins with", NULL };
	struct listing listing = { .columns = command_value(line, "json") ? NULL : columns_new(headers) };
	int status = dead_letters_read(line, config, list_letter, &listing);

	if (listing.columns && status == EX_OK) {
		columns_print(listing.columns, stdout);
		printf("\n%zu dead letter%s\n", listing.count, listing.count == 1 ? "" : "s");
	}
	columns_free(&listing.columns);
	stop_flush();
	return status;
}

/* ---- the command ---- */

static int run(const struct command_line *line, const struct config *config)
{
	const char *action = line->operands[0];

	if (strcmp(action, "list") == 0)
		return list(line, config);
	if (strcmp(action, "replay") == 0)
		return dead_letters_replay(line, config);
	return command_fail(line, EX_USAGE, "unknown action %s: list or replay", action);
}

static const struct command_option options[] = {
	{ 'r', "reason", "NAME", "only those with this reason" },
	{ 0, "at", "PARTITION:OFFSET", "only this one, as list shows it" },
	{ 0, "since", "TIME", "only those of the last 10m, 24h, 7d" },
	{ 'n', "limit", "N", "at most so many" },
	{ 0, "dry-run", NULL, "replay: say what would be sent, and send nothing" },
	{ 0, "json", NULL, "for machines: one object a line, with the whole record" },
	{ 0, NULL, NULL, NULL },
};
static const struct command_exit exits[] = {
	{ 1, "replay: something could not be sent again; each is named" },
	{ EX_UNAVAILABLE, "Kafka does not answer, or refuses" },
	{ 0, NULL },
};

const struct command command_dead_letters = {
	.name = "dlq",
	.operands = "list|replay",
	.operands_min = 1,
	.operands_max = 1,
	.summary = "what could not be counted: list it, and send it again once the cause is gone",
	.details =
		"  dlq list     dead letters, oldest first per partition, with the reason and where each came from\n"
		"  dlq replay   sends them again to the topic and partition they came from, with their key and headers "
		"(those of\n"
		"               the dead letter taken off). What was counted already is a duplicate then, and counts "
		"nothing, as\n"
		"               long as it has an id and comes within the dedup window; so replay may be run again. "
		"What is no\n"
		"               event now either becomes a dead letter once more. Needs Write on the input topics.\n\n"
		"  riderwatchctl dlq list -c riderwatch.json --reason unsupported_version\n"
		"  riderwatchctl dlq replay -c riderwatch.json --reason unsupported_version --dry-run",
	.options = options,
	.exits = exits,
	.run = run,
};
