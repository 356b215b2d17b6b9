/* SPDX-License-Identifier: Apache-2.0 */
/* The fit of the cells: category, level and kind at once, see outputs.h. What a gram says of a category it says at each
 * of its levels, and what it says of a level in each category; a cell has little of its own. */
#pragma once
#include "model.h"

/* Fits model->cells to the texts in use, from model->parts on, which are made when there are none. */
void cells_fit(struct model *model, const struct study *study, const bool *used, int steps);

/* Rules of a text go to an example with them with this share of its weight, the rest to one without. */
double share_with_rules(const struct study *study, const struct text *text);
