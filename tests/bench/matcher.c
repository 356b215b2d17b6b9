/* SPDX-License-Identifier: Apache-2.0 */
#include "matcher.h"
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"

#define BYTES 256

struct matcher {
	uint8_t class[BYTES]; /* 0: in no word */
	uint32_t classes;
	uint32_t states;
	uint32_t *next; /* by state and class; while words are added 0 is "no such state" */
	uint8_t *ends;  /* a word ends in this state */
};

static void classify_bytes(struct matcher *matcher, struct slice words)
{
	matcher->classes = 1;
	for (size_t i = 0; i < words.size; i++) {
		uint8_t *class = &matcher->class[(unsigned char)words.data[i]];
		if (words.data[i] != '\n' && !*class)
			*class = (uint8_t)matcher->classes++;
	}
}

static void add_word(struct matcher *matcher, struct slice word)
{
	uint32_t state = 0;

	for (size_t i = 0; i < word.size; i++) {
		uint32_t *next = &matcher->next[state * matcher->classes + matcher->class[(unsigned char)word.data[i]]];
		if (!*next)
			*next = matcher->states++;
		state = *next;
	}
	matcher->ends[state] |= word.size != 0;
}

/* Breadth first: a missing step is that of the longest suffix that has one. */
static void close_steps(struct matcher *matcher)
{
	uint32_t *order = alloc_zeroed(matcher->states, sizeof(*order));
	uint32_t *suffix = alloc_zeroed(matcher->states, sizeof(*suffix));
	uint32_t known = 1;

	for (uint32_t done = 0; done < known; done++) {
		uint32_t state = order[done];
		for (uint32_t class = 0; class < matcher->classes; class ++) {
			uint32_t *next = &matcher->next[state * matcher->classes + class];
			uint32_t shorter = state ? matcher->next[suffix[state] * matcher->classes + class] : 0;
			if (*next) {
				suffix[*next] = shorter;
				matcher->ends[*next] |= matcher->ends[shorter];
				order[known++] = *next;
			} else {
				*next = shorter;
			}
		}
	}
	free(order);
	free(suffix);
}

static char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t length = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &length, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	*size = text ? strlen(text) : 0;
	return text;
}

static void build(struct matcher *matcher, struct slice words)
{
	const char *at = words.data, *end = words.data + words.size;

	classify_bytes(matcher, words);
	matcher->states = 1;
	matcher->next = alloc_zeroed((words.size + 1) * matcher->classes, sizeof(*matcher->next));
	matcher->ends = alloc_zeroed(words.size + 1, 1);
	while (at < end) {
		size_t size = strcspn(at, "\n");
		add_word(matcher, (struct slice){ at, size });
		at += size + (at + size < end);
	}
	close_steps(matcher);
}

struct matcher *matcher_new(const char *path)
{
	size_t size;
	char *text = read_file(path, &size);
	struct matcher *matcher = NULL;

	if (text && size) {
		matcher = alloc_zeroed(1, sizeof(*matcher));
		build(matcher, (struct slice){ text, size });
	}
	free(text);
	return matcher;
}

void matcher_free(struct matcher **matcher)
{
	if (*matcher) {
		free((*matcher)->next);
		free((*matcher)->ends);
		free(*matcher);
	}
	*matcher = NULL;
}

uint32_t matcher_count(const struct matcher *matcher, struct slice text)
{
	uint32_t state = 0, count = 0;

	for (size_t i = 0; i < text.size; i++) {
		state = matcher->next[state * matcher->classes + matcher->class[(unsigned char)text.data[i]]];
		count += matcher->ends[state];
	}
	return count;
}
