/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"
#include "cells.h"
#include "examples.h"
#include "strengths.h"

enum { REVIEW_OUTPUTS = 2 };

static void read_evidence(struct study *study, size_t number)
{
	const struct text *text = &study->corpus->texts[number];
	struct evidence_of_text *evidence = &study->evidence[number];
	struct report report = { .description = slice_of(text->text) };
	struct ballot ballot;

	ballot_read(&ballot, study->ruleset, &report);
	evidence->count = ballot.count;
	for (size_t i = 0; i < ballot.count; i++) {
		const struct rule *rule = ballot.votes[i].rule;
		evidence->rules[i] = (uint16_t)(rule - study->ruleset->rules);
		evidence->percents[i] = ballot.votes[i].percent;
		if (rule->hazard)
			evidence->codes[rule->hazard - study->ruleset->hazards] +=
				rule->weight * ballot.votes[i].percent / 100;
	}
	ballot_compose(&ballot, evidence->facts);
}

void study_new(struct study *study, const struct corpus *corpus, const struct ruleset *ruleset,
	       const struct settings *settings)
{
	*study = (struct study){ .corpus = corpus, .ruleset = ruleset, .settings = *settings };
	study->evidence = alloc_zeroed(corpus->count, sizeof(*study->evidence));
	for (size_t i = 0; i < corpus->count; i++)
		read_evidence(study, i);
}

void study_free(struct study *study)
{
	free(study->evidence);
	*study = (struct study){ 0 };
}

/* ---- the grams that are worth a row ---- */

struct census {
	struct names_table table;
	double *counts;
	size_t room, last_text[1];
	size_t *seen_in; /* the text that a gram was counted in last, plus one */
	size_t text;
	double weight;
};

static void count_gram(void *context, const char *name)
{
	struct census *census = context;
	uint32_t number = names_table_add(&census->table, name);

	if (number >= census->room) {
		size_t room = census->room ? 2 * census->room : 4096;
		census->counts = alloc_resize(census->counts, room * sizeof(*census->counts));
		census->seen_in = alloc_resize(census->seen_in, room * sizeof(*census->seen_in));
		for (size_t i = census->room; i < room; i++)
			census->counts[i] = 0, census->seen_in[i] = 0;
		census->room = room;
	}
	if (census->seen_in[number] != census->text + 1)
		census->counts[number] += census->weight;
	census->seen_in[number] = census->text + 1;
}

/* Grams that stand in two texts at least; returns how often, by number. */
static double *frequent_grams(struct names_table *table, const struct corpus *corpus, const bool *used, bool reviews)
{
	struct census census = { .text = 0 };

	for (size_t i = 0; i < corpus->count; i++) {
		bool review = corpus->texts[i].source == SOURCE_REVIEWS;
		if (!used[i] || (review && !reviews))
			continue;
		census.text = i;
		census.weight = corpus->texts[i].weight;
		grams_of(corpus->texts[i].text, count_gram, &census);
	}
	double *counts = alloc_zeroed(census.table.count + 1, sizeof(*counts));
	for (size_t i = 0; i < census.table.count; i++) {
		if (census.counts[i] >= (reviews ? 2.9 : 1.5))
			counts[names_table_add(table, census.table.names[i])] = census.counts[i];
	}
	names_table_free(&census.table);
	free(census.counts);
	free(census.seen_in);
	return counts;
}

struct ranked {
	double rank;
	uint32_t number;
};

static int by_rank(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank < b->rank ? 1 : -1;
	return (a->number > b->number) - (a->number < b->number);
}

/* Keeps the grams with the largest weights, and rather those that are met often, as a new table. How many is a matter of
 * the size of the file: on 28,800 texts 20,000 instead of 9,600 were worth as much as half as many texts again, 55,000 a
 * little more. */
static void keep_heaviest(struct names_table *table, const double *weights, const double *counts, size_t outputs,
			  size_t count)
{
	struct ranked *ranked = alloc_zeroed(table->count + 1, sizeof(*ranked));
	struct names_table kept = { 0 };

	for (size_t i = 0; i < table->count; i++) {
		ranked[i].number = (uint32_t)i;
		for (size_t k = 0; k < outputs; k++)
			ranked[i].rank = fmax(ranked[i].rank, fabs(weights[i * outputs + k]));
		ranked[i].rank *= pow(counts[i], 0.75);
	}
	qsort(ranked, table->count, sizeof(*ranked), by_rank);
	for (size_t i = 0; i < table->count && i < count; i++)
		names_table_add(&kept, table->names[ranked[i].number]);
	free(ranked);
	names_table_free(table);
	*table = kept;
}

/* ---- the fits ---- */

/* Categories alone, quickly: which grams tell them apart. */
static double *fit_categories(const struct study *study, const bool *used, const struct names_table *grams)
{
	const struct corpus *corpus = study->corpus;
	struct examples examples = examples_new(corpus->count, CATEGORY_COUNT);

	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];
		if (!used[i] || text->source == SOURCE_REVIEWS)
			continue;
		examples_begin(&examples, grams, text->text);
		examples_end(&examples, 1ull << text->gold.category, ~0ull, text->weight);
	}
	double *strengths = strengths_new(study, grams->count, study->settings.gram_strength);
	strengths_lean(strengths, study, used, grams, class_category);
	double *weights = examples_fit(&examples, LOSS_ONE_OF, strengths, grams->count, study->settings.steps);
	free(strengths);
	return weights;
}

static void begin_also(struct examples *examples, const struct study *study, size_t number,
		       const struct names_table *grams, bool rules)
{
	const struct evidence_of_text *evidence = &study->evidence[number];
	size_t rules_at = grams->count, composed_at = rules_at + study->ruleset->rule_count;
	uint32_t facts = evidence->facts[study->corpus->texts[number].gold.category];

	examples_begin(examples, grams, study->corpus->texts[number].text);
	for (size_t i = 0; rules && i < evidence->count; i++)
		matrix_add(&examples->matrix, (uint32_t)rules_at + evidence->rules[i], evidence->percents[i] / 100.0);
	for (int k = 0; k < COMPOSED_COUNT; k++) {
		bool always = k >= COMPOSED_IN && k < COMPOSED_CLAIMED;
		if ((facts >> k & 1) && (rules || always))
			matrix_add(&examples->matrix, (uint32_t)composed_at + (uint32_t)k, 1);
	}
}

/* The categories that a hazard reaches, its own among them, since words of fire speak for a second agency as they speak
 * for the first. */
static double *fit_also(const struct study *study, const bool *used, const struct names_table *grams)
{
	const struct corpus *corpus = study->corpus;
	size_t columns = grams->count + study->ruleset->rule_count + COMPOSED_COUNT;
	struct examples examples = examples_new(2 * corpus->count, CATEGORY_OTHER);

	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];
		double with = share_with_rules(study, text);
		if (!used[i] || text->source == SOURCE_REVIEWS || text->gold.category == CATEGORY_OTHER)
			continue;
		for (int rules = 0; rules < 2; rules++) {
			double weight = text->weight * (rules ? with : 1 - with);
			if (weight <= 0)
				continue;
			begin_also(&examples, study, i, grams, rules);
			examples_end(&examples, text->gold.also | 1ull << text->gold.category, ~0ull, weight);
		}
	}
	double *strengths = strengths_new(study, grams->count, study->settings.also_strength);
	strengths_lean(strengths, study, used, grams, class_hazard_category);
	double *weights = examples_fit(&examples, LOSS_EACH, strengths, columns, study->settings.steps);
	free(strengths);
	return weights;
}

/* Which code, among those of the right category. */
static double *fit_codes(const struct study *study, const bool *used, const struct names_table *grams)
{
	const struct corpus *corpus = study->corpus;
	const struct ruleset *ruleset = study->ruleset;
	struct examples examples = examples_new(corpus->count, ruleset->hazard_count);
	uint64_t of_category[CATEGORY_COUNT] = { 0 };

	for (size_t i = 0; i < ruleset->hazard_count; i++)
		of_category[ruleset->hazards[i].category] |= 1ull << i;
	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];
		const struct hazard *hazard =
			used[i] && text->gold.hazard_code.data ? hazard_find(ruleset, text->gold.hazard_code) : NULL;
		if (!hazard)
			continue;
		examples_begin(&examples, grams, text->text);
		for (size_t k = 0; k < ruleset->hazard_count; k++)
			examples.offsets[examples.count * examples.outputs + k] = study->evidence[i].codes[k] / 100.0;
		examples_end(&examples, 1ull << (hazard - ruleset->hazards), of_category[hazard->category],
			     text->weight);
	}
	double *strengths = strengths_new(study, grams->count, study->settings.code_strength);
	strengths_lean(strengths, study, used, grams, class_code);
	double *weights = examples_fit(&examples, LOSS_ONE_OF, strengths, grams->count, study->settings.steps);
	free(strengths);
	return weights;
}

/* First output: a review, not a report of a hazard; second: a review that complains of food safety. */
static double *fit_reviews(const struct study *study, const bool *used, const struct names_table *grams)
{
	const struct corpus *corpus = study->corpus;
	double *strengths[REVIEW_OUTPUTS] = { strengths_new(study, grams->count, study->settings.review_strength),
					      strengths_of_complaints(study, used, grams) };
	double *parts[REVIEW_OUTPUTS];
	double *weights = alloc_zeroed((grams->count + 1) * REVIEW_OUTPUTS, sizeof(double));

	for (int part = 0; part < REVIEW_OUTPUTS; part++) {
		struct examples examples = examples_new(corpus->count, 1);
		for (size_t i = 0; i < corpus->count; i++) {
			const struct text *text = &corpus->texts[i];
			bool review = text->source == SOURCE_REVIEWS, hazard = text->gold.category != CATEGORY_OTHER;
			if (!used[i] || !(review || (part == 0 && hazard)))
				continue;
			examples_begin(&examples, grams, text->text);
			examples_end(&examples, part == 0 ? review : hazard, 1,
				     text->weight * (part == 0 ? (review ? 1 : 2)
							       : (hazard ? study->settings.complaint_weight : 1)));
		}
		parts[part] = examples_fit(&examples, part ? LOSS_HINGE : LOSS_EACH, strengths[part], grams->count,
					   study->settings.steps);
		for (size_t i = 0; i <= grams->count; i++)
			weights[i * REVIEW_OUTPUTS + (size_t)part] = parts[part][i];
		free(parts[part]);
		free(strengths[part]);
	}
	return weights;
}

void model_fit(struct model *model, const struct study *study, const bool *used)
{
	double *counts = frequent_grams(&model->grams, study->corpus, used, false);
	double *all = fit_categories(study, used, &model->grams);
	keep_heaviest(&model->grams, all, counts, CATEGORY_COUNT, study->settings.gram_count);
	free(all);
	free(counts);
	cells_fit(model, study, used, study->settings.steps);
	model->also = fit_also(study, used, &model->grams);
	model->codes = fit_codes(study, used, &model->grams);
}

void model_fit_more(struct model *model, const struct study *study, const bool *used)
{
	cells_fit(model, study, used, study->settings.more_steps);
	free(model->also);
	free(model->codes);
	model->also = fit_also(study, used, &model->grams);
	model->codes = fit_codes(study, used, &model->grams);
}

void model_fit_reviews(struct model *model, const struct study *study, const bool *used)
{
	double *counts = frequent_grams(&model->review_grams, study->corpus, used, true);
	double *all = fit_reviews(study, used, &model->review_grams);
	keep_heaviest(&model->review_grams, all, counts, REVIEW_OUTPUTS, study->settings.review_gram_count);
	free(all);
	free(counts);
	model->reviews = fit_reviews(study, used, &model->review_grams);
}

void model_free(struct model *model)
{
	names_table_free(&model->grams);
	names_table_free(&model->review_grams);
	free(model->cells);
	free(model->parts);
	free(model->also);
	free(model->codes);
	free(model->reviews);
	*model = (struct model){ 0 };
}
