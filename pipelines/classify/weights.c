/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/weights.h"
#include <math.h>

enum { LANE_GRAMS = 256 }; /* so many weights of at most 127 fit into sixteen bits */

static const struct weights_slot *slot_of(const struct weights *weights, uint32_t key)
{
	uint32_t at = (key * 0x9E3779B1u) >> weights->shift;

	while (weights->slots[at].key != 0 && weights->slots[at].key != key)
		at = (at + 1) & weights->mask;
	return &weights->slots[at];
}

/* As lrint(), in line. */
static int32_t whole(double number)
{
	return (int32_t)(number < 0 ? number - 0.5 : number + 0.5);
}

static void flush(struct gram_sums *sums)
{
	for (int i = 0; i < OUTPUT_PADDED; i++) {
		sums->sums[i] += sums->lanes[i];
		sums->lanes[i] = 0;
	}
	sums->pending = 0;
}

void weights_add(const struct weights *weights, uint32_t key, uint32_t from, uint32_t to, struct gram_sums *sums)
{
	const struct weights_slot *slot = slot_of(weights, key);

	if (slot->key == 0)
		return;
	const int8_t *row = weights->rows[slot->row].report;
	for (int i = 0; i < OUTPUT_PADDED; i++)
		sums->lanes[i] = (int16_t)(sums->lanes[i] + row[i]);
	if (++sums->pending == LANE_GRAMS)
		flush(sums);
	if (sums->hit_count < HITS_MAX && to > from)
		sums->hits[sums->hit_count++] = (struct hit){ slot->row, from, to };
}

/* The same sum of weights says more in a short text. */
static double unit_for(int known)
{
	return known > 0 ? 1 / sqrt((double)known) : 0;
}

void weights_finish(struct gram_sums *sums)
{
	flush(sums);
	sums->report_unit = unit_for(sums->sums[GRAM_IN_REPORTS]);
	sums->review_unit = unit_for(sums->sums[GRAM_IN_REVIEWS]);
}

double weights_unit(const struct weights *weights, const struct gram_sums *sums, int output)
{
	return weights->unit[output] * (output < OUTPUT_TRAINED ? sums->report_unit : sums->review_unit);
}

int32_t weights_logit(const struct weights *weights, const struct gram_sums *sums, int output)
{
	return weights->bias[output] + whole(sums->sums[output] * weights_unit(weights, sums, output));
}

void weights_add_codes(const struct weights *weights, const struct gram_sums *sums, int32_t *hazards, size_t count)
{
	int32_t totals[HAZARDS_MAX + WEIGHTS_CODES_MAX] = { 0 };
	double unit = weights->code_scale / 1000.0 * sums->report_unit;

	for (uint32_t i = 0; i < sums->hit_count; i++) {
		const struct weights_row *row = &weights->rows[sums->hits[i].row];
		for (int k = 0; k < WEIGHTS_CODES_MAX; k++)
			totals[row->hazards[k]] += row->codes[k];
	}
	for (size_t i = 0; i < count; i++) {
		if (totals[i])
			hazards[i] += whole(totals[i] * unit);
	}
}
