/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of logits as chances. */
#pragma once
#include "classify/outputs.h"

struct chances {
	float cells[CELL_COUNT]; /* relative to the likeliest cell */
	float categories[CATEGORY_COUNT];
	float levels[SEVERITY_COUNT]; /* of hazards of all categories; None: of no hazard */
};

/* sums: by cell, hundredths. */
void chances_of(struct chances *chances, const int32_t sums[CELL_COUNT]);
/* The logarithm of a / b, hundredths. */
int32_t chance_lead(float a, float b);
