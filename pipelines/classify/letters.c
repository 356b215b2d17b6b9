/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/letters.h"
#include <math.h>

#define STEP(capital, weight) [capital] = (weight), [(capital) - 'A' + 'a'] = -(weight)

const int8_t letter_weights[256] = {
	STEP('A', 1),  STEP('B', 2),  STEP('C', 3),  STEP('D', 4),  STEP('E', 5),  STEP('F', 6),   STEP('G', 7),
	STEP('H', 8),  STEP('I', 10), STEP('J', 12), STEP('K', 14), STEP('L', 16), STEP('M', 19),  STEP('N', 22),
	STEP('O', 26), STEP('P', 30), STEP('Q', 35), STEP('R', 40), STEP('S', 47), STEP('T', 54),  STEP('U', 63),
	STEP('V', 73), STEP('W', 84), STEP('X', 97), STEP('Y', 111), STEP('Z', 127),
};

char letter_of_weight(double weight)
{
	double size = fabs(weight);
	char letter = 'A'; /* of the step above, or the last one */

	while (letter < 'Z' && letter_weights[(int)letter] < size)
		letter++;
	double above = letter_weights[(int)letter], below = letter == 'A' ? 0 : letter_weights[letter - 1];
	if (size - below < above - size) {
		if (letter == 'A')
			return LETTER_NOTHING;
		letter--;
	}
	return weight < 0 ? (char)(letter - 'A' + 'a') : letter;
}
