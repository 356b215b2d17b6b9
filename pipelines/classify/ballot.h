/* SPDX-License-Identifier: Apache-2.0 */
/* Collects which rules a report set off, and turns them into a verdict. */
#pragma once
#include "classify/ngrams.h"

#define VOTES_MAX 96 /* different rules that one report can set off; further ones are not counted */

struct vote {
	const struct rule *rule;
	uint32_t from, to; /* bytes of the description */
	int32_t weight;
};

struct ballot {
	const struct ruleset *ruleset;
	struct vote votes[VOTES_MAX];
	size_t count;
	size_t turn;    /* votes before this one stood before a turn ("but") */
	bool turn_open; /* nothing was said for a hazard since then */
	uint64_t cast[RULES_MAX / 64];
	struct ngram_sums ngrams;
	enum service_code service_code;
	uint32_t text_bytes; /* of the description */
};

void ballot_init(struct ballot *ballot, const struct ruleset *ruleset);
bool ballot_has(const struct ballot *ballot, const struct rule *rule);
/* A rule votes once, however often it matches. percent: how much its weight counts. */
void ballot_vote(struct ballot *ballot, const struct rule *rule, uint32_t from, uint32_t to, int percent);
/* "But": what speaks for a hazard after it takes most of the weight from what spoke against one before it. */
void ballot_turn(struct ballot *ballot);
void ballot_decide(const struct ballot *ballot, struct verdict *verdict);
