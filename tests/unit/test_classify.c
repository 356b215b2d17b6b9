/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts of the rules that ship. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include "classify/rules.h"
#include "unit/case_file.h"
#include "unit/shipped_rules.h"

static const char *also_text(uint8_t also)
{
	static char text[40];

	text[0] = '\0';
	for (int i = 0; i < CATEGORY_OTHER; i++) {
		if (also >> i & 1)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", text[0] ? "," : "",
				 category_name((enum category)i));
	}
	return text[0] ? text : "-";
}

/* Prints what differs and returns whether anything did. An empty expectation is not checked. */
static bool differs(const char *place, const char *text, const char *category, const char *severity, const char *also,
		    const char *hazard)
{
	struct verdict verdict = shipped_rules_classify(text);
	bool same = (!category[0] || strcmp(category, category_name(verdict.category)) == 0) &&
		    (!severity[0] || severity[0] == '*' || strcmp(severity, severity_name(verdict.severity)) == 0) &&
		    (!also[0] || strcmp(also, also_text(verdict.also)) == 0) &&
		    (!hazard[0] || slice_equal(slice_of(hazard), verdict.hazard->code));

	if (!same)
		print_error("%s: \"%s\" became %s %s %s %.*s\n", place, text, category_name(verdict.category),
			    severity_name(verdict.severity), also_text(verdict.also), (int)verdict.hazard->code.size,
			    verdict.hazard->code.data);
	return !same;
}

static void test_cases(void **state)
{
	struct case_file *cases = case_file_open("tests/cases/classify.tsv");
	char *fields[CASE_FIELDS_MAX], place[64];
	int line, wrong = 0, count = 0;

	(void)state;
	while ((line = case_file_next(cases, fields)) > 0) {
		snprintf(place, sizeof(place), "classify.tsv:%d", line);
		wrong += differs(place, fields[4], fields[0], fields[2], fields[1], fields[3]);
		count++;
	}
	case_file_close(&cases);
	assert_true(count > 20);
	assert_int_equal(wrong, 0);
}

static void test_scopes(void **state)
{
	struct case_file *cases = case_file_open("tests/cases/scope.tsv");
	char *fields[CASE_FIELDS_MAX], place[64];
	int line, wrong = 0, count = 0;

	(void)state;
	while ((line = case_file_next(cases, fields)) > 0) {
		snprintf(place, sizeof(place), "scope.tsv:%d", line);
		wrong += differs(place, fields[2], fields[0], fields[1], "", "");
		count++;
	}
	case_file_close(&cases);
	assert_true(count > 20);
	assert_int_equal(wrong, 0);
}

/* The generator's sentences stand for what riders send: each must get its label, whatever neutral text is around it. */
static void test_generator_phrases(void **state)
{
	static const char *const frames[][2] = {
		{ "", "" },
		{ "送餐时看到，人民路12号", "，照片已上传" },
		{ "跟大家说一下，老四川麻辣烫", "，我是骑手" },
		{ "这里是骑手上报，工业三路208号", "。" },
		{ "现在情况：", "，拍照时间是刚才" },
		{ "取餐的时候，桂花园路9号 ", "，我在门口" },
	};
	struct case_file *cases = case_file_open("scripts/generator/phrases.tsv");
	char *fields[CASE_FIELDS_MAX], place[64], text[2048];
	int line, wrong = 0, count = 0;

	(void)state;
	while ((line = case_file_next(cases, fields)) > 0) {
		const char *category = strncmp(fields[0], "emer.", 5) == 0   ? "emergency"
				       : strncmp(fields[0], "fire.", 5) == 0 ? "fire"
				       : strncmp(fields[0], "food.", 5) == 0 ? "food"
									     : "other";
		for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
			snprintf(text, sizeof(text), "%s%s%s", frames[i][0], fields[3], frames[i][1]);
			snprintf(place, sizeof(place), "phrases.tsv:%d %s", line, fields[0]);
			/* Which of the codes of "other" it is makes no difference to anybody. */
			wrong += differs(place, text, category, fields[1], fields[2],
					 strcmp(category, "other") == 0 ? "" : fields[0]);
		}
		count++;
	}
	case_file_close(&cases);
	assert_true(count > 100);
	assert_int_equal(wrong, 0);
}

static void test_labels(void **state)
{
	struct report report = { .description = SLICE(""), .labels = { SLICE("灭火器过期") }, .label_count = 1 };
	struct verdict verdict;

	(void)state;
	ruleset_classify(shipped_rules, &report, &verdict);
	assert_int_equal(verdict.category, CATEGORY_FIRE);
	assert_true(verdict.evidence_count > 0);
	for (size_t i = 0; i < verdict.evidence_count; i++)
		assert_int_equal(verdict.evidence[i].from, verdict.evidence[i].to);
	/* Against a clear text a label and the rider's pick are weak. */
	report.description = SLICE("有人晕倒在路边，叫不醒");
	report.service_code = SERVICE_FOOD;
	ruleset_classify(shipped_rules, &report, &verdict);
	assert_int_equal(verdict.category, CATEGORY_EMERGENCY);
}

static void test_nothing_said(void **state)
{
	struct report report = { .description = SLICE(""), .service_code = SERVICE_FIRE };
	struct verdict verdict;

	(void)state;
	ruleset_classify(shipped_rules, &report, &verdict);
	assert_int_equal(verdict.category, CATEGORY_OTHER);
	assert_int_equal(verdict.severity, SEVERITY_NONE);
	assert_true(slice_equal(verdict.hazard->code, SLICE("other.none")));
}

static double seconds_for(const char *unit, size_t size)
{
	size_t length = strlen(unit), used = 0;
	char *text = malloc(size);
	struct verdict verdict;
	struct timespec from, to;

	assert_non_null(text);
	for (; used + length <= size; used += length)
		memcpy(text + used, unit, length);
	struct report report = { .description = { text, used } };
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	ruleset_classify(shipped_rules, &report, &verdict);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	free(text);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* Four times the text may cost four times the time, not sixteen times. */
/* With less for emergencies and more for food. */
static uint8_t also_when(struct ruleset *ruleset, const struct report *report, int32_t shift)
{
	int32_t *bias = ruleset->weights.bias + OUTPUT_ALSO;
	struct verdict verdict;

	bias[CATEGORY_EMERGENCY] -= shift;
	bias[CATEGORY_FOOD] += shift;
	ruleset_classify(ruleset, report, &verdict);
	bias[CATEGORY_EMERGENCY] += shift;
	bias[CATEGORY_FOOD] -= shift;
	return verdict.also;
}

/* The margin is exactly what it takes to change the further categories; without a hazard there is none. */
static void test_margin_of_further_categories(void **state)
{
	struct report fire = { .description = SLICE("仓库起火，一个工人被烧伤了") };
	struct report chat = { .description = SLICE("今天单子多") };
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load("pipelines/rules", &problems);
	struct verdict verdict;

	(void)state;
	assert_non_null(ruleset);
	ruleset_classify(ruleset, &chat, &verdict);
	assert_int_equal(verdict.also_margin, 0);
	ruleset_classify(ruleset, &fire, &verdict);
	assert_int_equal(verdict.category, CATEGORY_FIRE);
	assert_int_equal(verdict.also, 1u << CATEGORY_EMERGENCY);
	assert_true(verdict.also_margin > 0);
	assert_int_equal(also_when(ruleset, &fire, verdict.also_margin - 1), 1u << CATEGORY_EMERGENCY);
	assert_int_not_equal(also_when(ruleset, &fire, verdict.also_margin + 1), 1u << CATEGORY_EMERGENCY);
	ruleset_unref(&ruleset);
	problems_fini(&problems);
}

static void test_time_is_linear(void **state)
{
	static const char *const units[] = { "楼道电动车充电没有堵", "没有没有没有",      "着火", "aaaa",
					     "人车火油，",           "\xE6\xB2\xA1火锅。" };

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		double quarter = seconds_for(units[i], 1 << 18), whole = seconds_for(units[i], 1 << 20);
		if (whole > 10 * quarter + 0.02)
			fail_msg("\"%s\": %.4f s for a quarter, %.4f s for the whole", units[i], quarter, whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_generator_phrases),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_nothing_said),
		cmocka_unit_test(test_margin_of_further_categories),
		cmocka_unit_test(test_time_is_linear),
	};
	return cmocka_run_group_tests(tests, shipped_rules_load, shipped_rules_unload);
}
