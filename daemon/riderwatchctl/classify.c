/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl classify: many texts, one verdict a line. */
#include "commands.h"

#include <sysexits.h>
#include "labelled.h"
#include "verdict_json.h"

enum { BUFFER_SIZE = 1 << 16 };

static void print_verdict(struct buffer *json, const struct labelled *labelled, const struct verdict *verdict)
{
	json->size = 0;
	buffer_append(json, SLICE("{\"id\":"));
	buffer_append(json, labelled->id.data ? labelled->id : SLICE("null"));
	buffer_append_char(json, ',');
	verdict_json_members(json, verdict);
	verdict_json_margin(json, verdict);
	buffer_append(json, SLICE("}\n"));
	fwrite(json->data, 1, json->size, stdout);
}

static int classify_all(const struct ruleset *ruleset, struct labelled *labelled)
{
	struct arena arena;
	struct buffer json;

	arena_init(&arena);
	buffer_init(&json, &arena, 4096);
	while (labelled_next(labelled)) {
		struct verdict verdict;
		ruleset_classify(ruleset, &labelled->report, &verdict);
		print_verdict(&json, labelled, &verdict);
	}
	arena_fini(&arena);
	return labelled->bad ? EX_DATAERR : EX_OK;
}

static int run(const struct command_line *line, const struct config *config)
{
	struct labelled labelled;
	struct ruleset *ruleset = command_rules(line, config);
	int status = EX_NOINPUT;

	if (!ruleset)
		return EX_CONFIG;
	setvbuf(stdout, NULL, _IOFBF, BUFFER_SIZE);
	if (labelled_open(&labelled, line, line->operand_count ? line->operands[0] : "-"))
		status = classify_all(ruleset, &labelled);
	if (fflush(stdout) != 0)
		status = command_fail(line, EX_IOERR, "output cannot be written");
	ruleset_unref(&ruleset);
	return status;
}

static const struct command_option options[] = {
	{ 0, "rules", "FOLDER", "rules to use, instead of rules.folder" },
	{ 0, NULL, NULL, NULL },
};
static const struct command_exit exits[] = {
	{ EX_DATAERR, "a line was no text; it was named on standard error, the others were classified" },
	{ EX_NOINPUT, "the file cannot be read" },
	{ EX_IOERR, "the output cannot be written" },
	{ 0, NULL },
};

const struct command command_classify = {
	.name = "classify",
	.operands = "[FILE]",
	.operands_max = 1,
	.summary = "classify texts, one JSON object a line",
	.details = "Reads {\"id\", \"text\"} lines (also \"service_code\"; whole events, too) from FILE or standard "
		   "input and writes\n"
		   "{\"id\", \"category\", \"also\", \"severity\", \"hazard_code\", \"unsure\", \"margin\"} lines.\n\n"
		   "  echo '{\"id\": 1, \"text\": \"楼道里电动车在充电\"}' | riderwatchctl classify",
	.options = options,
	.exits = exits,
	.run = run,
};
