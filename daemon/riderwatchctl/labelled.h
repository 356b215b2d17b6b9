/* SPDX-License-Identifier: Apache-2.0 */
/* Texts to classify, one a line, from a file or standard input: JSON lines, or tables of labelled texts. */
#pragma once
#include <jansson.h>
#include <stdio.h>
#include "command.h"
#include "rider_event.h"
#include "score.h"

struct labelled {
	FILE *file;
	const char *path;
	int line;
	int bad; /* lines that were no text; each was reported on standard error */
	char *buffer;
	size_t room;
	json_t *json;         /* of the current line, when it is JSON */
	struct report report; /* points into the two above */
	struct slice id;      /* as JSON: "\"d001\"", "17"; absent: none */
	char id_text[160];
	struct gold gold;
	struct slice kind; /* of labelled texts: what the text does; absent elsewhere */
	bool has_gold;     /* category and severity are labelled */
	bool has_also;     /* further categories are, too */
	bool any_severity; /* any severity is right */
	bool is_review;    /* two columns: label of a complaint, text */
};

/* path "-": standard input. Prints what is wrong and returns false. */
bool labelled_open(struct labelled *labelled, const struct command_line *line, const char *path);
/* The next text; false at the end, which closes the file. */
bool labelled_next(struct labelled *labelled);
