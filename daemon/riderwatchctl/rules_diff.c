/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include <stdio.h>
#include <sysexits.h>
#include "labelled.h"
#include "verdict_json.h"

enum { SIDES = 2, BUFFER_SIZE = 1 << 16 };

struct outcome {
	struct verdict verdict;
	struct routing routing[CATEGORY_OTHER]; /* of each category that is alerted; count 0: none */
};

struct comparison {
	struct ruleset *rulesets[SIDES];
	long texts, category, severity, also, code, routes, any;
};

static void decide(const struct ruleset *ruleset, const struct report *report, struct outcome *outcome)
{
	ruleset_classify(ruleset, report, &outcome->verdict);
	for (int c = 0; c < CATEGORY_OTHER; c++) {
		outcome->routing[c].count = 0;
		if ((outcome->verdict.also | 1u << outcome->verdict.category) >> c & 1)
			ruleset_route(ruleset, (enum category)c, outcome->verdict.severity, outcome->verdict.hazard,
				      report->jurisdiction_id, &outcome->routing[c]);
	}
}

static bool same_routes(const struct routing *a, const struct routing *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct route *x = &a->routes[i], *y = &b->routes[i];
		if (!slice_equal(x->agency, y->agency) || !slice_equal(x->role, y->role) ||
		    !slice_equal(x->topic, y->topic))
			return false;
	}
	return true;
}

static bool compare(struct comparison *comparison, const struct outcome *old, const struct outcome *new)
{
	bool category = old->verdict.category != new->verdict.category,
	     severity = old->verdict.severity != new->verdict.severity;
	bool also = old->verdict.also != new->verdict.also, routes = false;
	bool code = !slice_equal(old->verdict.hazard->code, new->verdict.hazard->code);

	for (int c = 0; c < CATEGORY_OTHER; c++)
		routes |= !same_routes(&old->routing[c], &new->routing[c]);
	comparison->texts++;
	comparison->category += category;
	comparison->severity += severity;
	comparison->also += also;
	comparison->code += code;
	comparison->routes += routes;
	comparison->any += category || severity || also || code || routes;
	return category || severity || also || code || routes;
}

static void append_outcome(struct buffer *json, const char *side, const struct outcome *outcome)
{
	bool first = true;

	buffer_append_char(json, ',');
	buffer_append_json_string(json, slice_of(side));
	buffer_append(json, SLICE(":{"));
	verdict_json_members(json, &outcome->verdict);
	verdict_json_margin(json, &outcome->verdict);
	buffer_append(json, SLICE(",\"routes\":["));
	for (int c = 0; c < CATEGORY_OTHER; c++) {
		for (size_t i = 0; i < outcome->routing[c].count; i++, first = false) {
			if (!first)
				buffer_append_char(json, ',');
			buffer_append_json_string(json, outcome->routing[c].routes[i].agency);
		}
	}
	buffer_append(json, SLICE("]}"));
}

static void print_difference(struct buffer *json, const struct labelled *labelled, const struct outcome outcomes[SIDES])
{
	json->size = 0;
	buffer_append(json, SLICE("{\"id\":"));
	buffer_append(json, labelled->id.data ? labelled->id : SLICE("null"));
	buffer_append(json, SLICE(",\"text\":"));
	buffer_append_json_string(json, labelled->report.description);
	append_outcome(json, "old", &outcomes[0]);
	append_outcome(json, "new", &outcomes[1]);
	buffer_append(json, SLICE("}\n"));
	fwrite(json->data, 1, json->size, stdout);
}

static int replay(struct comparison *comparison, struct labelled *labelled)
{
	struct arena arena;
	struct buffer json;

	arena_init(&arena);
	buffer_init(&json, &arena, 4096);
	while (labelled_next(labelled)) {
		struct outcome outcomes[SIDES];
		for (int side = 0; side < SIDES; side++)
			decide(comparison->rulesets[side], &labelled->report, &outcomes[side]);
		if (compare(comparison, &outcomes[0], &outcomes[1]))
			print_difference(&json, labelled, outcomes);
	}
	arena_fini(&arena);
	fflush(stdout);
	fprintf(stderr, "%ld texts: %ld differ (category %ld, severity %ld, also %ld, hazard code %ld, routes %ld)\n",
		comparison->texts, comparison->any, comparison->category, comparison->severity, comparison->also,
		comparison->code, comparison->routes);
	return labelled->bad ? EX_DATAERR : comparison->any ? 1 : EX_OK;
}

static struct ruleset *load(const struct command_line *line, const char *folder)
{
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load(folder, &problems);

	if (!ruleset)
		command_refuse(line, &problems, folder);
	return ruleset;
}

int rules_diff(const struct command_line *line, const struct config *config)
{
	struct comparison comparison = { .texts = 0 };
	struct labelled labelled;
	int status = EX_CONFIG;

	(void)config;
	setvbuf(stdout, NULL, _IOFBF, BUFFER_SIZE);
	for (int side = 0; side < SIDES; side++)
		comparison.rulesets[side] = load(line, line->operands[1 + side]);
	if (comparison.rulesets[0] && comparison.rulesets[1])
		status = labelled_open(&labelled, line, line->operand_count > 3 ? line->operands[3] : "-")
				 ? replay(&comparison, &labelled)
				 : EX_NOINPUT;
	for (int side = 0; side < SIDES; side++)
		ruleset_unref(&comparison.rulesets[side]);
	return status;
}
