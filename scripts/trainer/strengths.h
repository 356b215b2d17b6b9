/* SPDX-License-Identifier: Apache-2.0 */
/* What a weight costs in a fit. A gram's costs the less, the more one-sided the gram is between the classes that are to
 * be told apart: naive Bayes says where to look, the fit how far to go. */
#pragma once
#include "model.h"

/* The class of a text, or a negative number for a text that does not count. */
typedef int class_of(const struct study *study, const struct text *text);

enum { CLASSES_MAX = 64 };

/* Changes what the weights of grams cost, by gram, and leaves the mean of it (of the logarithms) as it is. */
void strengths_lean(double *strengths, const struct study *study, const bool *used, const struct names_table *grams,
		    class_of *of);
class_of class_category, class_level, class_hazard_category, class_code;
/* One each for grams, rules and composed facts. */
double *strengths_new(const struct study *study, size_t grams, double gram_strength);
/* Of the complaints among reviews. */
double *strengths_of_complaints(const struct study *study, const bool *used, const struct names_table *grams);
