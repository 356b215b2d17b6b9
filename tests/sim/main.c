/* SPDX-License-Identifier: Apache-2.0 */
/* sim: runs the protocol through seeded schedules of faults. A seed that fails replays with --seed N --scenario NAME
 * --trace. */
#include "planted.h"
#include "sim.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHOWN_VIOLATIONS 3

struct options {
	uint64_t first_seed, seeds;
	const char *scenario;
	bool trace, planted, one;
};

static struct world world; /* too big for the stack */

static void usage(FILE *out)
{
	fputs("usage: sim [--seeds N] [--first-seed N] [--scenario NAME] [--planted]\n"
	      "       sim --seed N --scenario NAME [--trace]\n\n"
	      "  --seeds N        schedules per scenario (2000)\n"
	      "  --first-seed N   first seed (0)\n"
	      "  --scenario NAME  only this one\n"
	      "  --seed N         one schedule; --trace prints each step\n"
	      "  --planted        plants bugs and fails unless each is found\n"
	      "  --help           this text\n\nscenarios:\n",
	      out);
	for (size_t i = 0; i < scenario_count; i++)
		fprintf(out, "  %-12s %s\n", scenarios[i].name, scenarios[i].title);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0') {
		fprintf(stderr, "sim: \"%s\" is not a number; see --help\n", text);
		exit(2);
	}
	return value;
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "seeds", required_argument, NULL, 'n' }, { "first-seed", required_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 's' },  { "scenario", required_argument, NULL, 'c' },
		{ "trace", no_argument, NULL, 't' },       { "planted", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },        { 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (option) {
		case 'n':
			options->seeds = number(optarg);
			break;
		case 'f':
			options->first_seed = number(optarg);
			break;
		case 's':
			options->first_seed = number(optarg);
			options->seeds = 1;
			options->one = true;
			break;
		case 'c':
			options->scenario = optarg;
			break;
		case 't':
			options->trace = true;
			break;
		case 'p':
			options->planted = true;
			break;
		default:
			usage(option == 'h' ? stdout : stderr);
			exit(option == 'h' ? 0 : 2);
		}
	}
}

static void print_numbers(const char *title, const char *const *names, const uint64_t *numbers, size_t count)
{
	printf("    %s:", title);
	for (size_t i = 0; i < count; i++)
		if (numbers[i] > 0)
			printf(" %s %llu,", names[i], (unsigned long long)numbers[i]);
	printf("\n");
}

/* A path or a fault that never came up leaves the scenario unproved. */
static bool paths_were_taken(const struct scenario *scenario, const struct counts *counts)
{
	bool all = true;

	for (size_t i = 0; i < PATH_COUNT; i++) {
		if ((scenario->paths >> i & 1u) == 0 || counts->paths[i] > 0)
			continue;
		printf("    path never taken: %s\n", path_names[i]);
		all = false;
	}
	for (size_t i = 0; i < FAULT_COUNT; i++) {
		if ((scenario->faults >> i & 1u) == 0 || counts->faults[i] > 0)
			continue;
		printf("    fault never struck: %s\n", fault_names[i]);
		all = false;
	}
	return all;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void show_progress(const struct scenario *scenario, uint64_t done, uint64_t all)
{
	if (isatty(STDERR_FILENO) && done % 256 == 0)
		fprintf(stderr, "\r%-12s %llu of %llu ", scenario->name, (unsigned long long)done,
			(unsigned long long)all);
}

static bool run_scenario(const struct scenario *scenario, const struct options *options)
{
	struct counts counts = { 0 };
	double start = seconds();

	for (uint64_t i = 0; i < options->seeds; i++) {
		show_progress(scenario, i, options->seeds);
		if (world_run(&world, scenario, options->first_seed + i, &counts) ||
		    counts.violations > SHOWN_VIOLATIONS)
			continue;
		printf("FAILED: sim --scenario %s --seed %llu --trace: %s\n", scenario->name,
		       (unsigned long long)(options->first_seed + i), world.violation);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%40s\r", "");
	double rate = (double)counts.runs / (seconds() - start);
	printf("%-12s %8llu runs %4llu violations %10llu steps %8.0f runs/s  %s\n", scenario->name,
	       (unsigned long long)counts.runs, (unsigned long long)counts.violations, (unsigned long long)counts.steps,
	       rate, scenario->title);
	print_numbers("faults", fault_names, counts.faults, FAULT_COUNT);
	print_numbers("paths", path_names, counts.paths, PATH_COUNT);
	fflush(stdout);
	return (options->one || paths_were_taken(scenario, &counts)) && counts.violations == 0;
}

static int run_scenarios(const struct options *options)
{
	int passed = 0, failed = 0;

	for (size_t i = 0; i < scenario_count; i++) {
		if (options->scenario != NULL && strcmp(options->scenario, scenarios[i].name) != 0)
			continue;
		if (run_scenario(&scenarios[i], options))
			passed++;
		else
			failed++;
	}
	if (passed + failed == 0) {
		fprintf(stderr, "sim: no scenario \"%s\"; see --help\n", options->scenario);
		return 2;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}

int main(int argc, char **argv)
{
	struct options options = { .seeds = 2000 };

	parse(argc, argv, &options);
	world.trace = options.trace;
	if (options.planted)
		return planted_run(&world);
	return run_scenarios(&options);
}
