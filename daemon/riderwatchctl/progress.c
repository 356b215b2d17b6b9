/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>
#include "columns.h"
#include "monotonic.h"

#define TERMINAL_MS 100
#define PLAIN_MS 10000
#define BAR_WIDTH 24

void progress_start(struct progress *progress, const char *what, uint64_t total, bool quiet)
{
	*progress = (struct progress){ .what = what, .total = total, .start_ms = monotonic_ms(), .quiet = quiet };
	progress->shown_ms = progress->start_ms;
	progress->terminal = isatty(STDERR_FILENO);
}

double progress_seconds(const struct progress *progress)
{
	return (double)(monotonic_ms() - progress->start_ms) / 1000;
}

static void print_bar(const struct progress *progress)
{
	char bar[BAR_WIDTH + 1];
	uint64_t filled = progress->total ? progress->done * BAR_WIDTH / progress->total : BAR_WIDTH;
	for (unsigned i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r[%s] ", bar);
}

static void show(const struct progress *progress)
{
	char done[32], total[32], rate[32];
	double seconds = progress_seconds(progress);
	double a_second = seconds > 0 ? (double)progress->done / seconds : 0;
	uint64_t left = progress->total > progress->done ? progress->total - progress->done : 0;
	if (progress->terminal)
		print_bar(progress);
	fprintf(stderr, "%s: %s of %s events, %s/s, %.0f s left%s", progress->what,
		text_number((int64_t)progress->done, done), text_number((int64_t)progress->total, total),
		text_number((int64_t)a_second, rate), a_second > 0 ? (double)left / a_second : 0,
		progress->terminal ? "\033[K" : "\n");
	fflush(stderr);
}

void progress_add(struct progress *progress, uint64_t count)
{
	progress->done += count;
	if (progress->done > progress->total)
		progress->total = progress->done; /* the log went on */
	int64_t now = monotonic_ms();
	if (progress->quiet || now - progress->shown_ms < (progress->terminal ? TERMINAL_MS : PLAIN_MS))
		return;
	progress->shown_ms = now;
	show(progress);
}

void progress_clear(struct progress *progress)
{
	if (progress->terminal && !progress->quiet)
		fputs("\r\033[K", stderr);
}
