/* SPDX-License-Identifier: Apache-2.0 */
/* What is added up for a text: one sum per output. Decisions compare these sums. */
#pragma once
#include "verdict.h"

#define HAZARDS_MAX 48 /* with OUTPUT_CODES they fill a cache line a gram */

enum output {
	OUTPUT_CATEGORY = 0,
	OUTPUT_SEVERITY = CATEGORY_COUNT,                   /* Minor to Extreme */
	OUTPUT_ALSO = OUTPUT_SEVERITY + SEVERITY_COUNT - 1, /* emergency, fire, food */
	OUTPUT_TRAINED = OUTPUT_ALSO + CATEGORY_OTHER,      /* so many come from labelled reports */
	OUTPUT_REVIEW = OUTPUT_TRAINED,                     /* reads like a takeaway review, not like a report */
	OUTPUT_COMPLAINT,                                   /* such a review, and it complains of food safety */
	OUTPUT_COUNT,
	/* Counts instead of weights: how many grams of a text each of the two vocabularies knows. */
	GRAM_IN_REPORTS = OUTPUT_COUNT,
	GRAM_IN_REVIEWS,
	OUTPUT_CODES = 16, /* from here on: hazard codes, by their numbers; what lies before is padding */
	OUTPUT_ALL = OUTPUT_CODES + HAZARDS_MAX,
};

/* Facts that are composed of votes; they add to severities and further categories. */
enum composed {
	COMPOSED_SAID = 0,                                 /* the highest severity that a strong rule names, by level */
	COMPOSED_BOUND = COMPOSED_SAID + SEVERITY_COUNT,   /* the lowest bound */
	COMPOSED_IN = COMPOSED_BOUND + SEVERITY_COUNT,     /* the category itself */
	COMPOSED_CLAIMED = COMPOSED_IN + CATEGORY_OTHER,   /* a further category whose rules are strong, too */
	COMPOSED_ALSO = COMPOSED_CLAIMED + CATEGORY_OTHER, /* a further category that a rule or fact names */
	COMPOSED_COUNT = COMPOSED_ALSO + CATEGORY_OTHER,
};

#define HITS_MAX 512 /* grams of a text that can be explained one by one */
