/* SPDX-License-Identifier: Apache-2.0 */
/* Measures a step on one core, hot, against its floor: both alternate in one run, so that a noisy machine disturbs both
 * alike, and the minima are compared. Times are CPU of this thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum micro_goal {
	GOAL_NONE,
	GOAL_RATIO_AT_MOST,   /* step / floor */
	GOAL_FASTER_AT_LEAST, /* floor / step */
	GOAL_VALUE_AT_MOST,   /* of a figure without a floor */
};

/* One pass over all items. What it returns is kept, so that the work cannot be optimised away. */
typedef uint64_t micro_pass(void *context);

struct micro_pair {
	const char *step, *floor; /* names */
	micro_pass *run, *run_floor;
	void *context;
	size_t items;   /* of a pass */
	bool once;      /* a pass changes what the next one finds: never repeat it to fill a round */
	bool allocates; /* memory is part of it, so that allocations are not counted */
	enum micro_goal kind;
	double goal; /* 0: none */
};

/* What is measured elsewhere: values over rounds, of which the least and the median are shown. */
struct micro_figure {
	const char *step, *unit;
	double *values; /* sorted in place */
	size_t count;
	enum micro_goal kind;
	double goal;
	/* With a floor: */
	const char *floor;
	double *floor_values;
};

/* --json: an object a line, otherwise a line of a table. */
void micro_begin(bool json);
void micro_compare(const struct micro_pair *pair);
void micro_show(const struct micro_figure *figure);
/* Under the table: how many goals were met. */
void micro_end(void);

/* Seconds of CPU that this thread has used. */
double micro_now(void);
/* Calls of malloc, calloc and realloc by anybody in this process so far. */
size_t micro_allocations(void);

/* The groups of steps, in the order of the table in micro_main.c. */
struct micro_world;
typedef void micro_group(const struct micro_world *world);
micro_group micro_decode, micro_identity, micro_seen, micro_classify, micro_tally, micro_alert, micro_pipeline,
	micro_redis;
