/* SPDX-License-Identifier: Apache-2.0 */
/* The trained part of the rules. A gram is a Chinese character, two of them in a row, or a whole Latin word; it adds to
 * every output. Rules and composed facts have trained weights too, which stand in the rule set. */
#pragma once
#include "classify/outputs.h"
#include "classify/automaton.h"
#include "slice.h"

#define GRAM_LATIN 0x80000000u /* marks the key of a Latin word: the rest is its hash */

/* In one cache line, since deciding and explaining come back to it. */
struct weights_row {
	int8_t adds[OUTPUT_ALL]; /* by output; the padding holds GRAM_IN_REPORTS, GRAM_IN_REVIEWS */
} __attribute__((aligned(64)));

struct weights_slot {
	uint32_t key; /* 0: free */
	uint32_t row;
};

#define BUCKET 4

struct weights {
	struct weights_slot
		*slots; /* buckets, filled from their first slot on; longer than any search: none wraps around */
	uint32_t shift; /* 32 - log2 of the buckets where a search may begin */
	struct weights_row *rows;
	uint32_t row_count, row_room;
	int32_t scale[OUTPUT_COUNT]; /* a weight of 1 is scale / 1000 hundredths */
	double unit[OUTPUT_COUNT];   /* scale / 1000 */
	int32_t bias[OUTPUT_COUNT];  /* hundredths */
	int32_t code_scale;
	int32_t page_from;                   /* from which logit of being urgent on somebody is paged, hundredths */
	int32_t watch_from;                  /* from which logit of being Extreme on nothing is silent */
	int32_t prior_percent;               /* how much a rule's own weight counts beside what training adds */
	int32_t review_from, review_percent; /* from which logit on a text is a review, and how much of it counts */
};

/* Where the search for a key begins. */
static inline struct weights_slot *weights_home(const struct weights *weights, uint32_t key)
{
	return weights->slots + BUCKET * ((key * 0x9E3779B1u) >> weights->shift);
}

/* The key's slot, which holds another one when it is not *known. Which of a bucket it is, and whether it is any, costs
 * no jump, and few buckets are full: what a text holds next cannot be guessed. */
static inline const struct weights_slot *weights_find(const struct weights *weights, uint32_t key, bool *known)
{
	const struct weights_slot *bucket = weights_home(weights, key);

	for (;; bucket += BUCKET) {
		uint32_t at = (uint32_t)(bucket[1].key == key) | (uint32_t)(bucket[2].key == key) << 1 |
			      (uint32_t)(bucket[3].key == key) * 3;
		*known = bucket[at].key == key;
		if (*known | (bucket[BUCKET - 1].key == 0))
			return bucket + at;
	}
}

/* As lrint(), in line and without a jump that depends on the number. */
static inline int32_t rounded(double number)
{
	return (int32_t)(number + (number < 0 ? -0.5 : 0.5));
}

/* A gram of a text that is in the table. */
struct hit {
	uint32_t row;
	uint32_t from, to; /* bytes */
};

#define GRAMS_QUEUED 64

struct queued_gram {
	uint32_t key;
	uint32_t from, to; /* bytes */
};

struct gram_sums {
	struct queued_gram queue[GRAMS_QUEUED]; /* not yet looked up: many at once wait less for memory */
	uint32_t queued;
	int32_t sums[OUTPUT_ALL];
	double report_unit, review_unit; /* 1 / sqrt(grams known), 0 for none; by weights_finish() */
	uint32_t hit_count;              /* of hits that are kept for explaining; the sums hold all */
	struct hit hits[HITS_MAX];
};

void weights_begin(struct gram_sums *sums);
/* Looks the queue up. */
void weights_flush(const struct weights *weights, struct gram_sums *sums);
/* To be called once after the last weights_add(), before anything below. */
void weights_finish(const struct weights *weights, struct gram_sums *sums);
/* Hundredths of a logit for one output, bias included. */
int32_t weights_logit(const struct weights *weights, const struct gram_sums *sums, int output);
/* The same for all that labelled reports taught. */
void weights_trained(const struct weights *weights, const struct gram_sums *sums, int32_t logits[OUTPUT_TRAINED]);
/* What a weight of 1 in the table adds to an output in this text, hundredths. */
double weights_unit(const struct weights *weights, const struct gram_sums *sums, int output);
/* The same for hazard codes. */
double weights_code_unit(const struct weights *weights, const struct gram_sums *sums);

/* from, to: where the gram stands in the description; kept when to > from. */
static inline void weights_add(const struct weights *weights, uint32_t key, uint32_t from, uint32_t to,
			       struct gram_sums *sums)
{
	__builtin_prefetch(weights_home(weights, key));
	sums->queue[sums->queued++] = (struct queued_gram){ key, from, to };
	if (sums->queued == GRAMS_QUEUED)
		weights_flush(weights, sums);
}

static inline uint32_t gram_key(uint16_t first, uint16_t second)
{
	return (uint32_t)first << 16 | second;
}

/* A Latin word's key is made letter by letter, from 0. */
static inline uint32_t gram_key_latin(uint32_t key, uint32_t folded)
{
	return GRAM_LATIN | (((key & ~GRAM_LATIN) ^ folded) * 16777619u + 0x9E37u);
}
