/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of rule files. Either there are problems, each naming its file, or there is a rule set whose verdicts keep
 * their promises. Input: files behind lines "==== name" (hazards, phrases, scopes, routes, points, weights, reviews);
 * what is not given is a small file that loads. */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fuzz/fuzz_checks.h"
#include "fuzz/fuzz_input.h"

static const struct {
	const char *name, *ending, *text;
} files[] = {
	{ "hazards", "json",
	  "{\"hazards\":["
	  "{\"code\":\"fire.a\",\"category\":\"fire\",\"severity\":\"Severe\",\"cap_category\":\"Fire\",\"event\":"
	  "\"火\",\"urgency\":\"Immediate\"},"
	  "{\"code\":\"food.a\",\"category\":\"food\",\"severity\":\"Minor\",\"cap_category\":\"Health\",\"event\":"
	  "\"食\",\"urgency\":\"Future\"},"
	  "{\"code\":\"emer.a\",\"category\":\"emergency\",\"severity\":\"Extreme\",\"cap_category\":\"Rescue\","
	  "\"event\":\"急\",\"urgency\":\"Immediate\"},"
	  "{\"code\":\"other.a\",\"category\":\"other\",\"severity\":\"None\",\"cap_category\":\"Safety\",\"event\":"
	  "\"其他\",\"urgency\":\"Future\"}],"
	  "\"defaults\":{\"fire\":\"fire.a\",\"food\":\"food.a\",\"emergency\":\"emer.a\",\"other\":\"other.a\"}}" },
	{ "phrases", "json",
	  "{\"concepts\":{\"fire\":[\"火\",\"fire\"],\"bike\":[\"电动车\"]},"
	  "\"rules\":[{\"hazard\":\"fire.a\",\"words\":[\"着火\"]},{\"hazard\":\"fire.a\",\"near\":["
	  "\"fire\",\"bike\"]}],"
	  "\"facts\":[]}" },
	{ "scopes", "json",
	  "{\"denial\":{\"reach\":5,\"weight\":320,\"words\":[\"没有\"]},\"turns\":[\"但\"],\"ignore\":[\"消防车\"],"
	  "\"scopes\":[]}" },
	{ "routes", "json",
	  "{\"routes\":[{\"category\":\"fire\",\"routes\":[{\"agency\":\"119\",\"role\":\"primary\"}]},"
	  "{\"category\":\"food\",\"routes\":[{\"agency\":\"12315\",\"role\":\"primary\"}]},"
	  "{\"category\":\"emergency\",\"routes\":[{\"agency\":\"120\",\"role\":\"primary\"}]}]}" },
	{ "points", "json",
	  "{\"severities\":{\"Minor\":{\"points\":100,\"score\":5},\"Moderate\":{\"points\":300,\"score\":10},"
	  "\"Severe\":{\"points\":600,\"score\":25},\"Extreme\":{\"points\":1000,\"score\":50}},\"hazards\":[],"
	  "\"limits\":{\"points_per_report\":1000,\"paid_reports_per_day\":20,\"points_per_day\":5000,"
	  "\"charity_score\":2,\"fraud_score\":-50}}" },
	{ "weights", "tsv",
	  "@scale\t1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000 "
	  "1000 1000 1000 1000 1000 1000\n@bias\t0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
	  "@code_scale\t1000\n@prior_percent\t20\n"
	  "fire\tA...II....................\n"
	  "火?\tA...II.................... 0C\n" },
	{ "reviews", "tsv",
	  "@review_scale\t1000 1000\n@review_bias\t-140 -466\n@review_from\t-50\n@review_percent\t100\n饭\tB.\n" },
};
enum { FILE_COUNT = sizeof files / sizeof *files };

static char folder[PATH_MAX];

static void remove_folder(void)
{
	char path[PATH_MAX + 32];
	for (size_t i = 0; i < FILE_COUNT; i++) {
		snprintf(path, sizeof path, "%s/%s.%s", folder, files[i].name, files[i].ending);
		unlink(path);
	}
	rmdir(folder);
}

static void write_file(size_t file_number, struct slice text)
{
	char path[PATH_MAX + 32];
	if (!*folder) {
		strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-rules-XXXXXX" : "/tmp/fuzz-rules-XXXXXX");
		MUST(mkdtemp(folder));
		atexit(remove_folder);
	}
	snprintf(path, sizeof path, "%s/%s.%s", folder, files[file_number].name, files[file_number].ending);
	FILE *file = fopen(path, "w");
	MUST(file && fwrite(text.data, 1, text.size, file) == text.size);
	fclose(file);
}

/* Of several with one name the last counts. */
static void write_files(struct fuzz_input *input)
{
	struct slice texts[FILE_COUNT];
	for (size_t i = 0; i < FILE_COUNT; i++)
		texts[i] = slice_of(files[i].text);
	fuzz_until(input, SLICE("==== "));
	while (fuzz_more(input)) {
		struct slice name = fuzz_until(input, SLICE("\n")), text = fuzz_until(input, SLICE("==== "));
		for (size_t i = 0; i < FILE_COUNT; i++)
			if (slice_equal(name, slice_of(files[i].name)))
				texts[i] = text;
	}
	for (size_t i = 0; i < FILE_COUNT; i++)
		write_file(i, texts[i]);
}

static void check_texts(const struct ruleset *ruleset)
{
	static const char *const texts[] = { "", "三号楼着火了，没有电动车，但是楼道堵了", "没有着火。电动车旁边有火",
					     "饭菜里有虫子, not fire; people hurt",
					     "aaaaaaaaaaaaaaaaaaaaaaaaaaaa 1 2 3" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct report report = { .description = slice_of(texts[i]), .jurisdiction_id = SLICE("440305") };
		struct verdict verdict;
		ruleset_classify(ruleset, &report, &verdict);
		check_verdict(ruleset, &report, &verdict);
	}
}

int FUZZ_FUNCTION(ruleset)(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input_of(data, size);
	struct problems problems = { 0 };
	write_files(&input);
	struct ruleset *ruleset = ruleset_load(folder, &problems);
	MUST((ruleset == NULL) == (problems.count > 0));
	check_problems(&problems, &(const char *){ folder }, 1);
	MUST(ruleset || size > 0); /* the small files load */
	if (ruleset) {
		MUST(ruleset_id(ruleset).size == 16 &&
		     ruleset_number(ruleset) == strtoull(ruleset_id(ruleset).data, NULL, 16));
		check_texts(ruleset);
	}
	ruleset_unref(&ruleset);
	problems_fini(&problems);
	return 0;
}
