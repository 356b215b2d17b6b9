/* SPDX-License-Identifier: Apache-2.0 */
/* The trained part of the rules: what single characters and pairs of neighbours add to every output. */
#pragma once
#include "classify/rules.h"

struct ngram_sums {
	int32_t sums[OUTPUT_PADDED];
	uint32_t count; /* rows that were found */
};

void ngrams_add(const struct ngrams *ngrams, uint16_t first, uint16_t second, struct ngram_sums *sums);
/* Hundredths of a logit for one output, bias included. */
int32_t ngrams_logit(const struct ngrams *ngrams, const struct ngram_sums *sums, int output);
