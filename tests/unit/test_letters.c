/* SPDX-License-Identifier: Apache-2.0 */
/* Weights as letters: every letter is a step and comes back as itself, what lies between goes to the nearer step. */
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "classify/letters.h"
#include "classify/outputs.h"

static void test_every_letter(void **state)
{
	int8_t weight, last = 0;

	(void)state;
	for (char letter = 'A'; letter <= 'Z'; letter++) {
		assert_true(weight_of_letter(letter, &weight));
		assert_true(weight > last);
		last = weight;
		assert_int_equal(letter_of_weight(weight), letter);
		assert_true(weight_of_letter((char)tolower(letter), &weight));
		assert_int_equal(weight, -last);
		assert_int_equal(letter_of_weight(weight), tolower(letter));
	}
	assert_int_equal(last, INT8_MAX);
	assert_true(weight_of_letter(LETTER_NOTHING, &weight));
	assert_int_equal(weight, 0);
}

static void test_no_letter(void **state)
{
	int8_t weight;

	(void)state;
	for (int byte = CHAR_MIN; byte <= CHAR_MAX; byte++) {
		bool is_one = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == LETTER_NOTHING;
		assert_int_equal(weight_of_letter((char)byte, &weight), is_one);
	}
}

/* What is lost is at most half a step: half of one, or an eighth of the weight. */
static void test_between_steps(void **state)
{
	int8_t weight;

	(void)state;
	for (double exact = -127; exact <= 127; exact += 0.01) {
		assert_true(weight_of_letter(letter_of_weight(exact), &weight));
		if (fabs(weight - exact) > fmax(0.51, 0.12 * fabs(exact)))
			fail_msg("%.2f became %d", exact, weight);
	}
	assert_int_equal(letter_of_weight(1000), 'Z');
	assert_int_equal(letter_of_weight(-1000), 'z');
	assert_int_equal(letter_of_weight(0.4), LETTER_NOTHING);
}

/* A digit for each hazard that a rule set can hold. */
static void test_digits(void **state)
{
	(void)state;
	assert_int_equal(strlen(LETTER_DIGITS), HAZARDS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_letter),
		cmocka_unit_test(test_no_letter),
		cmocka_unit_test(test_between_steps),
		cmocka_unit_test(test_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
