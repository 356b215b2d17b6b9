/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/weights.h"
#include <math.h>

void weights_begin(struct gram_sums *sums)
{
	memset(sums->sums, 0, sizeof(sums->sums));
	memset(sums->codes, 0, sizeof(sums->codes));
	sums->queued = 0;
	sums->hit_count = 0;
}

/* Those of the queue that the table knows; returns how many. */
static uint32_t look_up(const struct weights *weights, const struct gram_sums *sums, struct hit hits[GRAMS_QUEUED])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sums->queued; i++)
		__builtin_prefetch(weights->keys + weights->starts[weights_bucket(weights, sums->queue[i].key)]);
	for (uint32_t i = 0; i < sums->queued; i++) {
		const struct queued_gram *gram = &sums->queue[i];
		bool known;
		uint32_t row = weights_find(weights, gram->key, &known);
		__builtin_prefetch(&weights->rows[row]);
		hits[count] = (struct hit){ row, gram->from, gram->to };
		count += known;
	}
	return count;
}

void weights_flush(const struct weights *weights, struct gram_sums *sums)
{
	int16_t lanes[GRAM_LANES] = { 0 }; /* a queue of weights of at most 127 fits into sixteen bits */
	int16_t codes[CODE_LANES] = { 0 };
	struct hit hits[GRAMS_QUEUED];
	uint32_t count = look_up(weights, sums, hits);

	for (uint32_t i = 0; i < count; i++) {
		const struct weights_row *row = &weights->rows[hits[i].row];
		const int8_t *adds = (const int8_t *)row; /* all lanes: what is behind OUTPUT_ALL is not used */
		const int8_t *more = weights->codes[row->codes].adds;
		for (int k = 0; k < GRAM_LANES; k++)
			lanes[k] = (int16_t)(lanes[k] + adds[k]);
		for (int k = 0; k < CODE_LANES; k++)
			codes[k] = (int16_t)(codes[k] + more[k]);
		if (sums->hit_count < HITS_MAX && hits[i].to > hits[i].from)
			sums->hits[sums->hit_count++] = hits[i];
	}
	for (int k = 0; k < GRAM_LANES; k++)
		sums->sums[k] += lanes[k];
	for (int k = 0; k < CODE_LANES; k++)
		sums->codes[k] += codes[k];
	sums->queued = 0;
}

/* The same sum of weights says more in a short text. */
static double unit_for(int known)
{
	return known > 0 ? 1 / sqrt((double)known) : 0;
}

void weights_finish(const struct weights *weights, struct gram_sums *sums)
{
	weights_flush(weights, sums);
	sums->report_unit = unit_for(sums->sums[GRAM_IN_REPORTS]);
	sums->review_unit = unit_for(sums->sums[GRAM_IN_REVIEWS]);
}

double weights_unit(const struct weights *weights, const struct gram_sums *sums, int output)
{
	return weights->unit[output] * (output < OUTPUT_TRAINED ? sums->report_unit : sums->review_unit);
}

int32_t weights_logit(const struct weights *weights, const struct gram_sums *sums, int output)
{
	return weights->bias[output] + rounded(sums->sums[output] * weights_unit(weights, sums, output));
}

void weights_trained(const struct weights *weights, const struct gram_sums *sums, int32_t logits[OUTPUT_TRAINED])
{
	double unit = sums->report_unit;

	for (int i = 0; i < OUTPUT_TRAINED; i++)
		logits[i] = weights->bias[i] + rounded(sums->sums[i] * weights->unit[i] * unit);
}

double weights_code_unit(const struct weights *weights, const struct gram_sums *sums)
{
	return weights->code_scale / 1000.0 * sums->report_unit;
}
