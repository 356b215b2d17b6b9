/* SPDX-License-Identifier: Apache-2.0 */
#include "matcher.h"
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"

#define BYTES 256
#define END 0x8000 /* in a step: a word ends in the state that it leads to */
#define STATES_MAX END

struct matcher {
	uint8_t class[BYTES]; /* 0: in no word */
	uint32_t classes;
	uint32_t states;
	uint16_t *next; /* by state and class; while words are added 0 is "no such state" */
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

/* False: too many words. */
static bool add_word(struct matcher *matcher, struct slice word)
{
	uint16_t *step = NULL;
	uint32_t state = 0;

	for (size_t i = 0; i < word.size; i++) {
		step = &matcher->next[state * matcher->classes + matcher->class[(unsigned char)word.data[i]]];
		if (!*step && matcher->states == STATES_MAX)
			return false;
		if (!*step)
			*step = (uint16_t)matcher->states++;
		state = *step & ~END;
	}
	if (step)
		*step |= END;
	return true;
}

/* Breadth first: a missing step is that of the longest suffix that has one, and a word ends where one ends in the
 * suffix. */
static void close_steps(struct matcher *matcher)
{
	uint32_t *order = alloc_zeroed(matcher->states, sizeof(*order));
	uint32_t *suffix = alloc_zeroed(matcher->states, sizeof(*suffix));
	uint32_t known = 1;

	for (uint32_t done = 0; done < known; done++) {
		uint32_t state = order[done];
		for (uint32_t class = 0; class < matcher->classes; class ++) {
			uint16_t *step = &matcher->next[state * matcher->classes + class];
			uint16_t shorter = state ? matcher->next[suffix[state] * matcher->classes + class] : 0;
			if (*step) {
				order[known++] = *step & ~END;
				suffix[*step & ~END] = shorter & ~END;
				*step |= shorter & END;
			} else {
				*step = shorter;
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

static bool build(struct matcher *matcher, struct slice words)
{
	const char *at = words.data, *end = words.data + words.size;

	classify_bytes(matcher, words);
	matcher->states = 1;
	matcher->next = alloc_zeroed((words.size + 1) * matcher->classes, sizeof(*matcher->next));
	while (at < end) {
		size_t size = strcspn(at, "\n");
		if (!add_word(matcher, (struct slice){ at, size }))
			return false;
		at += size + (at + size < end);
	}
	close_steps(matcher);
	return true;
}

struct matcher *matcher_new(const char *path)
{
	size_t size;
	char *text = read_file(path, &size);
	struct matcher *matcher = NULL;

	if (text && size) {
		matcher = alloc_zeroed(1, sizeof(*matcher));
		if (!build(matcher, (struct slice){ text, size }))
			matcher_free(&matcher);
	}
	free(text);
	return matcher;
}

void matcher_free(struct matcher **matcher)
{
	if (*matcher) {
		free((*matcher)->next);
		free(*matcher);
	}
	*matcher = NULL;
}

uint32_t matcher_count(const struct matcher *matcher, struct slice text)
{
	uint32_t state = 0, count = 0;

	for (size_t i = 0; i < text.size; i++) {
		uint16_t step = matcher->next[state * matcher->classes + matcher->class[(unsigned char)text.data[i]]];
		state = step & ~END;
		count += step / END;
	}
	return count;
}
