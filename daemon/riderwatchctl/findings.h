/* SPDX-License-Identifier: Apache-2.0 */
/* What an audit found: differences, and what it could not check. */
#pragma once
#include <jansson.h>
#include <stdio.h>
#include "arena.h"

struct difference {
	struct slice key, field, is, must;
};

struct findings {
	struct arena arena; /* owns the texts */
	struct difference *differences;
	size_t count, room;
	char **notes; /* what was not checked, and why */
	size_t note_count;
	bool incomplete; /* a note says that something that matters was left out */
};

void findings_fini(struct findings *findings);
/* All texts are copied. The same key and field twice in a row is said once. */
void findings_differ(struct findings *findings, struct slice key, const char *field, const char *is, const char *must);
void findings_differ_number(struct findings *findings, struct slice key, const char *field, int64_t is, int64_t must);
/* incomplete: the result is less than a full audit because of this. */
void findings_note(struct findings *findings, bool incomplete, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Forgets the differences from number count on. */
void findings_rewind(struct findings *findings, size_t count);

void findings_print(const struct findings *findings, FILE *out);
/* Adds "differences" and "not_checked". */
void findings_to_json(const struct findings *findings, json_t *object);
