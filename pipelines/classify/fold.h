/* SPDX-License-Identifier: Apache-2.0 */
/* Texts as riders write them, made comparable: letter case, full and half width, traditional and simplified characters.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "slice.h"

#define FOLD_CODES 0x10000 /* characters beyond are never part of a phrase */

enum border {
	BORDER_NONE, /* a character of a word */
	BORDER_SOFT, /* space, comma: ends a clause, yet may stand inside a word */
	BORDER_HARD, /* full stop, question mark, line end: ends a sentence */
};

/* Reads one character of valid UTF-8 at *position and moves past it; a malformed byte gives U+FFFD and moves by one. */
uint32_t fold_decode(struct slice text, uint32_t *position);
/* The folded character: lower case, half width, simplified. */
uint32_t fold_character(uint32_t code);
enum border fold_border(uint32_t folded);

/* How grams name the edges of a text and what stands between its clauses. */
enum edge_name { EDGE_START = '^', EDGE_END = '$', EDGE_OTHER = '|' };

/* A border as grams see it: question and exclamation marks are themselves, the others are one. */
static inline uint32_t fold_edge(uint32_t folded)
{
	return folded == '?' || folded == '!' ? folded : EDGE_OTHER;
}
/* Latin letter or digit: words made of them match only as whole words. */
bool fold_is_latin(uint32_t folded);
