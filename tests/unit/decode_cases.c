/* SPDX-License-Identifier: Apache-2.0 */
#include "decode_cases.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "alloc.h"
#include "buffer.h"

#define COLUMNS 6

static const struct {
	const char *name, *text;
} snippets[] = {
	{ "$report", "\"id\":\"e1\",\"type\":\"rider.report.created.v1\",\"rider_id\":\"r1\",\"description\":\"d\"" },
	{ "$review", "\"id\":\"e1\",\"type\":\"rider.report.reviewed.v1\",\"rider_id\":\"r1\",\"report_id\":\"e0\"" },
	{ "$delivery",
	  "\"id\":\"e1\",\"type\":\"rider.delivery.completed.v1\",\"rider_id\":\"r1\",\"order_id\":\"o1\"" },
	{ "$envelope", "\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/s\",\"type\":\"rider.report.created.v1\"" },
	{ "$data", "\"rider_id\":\"r1\",\"description\":\"d\"" },
};

static const char *expand(struct buffer *out, const char *at, const char *end);

/* "\x41", "\n" and so on; at is behind the backslash. */
static const char *expand_escape(struct buffer *out, const char *at, const char *end)
{
	static const char letters[] = "nrt0\\", meanings[] = "\n\r\t\0\\";
	const char *letter = strchr(letters, *at);
	char hex[3] = { 0 };

	if (*at == 'x' && end - at >= 3) {
		memcpy(hex, at + 1, 2);
		buffer_append_char(out, (char)strtol(hex, NULL, 16));
		return at + 3;
	}
	if (!letter)
		fail_msg("unknown escape \\%c", *at);
	buffer_append_char(out, meanings[letter - letters]);
	return at + 1;
}

/* "@(100:text)"; at is behind the opening parenthesis, text holds no "@)". */
static const char *expand_repeat(struct buffer *out, const char *at, const char *end)
{
	char *text;
	long count = strtol(at, &text, 10);
	const char *stop = memmem(text, (size_t)(end - text), "@)", 2);

	if (*text != ':' || !stop)
		fail_msg("a repetition is @(count:text@)");
	for (long i = 0; i < count; i++)
		for (const char *piece = text + 1; piece < stop;)
			piece = expand(out, piece, stop);
	return stop + 2;
}

/* Appends what stands at `at` and returns the place behind it. */
static const char *expand(struct buffer *out, const char *at, const char *end)
{
	if (*at == '\\')
		return expand_escape(out, at + 1, end);
	if (*at == '@' && at + 1 < end && at[1] == '(')
		return expand_repeat(out, at + 2, end);
	for (size_t i = 0; *at == '$' && i < sizeof(snippets) / sizeof(*snippets); i++) {
		size_t size = strlen(snippets[i].name);

		if ((size_t)(end - at) < size || memcmp(at, snippets[i].name, size) != 0)
			continue;
		buffer_append(out, slice_of(snippets[i].text));
		return at + size;
	}
	buffer_append_char(out, *at);
	return at + 1;
}

static struct slice expand_all(struct arena *arena, const char *text, size_t size)
{
	struct buffer out;

	buffer_init(&out, arena, size + 1);
	for (const char *at = text; at < text + size;)
		at = expand(&out, at, text + size);
	return buffer_slice(&out);
}

struct slice decode_cases_expand(struct arena *arena, const char *text)
{
	return expand_all(arena, text, strlen(text));
}

/* "name: value | name: value"; a name without colon has a null value. */
static void read_headers(struct arena *arena, struct decode_case *row, char *text)
{
	char *rest = text, *part;

	if (strcmp(text, "-") == 0)
		return;
	while ((part = rest)) {
		struct header *header = &row->headers[row->header_count++];
		char *value, *next = strstr(rest, " | ");

		assert_true(row->header_count <= sizeof(row->headers) / sizeof(*row->headers));
		rest = next ? next + 3 : NULL;
		if (next)
			*next = '\0';
		value = strstr(part, ": ");
		header->name = value ? (struct slice){ part, (size_t)(value - part) } : slice_of(part);
		header->value = value ? expand_all(arena, value + 2, strlen(value + 2)) : (struct slice){ NULL, 0 };
	}
}

static void read_row(struct decode_cases *cases, char *line)
{
	struct decode_case *row = &cases->list[cases->count++];
	char *columns[COLUMNS], *rest = line;

	for (size_t i = 0; i < COLUMNS; i++)
		if (!(columns[i] = strsep(&rest, "\t")))
			fail_msg("%s: fewer than %d columns", line, COLUMNS);
	*row = (struct decode_case){ .line = line, .name = columns[0], .reason = columns[3], .field = columns[4] };
	read_headers(&cases->arena, row, columns[1]);
	if (strcmp(columns[2], "NULL") != 0)
		row->value = expand_all(&cases->arena, columns[2], strlen(columns[2]));
	if (strcmp(columns[5], "-") != 0)
		row->expected = expand_all(&cases->arena, columns[5], strlen(columns[5]));
}

void decode_cases_load(struct decode_cases *cases, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;

	*cases = (struct decode_cases){ 0 };
	arena_init(&cases->arena);
	if (!file)
		fail_msg("%s: cannot be opened; run tests from the repository root", path);
	while ((size = getline(&line, &capacity, file)) > 0) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		line[strcspn(line, "\n")] = '\0';
		cases->list = alloc_resize(cases->list, (cases->count + 1) * sizeof(*cases->list));
		read_row(cases, alloc_text(line));
	}
	free(line);
	fclose(file);
}

void decode_cases_free(struct decode_cases *cases)
{
	for (size_t i = 0; i < cases->count; i++)
		free(cases->list[i].line);
	free(cases->list);
	arena_fini(&cases->arena);
	*cases = (struct decode_cases){ 0 };
}

struct input_record decode_case_record(const struct decode_case *row)
{
	return (struct input_record){
		.timestamp_ms = -1,
		.value = row->value,
		.headers = row->headers,
		.header_count = row->header_count,
	};
}
