/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and points of the rules that ship. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "classify/rules.h"
#include "unit/case_file.h"
#include "unit/shipped_rules.h"

static int index_of(const char *name, const char *(*name_of)(int), int count)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(name_of(i), name) == 0)
			return i;
	}
	fail_msg("no such name: %s", name);
	return -1;
}

static const char *category_at(int i)
{
	return category_name((enum category)i);
}

static const char *severity_at(int i)
{
	return severity_name((enum severity)i);
}

static void write_routes(const struct route *routes, size_t count, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%.*s:%.*s", i ? " " : "",
					 (int)routes[i].role.size, routes[i].role.data, (int)routes[i].agency.size,
					 routes[i].agency.data);
}

static void test_routes(void **state)
{
	struct case_file *cases = case_file_open("tests/cases/route.tsv");
	char *fields[CASE_FIELDS_MAX], text[512];
	int line, count = 0;

	(void)state;
	while ((line = case_file_next(cases, fields)) > 0) {
		struct routing routing;
		struct slice place = slice_of(fields[3]);
		const struct hazard *hazard = hazard_find(shipped_rules, slice_of(fields[2]));
		assert_non_null(hazard);
		ruleset_route(shipped_rules, (enum category)index_of(fields[0], category_at, CATEGORY_COUNT),
			      (enum severity)index_of(fields[1], severity_at, SEVERITY_COUNT), hazard,
			      fields[3][0] == '-' ? (struct slice){ 0 } : place, &routing);
		write_routes(routing.routes, routing.count, text, sizeof(text));
		assert_true(routing.count == 0 || slice_starts_with(routing.rule, SLICE("routes#")));
		if (strcmp(text, fields[4]) != 0)
			fail_msg("route.tsv:%d: expected %s, got %s", line, fields[4], text);
		count++;
	}
	assert_true(count > 10);
	case_file_close(&cases);
}

static bool is(struct slice text, const char *expected)
{
	return strcmp(expected, "-") == 0 ? !text.data : slice_equal(text, slice_of(expected));
}

static void test_response_times(void **state)
{
	struct case_file *cases = case_file_open("tests/cases/response.tsv");
	char *fields[CASE_FIELDS_MAX];
	int line, count = 0;

	(void)state;
	for (; (line = case_file_next(cases, fields)) > 0; count++) {
		struct routing routing;
		ruleset_route(shipped_rules, (enum category)index_of(fields[0], category_at, CATEGORY_COUNT),
			      (enum severity)index_of(fields[1], severity_at, SEVERITY_COUNT),
			      hazard_find(shipped_rules, slice_of(fields[2])), SLICE("310101"), &routing);
		if (!is(routing.acknowledge_within, fields[3]) || !is(routing.check_within, fields[4]))
			fail_msg("response.tsv:%d: got %.*s, %.*s", line, (int)routing.acknowledge_within.size,
				 routing.acknowledge_within.data, (int)routing.check_within.size,
				 routing.check_within.data);
		assert_true(slice_starts_with(routing.response_rule, SLICE("response#")));
	}
	assert_true(count > 10);
	case_file_close(&cases);
}

static void test_points(void **state)
{
	struct case_file *cases = case_file_open("tests/cases/points.tsv");
	char *fields[CASE_FIELDS_MAX];
	int line, count = 0;

	(void)state;
	while ((line = case_file_next(cases, fields)) > 0) {
		struct verdict verdict = {
			.category = (enum category)index_of(fields[0], category_at, CATEGORY_COUNT),
			.severity = (enum severity)index_of(fields[1], severity_at, SEVERITY_COUNT),
			.hazard = hazard_find(shipped_rules, slice_of(fields[2])),
		};
		assert_non_null(verdict.hazard);
		struct points points = ruleset_points(shipped_rules, &verdict);
		if (points.points != atoi(fields[3]) || points.score != atoi(fields[4]))
			fail_msg("points.tsv:%d: got %lld, %lld", line, (long long)points.points,
				 (long long)points.score);
		count++;
	}
	assert_true(count > 10);
	case_file_close(&cases);
}

static void test_limits(void **state)
{
	struct points_limits limits = ruleset_points_limits(shipped_rules);

	(void)state;
	assert_int_equal(limits.points_per_report_max, 1000);
	assert_int_equal(limits.paid_reports_per_day, 20);
	assert_int_equal(limits.points_per_day, 5000);
	assert_int_equal(limits.charity_score, 2);
	assert_int_equal(limits.fraud_score, -50);
}

/* Every hazard that any alert can carry has somebody to tell, in its category and in each further one. */
static void test_every_alert_has_an_agency(void **state)
{
	struct routing routing;

	(void)state;
	for (size_t i = 0; i < shipped_rules->hazard_count; i++) {
		for (int category = 0; category < CATEGORY_OTHER; category++) {
			for (int severity = SEVERITY_MINOR; severity < SEVERITY_COUNT; severity++) {
				ruleset_route(shipped_rules, (enum category)category, (enum severity)severity,
					      &shipped_rules->hazards[i], SLICE("110101"), &routing);
				assert_true(routing.count > 0 && routing.response_rule.size > 0);
				assert_true(slice_equal(routing.routes[0].role, SLICE("primary")));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_response_times),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_every_alert_has_an_agency),
	};
	return cmocka_run_group_tests(tests, shipped_rules_load, shipped_rules_unload);
}
