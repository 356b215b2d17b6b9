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

struct weights {
	uint32_t *keys;         /* open addressing, two at a time; 0: free. Longer than any search: none wraps around */
	uint16_t *rows_of_keys; /* by place in keys */
	uint32_t shift;         /* 32 - log2 of the places where a search may begin */
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
static inline uint32_t weights_home(const struct weights *weights, uint32_t key)
{
	return (key * 0x9E3779B1u) >> weights->shift;
}

/* The key's place, or the free one where it would stand; *known tells which. Most searches end at the first look, and
 * whether it is known costs no jump. */
static inline uint32_t weights_place(const struct weights *weights, uint32_t key, bool *known)
{
	for (uint32_t at = weights_home(weights, key);; at += 2) {
		uint32_t first = weights->keys[at], second = weights->keys[at + 1];
		*known = (first == key) | (second == key);
		if (*known | (first == 0) | (second == 0))
			return at + (uint32_t)((first != key) & (first != 0));
	}
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
	__builtin_prefetch(&weights->keys[weights_home(weights, key)]);
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
