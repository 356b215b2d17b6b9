/* SPDX-License-Identifier: Apache-2.0 */
#include "mask.h"

#include <stdint.h>

#define RUN_MAX 18
#define KEEP_FIRST 3
#define KEEP_LAST 2

/* A run of digits, with where each of them stands. */
struct run {
	size_t at[RUN_MAX];
	uint8_t width[RUN_MAX];
	char digit[RUN_MAX];
	size_t count; /* may exceed RUN_MAX: then it is no number of a person */
};

/* Width in bytes of the digit at p (1, or 3 for a full-width one), 0 when there is none; an X ends an identity number.
 */
static size_t digit_at(const char *p, size_t left, char *digit)
{
	if (*p >= '0' && *p <= '9') {
		*digit = *p;
		return 1;
	}
	if (left >= 3 && memcmp(p, "\xef\xbc", 2) == 0 && (uint8_t)p[2] >= 0x90 && (uint8_t)p[2] <= 0x99) {
		*digit = (char)('0' + ((uint8_t)p[2] - 0x90));
		return 3;
	}
	return 0;
}

static bool is_check_letter(const struct run *run, char c)
{
	return run->count == RUN_MAX - 1 && (c == 'X' || c == 'x');
}

static void run_add(struct run *run, size_t at, size_t width, char digit)
{
	if (run->count < RUN_MAX) {
		run->at[run->count] = at;
		run->width[run->count] = (uint8_t)width;
		run->digit[run->count] = digit;
	}
	run->count++;
}

/* Reads the run that starts at the digit at start; returns the position behind it. */
static size_t run_read(struct slice text, size_t start, struct run *run)
{
	run->count = 0;
	size_t at = start;
	while (at < text.size) {
		char digit;
		size_t width = digit_at(text.data + at, text.size - at, &digit);
		if (width) {
			run_add(run, at, width, digit);
			at += width;
		} else if (is_check_letter(run, text.data[at])) {
			run_add(run, at, 1, 'X');
			return at + 1;
		} else if ((text.data[at] == ' ' || text.data[at] == '-') && at + 1 < text.size &&
			   digit_at(text.data + at + 1, text.size - at - 1, &digit)) {
			at++;
		} else {
			break;
		}
	}
	return at;
}

static bool is_personal(const struct run *run)
{
	bool phone = run->count == 11 && run->digit[0] == '1' && run->digit[1] >= '3';
	bool phone_with_prefix =
		run->count == 13 && run->digit[0] == '8' && run->digit[1] == '6' && run->digit[2] == '1';
	return phone || phone_with_prefix || run->count == 18;
}

static void run_mask(const struct run *run, char *copy)
{
	for (size_t i = KEEP_FIRST; i + KEEP_LAST < run->count; i++)
		memcpy(copy + run->at[i], run->width[i] == 3 ? "\xef\xbc\x8a" : "*", run->width[i]);
}

struct slice mask_numbers(struct slice text, struct arena *arena)
{
	char *copy = NULL;
	for (size_t at = 0; at < text.size;) {
		char digit;
		struct run run;
		if (digit_at(text.data + at, text.size - at, &digit)) {
			at = run_read(text, at, &run);
			if (!is_personal(&run))
				continue;
			if (!copy)
				copy = memcpy(arena_alloc(arena, text.size), text.data, text.size);
			run_mask(&run, copy);
		} else {
			at++;
		}
	}
	return copy ? (struct slice){ copy, text.size } : text;
}
