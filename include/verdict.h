/* SPDX-License-Identifier: Apache-2.0 */
/* What the classifier made of a report, and why. */
#pragma once
#include <stdint.h>
#include "slice.h"

enum category { CATEGORY_EMERGENCY, CATEGORY_FIRE, CATEGORY_FOOD, CATEGORY_OTHER, CATEGORY_COUNT };
enum severity { SEVERITY_NONE, SEVERITY_MINOR, SEVERITY_MODERATE, SEVERITY_SEVERE, SEVERITY_EXTREME, SEVERITY_COUNT };

/* "emergency" "fire" "food" "other"; "None" "Minor" "Moderate" "Severe" "Extreme" (CAP 1.2). */
const char *category_name(enum category category);
const char *severity_name(enum severity severity);
/* The other way; CATEGORY_COUNT and SEVERITY_COUNT for any other text. */
enum category category_find(const char *name);
enum severity severity_find(const char *name);

#define EVIDENCE_MAX 8

/* One contribution to the verdict, the largest first; the last one is "rest" where more were added up than have a place
 * here, so that all weights sum to the score. The span is a byte range of the description. */
struct evidence {
	struct slice rule; /* id of the rule, "fire.lane_blocked#3"; lives as long as the rule set */
	uint32_t from, to; /* [from, to), on character borders; from == to when no text is behind it (photo label) */
	int32_t weight;    /* hundredths; what it added to the score */
};

struct hazard; /* a row of hazards.json, see ruleset.h */

struct verdict {
	enum category category;
	uint8_t also;                /* bit set of further categories to alert, never CATEGORY_OTHER */
	enum severity severity;      /* SEVERITY_NONE iff category is OTHER */
	const struct hazard *hazard; /* never NULL; lives as long as the rule set */
	int32_t score;               /* hundredths: what was added up for its likeliest level */
	int32_t margin;              /* hundredths: how far the category leads */
	int32_t severity_margin;     /* the same for the severity; 0 for other */
	int32_t also_margin;         /* how far the closest further category is from being in or out; 0 for other */
	bool unsure;                 /* best guess with too small a margin */
	struct evidence evidence[EVIDENCE_MAX];
	size_t evidence_count;
};
