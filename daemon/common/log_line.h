/* SPDX-License-Identifier: Apache-2.0 */
/* One log line, as logfmt or JSON. Whatever bytes a value holds, the line stays one line of valid UTF-8. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct log_line {
	bool json, empty; /* empty: no pair yet */
	size_t size;
	char data[32768]; /* the largest set of fields, with every byte escaped, fits; more is cut */
};

/* priority: "<N>" in front of the line; NUL: none. */
void log_line_start(struct log_line *line, bool json, char priority);
void log_line_text(struct log_line *line, const char *name, const char *value);
void log_line_number(struct log_line *line, const char *name, long long number);
void log_line_end(struct log_line *line);

/* Copies a format such as "topic=%s partition=%d" with marks in place of the blanks and equal signs between pairs, so
 * that the pairs can still be told apart when the values have been filled in. Quotes around a value are taken off; text
 * without a name is called "detail". */
void log_fields_mark(const char *fields, char *marked, size_t capacity);
/* Adds the pairs of a marked format; values is the same filled in, and is written to. */
void log_line_fields(struct log_line *line, const char *marked, char *values);
