/* SPDX-License-Identifier: Apache-2.0 */
/* What texts do, by kind: the share of locked texts that get the right category. They are locked by hash
 * (texts/README.md), so neither weights nor phrases come from them. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/sha.h>
#include "labelled.h"
#include "ruleset.h"
#include "unit/case_file.h"

enum { KINDS_MAX = 32, LOCKED_OF = 8 };

struct kind {
	char name[32];
	int percent, texts, right;
};

static struct kind kinds[KINDS_MAX];
static size_t kind_count;

static bool is_locked(struct slice text)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text.data, text.size, digest);
	return digest[0] % LOCKED_OF == 0;
}

static void read_kinds(void)
{
	struct case_file *cases = case_file_open("tests/cases/behaviour.tsv");
	char *fields[CASE_FIELDS_MAX];

	while (case_file_next(cases, fields) > 0) {
		assert_true(kind_count < KINDS_MAX);
		snprintf(kinds[kind_count].name, sizeof(kinds[0].name), "%s", fields[0]);
		kinds[kind_count++].percent = atoi(fields[1]);
	}
	case_file_close(&cases);
}

static struct kind *kind_of(struct slice name)
{
	for (size_t i = 0; i < kind_count; i++) {
		if (slice_equal(name, slice_of(kinds[i].name)))
			return &kinds[i];
	}
	fail_msg("behaviour.tsv has no row for the kind %.*s", (int)name.size, name.data);
	return NULL;
}

static void count_file(const struct ruleset *ruleset, const char *path)
{
	static const struct command command = { .name = "test" };
	struct command_line line = { .command = &command };
	struct labelled labelled;

	assert_true(labelled_open(&labelled, &line, path));
	while (labelled_next(&labelled)) {
		struct verdict verdict;
		if (!is_locked(labelled.report.description))
			continue;
		struct kind *kind = kind_of(labelled.kind);
		ruleset_classify(ruleset, &labelled.report, &verdict);
		kind->texts++;
		kind->right += verdict.category == labelled.gold.category;
	}
	assert_int_equal(labelled.bad, 0);
}

static void test_kinds(void **state)
{
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load("pipelines/rules", &problems);
	int below = 0;
	glob_t found;

	(void)state;
	assert_non_null(ruleset);
	read_kinds();
	assert_int_equal(glob("pipelines/rules/texts/*.tsv", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		count_file(ruleset, found.gl_pathv[i]);
	globfree(&found);
	for (size_t i = 0; i < kind_count; i++) {
		bool good = kinds[i].right * 100 >= kinds[i].percent * kinds[i].texts;
		print_message("%-12s %3d of %3d%s\n", kinds[i].name, kinds[i].right, kinds[i].texts,
			      good ? "" : "  BELOW ITS SHARE");
		below += !good;
		assert_true(kinds[i].texts > 0);
	}
	assert_int_equal(below, 0);
	ruleset_unref(&ruleset);
	problems_fini(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
