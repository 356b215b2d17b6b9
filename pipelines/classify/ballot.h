/* SPDX-License-Identifier: Apache-2.0 */
/* Collects what speaks for what in a report, and turns it into a verdict: one sum per output. */
#pragma once
#include "classify/rules.h"

#define VOTES_MAX 96 /* different rules that one report can set off; further ones are not counted */

struct vote {
	const struct rule *rule;
	uint32_t from, to; /* bytes of the description */
	int32_t percent;   /* how much of its weight counts */
};

struct ballot {
	const struct ruleset *ruleset;
	struct vote votes[VOTES_MAX];
	size_t count;
	size_t turn;    /* votes before this one stood before a turn ("but") */
	bool turn_open; /* nothing was said for a hazard since then */
	uint64_t cast[RULES_MAX / 64];
	struct gram_sums grams;
	enum service_code service_code;
};

void ballot_init(struct ballot *ballot, const struct ruleset *ruleset);
bool ballot_has(const struct ballot *ballot, const struct rule *rule);
/* A rule votes once, however often it matches. percent: how much its weight counts. */
void ballot_vote(struct ballot *ballot, const struct rule *rule, uint32_t from, uint32_t to, int percent);
/* "But": what speaks for a hazard after it takes most of the weight from what spoke against one before it. */
void ballot_turn(struct ballot *ballot);
void ballot_decide(const struct ballot *ballot, struct verdict *verdict);

/* What a vote adds to an output, hundredths. */
int32_t vote_weight(const struct vote *vote, int output);
/* The composed facts that hold if the report is of a category, as bits by enum composed. */
void ballot_compose(const struct ballot *ballot, uint32_t facts[CATEGORY_OTHER]);
/* Reads all of a report; ballot_decide() is the other half of ruleset_classify(). */
void ballot_read(struct ballot *ballot, const struct ruleset *ruleset, const struct report *report);

/* Everything that was added up, hundredths. */
struct tally {
	int32_t outputs[OUTPUT_TRAINED];
	uint32_t facts[CATEGORY_OTHER];
	int32_t review;    /* of it, for every kind of no hazard: the text reads like a takeaway review */
	int32_t complaint; /* of it, for food: and it complains */
	int32_t service;   /* of it: what the rider picked */
	int cell;          /* the likeliest one of the category that was chosen */
};

void ballot_add_up(const struct ballot *ballot, struct tally *tally);
/* Fills the evidence: the largest contributions, and what is left of the score as "rest". */
void ballot_explain(const struct ballot *ballot, const struct tally *tally, struct verdict *verdict);
enum category category_of_service(enum service_code code);
