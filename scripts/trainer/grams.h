/* SPDX-License-Identifier: Apache-2.0 */
/* Grams of texts as the classifier sees them, and numbers for them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls found once per gram, in text order; the name is folded UTF-8, NUL-terminated. */
void grams_of(const char *text, void (*found)(void *context, const char *name), void *context);

/* Whether a gram is a character with an edge, see fold.h: of how something is said, not of what. */
bool gram_at_edge(const char *name);

#define GRAM_UNKNOWN UINT32_MAX

/* Names with numbers from 0 on, in the order in which they were added. */
struct names_table {
	char **names;
	size_t count, room;
	uint32_t *slots;
	size_t slot_count;
};

uint32_t names_table_add(struct names_table *table, const char *name);
uint32_t names_table_find(const struct names_table *table, const char *name);
void names_table_free(struct names_table *table);
