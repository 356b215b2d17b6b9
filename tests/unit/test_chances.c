/* SPDX-License-Identifier: Apache-2.0 */
/* Sums become chances as the exponential says, to a hundredth of a logit, near and far apart. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "classify/chances.h"

enum { ROUNDS = 2000 };

static double exact(const int32_t sums[CELL_COUNT], int from, int to)
{
	double sum = 0;

	for (int i = from; i < to; i++)
		sum += exp((sums[i] - sums[0]) / 100.0);
	return sum;
}

static double exact_level(const int32_t sums[CELL_COUNT], enum severity severity)
{
	double sum = 0;

	for (int c = 0; c < CATEGORY_OTHER; c++)
		sum += exp((sums[cell_of((enum category)c, severity)] - sums[0]) / 100.0);
	return sum;
}

static void expect_near(double got, double expected)
{
	if (fabs(got - expected) > 1)
		fail_msg("%.2f instead of %.2f", got, expected);
}

static void test_against_the_exponential(void **state)
{
	int32_t sums[CELL_COUNT];
	struct chances chances;

	(void)state;
	srand(1);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CELL_COUNT; i++)
			sums[i] = rand() % (round % 2 ? 300 : 3000) - 1500;
		chances_of(&chances, sums);
		double other = exact(sums, cells_from(CATEGORY_OTHER), cells_to(CATEGORY_OTHER));
		for (int c = 0; c < CATEGORY_OTHER; c++) {
			double own = exact(sums, cells_from((enum category)c), cells_to((enum category)c));
			expect_near(chance_lead(chances.categories[c], chances.categories[CATEGORY_OTHER]),
				    100 * log(own / other));
		}
		for (int level = SEVERITY_MINOR; level <= SEVERITY_EXTREME; level++)
			expect_near(chance_lead(chances.levels[level], chances.levels[SEVERITY_NONE]),
				    100 * log(exact_level(sums, (enum severity)level) / other));
	}
}

/* What is next to impossible stays a chance: leads are numbers, however far cells are apart. */
static void test_far_apart(void **state)
{
	int32_t sums[CELL_COUNT] = { 0 };
	struct chances chances;

	(void)state;
	sums[OUTPUT_QUIET] = 1000000;
	chances_of(&chances, sums);
	assert_true(chances.cells[OUTPUT_QUIET] > 0.9999f && chances.cells[OUTPUT_QUIET] < 1.0001f);
	int32_t lead = chance_lead(chances.categories[CATEGORY_FIRE], chances.categories[CATEGORY_OTHER]);
	assert_true(lead < -7000 && lead > -9000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_the_exponential),
		cmocka_unit_test(test_far_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
