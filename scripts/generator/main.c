/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "options.h"
#include "print.h"
#include "produce.h"

#define POLL_EVERY 512 /* events between looks at the delivery reports */

static volatile sig_atomic_t stopped;

struct run {
	struct options options;
	const char *topics[TOPIC_COUNT];
	struct source *source;
	struct fold *fold;         /* NULL without --expect */
	struct producer *producer; /* NULL: print */
	struct printer printer;
	int64_t started_ms, shown_ms;
};

static void on_stop(int number)
{
	(void)number;
	stopped = 1;
}

static int64_t now_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void show_progress(struct run *run, uint64_t made, bool last)
{
	int64_t now = now_ms(CLOCK_MONOTONIC), spent = now - run->started_ms;

	if (run->options.quiet || !isatty(STDERR_FILENO) || (!last && now - run->shown_ms < 500))
		return;
	run->shown_ms = now;
	fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " events, %" PRIu64 " a second%s", made, run->options.count,
		made * 1000 / (uint64_t)(spent ? spent : 1), last ? "\n" : "");
}

/* Waits until event number made is due; returns when it was, as wall clock. 0 without --rate. */
static int64_t wait_until_due(struct run *run, uint64_t made, int64_t wall_offset_ms)
{
	int64_t due, ahead;

	if (!run->options.rate)
		return 0;
	due = run->started_ms + (int64_t)(made * 1000 / run->options.rate);
	while (!stopped && (ahead = due - now_ms(CLOCK_MONOTONIC)) > 0) {
		struct timespec pause = { ahead / 1000, ahead % 1000 * 1000000 };

		if (run->producer)
			producer_poll(run->producer, (int)(ahead > 50 ? 50 : ahead));
		else
			nanosleep(&pause, NULL);
	}
	return due + wall_offset_ms;
}

static bool send_all(struct run *run)
{
	int64_t wall_offset_ms = now_ms(CLOCK_REALTIME) - now_ms(CLOCK_MONOTONIC);
	uint64_t made;

	run->started_ms = run->shown_ms = now_ms(CLOCK_MONOTONIC);
	for (made = 0; made < run->options.count && !stopped; made++) {
		int64_t due = wait_until_due(run, made, wall_offset_ms);
		const struct event *event = source_next(run->source);

		if (run->producer ? !producer_send(run->producer, event, due)
				  : !printer_print(&run->printer, event, run->fold))
			return false;
		if (made % POLL_EVERY == 0) {
			if (run->producer)
				producer_poll(run->producer, 0);
			show_progress(run, made, false);
		}
	}
	show_progress(run, made, true);
	return true;
}

/* Waits for the last acknowledgements; says how it went. */
static bool finish(struct run *run)
{
	uint64_t missing;
	int64_t spent;

	if (!run->producer) {
		if (fflush(stdout) == 0)
			return true;
		fprintf(stderr, "generate: cannot write: %s\n", strerror(errno));
		return false;
	}
	missing = producer_finish(run->producer);
	spent = now_ms(CLOCK_MONOTONIC) - run->started_ms;
	if (!run->options.quiet)
		fprintf(stderr, "generate: %" PRIu64 " records acknowledged in %.2f s, %.0f a second\n",
			producer_acknowledged(run->producer), (double)spent / 1000,
			(double)producer_acknowledged(run->producer) * 1000 / (double)(spent ? spent : 1));
	if (missing)
		fprintf(stderr, "generate: %" PRIu64 " records were not acknowledged\n", missing);
	return !missing;
}

static bool write_expected(struct run *run)
{
	size_t unknown;

	if (!run->fold)
		return true;
	unknown = fold_run(run->fold);
	if (unknown)
		fprintf(stderr, "generate: %zu records have no known place; %s leaves them out\n", unknown,
			run->options.expect);
	if (run->fold->not_empty)
		fprintf(stderr, "generate: the topics were not empty: %s knows nothing of what they held before\n",
			run->options.expect);
	return fold_write(run->fold, run->options.expect, run->topics) && !run->fold->not_empty;
}

/* hazard code, severity, also, text: what the classifier must say about texts as they occur in events. */
static void print_texts(struct source *source, uint64_t count)
{
	struct text words = { 0 };

	for (uint64_t i = 0; i < count; i++) {
		const struct phrase *phrase = &source->phrases.phrases[i % source->phrases.count];
		bool any = false;

		printf("%s\t%s\t", phrase->hazard_code, severity_names[phrase->severity]);
		for (int category = 0; category < CATEGORY_OTHER; category++)
			if (phrase->also & 1u << category)
				any = printf("%s%s", any ? "," : "", category_names[category]) > 0;
		text_clear(&words);
		body_append_words(&source->body, &words, phrase);
		while (words.data[words.size - 1] == '\n')
			words.size--;
		printf("%s\t%.*s\n", any ? "" : "-", (int)words.size, words.data);
	}
	text_free(&words);
}

static bool open_output(struct run *run)
{
	for (int i = 0; i < TOPIC_COUNT; i++)
		run->topics[i] = run->options.topics[i];
	if (run->options.brokers) {
		run->producer = producer_new(run->options.brokers, run->topics, run->options.compression);
		if (!run->producer)
			return false;
		run->options.source.partitions = producer_partitions(run->producer);
	}
	printer_init(&run->printer, stdout, run->topics, run->options.source.partitions);
	return true;
}

int main(int argc, char **argv)
{
	static struct run run;
	bool good = true;

	options_read(&run.options, argc, argv);
	signal(SIGINT, on_stop);
	signal(SIGTERM, on_stop);
	if (!open_output(&run))
		return 1;
	run.source = source_new(&run.options.source);
	if (run.options.texts) {
		print_texts(run.source, run.options.texts);
	} else {
		if (run.options.expect)
			run.fold = fold_new(run.source);
		if (run.producer)
			producer_set_fold(run.producer, run.fold);
		good = send_all(&run);
		good = finish(&run) && good;
		good = write_expected(&run) && good;
	}
	producer_free(&run.producer);
	fold_free(&run.fold);
	printer_fini(&run.printer);
	source_free(&run.source);
	return good ? 0 : 1;
}
