/* SPDX-License-Identifier: Apache-2.0 */
/* What a gram adds to an output, as one letter of weights.tsv: capitals speak for it, small letters against it, and the
 * later in the alphabet the more; a full stop is nothing. Steps are fine where most weights are. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define LETTER_NOTHING '.'
/* Hazard codes, counted from 0, as one digit. */
#define LETTER_DIGITS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

extern const int8_t letter_weights[256]; /* by letter: -127 to 127; 0 for what is none */

/* False when it is no such letter. */
static inline bool weight_of_letter(char letter, int8_t *weight)
{
	*weight = letter_weights[(unsigned char)letter];
	return *weight != 0 || letter == LETTER_NOTHING;
}

/* The letter of the nearest step; what is beyond 127 counts as 127. */
char letter_of_weight(double weight);
