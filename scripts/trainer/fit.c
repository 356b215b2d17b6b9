/* SPDX-License-Identifier: Apache-2.0 */
#include "fit.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "must.h"

enum { MEMORY = 8, TRIES = 20, OUTPUTS_MAX = 64, STINTS = 4 };

void matrix_begin_row(struct matrix *matrix)
{
	if (matrix->row_count + 2 > matrix->row_room) {
		matrix->row_room = matrix->row_room ? 2 * matrix->row_room : 1024;
		matrix->starts = alloc_resize(matrix->starts, matrix->row_room * sizeof(*matrix->starts));
	}
	matrix->starts[matrix->row_count++] = matrix->entry_count;
	matrix->starts[matrix->row_count] = matrix->entry_count;
}

void matrix_add(struct matrix *matrix, uint32_t column, double value)
{
	if (matrix->entry_count == matrix->entry_room) {
		matrix->entry_room = matrix->entry_room ? 2 * matrix->entry_room : 65536;
		matrix->columns = alloc_resize(matrix->columns, matrix->entry_room * sizeof(*matrix->columns));
		matrix->values = alloc_resize(matrix->values, matrix->entry_room * sizeof(*matrix->values));
	}
	matrix->columns[matrix->entry_count] = column;
	matrix->values[matrix->entry_count++] = value;
	matrix->starts[matrix->row_count] = matrix->entry_count;
}

void matrix_free(struct matrix *matrix)
{
	free(matrix->starts);
	free(matrix->columns);
	free(matrix->values);
	*matrix = (struct matrix){ 0 };
}

static void sums_of(const struct problem *problem, const double *weights, size_t row, double *sums)
{
	const struct matrix *matrix = problem->matrix;
	size_t count = problem->output_count;
	const double *bias = weights + matrix->column_count * count;

	for (size_t k = 0; k < count; k++)
		sums[k] = bias[k] + (problem->offsets ? problem->offsets[row * count + k] : 0);
	for (size_t e = matrix->starts[row]; e < matrix->starts[row + 1]; e++) {
		const double *column = weights + matrix->columns[e] * count;
		for (size_t k = 0; k < count; k++)
			sums[k] += matrix->values[e] * column[k];
	}
}

/* Turns sums into the slope of the loss; returns the loss. */
static double one_of(uint64_t right, uint64_t allowed, size_t count, double *sums)
{
	double highest = -INFINITY, total = 0, total_right = 0;

	for (size_t k = 0; k < count; k++) {
		if (allowed >> k & 1 && sums[k] > highest)
			highest = sums[k];
	}
	for (size_t k = 0; k < count; k++) {
		sums[k] = allowed >> k & 1 ? exp(sums[k] - highest) : 0;
		total += sums[k];
		total_right += right >> k & 1 ? sums[k] : 0;
	}
	for (size_t k = 0; k < count; k++)
		sums[k] = sums[k] / total - (right >> k & 1 ? sums[k] / total_right : 0);
	return log(total / total_right);
}

static double each(uint64_t right, size_t count, double *sums)
{
	double loss = 0;

	for (size_t k = 0; k < count; k++) {
		double is = (double)(right >> k & 1), sum = sums[k];
		loss += log1p(exp(-fabs(sum))) + (sum > 0 ? sum : 0) - is * sum;
		sums[k] = 1 / (1 + exp(-sum)) - is;
	}
	return loss;
}

static double hinge(uint64_t right, size_t count, double *sums)
{
	double loss = 0;

	for (size_t k = 0; k < count; k++) {
		double sign = right >> k & 1 ? 1 : -1, missing = fmax(0, 1 - sign * sums[k]);
		loss += missing * missing;
		sums[k] = -2 * sign * missing;
	}
	return loss;
}

/* Takes the sums of a row and leaves their slopes in them. */
static double loss_of(enum loss loss, uint64_t right, uint64_t allowed, size_t count, double *sums)
{
	if (loss == LOSS_ONE_OF)
		return one_of(right, allowed, count, sums);
	return loss == LOSS_HINGE ? hinge(right, count, sums) : each(right, count, sums);
}

static void add_slope(const struct problem *problem, size_t row, const double *errors, double *slope)
{
	const struct matrix *matrix = problem->matrix;
	size_t count = problem->output_count;
	double weight = problem->weights[row];

	for (size_t e = matrix->starts[row]; e < matrix->starts[row + 1]; e++) {
		double *column = slope + matrix->columns[e] * count;
		for (size_t k = 0; k < count; k++)
			column[k] += weight * matrix->values[e] * errors[k];
	}
	for (size_t k = 0; k < count; k++)
		slope[matrix->column_count * count + k] += weight * errors[k];
}

void fit_expand(const struct problem *problem, const double *weights, double *expanded)
{
	size_t rows = problem->matrix->column_count + 1, count = problem->output_count;

	for (size_t row = 0; row < rows; row++, weights += problem->part_count, expanded += count) {
		for (size_t k = 0; k < count; k++) {
			const struct shares *shares = problem->shares + k;
			expanded[k] = problem->shares ? 0 : weights[k];
			for (int i = 0; problem->shares && i < shares->count; i++)
				expanded[k] += weights[shares->parts[i]];
		}
	}
}

/* The other way, for the slope. */
static void collect(const struct problem *problem, const double *expanded, double *slope)
{
	size_t rows = problem->matrix->column_count + 1, count = problem->output_count;

	memset(slope, 0, rows * problem->part_count * sizeof(*slope));
	for (size_t row = 0; row < rows; row++, slope += problem->part_count, expanded += count) {
		for (size_t k = 0; k < count; k++) {
			const struct shares *shares = problem->shares + k;
			slope[k] += problem->shares ? 0 : expanded[k];
			for (int i = 0; problem->shares && i < shares->count; i++)
				slope[shares->parts[i]] += expanded[k];
		}
	}
}

/* What weights cost; adds to the slope. */
static double cost(const struct problem *problem, const double *weights, double *slope)
{
	size_t size = (problem->matrix->column_count + 1) * problem->part_count, biases = size - problem->part_count;
	double value = 0;

	for (size_t i = 0; i < size; i++) {
		double strength = i < biases ? problem->strengths[i] : 1e-3; /* holds biases that no row pins down */
		if (strength < 0) {
			slope[i] = 0;
			continue;
		}
		value += strength * weights[i] * weights[i] / 2;
		slope[i] += strength * weights[i];
	}
	return value;
}

/* A part of the rows, for one thread. */
struct stint {
	pthread_t thread;
	const struct problem *problem;
	const double *expanded; /* weights */
	size_t from, to;        /* rows */
	double *slope, value;   /* of these rows */
};

static void *work(void *context)
{
	struct stint *stint = context;
	const struct problem *problem = stint->problem;
	size_t count = problem->output_count;
	double sums[OUTPUTS_MAX];

	memset(stint->slope, 0, (problem->matrix->column_count + 1) * count * sizeof(*stint->slope));
	stint->value = 0;
	for (size_t row = stint->from; row < stint->to; row++) {
		uint64_t allowed = problem->allowed ? problem->allowed[row] : ~0ull;
		if (problem->weights[row] == 0)
			continue;
		sums_of(problem, stint->expanded, row, sums);
		stint->value +=
			problem->weights[row] * loss_of(problem->loss, problem->right[row], allowed, count, sums);
		add_slope(problem, row, sums, stint->slope);
	}
	return NULL;
}

/* The parts are the same however many threads a machine can run at once, and so is what they add up to. */
static double add_up(const struct problem *problem, const double *expanded, double *slopes, size_t size)
{
	struct stint stints[STINTS];
	size_t rows = problem->matrix->row_count;
	double value = 0;

	for (size_t i = 0; i < STINTS; i++) {
		stints[i] = (struct stint){ .problem = problem,
					    .expanded = expanded,
					    .from = rows * i / STINTS,
					    .to = rows * (i + 1) / STINTS,
					    .slope = slopes + i * size };
		MUST(pthread_create(&stints[i].thread, NULL, work, &stints[i]) == 0);
	}
	for (size_t i = 0; i < STINTS; i++) {
		MUST(pthread_join(stints[i].thread, NULL) == 0);
		value += stints[i].value;
		for (size_t k = 0; i > 0 && k < size; k++)
			slopes[k] += stints[i].slope[k];
	}
	return value;
}

/* expanded: room for the weights by output, and then for so many slopes by output as there are stints. */
static double evaluate(const struct problem *problem, const double *weights, double *slope, double *expanded)
{
	size_t size = (problem->matrix->column_count + 1) * problem->output_count;

	fit_expand(problem, weights, expanded);
	double value = add_up(problem, expanded, expanded + size, size);
	collect(problem, expanded + size, slope);
	return value + cost(problem, weights, slope);
}

static double dot(const double *a, const double *b, size_t size)
{
	double sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += a[i] * b[i];
	return sum;
}

#define STEEPNESS 0.1 /* of a loss, in the middle, about */

/* How far to go along each weight for a slope of one, about: rare columns and those that cost little go far. */
static double *paces_of(const struct problem *problem)
{
	const struct matrix *matrix = problem->matrix;
	size_t parts = problem->part_count;
	double *paces = alloc_zeroed((matrix->column_count + 1) * parts, sizeof(double));
	double *weights = alloc_zeroed(matrix->column_count + 1, sizeof(double));

	for (size_t row = 0; row < matrix->row_count; row++) {
		for (size_t e = matrix->starts[row]; e < matrix->starts[row + 1]; e++)
			weights[matrix->columns[e]] += problem->weights[row] * matrix->values[e] * matrix->values[e];
		weights[matrix->column_count] += problem->weights[row];
	}
	for (size_t i = 0; i < (matrix->column_count + 1) * parts; i++) {
		double strength = i < matrix->column_count * parts ? problem->strengths[i] : 1e-3;
		paces[i] = 1 / (STEEPNESS * weights[i / parts] + fabs(strength));
	}
	free(weights);
	return paces;
}

/* What the last steps taught about the curvature. */
struct memory {
	double *paces;
	double *steps[MEMORY], *changes[MEMORY], products[MEMORY];
	size_t count;
};

/* Overwrites the slope by the direction to go. */
static void direct(const struct memory *memory, double *slope, size_t size)
{
	double factors[MEMORY];
	size_t from = memory->count > MEMORY ? memory->count - MEMORY : 0;

	for (size_t i = memory->count; i-- > from;) {
		size_t at = i % MEMORY;
		factors[at] = dot(memory->steps[at], slope, size) / memory->products[at];
		for (size_t k = 0; k < size; k++)
			slope[k] -= factors[at] * memory->changes[at][k];
	}
	double scale = 1;
	if (memory->count > 0) {
		size_t last = (memory->count - 1) % MEMORY;
		double changed = 0;
		for (size_t k = 0; k < size; k++)
			changed += memory->changes[last][k] * memory->changes[last][k] * memory->paces[k];
		scale = memory->products[last] / changed;
	}
	for (size_t k = 0; k < size; k++)
		slope[k] *= scale * memory->paces[k];
	for (size_t i = from; i < memory->count; i++) {
		size_t at = i % MEMORY;
		double factor = factors[at] - dot(memory->changes[at], slope, size) / memory->products[at];
		for (size_t k = 0; k < size; k++)
			slope[k] += factor * memory->steps[at][k];
	}
	for (size_t k = 0; k < size; k++)
		slope[k] = -slope[k];
}

static void remember(struct memory *memory, const double *step, double length, const double *slope,
		     const double *before, size_t size)
{
	size_t at = memory->count % MEMORY;

	if (!memory->steps[at]) {
		memory->steps[at] = alloc_zeroed(size, sizeof(double));
		memory->changes[at] = alloc_zeroed(size, sizeof(double));
	}
	for (size_t k = 0; k < size; k++) {
		memory->steps[at][k] = length * step[k];
		memory->changes[at][k] = slope[k] - before[k];
	}
	memory->products[at] = dot(memory->steps[at], memory->changes[at], size);
	memory->count += memory->products[at] > 1e-12;
}

void fit(const struct problem *problem, double *weights)
{
	size_t rows = problem->matrix->column_count + 1, size = rows * problem->part_count;
	double *expanded = alloc_zeroed((1 + STINTS) * rows * problem->output_count, sizeof(double));
	double *slope = alloc_zeroed(size, sizeof(double)), *next = alloc_zeroed(size, sizeof(double));
	double *way = alloc_zeroed(size, sizeof(double)), *next_slope = alloc_zeroed(size, sizeof(double));
	struct memory memory = { .paces = paces_of(problem) };
	double value = evaluate(problem, weights, slope, expanded);

	for (int step = 0; step < problem->steps; step++) {
		memcpy(way, slope, size * sizeof(double));
		direct(&memory, way, size);
		double descent = dot(way, slope, size), length = 1;
		double reached = INFINITY;
		for (int i = 0; i < TRIES; i++, length /= 2) {
			for (size_t k = 0; k < size; k++)
				next[k] = weights[k] + length * way[k];
			reached = evaluate(problem, next, next_slope, expanded);
			if (reached <= value + 1e-4 * length * descent)
				break;
		}
		if (!(reached < value - 1e-7 * fabs(value)))
			break;
		remember(&memory, way, length, next_slope, slope, size);
		memcpy(weights, next, size * sizeof(double));
		memcpy(slope, next_slope, size * sizeof(double));
		value = reached;
	}
	free(memory.paces);
	for (int i = 0; i < MEMORY; i++) {
		free(memory.steps[i]);
		free(memory.changes[i]);
	}
	free(expanded);
	free(slope);
	free(next);
	free(way);
	free(next_slope);
}
