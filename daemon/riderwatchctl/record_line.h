/* SPDX-License-Identifier: Apache-2.0 */
/* Records of an input topic, one a line, from a file or standard input: the value alone, or the whole record as kcat -J
 * prints it. */
#pragma once
#include <jansson.h>
#include <stdio.h>
#include "command.h"
#include "input_record.h"

#define RECORD_LINE_HEADERS_MAX 64

struct record_line {
	const struct config *config;
	FILE *file;
	int number;                 /* of the line, from 1 */
	bool whole;                 /* kcat -J: key, headers, partition and time are the record's own */
	int64_t time_ms;            /* of records that have none */
	struct input_record record; /* points into what follows; valid until the next one */
	char *buffer;
	size_t room;
	json_t *json;
	struct header headers[RECORD_LINE_HEADERS_MAX];
};

/* path "-": standard input. time_ms: of lines that say no time. Says what is wrong and returns false. */
bool record_line_open(struct record_line *lines, const struct command_line *line, const struct config *config,
		      const char *path, int64_t time_ms);
/* The next record; false at the end. Empty lines are passed over. */
bool record_line_next(struct record_line *lines);
void record_line_close(struct record_line *lines);
