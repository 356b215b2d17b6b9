/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl explain: one text, and everything that led to its verdict. */
#include "commands.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>
#include "columns.h"
#include "score.h"
#include "verdict_json.h"

static const char on[] = "\033[1;31m", weak[] = "\033[33m", off[] = "\033[0m";

struct view {
	const char *text;
	struct verdict verdict;
	struct routing routing[CATEGORY_OTHER]; /* of each category that is alerted */
	bool colours;
};

/* What the heaviest contribution weighs that covers this byte. */
static int32_t weight_at(const struct verdict *verdict, uint32_t at)
{
	int32_t weight = 0;

	for (size_t i = 0; i < verdict->evidence_count; i++) {
		const struct evidence *evidence = &verdict->evidence[i];
		if (at >= evidence->from && at < evidence->to && evidence->weight > weight)
			weight = evidence->weight;
	}
	return weight;
}

/* A control byte would steer the terminal. */
static void put_byte(char byte)
{
	putchar((unsigned char)byte < 0x20 || byte == 0x7f ? ' ' : byte);
}

static void print_text(const struct view *view)
{
	const char *style = "", *next;

	fputs("  ", stdout);
	for (uint32_t at = 0; view->text[at]; at++) {
		int32_t weight = weight_at(&view->verdict, at);
		next = !view->colours || weight <= 0 ? "" : weight >= 100 ? on : weak;
		if (next != style)
			fputs(*next ? next : off, stdout);
		style = next;
		put_byte(view->text[at]);
	}
	puts(*style ? off : "");
}

static void print_evidence(const struct view *view)
{
	static const char *const headers[] = { "adds", "rule", "bytes", "text", NULL };
	struct columns *columns = columns_new(headers);

	for (size_t i = 0; i < view->verdict.evidence_count; i++) {
		const struct evidence *evidence = &view->verdict.evidence[i];
		columns_format(columns, "%+.2f", evidence->weight / 100.0);
		columns_format(columns, "%.*s", (int)evidence->rule.size, evidence->rule.data);
		if (evidence->to > evidence->from)
			columns_format(columns, "%u-%u", evidence->from, evidence->to);
		else
			columns_text(columns, "");
		columns_format(columns, "%.*s", (int)(evidence->to - evidence->from), view->text + evidence->from);
	}
	columns_print(columns, stdout);
	columns_free(&columns);
	printf("= %+.2f\n", view->verdict.score / 100.0);
}

static void print_routes(const struct view *view)
{
	for (int c = 0; c < CATEGORY_OTHER; c++) {
		const struct routing *routing = &view->routing[c];
		for (size_t i = 0; i < routing->count; i++)
			printf("%s %.*s (%.*s, %.*s)\n", label_of_category((enum category)c),
			       (int)routing->routes[i].agency.size, routing->routes[i].agency.data,
			       (int)routing->routes[i].role.size, routing->routes[i].role.data, (int)routing->rule.size,
			       routing->rule.data);
		if (routing->response_rule.data)
			printf("%s acknowledge within %.*s, check within %.*s (%.*s)\n",
			       label_of_category((enum category)c),
			       routing->acknowledge_within.data ? (int)routing->acknowledge_within.size : 1,
			       routing->acknowledge_within.data ? routing->acknowledge_within.data : "-",
			       routing->check_within.data ? (int)routing->check_within.size : 1,
			       routing->check_within.data ? routing->check_within.data : "-",
			       (int)routing->response_rule.size, routing->response_rule.data);
	}
}

static void print_view(const struct view *view)
{
	const struct verdict *verdict = &view->verdict;

	print_text(view);
	printf("\n%s, ahead by %.2f%s", label_of_category(verdict->category), verdict->margin / 100.0,
	       verdict->unsure ? " (unsure)" : "");
	for (int i = 0; i < CATEGORY_OTHER; i++)
		if (verdict->also >> i & 1)
			printf("; also %s", label_of_category((enum category)i));
	if (verdict->category != CATEGORY_OTHER)
		printf("; severity %s, ahead by %.2f", label_of_severity(verdict->severity),
		       verdict->severity_margin / 100.0);
	printf("; %.*s %.*s\n\n", (int)verdict->hazard->code.size, verdict->hazard->code.data,
	       (int)verdict->hazard->event.size, verdict->hazard->event.data);
	print_evidence(view);
	print_routes(view);
}

static void print_json(const struct view *view)
{
	struct arena arena;
	struct buffer json;

	arena_init(&arena);
	buffer_init(&json, &arena, 4096);
	buffer_append_char(&json, '{');
	verdict_json_members(&json, &view->verdict);
	verdict_json_margin(&json, &view->verdict);
	buffer_append(&json, SLICE(",\"severity_margin\":"));
	buffer_append_decimal(&json, view->verdict.severity_margin / 100.0, 2);
	buffer_append(&json, SLICE(",\"score\":"));
	buffer_append_decimal(&json, view->verdict.score / 100.0, 2);
	buffer_append(&json, SLICE(",\"evidence\":["));
	for (size_t i = 0; i < view->verdict.evidence_count; i++) {
		const struct evidence *evidence = &view->verdict.evidence[i];
		buffer_append(&json, i ? SLICE(",{\"rule\":") : SLICE("{\"rule\":"));
		buffer_append_json_string(&json, evidence->rule);
		buffer_append(&json, SLICE(",\"from\":"));
		buffer_append_int(&json, evidence->from);
		buffer_append(&json, SLICE(",\"to\":"));
		buffer_append_int(&json, evidence->to);
		buffer_append(&json, SLICE(",\"adds\":"));
		buffer_append_decimal(&json, evidence->weight / 100.0, 2);
		buffer_append_char(&json, '}');
	}
	buffer_append(&json, SLICE("]}\n"));
	fwrite(json.data, 1, json.size, stdout);
	arena_fini(&arena);
}

static bool wants_colours(const struct command_line *line)
{
	return command_value(line, "colour") || (isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
}

static int run(const struct command_line *line, const struct config *config)
{
	struct view view = { .text = line->operands[0], .colours = wants_colours(line) };
	struct report report = { .description = slice_of(view.text) };
	struct ruleset *ruleset = command_rules(line, config);

	if (!ruleset)
		return EX_CONFIG;
	ruleset_classify(ruleset, &report, &view.verdict);
	for (int c = 0; c < CATEGORY_OTHER; c++)
		if ((view.verdict.also | 1u << view.verdict.category) >> c & 1)
			ruleset_route(ruleset, (enum category)c, view.verdict.severity, view.verdict.hazard,
				      slice_of(command_value(line, "jurisdiction")), &view.routing[c]);
	command_value(line, "json") ? print_json(&view) : print_view(&view);
	ruleset_unref(&ruleset);
	return EX_OK;
}

static const struct command_option options[] = {
	{ 0, "rules", "FOLDER", "rules to use, instead of rules.folder" },
	{ 0, "jurisdiction", "ADCODE", "where the report is from, for the routes" },
	{ 0, "json", NULL, "for machines" },
	{ 0, "colour", NULL, "colour the text though the output is no terminal" },
	{ 0, NULL, NULL, NULL },
};

const struct command command_explain = {
	.name = "explain",
	.operands = "TEXT",
	.operands_min = 1,
	.operands_max = 1,
	.summary = "why a text gets its verdict: what each piece of it adds",
	.details =
		"Prints the verdict on TEXT, the largest contributions with their bytes and rules, and whom an alert "
		"would go to.\n"
		"The contributions add up to the score of the winning category. Red: adds 1 or more, yellow: less.\n\n"
		"  riderwatchctl explain 三楼阳台着火了，有人困在里面",
	.options = options,
	.run = run,
};
