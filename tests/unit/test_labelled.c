/* SPDX-License-Identifier: Apache-2.0 */
/* Every form of labelled text that riderwatchctl reads, and the words that it writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "labelled.h"
#include "verdict_json.h"

static struct labelled open_text(const char *text)
{
	static const struct command command = { .name = "test" };
	struct command_line line = { .command = &command };
	char path[] = "/tmp/test_labelled_XXXXXX";
	int file = mkstemp(path);
	struct labelled labelled;

	assert_true(file >= 0);
	assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
	close(file);
	assert_true(labelled_open(&labelled, &line, path));
	unlink(path);
	labelled.path = "test";
	return labelled;
}

static void test_json(void **state)
{
	struct labelled l =
		open_text("{\"id\":\"a\\\"b\",\"text\":\"着火\"}\n\n"
			  "{\"id\":17,\"text\":\"x\",\"service_code\":\"food\",\"category\":\"fire_hazard\",\"also\":"
			  "[\"emergency\"],\"severity\":\"high\"}\n"
			  "{\"id\":\"e\",\"data\":{\"description\":\"漏气\",\"jurisdiction_id\":\"310101\"}}\n");

	(void)state;
	assert_true(labelled_next(&l));
	assert_true(slice_equal(l.id, SLICE("\"a\\\"b\"")) && slice_equal(l.report.description, SLICE("着火")));
	assert_false(l.has_gold);
	assert_true(labelled_next(&l));
	assert_true(slice_equal(l.id, SLICE("17")) && l.report.service_code == SERVICE_FOOD && l.line == 3);
	assert_true(l.has_gold && l.gold.category == CATEGORY_FIRE && l.gold.severity == SEVERITY_SEVERE);
	assert_int_equal(l.gold.also, 1u << CATEGORY_EMERGENCY);
	assert_true(labelled_next(&l));
	assert_true(slice_equal(l.report.description, SLICE("漏气")) &&
		    slice_equal(l.report.jurisdiction_id, SLICE("310101")));
	assert_false(labelled_next(&l));
	assert_int_equal(l.bad, 0);
}

static void test_tables(void **state)
{
	struct labelled l = open_text("# category severity text\nother\tNone\t没有煤气味\nfire\t*\t有糊味\n"
				      "fire\temergency\tExtreme\tfire.active\t楼上着火\n"
				      "food_safety\t-\tmedium\tfood.pests\tplain\t有蟑螂\n1\t吃出头发\n");

	(void)state;
	assert_true(labelled_next(&l));
	assert_true(l.gold.category == CATEGORY_OTHER && !l.any_severity && !l.has_also && l.line == 2);
	assert_true(labelled_next(&l));
	assert_true(l.gold.category == CATEGORY_FIRE && l.any_severity);
	assert_true(labelled_next(&l));
	assert_true(l.has_also && l.gold.also == 1u << CATEGORY_EMERGENCY && l.gold.severity == SEVERITY_EXTREME);
	assert_true(slice_equal(l.gold.hazard_code, SLICE("fire.active")));
	assert_true(labelled_next(&l));
	assert_true(l.gold.category == CATEGORY_FOOD && l.gold.severity == SEVERITY_MODERATE && l.gold.also == 0);
	assert_true(labelled_next(&l));
	assert_true(l.is_review && l.gold.category == CATEGORY_FOOD);
	assert_true(slice_equal(l.report.description, SLICE("吃出头发")));
	assert_false(labelled_next(&l));
}

/* Bad lines are named and counted; what follows is read. */
static void test_bad_lines(void **state)
{
	struct labelled l = open_text("{\"id\":1\nno tabs\n{\"id\":2}\nfire\tHigh\tx\n{\"text\":\"y\"}\n");

	(void)state;
	assert_true(labelled_next(&l));
	assert_true(slice_equal(l.report.description, SLICE("y")) && !l.id.data);
	assert_int_equal(l.bad, 4);
	assert_false(labelled_next(&l));
}

static void test_words(void **state)
{
	static const struct hazard hazard = { .code = { "fire.active", 11 } };
	struct verdict verdict = { .category = CATEGORY_FIRE,
				   .severity = SEVERITY_EXTREME,
				   .also = 5,
				   .hazard = &hazard,
				   .margin = 1234,
				   .unsure = false };
	struct arena arena;
	struct buffer json;

	(void)state;
	arena_init(&arena);
	buffer_init(&json, &arena, 16);
	verdict_json_members(&json, &verdict);
	verdict_json_margin(&json, &verdict);
	assert_true(slice_equal(
		buffer_slice(&json),
		SLICE("\"category\":\"fire_hazard\",\"also\":[\"emergency\",\"food_safety\"],\"severity\":\"critical\","
		      "\"hazard_code\":\"fire.active\",\"unsure\":false,\"margin\":12.34")));
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
