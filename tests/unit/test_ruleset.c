/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: every mistake is reported with file and line, all at once; the id changes with any byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "ruleset.h"

static char folder[] = "/tmp/test_ruleset_XXXXXX";

static const char *const names[] = { "hazards.json", "phrases.json", "scopes.json", "routes.json",
				     "points.json",  "weights.tsv",  "reviews.tsv" };

/* Weights by output: three categories at four levels, kinds of no hazard, further categories. */
#define KINDS "0 0 0 0 0 0 0 0 0 0 0 "
#define ZEROS "0 0 0 0 0 0 0 0 0 0 0 0 " KINDS "0 0 0"
#define ONES "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"
#define NOTHINGS "........................" /* two letters short of a gram's */

/* The smallest rule set; each test replaces one file. */
static const char *const minimal[] = {
	"{ \"hazards\": [\n"
	"  { \"code\": \"fire.active\", \"category\": \"fire\", \"severity\": \"Extreme\", \"cap_category\": \"Fire\", "
	"\"event\": \"火情\", \"urgency\": \"Immediate\" },\n"
	"  { \"code\": \"food.pests\", \"category\": \"food\", \"severity\": \"Severe\", \"cap_category\": \"Health\", "
	"\"event\": \"虫鼠\", \"urgency\": \"Expected\" },\n"
	"  { \"code\": \"emer.gas\", \"category\": \"emergency\", \"severity\": \"Severe\", \"cap_category\": "
	"\"Safety\", "
	"\"event\": \"漏气\", \"urgency\": \"Immediate\" },\n"
	"  { \"code\": \"other.none\", \"category\": \"other\", \"severity\": \"None\", \"cap_category\": \"Other\", "
	"\"event\": \"无\", \"urgency\": \"Unknown\" } ],\n"
	"  \"defaults\": { \"fire\": \"fire.active\", \"food\": \"food.pests\", \"emergency\": \"emer.gas\", "
	"\"other\": "
	"\"other.none\" } }\n",
	"{ \"concepts\": { \"rat\": [\"老鼠\"], \"place\": [\"厨房\"] },\n"
	"  \"rules\": [\n"
	"    { \"hazard\": \"fire.active\", \"words\": [\"着火\", \"on fire\"] },\n"
	"    { \"hazard\": \"food.pests\", \"near\": [\"rat\", \"place\"], \"weight\": 250 } ],\n"
	"  \"facts\": [] }\n",
	"{ \"denial\": { \"reach\": 5, \"words\": [\"没有\"] }, \"turns\": [\"但\"], \"ignore\": [\"火锅\"], "
	"\"scopes\": [] }\n",
	"{ \"routes\": [\n"
	"  { \"category\": \"fire\", \"routes\": [ { \"agency\": \"119\", \"role\": \"primary\" } ] },\n"
	"  { \"category\": \"food\", \"routes\": [ { \"agency\": \"12315\", \"role\": \"primary\" } ] },\n"
	"  { \"category\": \"emergency\", \"routes\": [ { \"agency\": \"110\", \"role\": \"primary\" } ] } ] }\n",
	"{ \"severities\": { \"Minor\": { \"points\": 1 }, \"Moderate\": {}, \"Severe\": {}, \"Extreme\": {} }, "
	"\"limits\": {} }\n",
	"@bias\t" ZEROS "\n@prior_percent\t100\n=said.Extreme\t0 0 0 0 0 0 0 300 0 0 0 0 " KINDS "0 0 0\n",
	"@review_bias\t-1000 -1000\n",
};

static void write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int write_minimal(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		write_file(names[i], minimal[i]);
	return 0;
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static struct ruleset *load_good(void)
{
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load(folder, &problems);

	for (size_t i = 0; i < problems.count; i++)
		print_error("%s\n", problems.texts[i]);
	assert_int_equal(problems.count, 0);
	assert_non_null(ruleset);
	problems_fini(&problems);
	return ruleset;
}

/* The folder must be refused, and one message start with "name:line: " and hold the words. */
static void expect_problem(const char *start, const char *words)
{
	struct problems problems = { 0 };
	char prefix[192];
	bool found = false;

	snprintf(prefix, sizeof(prefix), "%s/%s", folder, start);
	assert_null(ruleset_load(folder, &problems));
	for (size_t i = 0; i < problems.count; i++)
		found |= strncmp(problems.texts[i], prefix, strlen(prefix)) == 0 && strstr(problems.texts[i], words);
	for (size_t i = 0; i < problems.count && !found; i++)
		print_error("got: %s\n", problems.texts[i]);
	assert_true(found);
	problems_fini(&problems);
}

static void test_minimal(void **state)
{
	struct ruleset *ruleset = load_good();
	struct report report = { .description = SLICE("HOUSE ON FIRE") };
	struct verdict verdict;

	(void)state;
	ruleset_classify(ruleset, &report, &verdict);
	assert_int_equal(verdict.category, CATEGORY_FIRE);
	assert_int_equal(verdict.severity, SEVERITY_EXTREME);
	assert_int_equal(verdict.evidence_count, 2);
	assert_memory_equal(verdict.evidence[0].rule.data, "fire.active#1", 13);
	assert_int_equal(verdict.evidence[0].from, 6);
	assert_int_equal(verdict.evidence[0].to, 13);
	assert_int_equal(verdict.evidence[0].weight, 300);
	assert_memory_equal(verdict.evidence[1].rule.data, "rest", 4); /* the fact that a rule said Extreme */
	assert_int_equal(verdict.score, 600);
	ruleset_unref(&ruleset);
	assert_null(ruleset);
	ruleset_unref(&ruleset);
}

static void test_near(void **state)
{
	static const struct {
		const char *text;
		enum category category;
	} cases[] = {
		{ "厨房里有老鼠", CATEGORY_FOOD },
		{ "老鼠 在 厨房", CATEGORY_FOOD },
		{ "老鼠。厨房", CATEGORY_OTHER }, /* not one sentence */
		{ "老鼠一二三四五六七八九十厨房", CATEGORY_FOOD },
		{ "老鼠一二三四五六七八九十十厨房", CATEGORY_OTHER }, /* 15 characters */
		{ "厨房没有老鼠", CATEGORY_OTHER },
		{ "火锅着火", CATEGORY_FIRE },
		{ "没有老鼠但着火", CATEGORY_FIRE },
		{ "没有着火", CATEGORY_OTHER },
		{ "没有 着火", CATEGORY_FIRE },       /* a denial does not reach into the next clause */
		{ "house on fires", CATEGORY_OTHER }, /* Latin words match whole */
	};
	struct ruleset *ruleset = load_good();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report = { .description = slice_of(cases[i].text) };
		struct verdict verdict;
		ruleset_classify(ruleset, &report, &verdict);
		if (verdict.category != cases[i].category)
			fail_msg("\"%s\" became %s", cases[i].text, category_name(verdict.category));
	}
	ruleset_unref(&ruleset);
}

static void test_id(void **state)
{
	struct ruleset *first = load_good(), *second = load_good();

	(void)state;
	assert_int_equal(ruleset_id(first).size, 16);
	assert_true(slice_equal(ruleset_id(first), ruleset_id(second)));
	ruleset_unref(&second);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[4096];
		snprintf(text, sizeof(text), "%s%s\n", minimal[i],
			 strstr(names[i], ".tsv") ? "# changed" : "// changed");
		write_file(names[i], text);
		second = load_good();
		assert_false(slice_equal(ruleset_id(first), ruleset_id(second)));
		ruleset_unref(&second);
		write_file(names[i], minimal[i]);
	}
	ruleset_unref(&first);
}

static void test_references(void **state)
{
	struct ruleset *ruleset = load_good();
	struct ruleset *other = ruleset_ref(ruleset);

	(void)state;
	ruleset_unref(&ruleset);
	assert_int_equal(ruleset_id(other).size, 16); /* still there: the sanitizer would tell */
	ruleset_unref(&other);
}

static void test_mistakes(void **state)
{
	static const struct {
		int file;
		const char *text, *start, *words;
	} cases[] = {
		{ 0, "{ \"hazards\": [], \"default\": {} }", "hazards.json:1: ", "did you mean \"defaults\"" },
		{ 1,
		  "{ \"concepts\": {},\n \"rules\": [\n { \"hazard\": \"fire.activ\", \"words\": [\"火\"] } ], "
		  "\"facts\": [] }",
		  "phrases.json:3: ", "did you mean \"fire.active\"" },
		{ 1,
		  "{ \"concepts\": {},\n \"rules\": [ { \"hazard\": \"fire.active\", \"words\": [\"着火\",\n\"着 火\"] "
		  "} ], \"facts\": [] }",
		  "phrases.json:3: ", "stands in fire.active#1 already" },
		{ 1,
		  "{ \"concepts\": {}, \"rules\": [ { \"hazard\": \"fire.active\", \"words\": [\"火警\"] },\n"
		  "{ \"hazard\": \"emer.gas\", \"words\": [\"火警\"] } ], \"facts\": [] }",
		  "phrases.json:2: ", "stands in fire.active#1 already" },
		{ 1,
		  "{ \"concepts\": {}, \"rules\": [ { \"hazard\": \"fire.active\",\n \"weight\": 5000, \"words\": "
		  "[\"火警\"] } ], \"facts\": [] }",
		  "phrases.json:2: ", "from 1 to 2000" },
		{ 1,
		  "{ \"concepts\": { \"rat\": [\"鼠\"] }, \"rules\": [ { \"hazard\": \"food.pests\",\n \"near\": "
		  "[\"rats\"] } ], \"facts\": [] }",
		  "phrases.json:2: ", "did you mean \"rat\"" },
		{ 1, "{ \"concepts\": {}, \"rules\": [ { \"hazard\": \"fire.active\" } ], \"facts\": [] }",
		  "phrases.json:1: ", "either \"words\" or \"near\"" },
		{ 2,
		  "{ \"denial\": { \"words\": [\"没\"] }, \"turns\": [\"但\"], \"ignore\": [\"。，\"], \"scopes\": [] "
		  "}",
		  "scopes.json:1: ", "1 to 24 characters" },
		{ 3,
		  "{ \"routes\": [ { \"category\": \"fire\", \"routes\": [ { \"agency\": \"119\", \"role\": "
		  "\"primary\" } ] } ] }",
		  "routes.json:1: ", "no default for category food" },
		{ 3,
		  "{ \"routes\": [ { \"category\": \"fire\", \"routes\": [ { \"agency\": \"119\", \"role\": "
		  "\"primary\" } ] },\n"
		  "{ \"category\": \"fire\", \"hazard\": \"fire.active\", \"routes\": [ { \"agency\": \"1\", \"role\": "
		  "\"copy\" } ] } ] }",
		  "routes.json:2: ", "never reached" },
		{ 3, "{ \"routes\": [ { \"category\": \"fire\", \"hazard\": \"fire.no\", \"routes\": [] } ] }",
		  "routes.json:1: ", "no hazard code is or starts with" },
		{ 3, "{ \"routes\": [],\n \"response\": [ { \"acknowledge_within\": \"15 minutes\" } ] }",
		  "routes.json:2: ", "must be a number and one of s, min" },
		{ 3, "{ \"routes\": [],\n \"response\": [ { \"category\": \"fire\" } ] }",
		  "routes.json:2: ", "\"acknowledge_within\", \"check_within\" or both" },
		{ 4, "{ \"severities\": { \"Minor\": {},\n \"Severe\": { \"points\": -1 } }, \"limits\": {} }",
		  "points.json:2: ", "\"points\" must be a whole number" },
		{ 4,
		  "{ \"severities\": {}, \"hazards\": [\n { \"hazard\": \"fire.door\", \"points\": 1 } ], \"limits\": "
		  "{} }",
		  "points.json:2: ", "unknown hazard code" },
		{ 5, "@bias\t" ZEROS "\n着火了\tAA" NOTHINGS "\n", "weights.tsv:2: ", "one or two characters" },
		{ 5, "# two letters short\n火\t" NOTHINGS "\n", "weights.tsv:2: ", "a letter is missing" },
		{ 5, "火\tA7" NOTHINGS "\n", "weights.tsv:1: ", "a letter is missing, or is none" },
		{ 5, "火\tAA" NOTHINGS " 0C9A\n", "weights.tsv:1: ", "hazard codes are" },
		{ 5, "火\tAA" NOTHINGS " 0\n", "weights.tsv:1: ", "hazard codes are" },
		{ 5, "火\tAA" NOTHINGS "0C\n", "weights.tsv:1: ", "hazard codes are" },
		{ 5, "=said.Minor\t40000 " ONES "\n", "weights.tsv:1: ", "out of bounds" },
		{ 5, "fire.active#7\t" ONES "\n", "weights.tsv:1: ", "no such rule" },
		{ 5, "=said.No\t" ONES "\n", "weights.tsv:1: ", "no such fact" },
		{ 5, "@what\t1\n", "weights.tsv:1: ", "no such setting" },
		{ 6, "好\tA\n", "reviews.tsv:1: ", "a letter is missing" },
		{ 6, "好\tAAA\n", "reviews.tsv:1: ", "more than outputs" },
		{ 6, "好\tAA\n好\tAA\n", "reviews.tsv:2: ", "another spelling" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file(names[cases[i].file], cases[i].text);
		expect_problem(cases[i].start, cases[i].words);
		write_file(names[cases[i].file], minimal[cases[i].file]);
	}
}

static void test_all_mistakes_at_once(void **state)
{
	struct problems problems = { 0 };

	(void)state;
	write_file("points.json", "{ \"severities\": {}, \"limits\": { \"fraud\": 1 } }");
	write_file("scopes.json",
		   "{ \"denial\": { \"words\": [] }, \"turns\": [\"但\"], \"ignore\": [\"火锅\"], \"scopes\": [] }");
	assert_null(ruleset_load(folder, &problems));
	assert_true(problems.count >= 6); /* four severities, an unknown key, an empty list */
	problems_fini(&problems);
}

/* The area decides first, then the rest; every topic is known once. */
static void test_routes_by_area(void **state)
{
	static const struct {
		const char *area, *rule, *topic;
	} cases[] = {
		{ "310115", "routes#1", "alerts.pudong" },
		{ "310101", "routes#2", "alerts.shanghai" },
		{ "440305", "routes#3", "" },
		{ NULL, "routes#3", "" },
	};
	struct slice topics[ROUTE_TOPICS_MAX];

	(void)state;
	write_file("routes.json",
		   "{ \"routes\": [\n"
		   "{ \"category\": \"fire\", \"jurisdiction\": \"310115\", \"routes\": [ { \"agency\": \"a\", "
		   "\"role\": \"primary\", "
		   "\"topic\": \"alerts.pudong\" }, { \"agency\": \"b\", \"role\": \"copy\", \"topic\": "
		   "\"alerts.shanghai\" } ] },\n"
		   "{ \"category\": \"fire\", \"jurisdiction\": \"31\", \"routes\": [ { \"agency\": \"b\", \"role\": "
		   "\"primary\", "
		   "\"topic\": \"alerts.shanghai\" } ] },\n"
		   "{ \"category\": \"fire\", \"routes\": [ { \"agency\": \"119\", \"role\": \"primary\" } ] },\n"
		   "{ \"category\": \"food\", \"routes\": [ { \"agency\": \"12315\", \"role\": \"primary\" } ] },\n"
		   "{ \"category\": \"emergency\", \"routes\": [ { \"agency\": \"110\", \"role\": \"primary\" } ] } ] "
		   "}\n");
	struct ruleset *ruleset = load_good();
	assert_int_equal(ruleset_topics(ruleset, topics), 2);
	assert_true(slice_equal(topics[0], SLICE("alerts.pudong")) && slice_equal(topics[1], SLICE("alerts.shanghai")));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct routing routing;
		ruleset_route(ruleset, CATEGORY_FIRE, SEVERITY_SEVERE, NULL, slice_of(cases[i].area), &routing);
		assert_true(slice_equal(routing.rule, slice_of(cases[i].rule)));
		assert_true(slice_equal(routing.routes[0].topic, slice_of(cases[i].topic)));
	}
	ruleset_unref(&ruleset);
}

static void test_remarks(void **state)
{
	static const char *const expected[] = { "phrases.json:1: no rule names the concept \"idle\"",
						"phrases.json:3: \"起火了\" can never add anything: \"起火\"",
						"weight of 300 says the contrary of what training found (-400)" };
	struct problems remarks = { 0 };

	(void)state;
	write_file("phrases.json",
		   "{ \"concepts\": { \"idle\": [\"空\"] }, \"rules\": [\n"
		   "{ \"hazard\": \"fire.active\", \"words\": [\"on fire\", \"fire\"] },\n"
		   "{ \"hazard\": \"fire.active\", \"words\": [\"起火了\", \"起火\"] } ], \"facts\": [] }");
	write_file("weights.tsv",
		   "@prior_percent\t100\nfire.active#2\t0 0 0 0 -400 -500 -400 -400 0 0 0 0 " KINDS "0 0 0\n");
	struct ruleset *ruleset = load_good();
	ruleset_lint(ruleset, folder, &remarks);
	assert_int_equal(remarks.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < remarks.count; i++) {
		bool found = false;
		for (size_t k = 0; k < remarks.count; k++)
			found |= strstr(remarks.texts[k], expected[i]) != NULL;
		if (!found)
			fail_msg("no remark says: %s", expected[i]);
	}
	problems_fini(&remarks);
	ruleset_unref(&ruleset);
}

#define NEVER4 "-2000 -2000 -2000 -2000 "
#define NEVER10 NEVER4 NEVER4 "-2000 -2000 "

/* Somebody is paged when it is likely enough that there is a hazard and that it is urgent; either doubt prevents it.
 * What may well be a matter of life is neither other nor Minor. Fire or no fire here, each level e^3 before what is
 * added. */
static void test_urgency_and_watch(void **state)
{
	static const struct {
		int page_from, watch_from, other, extreme;
		enum category category;
		enum severity severity;
	} cases[] = {
		{ 0, 900, 0, 300, CATEGORY_FIRE,
		  SEVERITY_EXTREME }, /* the chance of being urgent is 423 of 464: 2.33 */
		{ 230, 900, 0, 300, CATEGORY_FIRE, SEVERITY_EXTREME },
		{ 236, 900, 0, 300, CATEGORY_FIRE, SEVERITY_MINOR },
		{ 236, 0, 0, 300, CATEGORY_FIRE, SEVERITY_MODERATE },
		{ 230, 900, 290, 300, CATEGORY_FIRE, SEVERITY_MINOR }, /* 423 of 481 */
		{ 0, 900, 0, 0, CATEGORY_FIRE, SEVERITY_MINOR },       /* 40 of 81 */
		{ -4, 900, 0, 0, CATEGORY_FIRE, SEVERITY_SEVERE },
		{ -30, 900, 0, -50, CATEGORY_FIRE, SEVERITY_SEVERE },
		{ 230, -138, 500, 100, CATEGORY_FIRE, SEVERITY_MODERATE }, /* Extreme is 55 of 263, other 148 */
		{ 230, -130, 500, 100, CATEGORY_OTHER, SEVERITY_NONE },
	};
	struct report report = { .description = SLICE("三楼着火") };
	struct verdict verdict;
	char weights[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(weights, sizeof(weights),
			 "@bias\t" NEVER4 "0 0 0 0 " NEVER4 "%d " NEVER10 "0 0 0\n@page_from\t%d\n@watch_from\t%d\n"
			 "@prior_percent\t100\n=said.Extreme\t0 0 0 0 0 0 0 %d 0 0 0 0 " KINDS "0 0 0\n",
			 cases[i].other, cases[i].page_from, cases[i].watch_from, cases[i].extreme);
		write_file("weights.tsv", weights);
		struct ruleset *ruleset = load_good();
		ruleset_classify(ruleset, &report, &verdict);
		assert_int_equal(verdict.category, cases[i].category);
		assert_int_equal(verdict.severity, cases[i].severity);
		ruleset_unref(&ruleset);
	}
}

/* Grams name what is before and after them: a question is another gram than a statement. */
static void test_grams_at_edges(void **state)
{
	static const struct {
		const char *gram, *text;
		bool known;
	} cases[] = {
		{ "^好", "好的", true },     { "^好", "不好", false },     { "好$", "都好", true },
		{ "好$", "好。", false },    { "好|", "好。", true },      { "好|", "好，就这样", true },
		{ "好?", "好？真的", true }, { "好?", "好！", false },     { "好!", "好！", true },
		{ "|好", "行，好", true },   { "|好", "行吗？好", false }, { "?好", "行吗？好", true },
		{ "?$", "好吗?", true },     { "?$", "好吗", false },      { "好|", "好ok，", false },
	};
	struct verdict verdict;
	char weights[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report = { .description = slice_of(cases[i].text) };
		snprintf(weights, sizeof(weights),
			 "@scale\t10000 0 0 0 0 0 0 0 0 0 0 0 " KINDS "0 0 0\n%s\tY." NOTHINGS "\n",
			 cases[i].gram);
		write_file("weights.tsv", weights);
		struct ruleset *ruleset = load_good();
		ruleset_classify(ruleset, &report, &verdict);
		if ((verdict.category == CATEGORY_EMERGENCY) != cases[i].known)
			fail_msg("%s in \"%s\"", cases[i].gram, cases[i].text);
		ruleset_unref(&ruleset);
	}
}

static void test_missing_files(void **state)
{
	struct problems problems = { 0 };
	char empty[] = "/tmp/test_ruleset_empty_XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(empty));
	assert_null(ruleset_load(empty, &problems));
	assert_int_equal(problems.count, sizeof(names) / sizeof(names[0]));
	problems_fini(&problems);
	rmdir(empty);
	assert_null(ruleset_load(empty, &problems));
	assert_int_equal(problems.count, 1);
	assert_non_null(strstr(problems.texts[0], "No such file or directory; correct rules.folder"));
	problems_fini(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_minimal, write_minimal),
		cmocka_unit_test_setup(test_near, write_minimal),
		cmocka_unit_test_setup(test_id, write_minimal),
		cmocka_unit_test_setup(test_references, write_minimal),
		cmocka_unit_test_setup(test_mistakes, write_minimal),
		cmocka_unit_test_setup(test_all_mistakes_at_once, write_minimal),
		cmocka_unit_test_setup(test_routes_by_area, write_minimal),
		cmocka_unit_test_setup(test_remarks, write_minimal),
		cmocka_unit_test_setup(test_urgency_and_watch, write_minimal),
		cmocka_unit_test_setup(test_grams_at_edges, write_minimal),
		cmocka_unit_test_setup(test_missing_files, write_minimal),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
