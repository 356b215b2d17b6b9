/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct words words_split(char *text, const char *by)
{
	struct words words = { .count = 0 };
	char *rest = NULL;
	for (char *word = strtok_r(text, by, &rest); word; word = strtok_r(NULL, by, &rest)) {
		assert_true(words.count < sizeof words.list / sizeof words.list[0]);
		words.list[words.count++] = word;
	}
	return words;
}

struct slice word_at(const struct words *words, size_t at)
{
	return at < words->count ? slice_of(words->list[at]) : (struct slice){ NULL, 0 };
}
