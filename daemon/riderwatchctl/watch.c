/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl watch: alerts as they are published, a line each. */
#include "commands.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include "columns.h"
#include "duration.h"
#include "stop.h"
#include "topic_reader.h"
#include "ruleset.h"

enum { TURN_MS = 200, WIDTH_WITHOUT_TERMINAL = 160, WIDTH_MIN = 100 };

struct watch {
	const struct command_line *line;
	const struct config *config;
	struct topic_reader *reader;
	enum severity least;
	bool colours, json;
	size_t width; /* of a line */
	long limit;   /* lines to print; 0: no end */
	bool ends;    /* with what the topics hold */
};

/* ---- what an alert says ---- */

static const char *text_at(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

static const char *primary_agency(const json_t *data)
{
	size_t i;
	json_t *route;

	json_array_foreach(json_object_get(data, "routes"), i, route)
	{
		if (strcmp(text_at(route, "role"), "primary") == 0)
			return text_at(route, "agency");
	}
	return "-";
}

static enum severity severity_of(const json_t *data)
{
	enum severity found = severity_find(text_at(data, "severity"));
	return found == SEVERITY_COUNT ? SEVERITY_NONE : found;
}

/* ---- filters ---- */

static bool passes_text(const struct watch *watch, const char *option, const char *text, bool prefix)
{
	const char *wanted = command_value(watch->line, option);

	if (!wanted)
		return true;
	return prefix ? strncmp(text, wanted, strlen(wanted)) == 0 : strcmp(text, wanted) == 0;
}

static bool passes(const struct watch *watch, const json_t *alert, const json_t *data)
{
	const char *words = command_value(watch->line, "grep");

	return severity_of(data) >= watch->least &&
	       passes_text(watch, "category", text_at(alert, "rwcategory"), false) &&
	       passes_text(watch, "jurisdiction", text_at(json_object_get(data, "area"), "jurisdiction_id"), true) &&
	       passes_text(watch, "agency", primary_agency(data), false) &&
	       (!words || strstr(text_at(data, "headline"), words) || strstr(text_at(data, "description"), words) ||
		strstr(text_at(json_object_get(data, "area"), "areaDesc"), words));
}

/* ---- a line ---- */

static const char *const colours[SEVERITY_COUNT] = {
	[SEVERITY_NONE] = "",
	[SEVERITY_MINOR] = "\033[36m",
	[SEVERITY_MODERATE] = "\033[33m",
	[SEVERITY_SEVERE] = "\033[1;31m",
	[SEVERITY_EXTREME] = "\033[1;37;41m",
};

/* A cell and the gap behind it. colour: "" for none. */
static void put(const char *colour, const char *text, size_t width)
{
	char *fitted = text_fit(text, width);
	printf("%s%s%s  ", colour, fitted, *colour ? "\033[0m" : "");
	free(fitted);
}

static void put_time(const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;
	time_t seconds = rd_kafka_message_timestamp(message, &type) / 1000;
	struct tm local;
	char text[16];

	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&seconds, &local));
	printf("%s  ", text);
}

/* The headline ends with the place, which has a column of its own. */
static char *short_headline(const char *headline, const char *place)
{
	char *text = strdup(headline);
	size_t size = strlen(headline), tail = strlen(place);

	MUST(text);
	if (tail && size > tail && strcmp(headline + size - tail, place) == 0) {
		text[size - tail] = '\0';
		for (size = strlen(text); size > 0 && strchr(" \xc2\xb7", text[size - 1]); size--)
			text[size - 1] = '\0';
	}
	return text;
}

static void print_line(const struct watch *watch, const rd_kafka_message_t *message, const json_t *alert,
		       const json_t *data)
{
	static const size_t used = 8 + 2 + 8 + 2 + 9 + 2 + 20 + 2 + 18 + 2 + 8 + 2;
	const char *colour = watch->colours ? colours[severity_of(data)] : "";
	const char *place = text_at(json_object_get(data, "area"), "areaDesc");
	char *headline = short_headline(text_at(data, "headline"), place);

	put_time(message);
	put(colour, text_at(data, "severity"), 8);
	put("", text_at(alert, "rwcategory"), 9);
	put("", place, 20);
	put("", headline, 18);
	put("", primary_agency(data), 8);
	char *description = text_cut(text_at(data, "description"), watch->width - used);
	puts(description);
	free(description);
	free(headline);
}

/* Returns whether the record was shown. */
static bool show(const struct watch *watch, const rd_kafka_message_t *message)
{
	json_t *alert = json_loadb(message->payload, message->len, 0, NULL);
	const json_t *data = json_object_get(alert, "data");
	bool shown = data && passes(watch, alert, data);

	if (!data)
		fprintf(stderr, "riderwatchctl watch: %s [%d] at %lld is no alert, passed over\n",
			rd_kafka_topic_name(message->rkt), (int)message->partition, (long long)message->offset);
	else if (shown && watch->json)
		printf("%.*s\n", (int)message->len, (const char *)message->payload);
	else if (shown)
		print_line(watch, message, alert, data);
	json_decref(alert);
	return shown;
}

/* ---- the command ---- */

static int follow(struct watch *watch)
{
	char error[512];

	for (long shown = 0; !stop_asked() && (!watch->limit || shown < watch->limit);) {
		rd_kafka_message_t *message = topic_reader_next(watch->reader, TURN_MS, error, sizeof(error));
		if (error[0])
			return command_fail(watch->line, EX_UNAVAILABLE, "%s", error);
		if (!message && watch->ends && topic_reader_is_done(watch->reader))
			break;
		if (!message)
			continue;
		shown += show(watch, message);
		rd_kafka_message_destroy(message);
		if (!stop_flush())
			break;
	}
	return EX_OK;
}

static bool add_topics(struct watch *watch, const struct ruleset *ruleset, int64_t from, char *error, size_t size)
{
	const struct config *config = watch->config;
	const char *fixed[] = { config->topics_alerts_emergency, config->topics_alerts_fire,
				config->topics_alerts_food };
	struct slice routed[ROUTE_TOPICS_MAX];
	size_t count = ruleset_topics(ruleset, routed);
	char name[256];

	for (size_t i = 0; i < 3; i++)
		if (!topic_reader_add(watch->reader, fixed[i], from, error, size))
			return false;
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%.*s", (int)routed[i].size, routed[i].data);
		bool known = false;
		for (size_t j = 0; j < 3; j++)
			known |= strcmp(name, fixed[j]) == 0;
		if (!known && !topic_reader_add(watch->reader, name, from, error, size))
			return false;
	}
	return true;
}

static int connect_and_follow(struct watch *watch, int64_t from)
{
	char error[512];
	struct ruleset *ruleset = command_rules(watch->line, watch->config);
	int status;

	if (!ruleset)
		return EX_CONFIG;
	stop_listen();
	watch->reader = topic_reader_new(watch->config, error, sizeof(error));
	bool open = watch->reader && add_topics(watch, ruleset, from, error, sizeof(error));
	status = open ? follow(watch) : command_fail(watch->line, EX_UNAVAILABLE, "%s", error);
	topic_reader_free(&watch->reader);
	ruleset_unref(&ruleset);
	return status;
}

static size_t line_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return WIDTH_WITHOUT_TERMINAL;
	return size.ws_col > WIDTH_MIN ? size.ws_col : WIDTH_MIN;
}

/* --since: how far back. */
static int read_start(struct watch *watch, int64_t *from)
{
	const char *text = command_value(watch->line, "since");
	int64_t back;

	*from = TOPIC_READER_END;
	if (!text)
		return 0;
	if (strcmp(text, "start") == 0) {
		*from = TOPIC_READER_START;
		return 0;
	}
	if (!duration_parse(text, &back))
		return command_fail(watch->line, EX_USAGE,
				    "--since %s: must be start, or a time such as 30s, 10m or 24h", text);
	*from = (int64_t)time(NULL) * 1000 - back;
	return 0;
}

static int run(const struct command_line *line, const struct config *config)
{
	struct watch watch = { .line = line,
			       .config = config,
			       .json = command_value(line, "json"),
			       .ends = command_value(line, "no-follow"),
			       .width = line_width() };
	int64_t from;
	int status = command_severity(line, &watch.least);

	if (status || (status = read_start(&watch, &from)) || (status = command_limit(line, &watch.limit)))
		return status;
	watch.colours = command_value(line, "colour") || (isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
	return connect_and_follow(&watch, from);
}

static const struct command_option options[] = {
	{ 0, "category", "NAME", "only emergency, fire or food" },
	{ 0, "severity", "NAME", "at least Minor, Moderate, Severe or Extreme" },
	{ 0, "jurisdiction", "ADCODE", "only from there: an adcode or its beginning" },
	{ 0, "agency", "NAME", "only those that this agency has to act on" },
	{ 'g', "grep", "WORDS", "only with these words in headline, description or place" },
	{ 0, "since", "TIME", "also those of before: 10m, 24h, or start" },
	{ 0, "no-follow", NULL, "end with what there is, instead of waiting for more" },
	{ 'n', "limit", "N", "end after N alerts" },
	{ 0, "json", NULL, "the alerts themselves, one a line" },
	{ 0, "colour", NULL, "colour severities though the output is no terminal" },
	{ 0, "rules", "FOLDER", "rules whose routes name topics, instead of rules.folder" },
	{ 0, NULL, NULL, NULL },
};
static const struct command_exit exits[] = {
	{ EX_UNAVAILABLE, "Kafka does not answer, or refuses" },
	{ 0, NULL },
};

const struct command command_watch = {
	.name = "watch",
	.operands = "",
	.summary = "alerts as they are published",
	.details =
		"Time, severity, category, place, headline, agency and words of each alert, as committed. Until INT or "
		"TERM,\nor until nobody reads its output any more.\n\n"
		"  riderwatchctl watch -c riderwatch.json --severity Severe\n"
		"  riderwatchctl watch -c riderwatch.json --since 24h --no-follow --json | jq .data.headline",
	.options = options,
	.exits = exits,
	.run = run,
};
