/* SPDX-License-Identifier: Apache-2.0 */
/* Linear models with a log loss, fitted by L-BFGS. Deterministic: threads share the rows out by
 * number, and sums are in a fixed order. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Sparse rows of features. */
struct matrix {
	size_t row_count, column_count, entry_count, entry_room, row_room;
	size_t *starts; /* row_count + 1 */
	uint32_t *columns;
	double *values;
};

void matrix_begin_row(struct matrix *matrix);
void matrix_add(struct matrix *matrix, uint32_t column, double value);
void matrix_free(struct matrix *matrix);

enum loss {
	LOSS_ONE_OF, /* softmax over the outputs that the row allows; when several are right, any of them will do */
	LOSS_EACH,   /* each output on its own: logistic */
	LOSS_HINGE,  /* the same: the square of what is missing to a lead of one */
};

enum { SHARES_MAX = 4 };

/* An output's weight as a sum of weights that it shares with other outputs. */
struct shares {
	uint8_t parts[SHARES_MAX];
	uint8_t count;
};

struct problem {
	const struct matrix *matrix;
	enum loss loss;
	size_t output_count;
	const uint64_t *right;       /* by row: bit set of the outputs that are right */
	const uint64_t *allowed;     /* by row; NULL: all */
	const double *weights;       /* by row */
	const double *offsets;       /* by row and output, added to the sums; NULL: none */
	const struct shares *shares; /* by output; NULL: it has weights of its own */
	size_t part_count;           /* different parts; without shares: outputs */
	const double *strengths;     /* by column and part: how much a weight costs; negative: it stays zero */
	int steps;
};

/* weights: column_count rows of part_count, then one row of biases; starts from what is in it. */
void fit(const struct problem *problem, double *weights);
/* The same weights, rows of output_count instead. */
void fit_expand(const struct problem *problem, const double *weights, double *expanded);
