/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/weights.h"
#include <math.h>

static const struct weights_slot *slot_of(const struct weights *weights, uint32_t key)
{
	uint32_t at = (key * 0x9E3779B1u) >> weights->shift;

	while (weights->slots[at].key != 0 && weights->slots[at].key != key)
		at = (at + 1) & weights->mask;
	return &weights->slots[at];
}

void weights_add(const struct weights *weights, uint32_t key, uint32_t from, uint32_t to, struct gram_sums *sums)
{
	const struct weights_slot *slot = slot_of(weights, key);

	if (slot->key == 0)
		return;
	const int8_t *row = weights->rows[slot->row].report;
	for (int i = 0; i < OUTPUT_PADDED; i++)
		sums->sums[i] += row[i];
	if (sums->hit_count < HITS_MAX && to > from)
		sums->hits[sums->hit_count++] = (struct hit){ slot->row, from, to };
}

/* The same sum of weights says more in a short text. */
double weights_unit(const struct weights *weights, const struct gram_sums *sums, int output)
{
	int known = sums->sums[output < OUTPUT_TRAINED ? GRAM_IN_REPORTS : GRAM_IN_REVIEWS];

	return known == 0 ? 0 : weights->scale[output] / (1000 * sqrt((double)known));
}

int32_t weights_logit(const struct weights *weights, const struct gram_sums *sums, int output)
{
	return weights->bias[output] + (int32_t)lrint(sums->sums[output] * weights_unit(weights, sums, output));
}

void weights_add_codes(const struct weights *weights, const struct gram_sums *sums, int32_t *hazards)
{
	int known = sums->sums[GRAM_IN_REPORTS];
	int32_t totals[HAZARDS_MAX] = { 0 };

	for (uint32_t i = 0; i < sums->hit_count; i++) {
		const struct weights_codes *codes = &weights->codes[sums->hits[i].row];
		for (int k = 0; k < codes->count; k++)
			totals[codes->hazards[k]] += codes->weights[k];
	}
	for (int i = 0; i < HAZARDS_MAX && known > 0; i++) {
		if (totals[i])
			hazards[i] += (int32_t)lrint(totals[i] * (weights->code_scale / (1000 * sqrt((double)known))));
	}
}
