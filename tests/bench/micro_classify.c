/* SPDX-License-Identifier: Apache-2.0 */
/* What a labelled text costs to normalise, classify and explain; memchr over the same bytes as the ruler. Also how long
 * a rule set takes to load, the slowest texts, and one that is made to be slow. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "bench/micro_world.h"
#include "must.h"

enum { TEXTS_MAX = 4096, LOADS = 7, HOSTILE = 1 << 20, HOSTILE_ROUNDS = 5, TRIES = 20 };

struct texts {
	struct report reports[TEXTS_MAX];
	size_t count;
	const struct ruleset *ruleset;
};

static void read_texts(struct texts *texts, const char *path)
{
	char line[8192];
	FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		exit(66);
	}
	while (fgets(line, sizeof(line), file) && texts->count < TEXTS_MAX) {
		json_t *row = json_loads(line, 0, NULL);
		texts->reports[texts->count++].description =
			slice_of(strdup(json_string_value(json_object_get(row, "text"))));
		json_decref(row);
	}
	fclose(file);
}

static uint64_t classify_pass(void *context)
{
	const struct texts *texts = context;
	struct verdict verdict;
	uint64_t sum = 0;

	for (size_t i = 0; i < texts->count; i++) {
		ruleset_classify(texts->ruleset, &texts->reports[i], &verdict);
		sum += (uint64_t)verdict.category;
	}
	return sum;
}

static uint64_t memchr_pass(void *context)
{
	const struct texts *texts = context;
	uint64_t sum = 0;

	for (size_t i = 0; i < texts->count; i++)
		sum += memchr(texts->reports[i].description.data, 1, texts->reports[i].description.size) != NULL;
	return sum;
}

static void show(const char *step, const char *unit, double *values, size_t count)
{
	micro_show(&(struct micro_figure){ .step = step, .unit = unit, .values = values, .count = count });
}

static void show_load(void)
{
	double values[LOADS];

	for (size_t i = 0; i < LOADS; i++) {
		struct problems problems = { 0 };
		double before = micro_now();
		struct ruleset *ruleset = ruleset_load("pipelines/rules", &problems);
		values[i] = (micro_now() - before) * 1e3;
		MUST(ruleset);
		ruleset_unref(&ruleset);
	}
	show("classify, load the rules", "ms", values, LOADS);
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

/* One text at a time, best of many, so that only the text itself makes it slow. */
static void show_slowest(const struct texts *texts)
{
	static double times[TEXTS_MAX];
	struct verdict verdict;

	for (size_t i = 0; i < texts->count; i++) {
		times[i] = 1e9;
		for (int repeat = 0; repeat < TRIES; repeat++) {
			double before = micro_now();
			for (int k = 0; k < TRIES; k++)
				ruleset_classify(texts->ruleset, &texts->reports[i], &verdict);
			double took = (micro_now() - before) / TRIES * 1e9;
			times[i] = took < times[i] ? took : times[i];
		}
	}
	qsort(times, texts->count, sizeof(times[0]), by_value);
	show("classify, the text in the middle", "ns", &times[texts->count / 2], 1);
	show("classify, one text in a hundred", "ns", &times[texts->count * 99 / 100], 1);
	show("classify, the slowest text", "ns", &times[texts->count - 1], 1);
}

static void show_hostile(const struct ruleset *ruleset)
{
	static const char unit[] = "没有着火但楼道电动车充电";
	static const char *const names[] = { "classify, hostile text of 256 KiB", "classify, hostile text of 512 KiB",
					     "classify, hostile text of 1 MiB" };
	char *text = malloc(HOSTILE);
	size_t used = 0;
	struct verdict verdict;

	MUST(text);
	for (; used + sizeof(unit) - 1 <= HOSTILE; used += sizeof(unit) - 1)
		memcpy(text + used, unit, sizeof(unit) - 1);
	for (int i = 0; i < 3; i++) {
		struct report report = { .description = { text, (used >> (2 - i)) / 3 * 3 } };
		double values[HOSTILE_ROUNDS];
		for (size_t round = 0; round < HOSTILE_ROUNDS; round++) {
			double before = micro_now();
			ruleset_classify(ruleset, &report, &verdict);
			values[round] = (micro_now() - before) * 1e3;
		}
		show(names[i], "ms", values, HOSTILE_ROUNDS);
	}
	free(text);
}

void micro_classify(const struct micro_world *world)
{
	static struct texts texts;

	texts.count = 0;
	read_texts(&texts, "tests/cases/reports-dev.jsonl");
	read_texts(&texts, "tests/cases/reports-more.jsonl");
	texts.ruleset = world->ruleset;
	micro_compare(&(struct micro_pair){
		.step = "classify and explain, labelled texts",
		.floor = "memchr over the text",
		.run = classify_pass,
		.run_floor = memchr_pass,
		.context = &texts,
		.items = texts.count,
	});
	show_load();
	show_slowest(&texts);
	show_hostile(world->ruleset);
	for (size_t i = 0; i < texts.count; i++)
		free((char *)texts.reports[i].description.data);
}
