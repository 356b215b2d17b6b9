/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/load.h"

static bool ends_the_search(const struct route_row *row, uint8_t category)
{
	uint8_t all = (1u << SEVERITY_COUNT) - 2; /* Minor to Extreme */

	return (row->categories & category) && (row->severities & all) == all && !row->hazard.data &&
	       !row->jurisdiction.data;
}

static void load_route(struct route_row *row, const struct reader *reader, const struct place *place)
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
	uint8_t open = row->categories;

	for (const struct route_row *before = ruleset->routes; before; before = before->next) {
		for (int i = 0; i < CATEGORY_COUNT; i++) {
			if (ends_the_search(before, (uint8_t)(1u << i)))
				open &= (uint8_t) ~(1u << i);
		}
	}
	if (row->categories && !open)
		reader_fail(reader, place->path,
			    "never reached: the default of its category stands before it; move it up");
}

static void load_row(struct ruleset *ruleset, const struct reader *reader, const struct place *place)
{
	static const char *const member_list[] = { "category", "severities",   "severity_at_least",
						   "hazard",   "jurisdiction", "routes" };
	struct route_row *row = arena_zalloc(&ruleset->arena, sizeof(*row));

	if (!reader_object(reader, place, NAMES(member_list)))
		return;
	struct place category = reader_member(reader, place, "category", true);
	struct place hazard = reader_member(reader, place, "hazard", false);
	struct place jurisdiction = reader_member(reader, place, "jurisdiction", false);
	struct place routes = reader_member(reader, place, "routes", true);
	int index = reader_name(reader, &category, category_names, "category");

	row->categories = index < 0 ? 0 : (uint8_t)(1u << index);
	row->severities = severities_of(reader, place);
	row->hazard = reader_text(reader, &hazard);
	row->jurisdiction = reader_text(reader, &jurisdiction);
	check_hazard(ruleset, reader, &hazard, row->hazard);
	check_jurisdiction(reader, &jurisdiction, row->jurisdiction);
	for (size_t i = 0; i < reader_count(reader, &routes); i++) {
		struct place item = reader_item(&routes, i);
		load_route(row, reader, &item);
	}
	if (row->route_count == 0)
		reader_fail(reader, place->path, "a row needs one agency at least");
	check_reach(ruleset, reader, place, row);
	*ruleset->routes_end = row;
	ruleset->routes_end = &row->next;
}

void load_routes(struct ruleset *ruleset, const struct reader *reader)
{
	static const char *const root_list[] = { "routes" };
	struct place root = reader_root(reader, NAMES(root_list));
	struct place rows = reader_member(reader, &root, "routes", true);

	for (size_t i = 0; i < reader_count(reader, &rows); i++) {
		struct place row = reader_item(&rows, i);
		load_row(ruleset, reader, &row);
	}
	for (int i = 0; i < CATEGORY_OTHER; i++) {
		bool found = false;
		for (const struct route_row *row = ruleset->routes; row; row = row->next)
			found |= ends_the_search(row, (uint8_t)(1u << i));
		if (!found)
			reader_fail(reader, "routes",
				    "no default for category %s; add a last row with nothing but category and routes",
				    category_names.list[i]);
	}
}

size_t ruleset_route(const struct ruleset *ruleset, enum category category, enum severity severity,
		     const struct hazard *hazard, struct slice jurisdiction_id, struct route routes[ROUTES_MAX])
{
	for (const struct route_row *row = ruleset->routes; row; row = row->next) {
		bool prefix = row->hazard.data && row->hazard.data[row->hazard.size - 1] == '.';
		if (!(row->categories >> category & 1) || !(row->severities >> severity & 1))
			continue;
		if (row->hazard.data && (!hazard || !(prefix ? slice_starts_with(hazard->code, row->hazard)
							     : slice_equal(hazard->code, row->hazard))))
			continue;
		if (row->jurisdiction.data &&
		    (!jurisdiction_id.data || !slice_starts_with(jurisdiction_id, row->jurisdiction)))
			continue;
		memcpy(routes, row->routes, row->route_count * sizeof(routes[0]));
		return row->route_count;
	}
	return 0;
}
