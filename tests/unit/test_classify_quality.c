/* SPDX-License-Identifier: Apache-2.0 */
/* How good the rules are on labelled texts that they were written from: floors slightly below what is reached, so that a change
 * that spoils them shows. What these numbers are on texts nobody looked at is lower. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <jansson.h>
#include "ruleset.h"

struct score {
	int right[CATEGORY_COUNT], gold[CATEGORY_COUNT], got[CATEGORY_COUNT];
	int hazards, hazards_found, severity_right;
	int false_pages, missed_emergencies, emergencies, silent, critical, critical_found;
};

static enum category category_of(const char *label)
{
	switch (label[0]) {
	case 'e':
		return CATEGORY_EMERGENCY;
	case 'o':
		return CATEGORY_OTHER;
	default:
		return label[1] == 'i' ? CATEGORY_FIRE : CATEGORY_FOOD; /* fire_hazard, food_safety */
	}
}

static enum severity severity_of(const char *label)
{
	switch (label[0]) {
	case 'c':
		return SEVERITY_EXTREME;
	case 'h':
		return SEVERITY_SEVERE;
	case 'm':
		return SEVERITY_MODERATE;
	case 'l':
		return SEVERITY_MINOR;
	default:
		return SEVERITY_NONE;
	}
}

static bool is_emergency(enum category category, uint8_t also)
{
	return category == CATEGORY_EMERGENCY || (also >> CATEGORY_EMERGENCY & 1);
}

static uint8_t also_of(const json_t *list)
{
	uint8_t also = 0;
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
		also |= (uint8_t)(1u << category_of(json_string_value(item)));
	return also;
}

static void add(struct score *score, const json_t *row, const struct verdict *verdict)
{
	enum category gold = category_of(json_string_value(json_object_get(row, "category")));
	enum severity severity = severity_of(json_string_value(json_object_get(row, "severity")));
	bool paged = verdict->severity >= SEVERITY_SEVERE;
	bool emergency = is_emergency(gold, also_of(json_object_get(row, "also")));

	score->gold[gold]++;
	score->got[verdict->category]++;
	score->right[gold] += gold == verdict->category;
	score->hazards += gold != CATEGORY_OTHER;
	score->hazards_found += gold != CATEGORY_OTHER && verdict->category != CATEGORY_OTHER;
	score->severity_right += severity == verdict->severity;
	score->false_pages += gold == CATEGORY_OTHER && paged;
	score->emergencies += emergency;
	score->missed_emergencies += emergency && !is_emergency(verdict->category, verdict->also);
	score->critical += severity == SEVERITY_EXTREME;
	score->critical_found += severity == SEVERITY_EXTREME && verdict->severity == SEVERITY_EXTREME;
	score->silent += severity == SEVERITY_EXTREME && verdict->severity <= SEVERITY_MINOR;
}

static double share(int part, int whole)
{
	return whole > 0 ? (double)part / whole : 0;
}

static double macro_f1(const struct score *score)
{
	double sum = 0;

	for (int i = 0; i < CATEGORY_COUNT; i++)
		sum += share(2 * score->right[i], score->gold[i] + score->got[i]);
	return sum / CATEGORY_COUNT;
}

static struct score score_file(const struct ruleset *ruleset, const char *path)
{
	struct score score = { 0 };
	char line[8192];
	FILE *file = fopen(path, "re");

	if (!file)
		fail_msg("%s cannot be read; run tests in the repository root", path);
	while (fgets(line, sizeof(line), file)) {
		json_t *row = json_loads(line, 0, NULL);
		struct verdict verdict;
		assert_non_null(row);
		struct report report = { .description = slice_of(json_string_value(json_object_get(row, "text"))) };
		ruleset_classify(ruleset, &report, &verdict);
		add(&score, row, &verdict);
		json_decref(row);
	}
	fclose(file);
	return score;
}

static void test_floors(void **state)
{
	static const struct {
		const char *path;
		double macro_f1, hazard_precision, hazard_recall, critical_recall;
		double false_page, missed_emergency, silent_critical;
	} floors[] = {
		{ "tests/cases/reports-dev.jsonl", 0.96, 0.97, 0.97, 0.90, 0.03, 0.03, 0.03 },
		{ "tests/cases/reports-more.jsonl", 0.96, 0.97, 0.97, 0.90, 0.03, 0.03, 0.01 },
	};
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load("pipelines/rules", &problems);

	(void)state;
	assert_non_null(ruleset);
	for (size_t i = 0; i < sizeof(floors) / sizeof(floors[0]); i++) {
		struct score score = score_file(ruleset, floors[i].path);
		int rows = 0, alarms = 0;
		for (int c = 0; c < CATEGORY_COUNT; c++)
			rows += score.gold[c];
		alarms = rows - score.got[CATEGORY_OTHER];
		print_message("%s: macro-F1 %.3f, hazard precision %.3f recall %.3f, severity %.3f, critical recall %.3f, false page "
			      "%.3f, missed emergency %.3f, silent critical %.3f\n",
			      floors[i].path, macro_f1(&score), share(score.hazards_found, alarms),
			      share(score.hazards_found, score.hazards), share(score.severity_right, rows),
			      share(score.critical_found, score.critical),
			      share(score.false_pages, score.gold[CATEGORY_OTHER]),
			      share(score.missed_emergencies, score.emergencies), share(score.silent, score.critical));
		assert_true(rows >= 200);
		assert_true(macro_f1(&score) >= floors[i].macro_f1);
		assert_true(share(score.hazards_found, alarms) >= floors[i].hazard_precision);
		assert_true(share(score.hazards_found, score.hazards) >= floors[i].hazard_recall);
		assert_true(share(score.critical_found, score.critical) >= floors[i].critical_recall);
		assert_true(share(score.false_pages, score.gold[CATEGORY_OTHER]) <= floors[i].false_page);
		assert_true(share(score.missed_emergencies, score.emergencies) <= floors[i].missed_emergency);
		assert_true(share(score.silent, score.critical) <= floors[i].silent_critical);
	}
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
