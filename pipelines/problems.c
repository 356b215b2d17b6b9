/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what is wrong with files that people write, and the guess what an unknown name was meant to be. */
#include "json_file.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"

enum {
	NAME_MAX_BYTES = 64, /* longer words are never near anything */
	NEAR_DISTANCE = 3,
};

/* File contents may be quoted in a message; it must stay one line and must not steer the terminal. */
static void replace_controls(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void problems_add(struct problems *problems, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text;
	MUST(vasprintf(&text, format, arguments) >= 0);
	va_end(arguments);

	replace_controls(text);
	problems->texts = alloc_resize(problems->texts, (problems->count + 1) * sizeof(*problems->texts));
	problems->texts[problems->count++] = text;
}

void problems_fini(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		free(problems->texts[i]);
	free(problems->texts);
	*problems = (struct problems){ 0 };
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours, each counted once. */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	uint8_t rows[3][NAME_MAX_BYTES + 1];
	uint8_t *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b_size; j++)
		last[j] = (uint8_t)j;
	for (size_t i = 1; i <= a_size; i++) {
		row[0] = (uint8_t)i;
		for (size_t j = 1; j <= b_size; j++) {
			size_t cost = a[i - 1] != b[j - 1];
			size_t best = smaller(smaller(last[j], row[j - 1]) + 1U, last[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = smaller(best, before[j - 2] + 1U);
			row[j] = (uint8_t)best;
		}
		uint8_t *spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[b_size];
}

const char *nearest_name(const char *word, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	size_t nearest_distance = NEAR_DISTANCE + 1, word_size = strlen(word);
	for (size_t i = 0; i < count && word_size <= NAME_MAX_BYTES; i++) {
		size_t size = strlen(names[i]);
		if (size > NAME_MAX_BYTES)
			continue;
		size_t distance = edit_distance(word, word_size, names[i], size);
		/* With more than half of it changed it is another word, not a slip. */
		if (distance < nearest_distance && distance * 2 <= (size > word_size ? size : word_size)) {
			nearest = names[i];
			nearest_distance = distance;
		}
	}
	return nearest;
}
