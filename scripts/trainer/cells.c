/* SPDX-License-Identifier: Apache-2.0 */
#include "cells.h"
#include <stdlib.h>
#include "alloc.h"
#include "examples.h"
#include "strengths.h"

/* What the weights of cells are made of. */
enum part {
	PART_CATEGORY = 0,
	PART_LEVEL = PART_CATEGORY + CATEGORY_COUNT,
	PART_CELL = PART_LEVEL + LEVEL_COUNT, /* its own, of a hazard or a kind */
	PART_COUNT = PART_CELL + CELL_COUNT,
};

static const char *const kind_names[KIND_COUNT] = { "resolved",   "denied", "past", "drill", "question", "advert",
						    "figurative", "city",   "chat", "news",  "review" };

static void share_out(struct shares shares[CELL_COUNT])
{
	for (int i = 0; i < OUTPUT_QUIET; i++)
		shares[i] = (struct shares){ { (uint8_t)(PART_CATEGORY + i / LEVEL_COUNT),
					       (uint8_t)(PART_LEVEL + i % LEVEL_COUNT), (uint8_t)(PART_CELL + i) },
					     3 };
	for (int i = OUTPUT_QUIET; i < CELL_COUNT; i++)
		shares[i] = (struct shares){ { PART_CATEGORY + CATEGORY_OTHER, (uint8_t)(PART_CELL + i) }, 2 };
}

static uint64_t right_cells(const struct text *text)
{
	const struct gold *gold = &text->gold;

	if (gold->category != CATEGORY_OTHER)
		return 1ull << cell_of(gold->category, gold->severity);
	for (int i = 0; text->kind && i < KIND_COUNT; i++) {
		if (strcmp(text->kind, kind_names[i]) == 0)
			return 1ull << (OUTPUT_QUIET + i);
	}
	return (1ull << CELL_COUNT) - (1ull << OUTPUT_QUIET);
}

static void add_rules(struct examples *examples, const struct study *study, size_t number, size_t first)
{
	const struct evidence_of_text *evidence = &study->evidence[number];

	for (size_t i = 0; i < evidence->count; i++) {
		const struct rule *rule = &study->ruleset->rules[evidence->rules[i]];
		if (wear_hides(&examples->wear))
			continue;
		double share = evidence->percents[i] / 100.0;
		matrix_add(&examples->matrix, (uint32_t)first + evidence->rules[i], share);
		if (!rule->hazard)
			continue;
		for (int k = cells_from(rule->hazard->category); k < cells_to(rule->hazard->category); k++)
			examples->offsets[examples->count * CELL_COUNT + (size_t)k] +=
				share * rule->weight * study->settings.prior_percent / 10000.0;
	}
}

static void add_facts(struct examples *examples, const struct study *study, size_t number, size_t first)
{
	for (uint32_t c = 0; c < CATEGORY_OTHER; c++) {
		for (uint32_t k = 0; k < COMPOSED_COUNT; k++) {
			if (study->evidence[number].facts[c] >> k & 1)
				matrix_add(&examples->matrix, (uint32_t)first + c * COMPOSED_COUNT + k, 1);
		}
	}
}

double share_with_rules(const struct study *study, const struct text *text)
{
	return text->source == SOURCE_TEXTS || text->source == SOURCE_GENERATOR || text->source == SOURCE_CASES
		       ? 1
		       : study->settings.seen_rules;
}

static void add_text(struct examples *examples, const struct study *study, size_t number,
		     const struct names_table *grams)
{
	const struct text *text = &study->corpus->texts[number];
	double with = share_with_rules(study, text), weights[2] = { text->weight * (1 - with), text->weight * with };
	int copies =
		text->source == SOURCE_GENERATOR ? 0 : study->settings.worn_copies; /* these are to be known whole */

	for (int rules = 0; rules < 2; rules++) {
		for (int copy = 0; weights[rules] > 0 && copy <= copies; copy++) {
			examples->wear.share = copy ? study->settings.worn_share : 0;
			examples_begin(examples, grams, text->text);
			if (rules) {
				add_rules(examples, study, number, grams->count);
				add_facts(examples, study, number, grams->count + study->ruleset->rule_count);
			}
			examples_end(examples, right_cells(text), ~0ull, weights[rules] / (1 + copies));
		}
	}
}

static void fill(double *strengths, int from, int to, double strength)
{
	for (int part = from; part < to; part++)
		strengths[part] = strength;
}

/* Facts are of one category and say something of its levels alone. */
static void fill_facts(double *strengths, double strength)
{
	for (int i = 0; i < CATEGORY_OTHER * COMPOSED_COUNT; i++, strengths += PART_COUNT) {
		int c = i / COMPOSED_COUNT;
		fill(strengths, 0, PART_COUNT, -1);
		fill(strengths, PART_CELL + cells_from((enum category)c), PART_CELL + cells_to((enum category)c),
		     strength);
	}
}

static double *strengths_of_cells(const struct study *study, const bool *used, const struct names_table *grams)
{
	const struct settings *settings = &study->settings;
	size_t rules = study->ruleset->rule_count, count = grams->count;
	double *strengths =
		alloc_zeroed((count + rules + CATEGORY_OTHER * COMPOSED_COUNT) * PART_COUNT, sizeof(double));
	double *by_category = strengths_new(study, count, 1), *by_level = strengths_new(study, count, 1);

	strengths_lean(by_category, study, used, grams, class_category);
	strengths_lean(by_level, study, used, grams, class_level);
	for (size_t i = 0; i < count; i++) {
		double *row = strengths + i * PART_COUNT;
		fill(row, PART_CATEGORY, PART_LEVEL, settings->gram_strength * by_category[i]);
		fill(row, PART_LEVEL, PART_CELL, settings->level_strength * by_level[i]);
		fill(row, PART_CELL, PART_CELL + OUTPUT_QUIET, settings->cell_strength);
		fill(row, PART_CELL + OUTPUT_QUIET, PART_COUNT, settings->kind_strength * by_category[i]);
	}
	for (size_t i = count; i < count + rules; i++) {
		fill(strengths + i * PART_COUNT, PART_CATEGORY, PART_CELL, settings->rule_strength);
		fill(strengths + i * PART_COUNT, PART_CELL, PART_COUNT, 2 * settings->rule_strength);
	}
	fill_facts(strengths + (count + rules) * PART_COUNT, settings->composed_strength);
	free(by_category);
	free(by_level);
	return strengths;
}

void cells_fit(struct model *model, const struct study *study, const bool *used, int steps)
{
	const struct corpus *corpus = study->corpus;
	size_t copies = 1 + (size_t)study->settings.worn_copies;
	size_t columns = model->grams.count + study->ruleset->rule_count + CATEGORY_OTHER * COMPOSED_COUNT;
	struct examples examples = examples_new(2 * copies * corpus->count, CELL_COUNT);
	struct shares shares[CELL_COUNT];

	for (size_t i = 0; i < corpus->count; i++) {
		if (used[i] && corpus->texts[i].source != SOURCE_REVIEWS)
			add_text(&examples, study, i, &model->grams);
	}
	share_out(shares);
	if (!model->parts)
		model->parts = alloc_zeroed((columns + 1) * PART_COUNT, sizeof(double));
	double *strengths = strengths_of_cells(study, used, &model->grams);
	free(model->cells);
	model->cells = examples_fit_shared(
		&examples, &(struct shared){ shares, PART_COUNT, columns, strengths, model->parts, steps });
	free(strengths);
}
