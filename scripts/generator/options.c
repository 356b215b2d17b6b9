/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_type { OPTION_NUMBER, OPTION_PERCENT, OPTION_TEXT, OPTION_FLAG };

struct option {
	const char *name;
	enum option_type type;
	size_t offset; /* of its field in struct options */
	uint64_t least, most;
	const char *help;
};

#define FIELD(member) offsetof(struct options, member)

static const struct option option_rows[] = {
	{ "count", OPTION_NUMBER, FIELD(count), 0, UINT32_MAX - 1, "events to make (default 10000)" },
	{ "seed", OPTION_NUMBER, FIELD(source.seed), 0, UINT64_MAX, "another seed, other events (default 1)" },
	{ "start", OPTION_NUMBER, FIELD(source.first_id), 0, 1000000000000,
	  "number of the first event id: a later run goes on" },
	{ "riders", OPTION_NUMBER, FIELD(riders), 1, 50000000, "riders, few of them busy (default 50000)" },
	{ "deliveries", OPTION_PERCENT, FIELD(source.deliveries), 0, 100,
	  "deliveries; the rest reports and reviews (95)" },
	{ "reviews", OPTION_PERCENT, FIELD(source.reviews), 0, 100, "reviews among what is no delivery (25)" },
	{ "structured", OPTION_PERCENT, FIELD(source.structured), 0, 100,
	  "CloudEvents structured; the rest binary and bare (60)" },
	{ "complete", OPTION_FLAG, FIELD(source.complete), 0, 0,
	  "no delivery without charity, no report without position: for readers who insist" },
	{ "repeats", OPTION_PERCENT, FIELD(source.repeats), 0, 100, "events that come again, byte for byte (2)" },
	{ "malformed", OPTION_PERCENT, FIELD(source.malformed), 0, 100, "records that are not events (0.1)" },
	{ "brokers", OPTION_TEXT, FIELD(brokers), 0, 0, "Kafka bootstrap brokers, host:port, comma separated" },
	{ "prefix", OPTION_TEXT, FIELD(prefix), 0, 0, "goes before both topic names" },
	{ "topics", OPTION_TEXT, FIELD(topic_list), 0, 0, "REPORTS,DELIVERIES (rider.reports.v1,rider.deliveries.v1)" },
	{ "compression", OPTION_TEXT, FIELD(compression), 0, 0, "none or lz4 (default none)" },
	{ "rate", OPTION_NUMBER, FIELD(rate), 1, 100000000,
	  "events a second, with header rw-intended-ms: when it was due" },
	{ "partitions", OPTION_NUMBER, FIELD(partitions), 1, 10000,
	  "without --brokers: partitions of a topic (default 8)" },
	{ "expect", OPTION_TEXT, FIELD(expect), 0, 0, "folder to write what must come of it to; needs empty topics" },
	{ "texts", OPTION_NUMBER, FIELD(texts), 1, UINT32_MAX,
	  "print that many report texts with their labels and end" },
	{ "quiet", OPTION_FLAG, FIELD(quiet), 0, 0, "no progress on standard error" },
};
#define OPTION_ROWS (sizeof(option_rows) / sizeof(option_rows[0]))

static const char *const value_names[] = { "N", "PERCENT", "TEXT", "" };

static void print_usage(void)
{
	puts("Usage: generate [OPTIONS]\n"
	     "Makes rider events: to Kafka with --brokers, otherwise one JSON object a line on standard output.\n"
	     "The same options give the same events.\n");
	for (size_t i = 0; i < OPTION_ROWS; i++)
		printf("  --%-11s %-8s %s\n", option_rows[i].name, value_names[option_rows[i].type],
		       option_rows[i].help);
	puts("  --help               this text\n"
	     "\nExit codes: 0 all sent, 1 not all acknowledged or written, 2 wrong usage.");
}

_Noreturn static void fail(const char *name, const char *value, const char *wanted)
{
	fprintf(stderr, "generate: --%s %s: %s; see generate --help\n", name, value, wanted);
	exit(2);
}

static uint64_t read_number(const struct option *option, const char *value)
{
	char *end, wanted[80];
	unsigned long long number;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (!errno && !*end && *value >= '0' && *value <= '9' && number >= option->least && number <= option->most)
		return number;
	snprintf(wanted, sizeof(wanted), "must be a whole number from %llu to %llu", (unsigned long long)option->least,
		 (unsigned long long)option->most);
	fail(option->name, value, wanted);
}

/* Percent to millionths. */
static uint32_t read_percent(const struct option *option, const char *value)
{
	char *end;
	double percent = strtod(value, &end);

	if (*end || end == value || !(percent >= 0 && percent <= 100))
		fail(option->name, value, "must be a percentage from 0 to 100");
	return (uint32_t)(percent * 10000 + 0.5);
}

static const struct option *find_option(const char *argument)
{
	for (size_t i = 0; i < OPTION_ROWS; i++)
		if (!strncmp(argument, "--", 2) && !strcmp(argument + 2, option_rows[i].name))
			return &option_rows[i];
	fprintf(stderr, "generate: unknown argument \"%s\"; see generate --help\n", argument);
	exit(2);
}

static void set_option(struct options *options, const struct option *option, const char *value)
{
	void *field = (char *)options + option->offset;

	switch (option->type) {
	case OPTION_NUMBER:
		*(uint64_t *)field = read_number(option, value);
		break;
	case OPTION_PERCENT:
		*(uint32_t *)field = read_percent(option, value);
		break;
	case OPTION_TEXT:
		*(const char **)field = value;
		break;
	case OPTION_FLAG:
		*(uint64_t *)field = 1;
		break;
	}
}

static void set_topics(struct options *options)
{
	const char *list = options->topic_list, *comma = strchr(list, ',');
	int sizes[TOPIC_COUNT];

	if (!comma || comma == list || !comma[1] || strchr(comma + 1, ','))
		fail("topics", list, "must be two names with a comma between them");
	sizes[0] = snprintf(options->topics[TOPIC_REPORTS], sizeof(options->topics[0]), "%s%.*s", options->prefix,
			    (int)(comma - list), list);
	sizes[1] = snprintf(options->topics[TOPIC_DELIVERIES], sizeof(options->topics[0]), "%s%s", options->prefix,
			    comma + 1);
	if (sizes[0] > 249 || sizes[1] > 249)
		fail("topics", list, "a topic name has at most 249 characters");
}

static void check(struct options *options)
{
	set_topics(options);
	options->source.riders = (uint32_t)options->riders;
	options->source.partitions = (uint32_t)options->partitions;
	if (strcmp(options->compression, "none") && strcmp(options->compression, "lz4"))
		fail("compression", options->compression, "must be none or lz4");
	if (options->expect && options->source.first_id)
		fail("expect", options->expect, "is about a run from the start, it cannot be used with --start");
}

void options_read(struct options *options, int argc, char **argv)
{
	*options = (struct options){
		.source = { .seed = 1,
			    .deliveries = 950000,
			    .repeats = 20000,
			    .malformed = 1000,
			    .reviews = 250000,
			    .structured = 600000 },
		.riders = 50000,
		.partitions = 8,
		.count = 10000,
		.compression = "none",
		.prefix = "",
		.topic_list = "rider.reports.v1,rider.deliveries.v1",
	};
	for (int i = 1; i < argc; i++) {
		const struct option *option;

		if (!strcmp(argv[i], "--help")) {
			print_usage();
			exit(0);
		}
		option = find_option(argv[i]);
		if (option->type != OPTION_FLAG && i + 1 == argc)
			fail(option->name, "", "needs a value");
		set_option(options, option, option->type == OPTION_FLAG ? "" : argv[++i]);
	}
	check(options);
}
