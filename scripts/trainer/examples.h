/* SPDX-License-Identifier: Apache-2.0 */
/* What texts look like to a fit: rows of grams, rules and facts with the right answers. */
#pragma once
#include <stdbool.h>
#include "fit.h"
#include "grams.h"

/* Hides a share of what stands in a text, so that no gram and no rule is relied on alone. The same each time. */
struct wear {
	uint32_t state;
	double share; /* 0: hides nothing */
};

bool wear_hides(struct wear *wear);

struct examples {
	struct matrix matrix;
	uint64_t *right, *allowed;
	double *weights, *offsets;
	size_t count, outputs;
	struct wear wear;
};

struct row_of_grams {
	const struct names_table *table;
	uint32_t numbers[4096];
	size_t count;
};

/* The grams of a text that are in row->table, to be set before, one after the other. */
void read_grams(const char *text, struct row_of_grams *row);

struct examples examples_new(size_t room, size_t outputs);
void examples_begin(struct examples *examples, const struct names_table *grams, const char *text);
void examples_end(struct examples *examples, uint64_t right, uint64_t allowed, double weight);
/* Fits and frees the examples; strengths by column, see fit.h. */
double *examples_fit(struct examples *examples, enum loss loss, const double *strengths, size_t columns, int steps);
struct shared {
	const struct shares *shares; /* by output */
	size_t part_count, columns;
	const double *strengths; /* by column and part */
	double *parts;           /* by column and part: where it starts, and what it found */
	int steps;
};

/* The same with weights that outputs share. Returns weights by output. */
double *examples_fit_shared(struct examples *examples, const struct shared *shared);
