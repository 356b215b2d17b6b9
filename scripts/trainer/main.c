/* SPDX-License-Identifier: Apache-2.0 */
/* Trains the classifier's weights, and measures what training is worth. */
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "alloc.h"
#include "kin.h"
#include "model.h"
#include "tune.h"

enum { PARTS = 5, ROUNDS_MAX = 12 };
#define CLEAR_MARGIN 125 /* hundredths, as in struct verdict */
#define QUIET_MARGIN 60  /* of a sentence that is to be other */
#define CLEAR_DETAILS 95 /* the same of severity and further categories */
#define STRENGTHEN 0.5   /* weight that a sentence gains each time it gets another label */

static struct settings settings = {
	.gram_count = 26000,
	.review_gram_count = 6000,
	.gram_strength = 0.0105,
	.level_strength = 0.0175,
	.cell_strength = 0.0245,
	.kind_strength = 0.0175,
	.rule_strength = 0.5,
	.composed_strength = 0.3,
	.also_strength = 0.05,
	.code_strength = 0.03,
	.review_strength = 0.005,
	.complaint_strength = 4,
	.complaint_weight = 1.2,
	.worn_copies = 8,
	.worn_share = 0.6,
	.seen_rules = 0.1,
	.prior_percent = 20,
	.cap = 400,
	.steps = 40,
	.more_steps = 15,
};
static int part_limit = PARTS, tune_parts = PARTS - 1; /* of --check */
static bool list_wrong;

static const struct {
	const char *name;
	double *number;
	size_t *count;
	int *whole;
} knobs[] = {
	{ "grams", NULL, &settings.gram_count, NULL },
	{ "review-grams", NULL, &settings.review_gram_count, NULL },
	{ "gram-strength", &settings.gram_strength, NULL, NULL },
	{ "rule-strength", &settings.rule_strength, NULL, NULL },
	{ "composed-strength", &settings.composed_strength, NULL, NULL },
	{ "level-strength", &settings.level_strength, NULL, NULL },
	{ "cell-strength", &settings.cell_strength, NULL, NULL },
	{ "kind-strength", &settings.kind_strength, NULL, NULL },
	{ "also-strength", &settings.also_strength, NULL, NULL },
	{ "code-strength", &settings.code_strength, NULL, NULL },
	{ "review-strength", &settings.review_strength, NULL, NULL },
	{ "complaint-strength", &settings.complaint_strength, NULL, NULL },
	{ "complaint-weight", &settings.complaint_weight, NULL, NULL },
	{ "worn-copies", NULL, NULL, &settings.worn_copies },
	{ "worn-share", &settings.worn_share, NULL, NULL },
	{ "seen-rules", &settings.seen_rules, NULL, NULL },
	{ "prior-percent", NULL, NULL, &settings.prior_percent },
	{ "cap", NULL, NULL, &settings.cap },
	{ "steps", NULL, NULL, &settings.steps },
	{ "more-steps", NULL, NULL, &settings.more_steps },
	{ "parts", NULL, NULL, &part_limit },
	{ "tune-parts", NULL, NULL, &tune_parts },
};

static int set_knob(const char *text)
{
	const char *equals = strchr(text, '=');

	for (size_t i = 0; equals && i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		if (strlen(knobs[i].name) != (size_t)(equals - text) ||
		    strncmp(knobs[i].name, text, (size_t)(equals - text)))
			continue;
		double value = strtod(equals + 1, NULL);
		if (knobs[i].number)
			*knobs[i].number = value;
		if (knobs[i].count)
			*knobs[i].count = (size_t)value;
		if (knobs[i].whole)
			*knobs[i].whole = (int)value;
		return 0;
	}
	return -1;
}

static struct ruleset *load_or_die(const char *folder)
{
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load(folder, &problems);

	for (size_t i = 0; i < problems.count; i++)
		fprintf(stderr, "%s\n", problems.texts[i]);
	if (!ruleset)
		exit(65);
	problems_fini(&problems);
	return ruleset;
}

static void link_to(const char *folder, const char *rules, const char *name)
{
	char target[PATH_MAX], path[PATH_MAX];

	snprintf(target, sizeof(target), "%s/%s", rules, name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	if (symlink(target, path) < 0) {
		perror(path);
		exit(73);
	}
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	FILE *file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
		perror(path);
		exit(73);
	}
}

static const char *const written_by_people[] = { "hazards.json", "phrases.json", "scopes.json", "routes.json",
						 "points.json" };
static const char *const written_here[] = { "weights.tsv", "reviews.tsv" };

/* A folder with the rules that ship and no weights, where weights can be tried. */
static void make_folder(const char *folder, const char *rules)
{
	mkdir("build", 0777);
	mkdir(folder, 0777);
	for (size_t i = 0; i < sizeof(written_by_people) / sizeof(written_by_people[0]); i++)
		link_to(folder, rules, written_by_people[i]);
	write_file(folder, "weights.tsv", "@prior_percent\t0\n");
	write_file(folder, "reviews.tsv", "@review_bias\t-1000 -1000\n");
}

static void remove_folder(const char *folder)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(written_by_people) / sizeof(written_by_people[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, written_by_people[i]);
		unlink(path);
	}
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, written_here[i]);
		unlink(path);
	}
	rmdir(folder);
}

/* Adds what the texts of one part, which the weights did not see, want to have added to the biases. */
static void tune_on(const struct study *study, const bool *used, unsigned part, const char *folder,
		    int32_t tuned[TUNED_COUNT])
{
	size_t count = study->corpus->count;
	bool *fitted = alloc_zeroed(count, sizeof(bool)), *kept = alloc_zeroed(count, sizeof(bool));
	struct model model = { .reviews = NULL };

	for (size_t i = 0; i < count; i++) {
		kept[i] = used[i] && study->corpus->texts[i].fold % PARTS == part;
		fitted[i] = used[i] && !kept[i];
	}
	model_fit(&model, study, fitted);
	model_write(&model, study, folder);
	struct ruleset *ruleset = load_or_die(folder);
	tune(ruleset, study->corpus, kept, tuned);
	ruleset_unref(&ruleset);
	model_free(&model);
	free(fitted);
	free(kept);
}

/* The mean of what so many parts want: one alone decides by luck. */
static void choose_biases(const struct study *study, const bool *used, unsigned first, int parts, const char *folder,
			  int32_t tuned[TUNED_COUNT])
{
	memset(tuned, 0, TUNED_COUNT * sizeof(tuned[0]));
	for (int i = 0; i < parts; i++)
		tune_on(study, used, (first + (unsigned)i) % PARTS, folder, tuned);
	for (int k = 0; k < TUNED_COUNT; k++)
		tuned[k] /= parts;
}

static void train(struct model *model, const struct study *study, const bool *used, const int32_t tuned[TUNED_COUNT],
		  const char *folder)
{
	model_fit(model, study, used);
	memcpy(model->tuned, tuned, sizeof(model->tuned));
	model_write(model, study, folder);
}

static void check(const struct study *study, const char *folder, bool reviews)
{
	const struct corpus *corpus = study->corpus;
	bool *used = alloc_zeroed(corpus->count, sizeof(bool)), *held = alloc_zeroed(corpus->count, sizeof(bool));
	struct verdict *verdicts = alloc_zeroed(corpus->count, sizeof(*verdicts));
	bool *decided = alloc_zeroed(corpus->count, sizeof(bool));

	for (unsigned part = 0; part < (unsigned)part_limit; part++) {
		struct model model = { .reviews = NULL };
		int32_t tuned[TUNED_COUNT];
		for (size_t i = 0; i < corpus->count; i++) {
			held[i] = corpus->texts[i].fold % PARTS == part && !corpus->texts[i].locked &&
				  corpus->texts[i].source != SOURCE_GENERATOR;
			used[i] = corpus->texts[i].fold % PARTS != part && !corpus->texts[i].locked &&
				  corpus->texts[i].weight > 0;
		}
		if (reviews) {
			model_fit_reviews(&model, study, used);
			model_write(&model, study, folder);
		}
		choose_biases(study, used, part + 1, tune_parts, folder, tuned);
		train(&model, study, used, tuned, folder);
		struct ruleset *ruleset = load_or_die(folder);
		for (size_t i = 0; i < corpus->count; i++) {
			struct report report = { .description = slice_of(corpus->texts[i].text) };
			if (!held[i])
				continue;
			ruleset_classify(ruleset, &report, &verdicts[i]);
			const struct hazard *mine = hazard_find(study->ruleset, verdicts[i].hazard->code);
			verdicts[i].hazard = mine;
			decided[i] = true;
		}
		fprintf(stderr, "part %u: tuned", part);
		for (int k = 0; k < TUNED_COUNT; k++)
			fprintf(stderr, " %d", model.tuned[k]);
		fputc('\n', stderr);
		model_free(&model);
		ruleset_unref(&ruleset);
	}
	report_scores(corpus, verdicts, decided);
	if (list_wrong)
		report_wrong(corpus, verdicts, decided);
	free(used);
	free(held);
	free(verdicts);
	free(decided);
}

static void move_file(const char *folder, const char *into, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), "%s/%s", folder, name);
	snprintf(to, sizeof(to), "%s/%s", into, name);
	if (rename(from, to) < 0) {
		perror(to);
		exit(73);
	}
}

/* The generator's sentences must keep their labels, in every frame, and clearly, since there are more frames than are
 * tried here: demo and tests count on each. */
static bool is_right(const struct ruleset *ruleset, const struct text *text)
{
	struct report report = { .description = slice_of(text->text) };
	const struct gold *gold = &text->gold;
	struct verdict verdict;

	ruleset_classify(ruleset, &report, &verdict);
	if (gold->category == CATEGORY_OTHER)
		return verdict.category == CATEGORY_OTHER && verdict.margin >= QUIET_MARGIN;
	return verdict.margin >= CLEAR_MARGIN && verdict.category == gold->category &&
	       verdict.severity == gold->severity && verdict.also == gold->also &&
	       verdict.severity_margin >= CLEAR_DETAILS && verdict.also_margin >= CLEAR_DETAILS &&
	       slice_equal(verdict.hazard->code, gold->hazard_code);
}

/* Gives weight to those that got another label; returns how many there were. */
static int strengthen(struct corpus *corpus, const char *folder)
{
	struct ruleset *ruleset = load_or_die(folder);
	int wrong = 0;

	for (size_t i = 0; i < corpus->count; i++) {
		struct text *text = &corpus->texts[i];
		if (text->source != SOURCE_GENERATOR || is_right(ruleset, text))
			continue;
		text->weight += STRENGTHEN;
		wrong++;
	}
	ruleset_unref(&ruleset);
	return wrong;
}

static void use_open(const struct corpus *corpus, bool *used)
{
	for (size_t i = 0; i < corpus->count; i++)
		used[i] = !corpus->texts[i].locked && corpus->texts[i].weight > 0;
}

static void train_weights(const struct study *study, struct corpus *corpus, const char *folder)
{
	bool *used = alloc_zeroed(corpus->count, sizeof(bool));
	struct model model = { .reviews = NULL };
	int wrong;

	use_open(corpus, used);
	choose_biases(study, used, 0, PARTS, folder, model.tuned);
	model_fit(&model, study, used);
	for (int round = 0;; round++) {
		model_write(&model, study, folder);
		wrong = strengthen(corpus, folder);
		printf("weights.tsv: %zu grams; %d of the generator's sentences get another label\n", model.grams.count,
		       wrong);
		fflush(stdout);
		if (wrong == 0 || round == ROUNDS_MAX)
			break;
		use_open(corpus, used);
		model_fit_more(&model, study, used);
	}
	model_free(&model);
	free(used);
}

static void train_reviews(const struct study *study, const struct corpus *corpus, const char *folder, const char *into)
{
	bool *used = alloc_zeroed(corpus->count, sizeof(bool));
	struct model model = { .reviews = NULL };

	use_open(corpus, used);
	model_fit_reviews(&model, study, used);
	model_write(&model, study, folder);
	printf("reviews.tsv: %zu grams\n", model.review_grams.count);
	move_file(folder, into, "reviews.tsv");
	model_free(&model);
	free(used);
}

/* reviews.tsv first, since the biases depend on it. What is in weights.tsv comes from committed texts and reviews.tsv
 * alone. */
static void write_release(const struct study *study, struct corpus *corpus, const char *folder, const char *into,
			  bool reviews)
{
	char rules[PATH_MAX];

	if (!realpath(into, rules)) {
		perror(into);
		exit(73);
	}
	if (reviews)
		train_reviews(study, corpus, folder, into);
	link_to(folder, rules, "reviews.tsv");
	train_weights(study, corpus, folder);
	move_file(folder, into, "weights.tsv");
}

static void score_locked(const struct corpus *corpus, const char *folder)
{
	struct ruleset *ruleset = load_or_die(folder);
	struct verdict *verdicts = alloc_zeroed(corpus->count, sizeof(*verdicts));
	bool *decided = alloc_zeroed(corpus->count, sizeof(bool));

	for (size_t i = 0; i < corpus->count; i++) {
		struct report report = { .description = slice_of(corpus->texts[i].text) };
		decided[i] = corpus->texts[i].locked;
		if (decided[i])
			ruleset_classify(ruleset, &report, &verdicts[i]);
	}
	report_scores(corpus, verdicts, decided);
	free(verdicts);
	free(decided);
	ruleset_unref(&ruleset);
}

static const char usage[] =
	"usage: train [--check [--wrong] | --locked] [--reviews FILE] [--into FOLDER] [--set NAME=NUMBER]\n"
	"\n"
	"Without --check: fits to all texts but the locked ones and writes weights.tsv (with "
	"--reviews also reviews.tsv) into FOLDER\n"
	"(pipelines/rules). --check: five times fits to four fifths and scores the last one; "
	"writes nothing; --wrong lists what it got wrong. --locked: scores the rules in\n"
	"FOLDER on the locked texts.\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, 'c' },      { "wrong", no_argument, NULL, 'w' },
		{ "locked", no_argument, NULL, 'l' },     { "reviews", required_argument, NULL, 'r' },
		{ "into", required_argument, NULL, 'i' }, { "set", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },       { NULL, 0, NULL, 0 }
	};
	const char *reviews = NULL, *into = "pipelines/rules";
	char mode = 'w';
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c' || option == 'l')
			mode = (char)option;
		else if (option == 'w')
			list_wrong = true;
		else if (option == 'r')
			reviews = optarg;
		else if (option == 'i')
			into = optarg;
		else if (option != 's' || set_knob(optarg) < 0)
			return fputs(usage, option == 'h' ? stdout : stderr), option == 'h' ? 0 : 64;
	}
	struct corpus corpus;
	struct study study;
	corpus_read(&corpus, reviews);
	size_t groups = kin_share_folds(&corpus);
	if (mode == 'l') {
		score_locked(&corpus, into);
		corpus_free(&corpus);
		return 0;
	}
	char folder[64], rules[PATH_MAX];
	snprintf(folder, sizeof(folder), "build/train.%d", (int)getpid());
	if (!realpath("pipelines/rules", rules)) {
		perror("pipelines/rules");
		return 66;
	}
	make_folder(folder, rules);
	struct ruleset *bare = load_or_die(folder);
	study_new(&study, &corpus, bare, &settings);
	fprintf(stderr, "%zu groups of texts that are not alike\n", groups);
	if (mode == 'c')
		check(&study, folder, reviews != NULL);
	else
		write_release(&study, &corpus, folder, into, reviews != NULL);
	study_free(&study);
	ruleset_unref(&bare);
	corpus_free(&corpus);
	remove_folder(folder);
	return 0;
}
