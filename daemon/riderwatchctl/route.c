/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl route: which topics an event would take, and why. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include "columns.h"
#include "record_line.h"
#include "ruleset.h"

struct route_view {
	const struct command_line *line;
	const struct config *config;
	struct ruleset *ruleset;
	struct columns *columns; /* NULL: JSON lines */
};

static const char *default_topic(const struct config *config, enum category category)
{
	return category == CATEGORY_EMERGENCY ? config->topics_alerts_emergency
	       : category == CATEGORY_FIRE    ? config->topics_alerts_fire
					      : config->topics_alerts_food;
}

/* ---- output: one row a topic ---- */

struct row {
	int line;
	const char *category, *severity, *topic;
	struct slice hazard, agency, role, rule;
	const char *why; /* of what goes nowhere else */
};

static void add_text(struct columns *columns, struct slice text)
{
	columns_format(columns, "%.*s", text.data ? (int)text.size : 1, text.data ? text.data : "-");
}

static void print_json(const struct row *row)
{
	json_t *object = json_pack("{s:i, s:s, s:s?, s:s?, s:s#, s:s#, s:s#, s:s#, s:s}", "line", row->line, "topic",
				   row->topic, "category", row->category, "severity", row->severity, "hazard_code",
				   row->hazard.data ? row->hazard.data : "", (int)row->hazard.size, "agency",
				   row->agency.data ? row->agency.data : "", (int)row->agency.size, "role",
				   row->role.data ? row->role.data : "", (int)row->role.size, "rule",
				   row->rule.data ? row->rule.data : "", (int)row->rule.size, "why", row->why);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void print_row(struct route_view *view, const struct row *row)
{
	if (!view->columns) {
		print_json(row);
		return;
	}
	columns_number(view->columns, row->line);
	columns_text(view->columns, row->topic);
	columns_text(view->columns, row->category ? row->category : "-");
	columns_text(view->columns, row->severity ? row->severity : "-");
	add_text(view->columns, row->hazard);
	add_text(view->columns, row->agency);
	add_text(view->columns, row->role);
	columns_text(view->columns, row->why);
}

/* ---- one question ---- */

struct question {
	int line;
	enum category category;
	enum severity severity;
	const struct hazard *hazard;
	struct slice jurisdiction;
};

static void route(struct route_view *view, const struct question *question)
{
	struct routing routing;

	ruleset_route(view->ruleset, question->category, question->severity, question->hazard, question->jurisdiction,
		      &routing);
	for (size_t i = 0; i < routing.count; i++) {
		const struct route *found = &routing.routes[i];
		char topic[256], why[128];
		snprintf(topic, sizeof(topic), "%.*s", (int)found->topic.size,
			 found->topic.data ? found->topic.data : "");
		snprintf(why, sizeof(why), "%.*s%s", (int)routing.rule.size, routing.rule.data,
			 found->topic.data ? "" : ", topic of the category");
		print_row(view,
			  &(struct row){ question->line, category_name(question->category),
					 severity_name(question->severity),
					 found->topic.data ? topic : default_topic(view->config, question->category),
					 question->hazard ? question->hazard->code : (struct slice){ 0 }, found->agency,
					 found->role, routing.rule, why });
	}
}

static void route_report(struct route_view *view, int line, const struct report *report)
{
	struct verdict verdict;

	ruleset_classify(view->ruleset, report, &verdict);
	for (enum category category = 0; category < CATEGORY_OTHER; category++)
		if (verdict.category == category || verdict.also >> category & 1)
			route(view, &(struct question){ line, category, verdict.severity, verdict.hazard,
							report->jurisdiction_id });
	if (verdict.category == CATEGORY_OTHER && !verdict.also)
		print_row(view, &(struct row){ line,
					       "other",
					       "None",
					       "-",
					       verdict.hazard->code,
					       { 0 },
					       { 0 },
					       { 0 },
					       "no alert: nothing for an agency in it" });
}

/* ---- events ---- */

static void route_record(struct route_view *view, const struct record_line *lines, struct arena *arena)
{
	struct rider_event event;
	struct fault fault;
	char why[160];

	if (event_decode(&lines->record, (size_t)view->config->events_max_bytes, arena, &event, &fault) !=
	    REASON_NONE) {
		snprintf(why, sizeof(why), "no event: %s%s%s", reason_text(fault.reason), fault.field ? ", " : "",
			 fault.field ? fault.field : "");
		bool skipped = reason_action(fault.reason) == REASON_ACTION_SKIP;
		print_row(view, &(struct row){ lines->number,
					       NULL,
					       NULL,
					       skipped ? "-" : view->config->topics_dead_letters,
					       { 0 },
					       { 0 },
					       { 0 },
					       { 0 },
					       why });
	} else if (event.type == EVENT_REPORT_CREATED) {
		route_report(view, lines->number, &event.report);
	} else {
		print_row(view, &(struct row){ lines->number,
					       NULL,
					       NULL,
					       "-",
					       { 0 },
					       { 0 },
					       { 0 },
					       { 0 },
					       "no alert: only reports make alerts" });
	}
}

static int route_file(struct route_view *view, const char *path)
{
	struct record_line lines;
	struct arena arena;

	if (!record_line_open(&lines, view->line, view->config, path, 0))
		return EX_NOINPUT;
	arena_init(&arena);
	while (record_line_next(&lines)) {
		route_record(view, &lines, &arena);
		arena_reset(&arena);
	}
	arena_fini(&arena);
	record_line_close(&lines);
	return EX_OK;
}

/* ---- attributes ---- */

static enum category find_category(const char *word)
{
	int i = 0;

	while (i < CATEGORY_OTHER && strcasecmp(word, category_name((enum category)i)) != 0)
		i++;
	return (enum category)i;
}

static int route_attributes(struct route_view *view)
{
	const char *category = command_value(view->line, "category");
	enum category found = find_category(category);
	enum severity severity = SEVERITY_MINOR;

	if (found == CATEGORY_OTHER)
		return command_fail(view->line, EX_USAGE, "--category %s: must be emergency, fire or food", category);
	int status = command_severity(view->line, &severity);
	if (status)
		return status;
	struct hazard hazard = { .code = slice_of(command_value(view->line, "hazard")) };
	route(view, &(struct question){ 1, found, severity, hazard.code.data ? &hazard : NULL,
					slice_of(command_value(view->line, "jurisdiction")) });
	return EX_OK;
}

static int answer(struct route_view *view)
{
	const char *text = command_value(view->line, "text");

	if (command_value(view->line, "category"))
		return route_attributes(view);
	if (!text)
		return route_file(view, view->line->operand_count ? view->line->operands[0] : "-");
	route_report(view, 1,
		     &(struct report){ .description = slice_of(text),
				       .jurisdiction_id = slice_of(command_value(view->line, "jurisdiction")) });
	return EX_OK;
}

static int run(const struct command_line *line, const struct config *config)
{
	static const char *const headers[] = { "line",   "topic", "category", "severity", "hazard",
					       "agency", "role",  "why",      NULL };
	struct route_view view = { .line = line, .config = config, .ruleset = command_rules(line, config) };
	int status;

	if (!view.ruleset)
		return EX_CONFIG;
	if (!command_value(line, "json"))
		view.columns = columns_new(headers);
	status = answer(&view);
	if (view.columns && status == EX_OK)
		columns_print(view.columns, stdout);
	columns_free(&view.columns);
	ruleset_unref(&view.ruleset);
	return status;
}

static const struct command_option options[] = {
	{ 't', "text", "TEXT", "a report with this description, instead of events" },
	{ 0, "category", "NAME", "an alert of this category (emergency, fire, food), instead of events" },
	{ 0, "severity", "NAME", "of that alert: Minor (default), Moderate, Severe, Extreme" },
	{ 0, "hazard", "CODE", "of that alert" },
	{ 0, "jurisdiction", "ADCODE", "where that report or alert is from" },
	{ 0, "rules", "FOLDER", "rules to use, instead of rules.folder" },
	{ 0, "json", NULL, "for machines: one object a line" },
	{ 0, NULL, NULL, NULL },
};
static const struct command_exit exits[] = {
	{ EX_NOINPUT, "the file cannot be read" },
	{ 0, NULL },
};

const struct command command_route = {
	.name = "route",
	.operands = "[FILE]",
	.operands_max = 1,
	.summary = "which topics an event would take, and why",
	.details = "Reads events, one a line, as dry-run does, and prints a row for each topic that an alert of theirs "
		   "would go\nto: for which agency, and which row of routes.json says so. With --text or --category it "
		   "answers for one\nreport or alert.\n\n"
		   "  riderwatchctl route --text 三楼阳台着火了 --jurisdiction 310115\n"
		   "  riderwatchctl route --category food --severity Severe --jurisdiction 31",
	.options = options,
	.exits = exits,
	.run = run,
};
