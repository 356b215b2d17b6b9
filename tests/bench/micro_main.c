/* SPDX-License-Identifier: Apache-2.0 */
/* What each step of an event costs on one core, hot, against its floor. Run in the root of the repository. */
#include <stdio.h>
#include <stdlib.h>
#include "bench/micro_world.h"

/* 80 in 100 are deliveries, so that reports, which cost more, weigh; one partition, so that any run of events is a
 * chunk. */
#define OPTIONS "--count 120000 --deliveries 80 --malformed 0 --partitions 1 --riders 50000"
#define PSEUDONYM_KEY "0123456789abcdef0123456789abcdef"

static const struct group {
	const char *name;
	micro_group *run;
} groups[] = {
	{ "decode", micro_decode },     { "identity", micro_identity }, { "dedup", micro_seen },
	{ "classify", micro_classify }, { "tally", micro_tally },       { "alert", micro_alert },
	{ "pipeline", micro_pipeline }, { "redis", micro_redis },
};
#define GROUPS (sizeof(groups) / sizeof(*groups))

static const struct pipeline_settings settings = {
	.input_topics = { "rider.reports.v1", "rider.deliveries.v1" },
	.dead_letter_topic = "rider.dlq.v1",
	.alert_topics = { "rider.alerts.emergency.v1", "rider.alerts.fire.v1", "rider.alerts.food.v1", NULL },
	.partitions = 1,
	.max_event_bytes = 1 << 20,
	.max_record_bytes = 900000,
	.dedup_hours = 24,
	.application = "riderwatchd/0.1.0",
	.group = "riderwatch",
	.pseudonym_key = { PSEUDONYM_KEY, sizeof(PSEUDONYM_KEY) - 1 },
};

static _Noreturn void usage(int code)
{
	fprintf(code ? stderr : stdout, "usage: micro [--json] [--generator PROGRAM] [GROUP...]\ngroups:");
	for (size_t i = 0; i < GROUPS; i++)
		fprintf(code ? stderr : stdout, " %s", groups[i].name);
	fputc('\n', code ? stderr : stdout);
	exit(code);
}

static const struct group *find_group(const char *name)
{
	for (size_t i = 0; i < GROUPS; i++) {
		if (strcmp(groups[i].name, name) == 0)
			return &groups[i];
	}
	usage(64);
}

static struct ruleset *load_rules(void)
{
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load("pipelines/rules", &problems);

	if (!ruleset) {
		fprintf(stderr, "micro: %s\n", problems.count ? problems.texts[0] : "no rules");
		exit(78);
	}
	return ruleset;
}

struct arguments {
	bool json;
	const char *generator;
	const struct group *chosen[GROUPS];
	size_t count;
};

static void read_arguments(struct arguments *arguments, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			arguments->json = true;
		else if (strcmp(argv[i], "--generator") == 0 && i + 1 < argc)
			arguments->generator = argv[++i];
		else if (strcmp(argv[i], "--help") == 0)
			usage(0);
		else if (arguments->count < GROUPS)
			arguments->chosen[arguments->count++] = find_group(argv[i]);
	}
	bool all = arguments->count == 0;
	for (size_t i = 0; all && i < GROUPS; i++)
		arguments->chosen[arguments->count++] = &groups[i];
}

int main(int argc, char **argv)
{
	struct arguments arguments = { .generator = "build/release/generate" };
	struct micro_events events;

	read_arguments(&arguments, argc, argv);
	struct micro_world world = {
		.events = &events, .generator = arguments.generator, .settings = &settings, .json = arguments.json
	};
	world.ruleset = load_rules();
	micro_events_generate(&events, arguments.generator, OPTIONS);
	micro_begin(world.json);
	for (size_t i = 0; i < arguments.count; i++)
		arguments.chosen[i]->run(&world);
	micro_end();
	ruleset_unref(&world.ruleset);
	arena_fini(&events.arena);
	free(events.list);
	return 0;
}
