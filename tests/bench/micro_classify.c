/* SPDX-License-Identifier: Apache-2.0 */
/* What one text costs on one core, hot: normalise, classify and explain; memchr over the same bytes as the ruler. Also
 * how long a rule set takes to load, the slowest texts, and whether classifying allocates. Run in the root of the
 * repository. */
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include "ruleset.h"

enum { TEXTS_MAX = 4096, ROUNDS = 200, REPEATS = 7, HOSTILE = 1 << 20 };

static struct report reports[TEXTS_MAX];
static size_t report_count, byte_count;
static unsigned sink; /* keeps the work from being optimised away */

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void read_texts(const char *path)
{
	char line[8192];
	FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		exit(66);
	}
	while (fgets(line, sizeof(line), file) && report_count < TEXTS_MAX) {
		json_t *row = json_loads(line, 0, NULL);
		const char *text = strdup(json_string_value(json_object_get(row, "text")));
		reports[report_count].description = slice_of(text);
		byte_count += reports[report_count++].description.size;
		json_decref(row);
	}
	fclose(file);
}

static struct ruleset *load(double *seconds)
{
	struct problems problems = { 0 };
	double before = now();
	struct ruleset *ruleset = ruleset_load("pipelines/rules", &problems);

	*seconds = now() - before;
	if (!ruleset) {
		fprintf(stderr, "%s\n", problems.count ? problems.texts[0] : "no rules");
		exit(78);
	}
	return ruleset;
}

static double classify_round(const struct ruleset *ruleset, int rounds)
{
	struct verdict verdict;
	double before = now();

	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < report_count; i++) {
			ruleset_classify(ruleset, &reports[i], &verdict);
			sink += (unsigned)verdict.category;
		}
	}
	return (now() - before) / rounds / (double)report_count;
}

static double memchr_round(int rounds)
{
	double before = now();

	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < report_count; i++)
			sink += memchr(reports[i].description.data, 1, reports[i].description.size) != NULL;
	}
	return (now() - before) / rounds / (double)report_count;
}

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

/* One text at a time, best of many, so that only the text itself makes it slow. */
static void print_slowest(const struct ruleset *ruleset)
{
	static double times[TEXTS_MAX];
	struct verdict verdict;

	for (size_t i = 0; i < report_count; i++) {
		times[i] = 1;
		for (int repeat = 0; repeat < 20; repeat++) {
			double before = now();
			for (int k = 0; k < 20; k++)
				ruleset_classify(ruleset, &reports[i], &verdict);
			double took = (now() - before) / 20;
			times[i] = took < times[i] ? took : times[i];
		}
	}
	qsort(times, report_count, sizeof(times[0]), by_size);
	printf("by text: median %.2f us, p99 %.2f us, slowest %.2f us\n", times[report_count / 2] * 1e6,
	       times[report_count * 99 / 100] * 1e6, times[report_count - 1] * 1e6);
}

static void print_hostile(const struct ruleset *ruleset)
{
	static const char unit[] = "没有着火但楼道电动车充电";
	char *text = malloc(HOSTILE);
	size_t used = 0;
	struct verdict verdict;

	for (; text && used + sizeof(unit) - 1 <= HOSTILE; used += sizeof(unit) - 1)
		memcpy(text + used, unit, sizeof(unit) - 1);
	for (int quarter = 1; quarter <= 4; quarter *= 2) {
		struct report report = { .description = { text, used * (size_t)quarter / 4 / 3 * 3 } };
		double before = now();
		ruleset_classify(ruleset, &report, &verdict);
		printf("hostile text of %4zu KiB: %.1f ms\n", report.description.size >> 10, (now() - before) * 1e3);
	}
	free(text);
}

int main(void)
{
	double load_best = 1, best = 1, ruler = 1, seconds;
	struct ruleset *ruleset = NULL;

	read_texts("tests/cases/reports-dev.jsonl");
	read_texts("tests/cases/reports-more.jsonl");
	for (int i = 0; i < REPEATS; i++) {
		ruleset_unref(&ruleset);
		ruleset = load(&seconds);
		load_best = seconds < load_best ? seconds : load_best;
	}
	classify_round(ruleset, 2);
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < REPEATS; i++) {
		seconds = classify_round(ruleset, ROUNDS / REPEATS);
		best = seconds < best ? seconds : best;
		seconds = memchr_round(ROUNDS);
		ruler = seconds < ruler ? seconds : ruler;
	}
	size_t after = mallinfo2().uordblks;
	printf("load: %.2f ms\n%zu texts of %.1f bytes: %.2f us a text to classify and explain; memchr %.4f us\n",
	       load_best * 1e3, report_count, (double)byte_count / (double)report_count, best * 1e6, ruler * 1e6);
	printf("heap grew by %zu bytes meanwhile\n", after - before);
	print_slowest(ruleset);
	print_hostile(ruleset);
	ruleset_unref(&ruleset);
	return sink == 1;
}
