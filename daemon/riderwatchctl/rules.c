/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl rules: for those who own the rules. */
#include "rules.h"

#include <string.h>
#include <sysexits.h>
#include "commands.h"

static const struct action {
	const char *name;
	size_t operands_min, operands_max; /* behind the name */
	const char *usage;
	int (*run)(const struct command_line *line, const struct config *config);
} actions[] = {
	{ "check", 0, 0, "rules check", rules_check },
	{ "test", 0, 100, "rules test [FILE...]", rules_test },
	{ "diff", 2, 3, "rules diff OLD NEW [FILE]", rules_diff },
	{ "score", 1, 100, "rules score GOLD...", rules_score },
};
enum { ACTION_COUNT = sizeof(actions) / sizeof(*actions) };

static int run(const struct command_line *line, const struct config *config)
{
	size_t operands = line->operand_count - 1;

	for (size_t i = 0; i < ACTION_COUNT; i++) {
		if (strcmp(actions[i].name, line->operands[0]) != 0)
			continue;
		if (operands < actions[i].operands_min || operands > actions[i].operands_max)
			return command_fail(line, EX_USAGE, "usage: riderwatchctl %s", actions[i].usage);
		return actions[i].run(line, config);
	}
	return command_fail(line, EX_USAGE, "unknown action %s: check, test, diff or score", line->operands[0]);
}

static const struct command_option options[] = {
	{ 0, "rules", "FOLDER", "rules to use, instead of rules.folder" },
	{ 0, "strict", NULL, "check: remarks count as mistakes" },
	{ 0, "json", NULL, "score: for machines" },
	{ 0, NULL, NULL, NULL },
};
static const struct command_exit exits[] = {
	{ 1, "test: a text got another verdict; diff: some verdicts differ; check --strict: there are remarks" },
	{ EX_DATAERR, "a line was no text; it was named on standard error" },
	{ EX_NOINPUT, "a file cannot be read" },
	{ 0, NULL },
};

const struct command command_rulebook = {
	.name = "rules",
	.operands = "check|test|diff|score [OPERANDS]",
	.operands_min = 1,
	.operands_max = 101,
	.summary = "check, test, compare and score rules",
	.details = "  rules check              mistakes (refused) and remarks: words that can never match, "
		   "contradictions; file:line\n"
		   "  rules test [FILE...]     expectation tables: category, severity, text; or category, also, "
		   "severity, code, text\n"
		   "                           (default: tests/cases/classify.tsv and scope.tsv)\n"
		   "  rules diff OLD NEW [FILE] texts ({\"id\", \"text\"} lines or events, from FILE or standard "
		   "input) through two\n"
		   "                           folders of rules; writes those whose verdict or routes differ\n"
		   "  rules score GOLD...      every number on labelled texts: {\"text\", \"category\", \"also\", "
		   "\"severity\"} lines,\n"
		   "                           tables of labelled texts, or reviews (1 = complains, tab, text)",
	.options = options,
	.exits = exits,
	.run = run,
};
