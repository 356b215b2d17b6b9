/* SPDX-License-Identifier: Apache-2.0 */
/* What is added up for a text: one sum per output. Decisions compare chances, which are made of these sums. */
#pragma once
#include "verdict.h"

#define LEVEL_COUNT (SEVERITY_COUNT - 1) /* Minor to Extreme */
#define HAZARDS_MAX 36                   /* so many digits there are for them in weights.tsv */

/* What a text of no hazard does. */
enum quiet_kind {
	KIND_RESOLVED,
	KIND_DENIED,
	KIND_PAST,
	KIND_DRILL,
	KIND_QUESTION,
	KIND_ADVERT,
	KIND_FIGURATIVE,
	KIND_CITY,
	KIND_CHAT,
	KIND_NEWS,
	KIND_REVIEW,
	KIND_COUNT
};

/* A text is one of the cells: a hazard of a category at a level, or no hazard, of some kind. Each has a sum, and its
 * exponential is the cell's chance. */
enum output {
	OUTPUT_HAZARD = 0,                                           /* by category, then level */
	OUTPUT_QUIET = OUTPUT_HAZARD + CATEGORY_OTHER * LEVEL_COUNT, /* by kind */
	CELL_COUNT = OUTPUT_QUIET + KIND_COUNT,
	OUTPUT_ALSO = CELL_COUNT,                      /* emergency, fire, food */
	OUTPUT_TRAINED = OUTPUT_ALSO + CATEGORY_OTHER, /* so many come from labelled reports */
	OUTPUT_REVIEW = OUTPUT_TRAINED,                /* reads like a takeaway review, not like a report */
	OUTPUT_COMPLAINT,                              /* such a review, and it complains of food safety */
	OUTPUT_COUNT,
	/* Counts instead of weights: how many grams of a text each of the two vocabularies knows. */
	GRAM_IN_REPORTS = OUTPUT_COUNT,
	GRAM_IN_REVIEWS,
	OUTPUT_ALL,
};

/* The cells of a category lie side by side. */
static inline int cells_from(enum category category)
{
	return category == CATEGORY_OTHER ? OUTPUT_QUIET : OUTPUT_HAZARD + (int)category * LEVEL_COUNT;
}

static inline int cells_to(enum category category)
{
	return category == CATEGORY_OTHER ? CELL_COUNT : cells_from(category) + LEVEL_COUNT;
}

static inline int cell_of(enum category category, enum severity severity)
{
	return cells_from(category) + (int)severity - SEVERITY_MINOR;
}

/* Facts that are composed of votes, for each category of hazards; they add to its levels and to further categories. */
enum composed {
	COMPOSED_SAID = 0,                                 /* the highest severity that a strong rule names, by level */
	COMPOSED_BOUND = COMPOSED_SAID + SEVERITY_COUNT,   /* the lowest bound */
	COMPOSED_IN = COMPOSED_BOUND + SEVERITY_COUNT,     /* the category itself */
	COMPOSED_CLAIMED = COMPOSED_IN + CATEGORY_OTHER,   /* a further category whose rules are strong, too */
	COMPOSED_ALSO = COMPOSED_CLAIMED + CATEGORY_OTHER, /* a further category that a rule or fact names */
	COMPOSED_COUNT = COMPOSED_ALSO + CATEGORY_OTHER,
};

#define HITS_MAX 512 /* grams of a text that can be explained one by one */
