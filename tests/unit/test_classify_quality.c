/* SPDX-License-Identifier: Apache-2.0 */
/* How good the rules are on labelled texts that they were trained on: floors slightly below what is reached, so that a
 * change that spoils them shows. What these numbers are on texts nobody looked at is lower, see
 * pipelines/classify/README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <jansson.h>
#include "score.h"
#include "ruleset.h"

static uint8_t also_of(const json_t *list)
{
	uint8_t also = 0;
	size_t i;
	json_t *item;
	enum category category;

	json_array_foreach(list, i, item)
	{
		assert_true(label_read_category(slice_of(json_string_value(item)), &category));
		also |= (uint8_t)(1u << category);
	}
	return also;
}

static struct slice member(const json_t *row, const char *key)
{
	return slice_of(json_string_value(json_object_get(row, key)));
}

static struct score score_file(const struct ruleset *ruleset, const char *path)
{
	struct score score = { .rows = 0 };
	char line[8192];
	FILE *file = fopen(path, "re");

	if (!file)
		fail_msg("%s cannot be read; run tests in the repository root", path);
	while (fgets(line, sizeof(line), file)) {
		json_t *row = json_loads(line, 0, NULL);
		struct verdict verdict;
		struct gold gold = { .also = also_of(json_object_get(row, "also")) };
		assert_true(label_read_category(member(row, "category"), &gold.category));
		assert_true(label_read_severity(member(row, "severity"), &gold.severity));
		struct report report = { .description = member(row, "text") };
		ruleset_classify(ruleset, &report, &verdict);
		score_add(&score, &gold, &verdict);
		json_decref(row);
	}
	fclose(file);
	return score;
}

/* Whether a value keeps its bound: from below, or from above where less is better. */
static bool keeps(enum measure measure, double value, double bound)
{
	return measure_rows[measure].floor > measure_rows[measure].goal ? value <= bound : value >= bound;
}

static void test_floors(void **state)
{
	static const char *const paths[] = { "tests/cases/reports-dev.jsonl", "tests/cases/reports-more.jsonl" };
	static const struct {
		enum measure measure;
		double bound;
	} floors[] = {
		{ MEASURE_MACRO_F1, 0.96 },         { MEASURE_HAZARD_PRECISION, 0.97 },
		{ MEASURE_HAZARD_RECALL, 0.97 },    { MEASURE_SEVERITY_ACCURACY, 0.93 },
		{ MEASURE_CRITICAL_RECALL, 0.93 },  { MEASURE_FALSE_PAGE, 0.03 },
		{ MEASURE_MISSED_EMERGENCY, 0.05 }, { MEASURE_SILENT_CRITICAL, 0.015 },
		{ MEASURE_ALSO_F1, 0.85 },
	};
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load("pipelines/rules", &problems);
	int wrong = 0;

	(void)state;
	assert_non_null(ruleset);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct score score = score_file(ruleset, paths[i]);
		assert_true(score.rows >= 400);
		for (size_t k = 0; k < sizeof(floors) / sizeof(floors[0]); k++) {
			double value = score_value(&score, floors[k].measure);
			bool good = keeps(floors[k].measure, value, floors[k].bound);
			wrong += !good;
			print_message("%s: %s %.3f%s\n", paths[i], measure_rows[floors[k].measure].name, value,
				      good ? "" : " MISSES ITS BOUND");
		}
		score_fini(&score);
	}
	assert_int_equal(wrong, 0);
	ruleset_unref(&ruleset);
	problems_fini(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
