/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/micro.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 21
#define ROUND_SECONDS 0.004
#define REPEATS_MAX 4096
/* A chunk takes some blocks of memory, which its 500 events share; an allocation an event is another thing. */
#define ALLOCATIONS_MAX 0.05
#define ALLOCATIONS_UNKNOWN (-1)

static bool as_json;
static size_t met, missed;
static volatile uint64_t kept;

double micro_now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- rows ---- */

struct row {
	const char *step, *unit, *floor;
	double least, median, floor_least, floor_median, allocations;
	enum micro_goal kind;
	double goal;
};

static double ratio_of(const struct row *row)
{
	return row->kind == GOAL_FASTER_AT_LEAST ? row->floor_least / row->least : row->least / row->floor_least;
}

static const char *judge(const struct row *row)
{
	bool good = row->goal == 0 || (row->kind == GOAL_RATIO_AT_MOST && ratio_of(row) <= row->goal) ||
		    (row->kind == GOAL_FASTER_AT_LEAST && ratio_of(row) >= row->goal) ||
		    (row->kind == GOAL_VALUE_AT_MOST && row->least <= row->goal);

	if (row->allocations > ALLOCATIONS_MAX) {
		missed++;
		return "allocates";
	}
	if (row->goal == 0)
		return "-";
	met += good;
	missed += !good;
	return good ? "met" : "missed";
}

static void goal_text(const struct row *row, char *text, size_t size)
{
	static const char *const forms[] = { "", "<= %.3gx", ">= %.3gx faster", "<= %.3g" };

	snprintf(text, size, row->goal == 0 ? "" : forms[row->kind], row->goal);
}

static void print_json(const struct row *row)
{
	printf("{\"step\":\"%s\",\"unit\":\"%s\",\"min\":%.4f,\"median\":%.4f", row->step, row->unit, row->least,
	       row->median);
	if (row->floor)
		printf(",\"floor\":\"%s\",\"floor_min\":%.4f,\"floor_median\":%.4f,\"ratio\":%.4f", row->floor,
		       row->floor_least, row->floor_median, ratio_of(row));
	if (row->allocations != ALLOCATIONS_UNKNOWN)
		printf(",\"allocations\":%.4f", row->allocations);
	if (row->goal != 0)
		printf(",\"goal\":%.4f,\"goal_kind\":\"%s\"", row->goal,
		       row->kind == GOAL_FASTER_AT_LEAST ? "times_faster_at_least"
		       : row->kind == GOAL_RATIO_AT_MOST ? "ratio_at_most"
							 : "value_at_most");
	printf(",\"verdict\":\"%s\"}\n", judge(row));
}

static void print_row(const struct row *row)
{
	char goal[32], ratio[16] = "", floor[16] = "", allocations[16] = "";

	goal_text(row, goal, sizeof(goal));
	if (row->floor) {
		snprintf(ratio, sizeof(ratio), "%.2fx", ratio_of(row));
		snprintf(floor, sizeof(floor), "%.1f", row->floor_least);
	}
	if (row->allocations != ALLOCATIONS_UNKNOWN)
		snprintf(allocations, sizeof(allocations), "%.3f", row->allocations);
	printf("%-42s %9.*f %9.*f %-4s %-36s %9s %8s %6s %-15s %s\n", row->step, row->least < 10 ? 2 : 1, row->least,
	       row->median < 10 ? 2 : 1, row->median, row->unit, row->floor ? row->floor : "", floor, ratio,
	       allocations, goal, judge(row));
}

static void show(const struct row *row)
{
	as_json ? print_json(row) : print_row(row);
	fflush(stdout);
}

void micro_begin(bool json)
{
	as_json = json;
	if (!json)
		printf("%-42s %9s %9s %-4s %-36s %9s %8s %6s %-15s %s\n", "step", "min", "median", "", "floor",
		       "its min", "ratio", "allocs", "goal", "");
}

void micro_end(void)
{
	if (!as_json)
		printf("\n%zu goals met, %zu missed\n", met, missed);
}

/* ---- measuring ---- */

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

/* Nanoseconds an item. */
static double time_passes(micro_pass *pass, const struct micro_pair *pair, size_t repeats)
{
	double before = micro_now();

	for (size_t i = 0; i < repeats; i++)
		kept += pass(pair->context);
	return (micro_now() - before) * 1e9 / (double)(repeats * pair->items);
}

/* So many passes fill a round; the passes also warm up. */
static size_t repeats_of(micro_pass *pass, const struct micro_pair *pair)
{
	size_t repeats = 1;

	while (!pair->once && repeats < REPEATS_MAX &&
	       time_passes(pass, pair, repeats) * (double)(repeats * pair->items) < ROUND_SECONDS * 1e9)
		repeats *= 2;
	return repeats;
}

void micro_compare(const struct micro_pair *pair)
{
	double times[ROUNDS], floor_times[ROUNDS];
	size_t repeats = repeats_of(pair->run, pair);
	size_t floor_repeats = repeats_of(pair->run_floor, pair), allocations = 0;

	for (size_t i = 0; i < ROUNDS; i++) {
		size_t before = micro_allocations();
		times[i] = time_passes(pair->run, pair, repeats);
		allocations += micro_allocations() - before;
		floor_times[i] = time_passes(pair->run_floor, pair, floor_repeats);
	}
	qsort(times, ROUNDS, sizeof(double), by_value);
	qsort(floor_times, ROUNDS, sizeof(double), by_value);
	show(&(struct row){
		.step = pair->step,
		.unit = "ns",
		.floor = pair->floor,
		.least = times[0],
		.median = times[ROUNDS / 2],
		.floor_least = floor_times[0],
		.floor_median = floor_times[ROUNDS / 2],
		.allocations = pair->allocates ? ALLOCATIONS_UNKNOWN
					       : (double)allocations / (double)(ROUNDS * repeats * pair->items),
		.kind = pair->kind,
		.goal = pair->goal,
	});
}

void micro_show(const struct micro_figure *figure)
{
	struct row row = {
		.step = figure->step,
		.unit = figure->unit,
		.floor = figure->floor,
		.allocations = ALLOCATIONS_UNKNOWN,
		.kind = figure->kind,
		.goal = figure->goal,
	};

	qsort(figure->values, figure->count, sizeof(double), by_value);
	row.least = figure->values[0];
	row.median = figure->values[figure->count / 2];
	if (figure->floor) {
		qsort(figure->floor_values, figure->count, sizeof(double), by_value);
		row.floor_least = figure->floor_values[0];
		row.floor_median = figure->floor_values[figure->count / 2];
	}
	show(&row);
}
