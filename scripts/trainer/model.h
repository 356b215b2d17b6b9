/* SPDX-License-Identifier: Apache-2.0 */
/* Fits all weights to a part of the corpus and writes them as the classifier reads them. */
#pragma once
#include "corpus.h"
#include "grams.h"
#include "classify/ballot.h"

struct settings {
	size_t gram_count, review_gram_count; /* so many are kept */
	double gram_strength, level_strength, cell_strength, kind_strength, rule_strength, composed_strength,
		also_strength, code_strength, review_strength, complaint_strength;
	double complaint_weight; /* of a complaint beside other reviews, which are many */
	int worn_copies;         /* of each text, beside itself, when cells are fitted */
	double worn_share;       /* of its grams and rules are missing in a worn copy */
	double seen_rules; /* share of the weight of texts that phrases were written from with which their rules are
			      seen */
	int prior_percent, cap; /* of what training adds to a rule, hundredths */
	int steps, more_steps;  /* of a fit, and of one that starts from the last one */
};

/* Pieces of a text that rules and facts found; made once, with the rules that ship and no weights. */
struct evidence_of_text {
	uint16_t rules[VOTES_MAX];
	int32_t percents[VOTES_MAX];
	size_t count;
	uint32_t facts[CATEGORY_OTHER];
	int32_t codes[HAZARDS_MAX]; /* hundredths, by hazard: votes */
};

struct study {
	const struct corpus *corpus;
	const struct ruleset *ruleset;
	struct settings settings;
	struct evidence_of_text *evidence; /* by text */
};

/* What is tuned after the fit: what is added to biases, and how much chance of being urgent is enough for a page, and
 * of being Extreme for not being silent. */
enum tuned {
	TUNED_OTHER,
	TUNED_PAGE,
	TUNED_WATCH,
	TUNED_EXTREME,
	TUNED_MINOR,
	TUNED_ALSO,
	TUNED_COUNT = TUNED_ALSO + CATEGORY_OTHER
};

/* What training found. Weights of grams, then rules, then composed facts (of cells: by category), then one row of
 * biases; by output. */
struct model {
	struct names_table grams, review_grams;
	double *cells, *also, *codes, *reviews;
	double *parts;              /* what cells are made of: where the next fit starts */
	int32_t tuned[TUNED_COUNT]; /* hundredths that are added */
};

void study_new(struct study *study, const struct corpus *corpus, const struct ruleset *ruleset,
	       const struct settings *settings);
void study_free(struct study *study);

/* used: by text. The model starts as zeros; reviews have their own part, made from a file that is not in this
 * repository. */
void model_fit(struct model *model, const struct study *study, const bool *used);
/* The same grams again, after texts have got other weights. */
void model_fit_more(struct model *model, const struct study *study, const bool *used);
void model_fit_reviews(struct model *model, const struct study *study, const bool *used);
/* Writes the part that was fitted: weights.tsv, reviews.tsv. */
void model_write(const struct model *model, const struct study *study, const char *folder);
void model_free(struct model *model);
