/* SPDX-License-Identifier: Apache-2.0 */
/* A step of an expectation table, in words. */
#pragma once
#include "slice.h"

struct words {
	char *list[64];
	size_t count;
};

/* The words between the characters of by; text is written to, and must live as long as they do. */
struct words words_split(char *text, const char *by);
/* Absent where there is none. */
struct slice word_at(const struct words *words, size_t at);
