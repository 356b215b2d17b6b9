/* SPDX-License-Identifier: Apache-2.0 */
/* weights.tsv and reviews.tsv. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"
#include "classify/letters.h"
#include "classify/load.h"
#include "model.h"

enum {
	PAGE_FROM = -50,   /* from which logit of being urgent on somebody is paged, hundredths; tuned from here */
	WATCH_FROM = -150, /* the same of being Extreme, and not silent */
	/* From which logit of being a review on one counts as such, and how much: below nought since complaints read half
	 * like reports; content and complaining reviews are told apart the better the lower it is, reports not the worse. */
	REVIEW_FROM = -350,
	REVIEW_PERCENT = 100,
	REVIEW_OUTPUTS = OUTPUT_COUNT - OUTPUT_REVIEW,
	CODE_WEIGHT_MIN = 6, /* of 127: what is less says nothing of a code */
};

static FILE *open_file(const char *folder, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(73);
	}
	return file;
}

/* A weight of 127 stands for the largest of so many, each step numbers from the last. */
static double unit_of(const double *weights, size_t count, size_t step)
{
	double largest = 1e-6;

	for (size_t i = 0; i < count; i++)
		largest = fmax(largest, fabs(weights[i * step]));
	return largest / 127;
}

/* The weights of one row over all outputs that a report has. */
static void row_of(const struct model *model, size_t row, double weights[OUTPUT_TRAINED])
{
	for (size_t k = 0; k < OUTPUT_TRAINED; k++)
		weights[k] = k < CELL_COUNT ? model->cells[row * CELL_COUNT + k]
					    : model->also[row * CATEGORY_OTHER + k - OUTPUT_ALSO];
}

static void write_numbers(FILE *file, const char *name, const double *numbers, int count)
{
	fprintf(file, "%s\t", name);
	for (int i = 0; i < count; i++)
		fprintf(file, "%s%ld", i ? " " : "", lrint(numbers[i]));
}

/* weights: of 127. */
static void write_letters(FILE *file, const char *name, const double *weights, int count)
{
	fprintf(file, "%s\t", name);
	for (int i = 0; i < count; i++)
		fputc(letter_of_weight(weights[i]), file);
}

static void write_codes(FILE *file, const double *weights, size_t count, double unit)
{
	const char *before = " ";

	for (size_t i = 0; i < count; i++) {
		double weight = weights[i] / unit;
		if (fabs(weight) < CODE_WEIGHT_MIN)
			continue;
		fprintf(file, "%s%c%c", before, LETTER_DIGITS[i], letter_of_weight(weight));
		before = "";
	}
}

static int by_name(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Names in the order of their bytes, so that a change of a text changes few lines. */
static char **sorted_names(const struct names_table *table)
{
	char **names = alloc_zeroed(table->count + 1, sizeof(*names));

	memcpy(names, table->names, table->count * sizeof(*names));
	qsort(names, table->count, sizeof(*names), by_name);
	return names;
}

static void write_grams(FILE *file, const struct model *model, const struct study *study,
			const double units[OUTPUT_TRAINED])
{
	size_t hazards = study->ruleset->hazard_count;
	double code_unit = unit_of(model->codes, model->grams.count * hazards, 1), row[OUTPUT_TRAINED];
	char **names = sorted_names(&model->grams);

	fprintf(file, "@code_scale\t%ld\n", lrint(code_unit * 100000));
	for (size_t i = 0; i < model->grams.count; i++) {
		size_t number = names_table_find(&model->grams, names[i]);
		row_of(model, number, row);
		for (int k = 0; k < OUTPUT_TRAINED; k++)
			row[k] /= units[k];
		write_letters(file, names[i], row, OUTPUT_TRAINED);
		write_codes(file, model->codes + number * hazards, hazards, code_unit);
		fputc('\n', file);
	}
	free(names);
}

static void write_trained(FILE *file, const char *name, double row[OUTPUT_TRAINED], int cap)
{
	bool any = false;

	for (int k = 0; k < OUTPUT_TRAINED; k++) {
		row[k] = fmax(-cap, fmin(cap, row[k] * 100));
		any |= lrint(row[k]) != 0;
	}
	if (!any)
		return;
	write_numbers(file, name, row, OUTPUT_TRAINED);
	fputc('\n', file);
}

/* Of each category what the fact adds when it holds for that category. */
static void row_of_fact(const struct model *model, size_t first, int fact, double row[OUTPUT_TRAINED])
{
	memset(row, 0, OUTPUT_TRAINED * sizeof(row[0]));
	for (int k = 0; k < OUTPUT_QUIET; k++) {
		size_t column = first + (size_t)(k / LEVEL_COUNT * COMPOSED_COUNT + fact);
		row[k] = model->cells[column * CELL_COUNT + (size_t)k];
	}
	for (int k = 0; k < CATEGORY_OTHER; k++)
		row[OUTPUT_ALSO + k] = model->also[(first + (size_t)fact) * CATEGORY_OTHER + (size_t)k];
}

static void write_rules(FILE *file, const struct model *model, const struct study *study)
{
	size_t rules = study->ruleset->rule_count;
	double row[OUTPUT_TRAINED];
	char name[128];

	for (size_t i = 0; i < rules; i++) {
		struct slice id = study->ruleset->rules[i].id;
		row_of(model, model->grams.count + i, row);
		snprintf(name, sizeof(name), "%.*s", (int)id.size, id.data);
		write_trained(file, name, row, study->settings.cap);
	}
	for (int i = 0; i < COMPOSED_COUNT; i++) {
		snprintf(name, sizeof(name), "=%s", composed_name(i));
		row_of_fact(model, model->grams.count + rules, i, row);
		write_trained(file, name, row, 1000);
	}
}

/* What tuning adds to an output. */
static int32_t tuned_of(const struct model *model, int output)
{
	if (output >= OUTPUT_ALSO)
		return model->tuned[TUNED_ALSO + output - OUTPUT_ALSO];
	if (output >= OUTPUT_QUIET)
		return model->tuned[TUNED_OTHER];
	int level = SEVERITY_MINOR + output % LEVEL_COUNT;
	return level == SEVERITY_EXTREME ? model->tuned[TUNED_EXTREME]
	       : level == SEVERITY_MINOR ? model->tuned[TUNED_MINOR]
					 : 0;
}

static void write_settings(FILE *file, const struct model *model, const struct study *study,
			   const double units[OUTPUT_TRAINED])
{
	size_t rules = study->ruleset->rule_count, grams = model->grams.count;
	const double *cells = model->cells + (grams + rules + CATEGORY_OTHER * COMPOSED_COUNT) * CELL_COUNT;
	const double *also = model->also + (grams + rules + COMPOSED_COUNT) * CATEGORY_OTHER;
	double scales[OUTPUT_TRAINED], biases[OUTPUT_TRAINED];

	for (int k = 0; k < OUTPUT_TRAINED; k++) {
		scales[k] = units[k] * 100000;
		biases[k] = (k < CELL_COUNT ? cells[k] : also[k - OUTPUT_ALSO]) * 100 + tuned_of(model, k);
	}
	write_numbers(file, "@scale", scales, OUTPUT_TRAINED);
	fputc('\n', file);
	write_numbers(file, "@bias", biases, OUTPUT_TRAINED);
	fprintf(file, "\n@page_from\t%d", PAGE_FROM + model->tuned[TUNED_PAGE]);
	fprintf(file, "\n@watch_from\t%d", WATCH_FROM + model->tuned[TUNED_WATCH]);
	fprintf(file, "\n@prior_percent\t%d\n", study->settings.prior_percent);
}

static void write_weights(const struct model *model, const struct study *study, FILE *file)
{
	double units[OUTPUT_TRAINED];

	for (int k = 0; k < OUTPUT_TRAINED; k++)
		units[k] = k < CELL_COUNT ? unit_of(model->cells, model->grams.count * CELL_COUNT, 1)
					  : unit_of(model->also, model->grams.count * CATEGORY_OTHER, 1);
	fputs("# Written by `make train`; do not edit. Name, tab, what it adds to: emergency fire food, each Minor "
	      "Moderate "
	      "Severe Extreme;\n"
	      "# no hazard: resolved denied past drill question advert figurative city chat news review; further "
	      "categories emergency fire\n"
	      "# food. A gram (one or two characters, or a Latin word) has a letter for each: A to Z for it, a to z "
	      "against it, the later\n"
	      "# the more, a full stop for nothing; then a digit and a letter per hazard code, counted from 0 (A is "
	      "10) as in hazards.json.\n"
	      "# Rules (their ids) and facts (behind =) in hundredths; a letter's step (classify/letters.c) times scale / "
	      "1000 / sqrt(grams found).\n",
	      file);
	write_settings(file, model, study, units);
	write_rules(file, model, study);
	write_grams(file, model, study, units);
}

static void write_reviews(const struct model *model, FILE *file)
{
	size_t count = model->review_grams.count;
	char **names = sorted_names(&model->review_grams);
	double units[REVIEW_OUTPUTS], row[REVIEW_OUTPUTS];

	for (int k = 0; k < REVIEW_OUTPUTS; k++)
		units[k] = unit_of(model->reviews + k, count, REVIEW_OUTPUTS); /* complaints have the smaller weights */

	fputs("# Written by `make train REVIEWS=file`; do not edit. What a gram says for: this is a takeaway review; "
	      "and complains.\n",
	      file);
	for (int k = 0; k < REVIEW_OUTPUTS; k++)
		row[k] = units[k] * 100000;
	write_numbers(file, "@review_scale", row, REVIEW_OUTPUTS);
	for (int k = 0; k < REVIEW_OUTPUTS; k++)
		row[k] = model->reviews[count * REVIEW_OUTPUTS + (size_t)k] * 100;
	fputc('\n', file);
	write_numbers(file, "@review_bias", row, REVIEW_OUTPUTS);
	fprintf(file, "\n@review_from\t%d\n@review_percent\t%d\n", REVIEW_FROM, REVIEW_PERCENT);
	for (size_t i = 0; i < count; i++) {
		size_t number = names_table_find(&model->review_grams, names[i]);
		bool any = false;
		for (int k = 0; k < REVIEW_OUTPUTS; k++) {
			row[k] = model->reviews[number * REVIEW_OUTPUTS + (size_t)k] / units[k];
			any |= lrint(row[k]) != 0;
		}
		if (any) {
			write_letters(file, names[i], row, REVIEW_OUTPUTS);
			fputc('\n', file);
		}
	}
	free(names);
}

void model_write(const struct model *model, const struct study *study, const char *folder)
{
	if (model->cells) {
		FILE *file = open_file(folder, "weights.tsv");
		write_weights(model, study, file);
		fclose(file);
	}
	if (model->reviews) {
		FILE *file = open_file(folder, "reviews.tsv");
		write_reviews(model, file);
		fclose(file);
	}
}
