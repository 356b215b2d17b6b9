/* SPDX-License-Identifier: Apache-2.0 */
#include "grams.h"
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "classify/fold.h"

enum { LATIN_MAX = 64 };

static size_t put(char *name, uint32_t code)
{
	if (code < 0x80) {
		name[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		name[0] = (char)(0xC0 | code >> 6);
		name[1] = (char)(0x80 | (code & 0x3F));
		return 2;
	}
	name[0] = (char)(0xE0 | code >> 12);
	name[1] = (char)(0x80 | (code >> 6 & 0x3F));
	name[2] = (char)(0x80 | (code & 0x3F));
	return 3;
}

struct reading {
	char latin[LATIN_MAX];
	size_t latin_size;
	uint32_t previous;
	uint32_t edge; /* the border right before, as grams name it; 0: none */
};

static void end_latin(struct reading *reading, void (*found)(void *, const char *), void *context)
{
	if (reading->latin_size > 0 && reading->latin_size < LATIN_MAX) {
		reading->latin[reading->latin_size] = '\0';
		found(context, reading->latin);
	}
	reading->latin_size = 0;
}

static void find_pair(uint32_t first, uint32_t second, void (*found)(void *, const char *), void *context)
{
	char name[8];
	size_t size = put(name, first);

	size += put(name + size, second);
	name[size] = '\0';
	found(context, name);
}

static void read_character(struct reading *reading, uint32_t code, void (*found)(void *, const char *), void *context)
{
	char name[8];
	bool known = code < FOLD_CODES;

	end_latin(reading, found, context);
	if (known) {
		name[put(name, code)] = '\0';
		found(context, name);
	}
	if (known && reading->previous)
		find_pair(reading->previous, code, found, context);
	if (known && reading->edge)
		find_pair(reading->edge, code, found, context);
	reading->previous = known ? code : 0;
	reading->edge = 0;
}

static void read_edge(struct reading *reading, uint32_t edge, void (*found)(void *, const char *), void *context)
{
	end_latin(reading, found, context);
	if (reading->previous && !reading->edge)
		find_pair(reading->previous, edge, found, context);
	reading->edge = edge;
}

static void read_end(struct reading *reading, void (*found)(void *, const char *), void *context)
{
	if (reading->edge == '?' || reading->edge == '!')
		find_pair(reading->edge, EDGE_END, found, context);
	else
		read_edge(reading, EDGE_END, found, context);
}

void grams_of(const char *text, void (*found)(void *context, const char *name), void *context)
{
	struct slice slice = slice_of(text);
	struct reading reading = { .edge = EDGE_START };

	for (uint32_t at = 0; at < slice.size;) {
		uint32_t code = fold_character(fold_decode(slice, &at));
		if (fold_border(code) != BORDER_NONE) {
			read_edge(&reading, fold_edge(code), found, context);
		} else if (fold_is_latin(code)) {
			reading.previous = 0;
			reading.edge = 0;
			if (reading.latin_size < LATIN_MAX)
				reading.latin[reading.latin_size++] = (char)code;
		} else {
			read_character(&reading, code, found, context);
		}
	}
	read_end(&reading, found, context);
}

bool gram_at_edge(const char *name)
{
	size_t size = strlen(name);

	return fold_border((unsigned char)name[0]) != BORDER_NONE ||
	       fold_border((unsigned char)name[size - 1]) != BORDER_NONE;
}

static uint32_t hash(const char *name)
{
	uint32_t value = 2166136261u;

	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * 16777619u;
	return value;
}

static size_t slot_of(const struct names_table *table, const char *name)
{
	size_t at = hash(name) & (table->slot_count - 1);

	while (table->slots[at] != GRAM_UNKNOWN && strcmp(table->names[table->slots[at]], name) != 0)
		at = (at + 1) & (table->slot_count - 1);
	return at;
}

static void grow(struct names_table *table)
{
	table->slot_count = table->slot_count ? 2 * table->slot_count : 4096;
	table->slots = alloc_resize(table->slots, table->slot_count * sizeof(*table->slots));
	memset(table->slots, 0xFF, table->slot_count * sizeof(*table->slots));
	for (size_t i = 0; i < table->count; i++)
		table->slots[slot_of(table, table->names[i])] = (uint32_t)i;
}

uint32_t names_table_add(struct names_table *table, const char *name)
{
	if (2 * table->count >= table->slot_count)
		grow(table);
	size_t at = slot_of(table, name);
	if (table->slots[at] != GRAM_UNKNOWN)
		return table->slots[at];
	if (table->count == table->room) {
		table->room = table->room ? 2 * table->room : 1024;
		table->names = alloc_resize(table->names, table->room * sizeof(*table->names));
	}
	table->slots[at] = (uint32_t)table->count;
	table->names[table->count] = alloc_text(name);
	return (uint32_t)table->count++;
}

uint32_t names_table_find(const struct names_table *table, const char *name)
{
	return table->slot_count ? table->slots[slot_of(table, name)] : GRAM_UNKNOWN;
}

void names_table_free(struct names_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->names[i]);
	free(table->names);
	free(table->slots);
	*table = (struct names_table){ 0 };
}
