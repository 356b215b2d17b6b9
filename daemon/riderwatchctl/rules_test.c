/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include <stdio.h>
#include <sysexits.h>
#include "labelled.h"
#include "verdict_json.h"

struct tally {
	int texts, wrong, bad;
};

static bool is_right(const struct labelled *expected, const struct verdict *verdict)
{
	const struct gold *gold = &expected->gold;

	return gold->category == verdict->category && (expected->any_severity || gold->severity == verdict->severity) &&
	       (!expected->has_also || gold->also == verdict->also) &&
	       (!gold->hazard_code.data || slice_equal(gold->hazard_code, verdict->hazard->code));
}

static void print_wrong(const struct labelled *expected, const struct verdict *verdict)
{
	struct arena arena;
	struct buffer json;

	arena_init(&arena);
	buffer_init(&json, &arena, 512);
	verdict_json_members(&json, verdict);
	printf("%s:%d: %.*s\n    expected %s %s, is %.*s\n", expected->path, expected->line,
	       (int)expected->report.description.size, expected->report.description.data,
	       label_of_category(expected->gold.category),
	       expected->any_severity ? "(any severity)" : label_of_severity(expected->gold.severity), (int)json.size,
	       json.data);
	arena_fini(&arena);
}

static bool test_file(const struct ruleset *ruleset, const struct command_line *line, const char *path,
		      struct tally *tally)
{
	struct labelled labelled;

	if (!labelled_open(&labelled, line, path))
		return false;
	while (labelled_next(&labelled)) {
		struct verdict verdict;
		if (!labelled.has_gold)
			continue;
		ruleset_classify(ruleset, &labelled.report, &verdict);
		tally->texts++;
		if (is_right(&labelled, &verdict))
			continue;
		tally->wrong++;
		print_wrong(&labelled, &verdict);
	}
	tally->bad += labelled.bad;
	return true;
}

int rules_test(const struct command_line *line, const struct config *config)
{
	static const char *const usual[] = { "tests/cases/classify.tsv", "tests/cases/scope.tsv" };
	size_t given = line->operand_count - 1, count = given ? given : sizeof(usual) / sizeof(*usual);
	struct ruleset *ruleset = command_rules(line, config);
	struct tally tally = { 0 };
	bool read = true;

	if (!ruleset)
		return EX_CONFIG;
	for (size_t i = 0; i < count && read; i++)
		read = test_file(ruleset, line, given ? line->operands[i + 1] : usual[i], &tally);
	ruleset_unref(&ruleset);
	if (!read)
		return EX_NOINPUT;
	printf("%d texts, %d wrong\n", tally.texts, tally.wrong);
	return tally.bad ? EX_DATAERR : tally.wrong ? 1 : EX_OK;
}
