/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/chances.h"
#include "classify/weights.h"
#include <math.h>
#include <string.h>

#define LEAST (-8000) /* hundredths: what is this unlikely counts as nothing more */

/* e^x, x in hundredths from LEAST to 0, to five digits: whole and broken part of the power of two apart, in loops of
 * which a compiler does several turns at once. */
static void powers(float results[CELL_COUNT], const int32_t hundredths[CELL_COUNT])
{
	int32_t bits[CELL_COUNT];
	float parts[CELL_COUNT], scales[CELL_COUNT];

	for (int i = 0; i < CELL_COUNT; i++) {
		float binary = (float)hundredths[i] * 0.0144269504f;
		int32_t whole = (int32_t)(binary - 0.5f);
		bits[i] = (whole + 127) << 23;
		parts[i] = binary - (float)whole;
	}
	memcpy(scales, bits, sizeof(scales));
	for (int i = 0; i < CELL_COUNT; i++) {
		float part = parts[i];
		results[i] = scales[i] *
			     (1 + part * (0.693147f + part * (0.240227f + part * (0.0555041f + part * 0.00961813f))));
	}
}

void chances_of(struct chances *chances, const int32_t sums[CELL_COUNT])
{
	int32_t highest = sums[0], apart[CELL_COUNT];

	for (int i = 1; i < CELL_COUNT; i++)
		highest = sums[i] > highest ? sums[i] : highest;
	for (int i = 0; i < CELL_COUNT; i++)
		apart[i] = sums[i] - highest < LEAST ? LEAST : sums[i] - highest;
	powers(chances->cells, apart);
	memset(chances->categories, 0, sizeof(chances->categories));
	memset(chances->levels, 0, sizeof(chances->levels));
	for (int i = 0; i < OUTPUT_QUIET; i++) {
		chances->categories[i / LEVEL_COUNT] += chances->cells[i];
		chances->levels[SEVERITY_MINOR + i % LEVEL_COUNT] += chances->cells[i];
	}
	for (int i = OUTPUT_QUIET; i < CELL_COUNT; i++)
		chances->categories[CATEGORY_OTHER] += chances->cells[i];
	chances->levels[SEVERITY_NONE] = chances->categories[CATEGORY_OTHER];
}

int32_t chance_lead(float a, float b)
{
	return rounded(100 * logf(a / b));
}
