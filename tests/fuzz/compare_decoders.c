/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the decoder with a second one over jansson on as many records as are asked for: changed copies of the table
 * of cases and of the generator's events, and documents put together from known names. Record number N of a seed is
 * always the same, so that one can be looked at alone. Run in the root of the repository. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "alloc.h"
#include "bench/micro_events.h"
#include "unit/decode_compare.h"
#include "unit/decode_mutations.h"

#define MAX_BYTES (1 << 20)
#define DOCUMENTS_ONE_IN 8
#define PROGRESS_EVERY 4096
#define QUIET_SECONDS 20
#define OPTIONS "--count 2000 --deliveries 40 --malformed 0 --riders 500"

struct tallies {
	uint64_t records, events, documents;
};

struct arguments {
	uint64_t seed, first, end;
	const char *generator;
};

static uint64_t read_number(const char *text)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end) {
		fprintf(stderr, "compare_decoders: \"%s\" is no number\n", text);
		exit(64);
	}
	return number;
}

/* SEED EVENTS [GENERATOR], or SEED --record N [GENERATOR] */
static struct arguments read_arguments(int argc, char **argv)
{
	struct arguments arguments = { .generator = "build/release/generate" };
	bool one = argc > 3 && strcmp(argv[2], "--record") == 0;

	if (argc < 3) {
		fprintf(stderr, "usage: compare_decoders SEED EVENTS [GENERATOR]\n"
				"       compare_decoders SEED --record N [GENERATOR]\n");
		exit(64);
	}
	arguments.seed = read_number(argv[1]);
	arguments.first = one ? read_number(argv[3]) : 0;
	arguments.end = one ? arguments.first + 1 : read_number(argv[2]);
	if (argc > 3 + one)
		arguments.generator = argv[3 + one];
	return arguments;
}

/* ---- what is changed ---- */

static void add_generated(struct decode_cases *cases, const struct micro_events *events)
{
	cases->list = alloc_resize(cases->list, (cases->count + events->count) * sizeof(*cases->list));
	for (size_t i = 0; i < events->count; i++) {
		const struct input_record *record = &events->list[i]->record;
		struct decode_case *row = &cases->list[cases->count];

		if (record->header_count > sizeof(row->headers) / sizeof(*row->headers))
			continue;
		*row = (struct decode_case){ .name = "generated event",
					     .reason = "ok",
					     .value = record->value,
					     .header_count = record->header_count };
		if (record->header_count)
			memcpy(row->headers, record->headers, record->header_count * sizeof(*row->headers));
		cases->count++;
	}
}

/* Never 0. */
static uint64_t seed_of(uint64_t seed, uint64_t number)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15 + number + 1;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (x ^ x >> 31) | 1;
}

static struct input_record make_record(const struct decode_cases *cases, const struct arguments *arguments,
				       uint64_t number, struct mutant *mutant)
{
	struct input_record record = { .timestamp_ms = -1 };

	mutations_begin(seed_of(arguments->seed, number), cases->list, cases->count);
	if (number % DOCUMENTS_ONE_IN == 0)
		mutant_generate(mutant);
	else
		record = decode_case_record(mutant_of_case(mutant));
	record.value = (struct slice){ mutant->data, mutant->size };
	return record;
}

/* ---- what is found ---- */

static void print_bytes(const char *name, struct slice bytes)
{
	fprintf(stderr, "  %s: ", name);
	for (size_t i = 0; i < bytes.size; i++) {
		unsigned char c = (unsigned char)bytes.data[i];

		fprintf(stderr, c >= ' ' && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", c);
	}
	fputc('\n', stderr);
}

static _Noreturn void report(const struct arguments *arguments, uint64_t number, const struct input_record *record,
			     const char *problem)
{
	fprintf(stderr, "\nseed %" PRIu64 ", record %" PRIu64 ": %s\n", arguments->seed, number, problem);
	for (size_t i = 0; i < record->header_count; i++) {
		print_bytes("header", record->headers[i].name);
		print_bytes("  value", record->headers[i].value);
	}
	print_bytes("value", record->value);
	fprintf(stderr, "again: compare_decoders %" PRIu64 " --record %" PRIu64 "\n", arguments->seed, number);
	exit(1);
}

static void check(const struct arguments *arguments, uint64_t number, const struct input_record *record,
		  struct tallies *tallies, struct arena *arena)
{
	const char *problem = decode_disagreement(record, MAX_BYTES);
	struct rider_event event;
	struct fault fault;

	if (!problem)
		problem = decode_broken_promise(record, MAX_BYTES);
	if (problem)
		report(arguments, number, record, problem);
	tallies->records++;
	tallies->documents += number % DOCUMENTS_ONE_IN == 0;
	tallies->events += event_decode(record, MAX_BYTES, arena, &event, &fault) == REASON_NONE;
	arena_reset(arena);
}

/* In place on a terminal, a line now and then elsewhere. */
static void show_progress(const struct arguments *arguments, const struct tallies *tallies, time_t started)
{
	static time_t shown;
	bool terminal = isatty(STDERR_FILENO);
	time_t now = time(NULL);

	if (!shown)
		shown = started;
	if (now - shown < (terminal ? 1 : QUIET_SECONDS))
		return;
	shown = now;
	fprintf(stderr, "%s%" PRIu64 " of %" PRIu64 " records, %.0f a second%s", terminal ? "\r" : "", tallies->records,
		arguments->end - arguments->first,
		(double)tallies->records / (double)(now > started ? now - started : 1), terminal ? "" : "\n");
}

int main(int argc, char **argv)
{
	struct arguments arguments = read_arguments(argc, argv);
	struct tallies tallies = { 0 };
	struct micro_events events;
	struct decode_cases cases;
	struct arena arena;
	struct mutant mutant;
	time_t started = time(NULL);

	micro_events_generate(&events, arguments.generator, OPTIONS);
	decode_cases_load(&cases, "tests/cases/decode.tsv");
	add_generated(&cases, &events);
	arena_init(&arena);
	for (uint64_t number = arguments.first; number < arguments.end; number++) {
		struct input_record record = make_record(&cases, &arguments, number, &mutant);
		check(&arguments, number, &record, &tallies, &arena);
		if (number % PROGRESS_EVERY == 0)
			show_progress(&arguments, &tallies, started);
	}
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
	printf("seed %" PRIu64 ": %" PRIu64 " records, %" PRIu64 " of them events, %" PRIu64
	       " documents; no disagreement\n",
	       arguments.seed, tallies.records, tallies.events, tallies.documents);
	arena_fini(&arena);
	arena_fini(&events.arena);
	free(events.list);
	decode_cases_free(&cases);
	return 0;
}
