/* SPDX-License-Identifier: Apache-2.0 */
/* How far a long read has come, on standard error: one line that is written over on a terminal, else a line every ten
 * seconds. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* "audit" */
	uint64_t total, done;
	int64_t start_ms, shown_ms;
	bool terminal, quiet;
};

void progress_start(struct progress *progress, const char *what, uint64_t total, bool quiet);
void progress_add(struct progress *progress, uint64_t count);
/* Takes the line away; what else is printed stands alone. */
void progress_clear(struct progress *progress);
/* Seconds since progress_start. */
double progress_seconds(const struct progress *progress);
