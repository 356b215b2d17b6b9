/* SPDX-License-Identifier: Apache-2.0 */
#include "examples.h"
#include <math.h>
#include <stdlib.h>
#include "alloc.h"

/* Numerical Recipes' generator. */
bool wear_hides(struct wear *wear)
{
	if (wear->share <= 0)
		return false;
	wear->state = wear->state * 1664525u + 1013904223u;
	return (wear->state >> 8) < wear->share * (1 << 24);
}

static void collect(void *context, const char *name)
{
	struct row_of_grams *row = context;
	uint32_t number = names_table_find(row->table, name);

	if (number != GRAM_UNKNOWN && row->count < sizeof(row->numbers) / sizeof(row->numbers[0]))
		row->numbers[row->count++] = number;
}

void read_grams(const char *text, struct row_of_grams *row)
{
	row->count = 0;
	grams_of(text, collect, row);
}

struct examples examples_new(size_t room, size_t outputs)
{
	return (struct examples){
		.right = alloc_zeroed(room, sizeof(uint64_t)),
		.allowed = alloc_zeroed(room, sizeof(uint64_t)),
		.weights = alloc_zeroed(room, sizeof(double)),
		.offsets = alloc_zeroed(room * outputs, sizeof(double)),
		.outputs = outputs,
	};
}

static void examples_free(struct examples *examples)
{
	matrix_free(&examples->matrix);
	free(examples->right);
	free(examples->allowed);
	free(examples->weights);
	free(examples->offsets);
}

void examples_begin(struct examples *examples, const struct names_table *grams, const char *text)
{
	struct row_of_grams row = { .table = grams };
	size_t left = 0;

	read_grams(text, &row);
	for (size_t i = 0; i < row.count; i++) {
		if (!wear_hides(&examples->wear))
			row.numbers[left++] = row.numbers[i];
	}
	matrix_begin_row(&examples->matrix);
	for (size_t i = 0; i < left; i++)
		matrix_add(&examples->matrix, row.numbers[i], 1 / sqrt((double)left));
}

void examples_end(struct examples *examples, uint64_t right, uint64_t allowed, double weight)
{
	examples->right[examples->count] = right;
	examples->allowed[examples->count] = allowed;
	examples->weights[examples->count++] = weight;
}

static struct problem problem_of(struct examples *examples, enum loss loss, size_t columns, int steps)
{
	examples->matrix.column_count = columns;
	return (struct problem){
		.matrix = &examples->matrix,
		.loss = loss,
		.output_count = examples->outputs,
		.part_count = examples->outputs,
		.right = examples->right,
		.allowed = examples->allowed,
		.weights = examples->weights,
		.offsets = examples->offsets,
		.steps = steps,
	};
}

double *examples_fit(struct examples *examples, enum loss loss, const double *strengths, size_t columns, int steps)
{
	struct problem problem = problem_of(examples, loss, columns, steps);
	double *weights = alloc_zeroed((columns + 1) * examples->outputs, sizeof(double));
	double *spread = alloc_zeroed((columns + 1) * examples->outputs, sizeof(double));

	for (size_t i = 0; i < columns * examples->outputs; i++)
		spread[i] = strengths[i / examples->outputs];
	problem.strengths = spread;
	fit(&problem, weights);
	free(spread);
	examples_free(examples);
	return weights;
}

double *examples_fit_shared(struct examples *examples, const struct shared *shared)
{
	struct problem problem = problem_of(examples, LOSS_ONE_OF, shared->columns, shared->steps);
	double *expanded = alloc_zeroed((shared->columns + 1) * examples->outputs, sizeof(double));

	problem.shares = shared->shares;
	problem.part_count = shared->part_count;
	problem.strengths = shared->strengths;
	fit(&problem, shared->parts);
	fit_expand(&problem, shared->parts, expanded);
	examples_free(examples);
	return expanded;
}
