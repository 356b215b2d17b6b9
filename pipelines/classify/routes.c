/* SPDX-License-Identifier: Apache-2.0 */
/* routes.json: whom to tell, and how soon they are to act. */
#include <stdio.h>
#include "classify/load.h"

static bool ends_the_search(const struct condition *row, uint8_t category)
{
	uint8_t all = (1u << SEVERITY_COUNT) - 2; /* Minor to Extreme */

	return (row->categories & category) && (row->severities & all) == all && !row->hazard.data &&
	       !row->jurisdiction.data;
}

static void add_topic(struct ruleset *ruleset, const struct reader *reader, const struct place *place,
		      struct slice topic)
{
	for (size_t i = 0; i < ruleset->topic_count; i++) {
		if (slice_equal(ruleset->topics[i], topic))
			return;
	}
	if (ruleset->topic_count == ROUTE_TOPICS_MAX)
		reader_fail(reader, place->path, "more than %d topics; let routes share some", ROUTE_TOPICS_MAX);
	else
		ruleset->topics[ruleset->topic_count++] = topic;
}

static void load_route(struct ruleset *ruleset, struct route_row *row, const struct reader *reader,
		       const struct place *place)
{
	static const char *const member_list[] = { "agency", "role", "topic" };
	static const char *const role_list[] = { "primary", "copy" };

	if (!reader_object(reader, place, NAMES(member_list)))
		return;
	struct place agency = reader_member(reader, place, "agency", true);
	struct place role = reader_member(reader, place, "role", true);
	struct place topic = reader_member(reader, place, "topic", false);
	int role_index = reader_name(reader, &role, NAMES(role_list), "role");
	struct route route = { .agency = reader_text(reader, &agency), .topic = reader_text(reader, &topic) };

	if (route.topic.data)
		add_topic(ruleset, reader, &topic, route.topic);
	if (role_index >= 0)
		route.role = slice_of(role_list[role_index]);
	if (row->route_count == ROUTES_MAX) {
		reader_fail(reader, place->path, "more than %d agencies in one row", ROUTES_MAX);
		return;
	}
	row->routes[row->route_count++] = route;
}

static uint8_t severities_of(const struct reader *reader, const struct place *row)
{
	struct place list = reader_member(reader, row, "severities", false);
	struct place least = reader_member(reader, row, "severity_at_least", false);
	uint8_t all = (1u << SEVERITY_COUNT) - 1;

	if (list.value && least.value)
		reader_fail(reader, row->path, "\"severities\" and \"severity_at_least\" exclude each other; keep one");
	if (list.value)
		return reader_set(reader, &list, severity_names, "severity");
	int index = reader_name(reader, &least, severity_names, "severity");
	return index < 0 ? all : (uint8_t)(all & ~((1u << index) - 1));
}

/* A code, or a prefix of codes that ends in a dot. */
static void check_hazard(const struct ruleset *ruleset, const struct reader *reader, const struct place *place,
			 struct slice text)
{
	if (!text.data || hazard_find(ruleset, text))
		return;
	for (size_t i = 0; i < ruleset->hazard_count && text.data[text.size - 1] == '.'; i++) {
		if (slice_starts_with(ruleset->hazards[i].code, text))
			return;
	}
	reader_fail(reader, place->path, "no hazard code is or starts with \"%s\"; hazards.json lists them",
		    json_string_value(place->value));
}

static void check_jurisdiction(const struct reader *reader, const struct place *place, struct slice text)
{
	if (text.size > 6 || (text.data && strspn(json_string_value(place->value), "0123456789") != text.size))
		reader_fail(reader, place->path, "a jurisdiction is one to six digits (an adcode or its beginning)");
}

static void check_reach(const struct ruleset *ruleset, const struct reader *reader, const struct place *place,
			const struct route_row *row)
{
	uint8_t open = row->condition.categories;

	for (const struct route_row *before = ruleset->routes; before; before = before->next) {
		for (int i = 0; i < CATEGORY_COUNT; i++) {
			if (ends_the_search(&before->condition, (uint8_t)(1u << i)))
				open &= (uint8_t) ~(1u << i);
		}
	}
	if (row->condition.categories && !open)
		reader_fail(reader, place->path,
			    "never reached: the default of its category stands before it; move it up");
}

/* "routes#7": the place in the file, as people count. */
static struct slice row_rule(struct ruleset *ruleset, const char *list, size_t index)
{
	char text[32];

	int size = snprintf(text, sizeof(text), "%s#%zu", list, index + 1);
	return arena_copy(&ruleset->arena, (struct slice){ text, (size_t)size });
}

static void read_condition(const struct ruleset *ruleset, const struct reader *reader, const struct place *row,
			   bool needs_category, struct condition *condition)
{
	struct place category = reader_member(reader, row, "category", needs_category);
	struct place hazard = reader_member(reader, row, "hazard", false);
	struct place jurisdiction = reader_member(reader, row, "jurisdiction", false);
	int index = reader_name(reader, &category, category_names, "category");
	uint8_t all = needs_category ? 0 : (1u << CATEGORY_COUNT) - 1;

	condition->categories = index < 0 ? all : (uint8_t)(1u << index);
	condition->severities = severities_of(reader, row);
	condition->hazard = reader_text(reader, &hazard);
	condition->jurisdiction = reader_text(reader, &jurisdiction);
	check_hazard(ruleset, reader, &hazard, condition->hazard);
	check_jurisdiction(reader, &jurisdiction, condition->jurisdiction);
}

static void load_row(struct ruleset *ruleset, const struct reader *reader, const struct place *place, size_t number)
{
	static const char *const member_list[] = { "category", "severities",   "severity_at_least",
						   "hazard",   "jurisdiction", "routes" };
	struct route_row *row = arena_zalloc(&ruleset->arena, sizeof(*row));

	if (!reader_object(reader, place, NAMES(member_list)))
		return;
	struct place routes = reader_member(reader, place, "routes", true);
	read_condition(ruleset, reader, place, true, &row->condition);
	row->rule = row_rule(ruleset, "routes", number);
	for (size_t i = 0; i < reader_count(reader, &routes); i++) {
		struct place item = reader_item(&routes, i);
		load_route(ruleset, row, reader, &item);
	}
	if (row->route_count == 0)
		reader_fail(reader, place->path, "a row needs one agency at least");
	check_reach(ruleset, reader, place, row);
	*ruleset->routes_end = row;
	ruleset->routes_end = &row->next;
}

/* "15 min": a number and a unit. */
static struct slice read_limit(const struct reader *reader, const struct place *row, const char *key)
{
	static const char *const units[] = { " s", " min", " h", " workdays" };
	struct place place = reader_member(reader, row, key, false);
	struct slice text = reader_text(reader, &place);

	if (!text.data)
		return text;
	size_t digits = strspn(text.data, "0123456789");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (digits > 0 && text.data[0] != '0' && strcmp(text.data + digits, units[i]) == 0)
			return text;
	}
	reader_fail(reader, place.path, "must be a number and one of s, min, h, workdays: \"15 min\"");
	return (struct slice){ 0 };
}

static void load_response(struct ruleset *ruleset, const struct reader *reader, const struct place *place,
			  size_t number)
{
	static const char *const member_list[] = { "category",     "severities",         "severity_at_least", "hazard",
						   "jurisdiction", "acknowledge_within", "check_within" };
	struct response_row *row = arena_zalloc(&ruleset->arena, sizeof(*row));

	if (!reader_object(reader, place, NAMES(member_list)))
		return;
	read_condition(ruleset, reader, place, false, &row->condition);
	row->rule = row_rule(ruleset, "response", number);
	row->acknowledge_within = read_limit(reader, place, "acknowledge_within");
	row->check_within = read_limit(reader, place, "check_within");
	if (!row->acknowledge_within.data && !row->check_within.data)
		reader_fail(reader, place->path, "a row sets \"acknowledge_within\", \"check_within\" or both");
	*ruleset->responses_end = row;
	ruleset->responses_end = &row->next;
}

void load_routes(struct ruleset *ruleset, const struct reader *reader)
{
	static const char *const root_list[] = { "routes", "response" };
	struct place root = reader_root(reader, NAMES(root_list));
	struct place rows = reader_member(reader, &root, "routes", true);
	struct place responses = reader_member(reader, &root, "response", false);

	for (size_t i = 0; i < reader_count(reader, &rows); i++) {
		struct place row = reader_item(&rows, i);
		load_row(ruleset, reader, &row, i);
	}
	for (size_t i = 0; i < reader_count(reader, &responses); i++) {
		struct place row = reader_item(&responses, i);
		load_response(ruleset, reader, &row, i);
	}
	for (int i = 0; i < CATEGORY_OTHER; i++) {
		bool found = false;
		for (const struct route_row *row = ruleset->routes; row; row = row->next)
			found |= ends_the_search(&row->condition, (uint8_t)(1u << i));
		if (!found)
			reader_fail(reader, "routes",
				    "no default for category %s; add a last row with nothing but category and routes",
				    category_names.list[i]);
	}
}

struct question {
	enum category category;
	enum severity severity;
	const struct hazard *hazard;
	struct slice jurisdiction_id;
};

static bool holds(const struct condition *condition, const struct question *question)
{
	struct slice wanted = condition->hazard, place = question->jurisdiction_id;
	bool prefix = wanted.data && wanted.data[wanted.size - 1] == '.';

	if (!(condition->categories >> question->category & 1) || !(condition->severities >> question->severity & 1))
		return false;
	if (wanted.data && (!question->hazard || !(prefix ? slice_starts_with(question->hazard->code, wanted)
							  : slice_equal(question->hazard->code, wanted))))
		return false;
	return !condition->jurisdiction.data || (place.data && slice_starts_with(place, condition->jurisdiction));
}

void ruleset_route(const struct ruleset *ruleset, enum category category, enum severity severity,
		   const struct hazard *hazard, struct slice jurisdiction_id, struct routing *routing)
{
	struct question question = { category, severity, hazard, jurisdiction_id };
	const struct route_row *row = ruleset->routes;
	const struct response_row *response = ruleset->responses;

	*routing = (struct routing){ .count = 0 };
	while (row && !holds(&row->condition, &question))
		row = row->next;
	while (response && !holds(&response->condition, &question))
		response = response->next;
	if (row) {
		memcpy(routing->routes, row->routes, row->route_count * sizeof(row->routes[0]));
		routing->count = row->route_count;
		routing->rule = row->rule;
	}
	if (response) {
		routing->acknowledge_within = response->acknowledge_within;
		routing->check_within = response->check_within;
		routing->response_rule = response->rule;
	}
}

size_t ruleset_topics(const struct ruleset *ruleset, struct slice topics[ROUTE_TOPICS_MAX])
{
	memcpy(topics, ruleset->topics, ruleset->topic_count * sizeof(topics[0]));
	return ruleset->topic_count;
}
