/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of tests/cases/decode.tsv; its first lines say how to write one. */
#pragma once
#include "rider_event.h"

struct decode_case {
	char *line; /* owned: name, reason and field point into it */
	const char *name, *reason, *field;
	struct slice expected; /* "key=value | key=value", without escapes */
	struct header headers[8];
	size_t header_count;
	struct slice value; /* absent: tombstone */
};

struct decode_cases {
	struct decode_case *list;
	size_t count;
	struct arena arena;
};

/* Fails the running test when the table cannot be read. */
void decode_cases_load(struct decode_cases *cases, const char *path);
void decode_cases_free(struct decode_cases *cases);
struct input_record decode_case_record(const struct decode_case *row);
/* Text with the escapes, repetitions and snippets of the table written out; fails the running test on an unknown
 * escape. */
struct slice decode_cases_expand(struct arena *arena, const char *text);
