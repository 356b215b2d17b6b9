/* SPDX-License-Identifier: Apache-2.0 */
/* Why: the largest contributions to the winning category, to its likeliest cell, each with the bytes that made it. */
#include "classify/ballot.h"

/* Keeps the largest but one place, which is for the rest; largest first. */
static void add_evidence(struct verdict *verdict, struct slice rule, uint32_t from, uint32_t to, int32_t weight)
{
	size_t at = verdict->evidence_count, room = EVIDENCE_MAX - 1;

	if (weight <= 0 || (at == room && weight <= verdict->evidence[room - 1].weight))
		return;
	for (at -= at == room; at > 0 && verdict->evidence[at - 1].weight < weight; at--)
		verdict->evidence[at] = verdict->evidence[at - 1];
	verdict->evidence[at] = (struct evidence){ rule, from, to, weight };
	verdict->evidence_count += verdict->evidence_count < room;
}

enum { LEAST_SHOWN = 8 }; /* of 127: less is left to the rest */

/* The hits that speak for a cell. Whether one does is a coin's toss, hence no jump. */
static uint32_t those_for(const struct gram_sums *grams, const struct weights_row *rows, int cell,
			  uint16_t hits[HITS_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < grams->hit_count; i++) {
		hits[count] = (uint16_t)i;
		count += rows[grams->hits[i].row].adds[cell] > LEAST_SHOWN;
	}
	return count;
}

/* Grams that overlap and all speak for the verdict are one piece of text. */
static void add_grams(const struct ballot *ballot, int cell, struct verdict *verdict)
{
	const struct weights *weights = &ballot->ruleset->weights;
	const struct gram_sums *grams = &ballot->grams;
	uint16_t hits[HITS_MAX];
	uint32_t count = those_for(grams, weights->rows, cell, hits);
	double unit = weights_unit(weights, grams, cell);
	struct hit piece = { 0 };
	int32_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct hit *hit = &grams->hits[hits[i]];
		if (sum > 0 && hit->from > piece.to) {
			add_evidence(verdict, SLICE("grams"), piece.from, piece.to, rounded(sum * unit));
			sum = 0;
		}
		piece.from = sum == 0 || hit->from < piece.from ? hit->from : piece.from;
		piece.to = hit->to;
		sum += weights->rows[hit->row].adds[cell];
	}
	if (sum > 0)
		add_evidence(verdict, SLICE("grams"), piece.from, piece.to, rounded(sum * unit));
}

void ballot_explain(const struct ballot *ballot, const struct tally *tally, struct verdict *verdict)
{
	int32_t rest = verdict->score;

	verdict->evidence_count = 0;
	for (size_t i = 0; i < ballot->count; i++) {
		const struct vote *vote = &ballot->votes[i];
		add_evidence(verdict, vote->rule->id, vote->from, vote->to, vote_weight(vote, tally->cell));
	}
	add_grams(ballot, tally->cell, verdict);
	if (verdict->category == CATEGORY_OTHER)
		add_evidence(verdict, SLICE("review"), 0, 0, tally->review);
	if (verdict->category == CATEGORY_FOOD)
		add_evidence(verdict, SLICE("review.complaint"), 0, 0, tally->complaint);
	if (category_of_service(ballot->service_code) == verdict->category)
		add_evidence(verdict, SLICE("service_code"), 0, 0, tally->service);
	for (size_t i = 0; i < verdict->evidence_count; i++)
		rest -= verdict->evidence[i].weight;
	if (rest != 0)
		verdict->evidence[verdict->evidence_count++] = (struct evidence){ SLICE("rest"), 0, 0, rest };
}
