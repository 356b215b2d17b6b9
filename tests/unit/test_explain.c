/* SPDX-License-Identifier: Apache-2.0 */
/* Every verdict says why: spans on character borders, weights that add up, and text that matters when it is taken away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include "ruleset.h"
#include "unit/shipped_rules.h"

enum { TEXTS_WANTED = 200, TEXT_MAX = 4096 };

/* Calls check for the texts of both files of reports; returns how many there were. */
static int for_all_texts(void (*check)(const char *text, void *context), void *context)
{
	static const char *const paths[] = { "tests/cases/reports-dev.jsonl", "tests/cases/reports-more.jsonl" };
	char line[TEXT_MAX];
	int count = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		FILE *file = fopen(paths[i], "re");
		assert_non_null(file);
		for (; fgets(line, sizeof(line), file); count++) {
			json_t *row = json_loads(line, 0, NULL);
			assert_non_null(row);
			check(json_string_value(json_object_get(row, "text")), context);
			json_decref(row);
		}
		fclose(file);
	}
	return count;
}

static bool on_border(const char *text, uint32_t at)
{
	return ((unsigned char)text[at] & 0xC0) != 0x80;
}

static void check_evidence(const char *text, void *context)
{
	struct verdict verdict = shipped_rules_classify(text);
	int32_t sum = 0;

	(void)context;
	assert_true(verdict.evidence_count > 0);
	for (size_t i = 0; i < verdict.evidence_count; i++) {
		const struct evidence *evidence = &verdict.evidence[i];
		bool rest = slice_equal(evidence->rule, SLICE("rest"));
		sum += evidence->weight;
		assert_true(evidence->from <= evidence->to && evidence->to <= strlen(text));
		assert_true(on_border(text, evidence->from) && on_border(text, evidence->to));
		assert_true(!rest || i + 1 == verdict.evidence_count);
		if (i > 0 && !rest)
			assert_true(verdict.evidence[i - 1].weight >= evidence->weight);
	}
	assert_int_equal(sum, verdict.score);
	assert_true(verdict.margin >= 0);
}

static void test_spans_and_sums(void **state)
{
	(void)state;
	assert_true(for_all_texts(check_evidence, NULL) >= TEXTS_WANTED);
}

struct falls {
	int texts, lower;
};

/* Without the bytes that count most, the score must be lower, or another category wins. */
static void check_removal(const char *text, void *context)
{
	struct falls *falls = context;
	struct verdict before = shipped_rules_classify(text);
	const struct evidence *top = &before.evidence[0];
	char less[TEXT_MAX];

	if (top->to == top->from || before.category == CATEGORY_OTHER || top->to - top->from == strlen(text))
		return;
	snprintf(less, sizeof(less), "%.*s%s", (int)top->from, text, text + top->to);
	struct verdict after = shipped_rules_classify(less);
	falls->texts++;
	falls->lower += after.category != before.category || after.score < before.score;
}

static void test_the_top_span_matters(void **state)
{
	struct falls falls = { 0, 0 };

	(void)state;
	for_all_texts(check_removal, &falls);
	print_message("%d texts without their top span: %d score lower\n", falls.texts, falls.lower);
	assert_true(falls.texts >= TEXTS_WANTED);
	assert_true(falls.lower >= falls.texts * 97 / 100);
}

static bool has_span(const struct verdict *verdict, const char *text, const char *rule, const char *words)
{
	for (size_t i = 0; i < verdict->evidence_count; i++) {
		const struct evidence *evidence = &verdict->evidence[i];
		if (slice_starts_with(evidence->rule, slice_of(rule)) &&
		    evidence->to - evidence->from == strlen(words) &&
		    memcmp(text + evidence->from, words, strlen(words)) == 0)
			return true;
	}
	return false;
}

static void test_a_rule_shows_its_words(void **state)
{
	static const char text[] = "取餐时看到三楼阳台着火了";
	struct verdict verdict = shipped_rules_classify(text);

	(void)state;
	assert_int_equal(verdict.category, CATEGORY_FIRE);
	assert_true(has_span(&verdict, text, "fire.active#", "着火"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spans_and_sums),
		cmocka_unit_test(test_the_top_span_matters),
		cmocka_unit_test(test_a_rule_shows_its_words),
	};
	return cmocka_run_group_tests(tests, shipped_rules_load, shipped_rules_unload);
}
