/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/ngrams.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "classify/load.h"

enum { ROWS_MAX = 1 << 15 };

static struct ngram *slot_of(const struct ngrams *ngrams, uint32_t key)
{
	uint32_t at = (key * 0x9E3779B1u) >> ngrams->shift;

	while (ngrams->rows[at].key != 0 && ngrams->rows[at].key != key)
		at = (at + 1) & ngrams->mask;
	return &ngrams->rows[at];
}

void ngrams_add(const struct ngrams *ngrams, uint16_t first, uint16_t second, struct ngram_sums *sums)
{
	const struct ngram *row = slot_of(ngrams, (uint32_t)first << 16 | second);

	if (row->key == 0)
		return;
	for (int i = 0; i < OUTPUT_PADDED; i++)
		sums->sums[i] += row->weights[i];
	sums->count++;
}

int32_t ngrams_logit(const struct ngrams *ngrams, const struct ngram_sums *sums, int output)
{
	if (sums->count == 0)
		return ngrams->bias[output];
	double sum = (double)sums->sums[output] * ngrams->scale / 1000;
	return ngrams->bias[output] + (int32_t)lrint(sum / sqrt((double)sums->count));
}

/* A text of whole numbers with spaces between: a tenth of the time that a list would take to parse. */
static bool read_weights(const struct reader *reader, const struct place *place, int32_t *weights, int32_t bound)
{
	const char *text = json_string_value(place->value);
	char *end = NULL;

	for (int i = 0; text && i < OUTPUT_COUNT; i++, text = end) {
		long number = strtol(text, &end, 10);
		if (end == text || number < -bound || number > bound)
			break;
		weights[i] = (int32_t)number;
		if (i == OUTPUT_COUNT - 1 && *end == '\0')
			return true;
	}
	reader_fail(reader, place->path, "must be a text of %d whole numbers, from -%d to %d", OUTPUT_COUNT, bound,
		    bound);
	return false;
}

static uint32_t key_of(struct ruleset *ruleset, struct slice text)
{
	uint32_t at = 0, symbols[2] = { 0, 0 }, count = 0;

	while (at < text.size && count < 2)
		symbols[count++] = alphabet_add(&ruleset->alphabet, fold_character(fold_decode(text, &at)));
	return at < text.size ? 0 : symbols[0] << 16 | symbols[1];
}

static void load_row(struct ruleset *ruleset, const struct reader *reader, const struct place *rows, const char *text)
{
	int32_t weights[OUTPUT_COUNT];
	struct place place = { .value = json_object_get(rows->value, text) };
	uint32_t key = key_of(ruleset, slice_of(text));

	snprintf(place.path, sizeof(place.path), "rows.%s", text);
	if (key == 0)
		reader_fail(reader, place.path, "\"%s\" must be one or two characters", text);
	if (key == 0 || !read_weights(reader, &place, weights, INT8_MAX))
		return;
	struct ngram *row = slot_of(&ruleset->ngrams, key);
	if (row->key != 0)
		reader_fail(reader, place.path, "\"%s\" stands here in another spelling too", text);
	row->key = key;
	for (int i = 0; i < OUTPUT_COUNT; i++)
		row->weights[i] = (int8_t)weights[i];
}

void load_ngrams(struct ruleset *ruleset, const struct reader *reader)
{
	static const char *const root_list[] = { "scale", "bias", "rows" };
	struct ngrams *ngrams = &ruleset->ngrams;
	struct place root = reader_root(reader, NAMES(root_list));
	struct place bias = reader_member(reader, &root, "bias", true);
	struct place rows = reader_member(reader, &root, "rows", true);
	size_t count = json_object_size(rows.value), size = 16;
	const char *key;
	json_t *value;

	if (rows.value && (!json_is_object(rows.value) || count > ROWS_MAX)) {
		reader_fail(reader, rows.path, "must be an object of at most %d rows", ROWS_MAX);
		count = 0;
	}
	ngrams->shift = 28;
	for (; size < 2 * count; size *= 2)
		ngrams->shift--;
	ngrams->mask = (uint32_t)size - 1;
	ngrams->rows = arena_zalloc(&ruleset->arena, size * sizeof(struct ngram));
	ngrams->scale = (int32_t)reader_integer(reader, &root, "scale", 1000, 1, 1000000);
	if (bias.value)
		read_weights(reader, &bias, ngrams->bias, 100000);
	if (count > 0) {
		json_object_foreach(rows.value, key, value) load_row(ruleset, reader, &rows, key);
	}
}
