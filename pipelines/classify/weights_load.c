/* SPDX-License-Identifier: Apache-2.0 */
/* weights.tsv and reviews.tsv: one line per gram, rule or fact; a table of thousands of rows, hence no JSON. The form
 * of a line stands at the head of those files. */
#include <stdio.h>
#include <stdlib.h>
#include "classify/load.h"

enum { ROWS_MAX = 1 << 15, NUMBER_MAX = 1000000 };

struct line {
	struct ruleset *ruleset;
	const char *path;
	int number;
	struct problems *problems;
	struct slice name;
	const char *at, *end; /* what is left of it */
};

static void fail(const struct line *line, const char *what)
{
	problems_add(line->problems, "%s:%d: \"%.*s\": %s; write the file anew with `make train`", line->path,
		     line->number, (int)line->name.size, line->name.data, what);
}

/* The next whole number; false when there is none or it is out of bounds. */
static bool take_number(struct line *line, int32_t bound, int32_t *number)
{
	const char *at = line->at, *end = line->end; /* in registers: this reads most of the file */
	int32_t value = 0;

	while (at < end && *at == ' ')
		at++;
	bool minus = at < end && *at == '-';
	at += minus;
	const char *digits = at;
	for (; at < end && *at >= '0' && *at <= '9' && value <= NUMBER_MAX; at++)
		value = 10 * value + (*at - '0');
	line->at = at;
	*number = minus ? -value : value;
	return at > digits && value <= bound;
}

static bool take_numbers(struct line *line, int32_t *numbers, int count, int32_t bound)
{
	for (int i = 0; i < count; i++) {
		if (!take_number(line, bound, &numbers[i])) {
			fail(line, "a number is missing or out of bounds");
			return false;
		}
	}
	return true;
}

static bool at_end(const struct line *line)
{
	if (line->at == line->end)
		return true;
	fail(line, "more numbers than outputs");
	return false;
}

static uint32_t key_of(struct ruleset *ruleset, struct slice name)
{
	uint32_t at = 0, count = 0, latin = 0;
	uint16_t symbols[2] = { 0, 0 };

	while (at < name.size) {
		uint32_t folded = fold_character(fold_decode(name, &at));
		if (fold_is_latin(folded))
			latin = gram_key_latin(latin, folded);
		else if (latin || count == 2)
			return 0;
		else
			symbols[count++] = alphabet_add(&ruleset->alphabet, folded);
	}
	return count == 0 ? latin : latin ? 0 : gram_key(symbols[0], symbols[1]);
}

/* The arena aligns to 16 alone. */
static void *zalloc_aligned(struct ruleset *ruleset, size_t count, size_t size, size_t alignment)
{
	char *memory = arena_zalloc(&ruleset->arena, count * size + alignment);

	return memory + (-(uintptr_t)memory & (alignment - 1));
}

void open_weights(struct ruleset *ruleset, size_t lines)
{
	struct weights *weights = &ruleset->weights;
	uint32_t buckets = 16;

	weights->row_room = lines < ROWS_MAX ? (uint32_t)lines : ROWS_MAX;
	for (weights->shift = 28; buckets < weights->row_room; buckets *= 2)
		weights->shift--;
	weights->slots = zalloc_aligned(ruleset, (buckets + weights->row_room / BUCKET + 1) * BUCKET,
					sizeof(struct weights_slot), BUCKET * sizeof(struct weights_slot));
	weights->rows =
		zalloc_aligned(ruleset, weights->row_room, sizeof(struct weights_row), sizeof(struct weights_row));
}

static struct weights_slot *free_slot_of(const struct weights *weights, uint32_t key)
{
	struct weights_slot *slot = weights_home(weights, key);

	while (slot->key != 0)
		slot++;
	return slot;
}

/* The row of a gram, made when new; NULL when that cannot be. */
static struct weights_row *row_of(struct line *line)
{
	struct weights *weights = &line->ruleset->weights;
	uint32_t key = key_of(line->ruleset, line->name);
	bool known;

	if (key == 0) {
		fail(line, "a gram is one or two characters, or one Latin word");
		return NULL;
	}
	const struct weights_slot *slot = weights_find(weights, key, &known);
	if (known)
		return &weights->rows[slot->row];
	if (weights->row_count == weights->row_room) {
		fail(line, "too many rows");
		return NULL;
	}
	*free_slot_of(weights, key) = (struct weights_slot){ key, weights->row_count };
	return &weights->rows[weights->row_count++];
}

static void take_codes(struct line *line, struct weights_row *row)
{
	while (line->at < line->end) {
		int32_t hazard, weight;
		bool good = take_number(line, (int32_t)line->ruleset->hazard_count - 1, &hazard) && hazard >= 0 &&
			    line->at < line->end && *line->at++ == ':' && take_number(line, INT8_MAX, &weight);
		if (!good) {
			fail(line, "hazard codes are number:weight");
			return;
		}
		row->adds[OUTPUT_CODES + hazard] = (int8_t)weight;
	}
}

static void read_gram(struct line *line, int first, int count, int mark)
{
	int32_t numbers[OUTPUT_COUNT];
	struct weights_row *row = row_of(line);

	if (!row || !take_numbers(line, numbers, count, INT8_MAX))
		return;
	if (row->adds[mark])
		fail(line, "stands here in another spelling too");
	row->adds[mark] = 1;
	for (int i = 0; i < count; i++)
		row->adds[first + i] = (int8_t)numbers[i];
	if (first == 0)
		take_codes(line, row);
	else
		at_end(line);
}

static void read_trained(struct line *line, int16_t *trained)
{
	int32_t numbers[OUTPUT_TRAINED];

	if (!take_numbers(line, numbers, OUTPUT_TRAINED, INT16_MAX) || !at_end(line))
		return;
	for (int i = 0; i < OUTPUT_TRAINED; i++)
		trained[i] = (int16_t)numbers[i];
}

static const char *const composed_names[COMPOSED_COUNT] = {
	"said.None",    "said.Minor",     "said.Moderate",  "said.Severe",       "said.Extreme",
	"bound.None",   "bound.Minor",    "bound.Moderate", "bound.Severe",      "bound.Extreme",
	"in.emergency", "in.fire",        "in.food",        "claimed.emergency", "claimed.fire",
	"claimed.food", "also.emergency", "also.fire",      "also.food",
};

const char *composed_name(int composed)
{
	return composed_names[composed];
}

/* A rule's id, or a fact's name behind "=". Rules that were added since the last training have no line. */
static void read_rule(struct line *line)
{
	struct ruleset *ruleset = line->ruleset;

	for (size_t i = 0; i < ruleset->rule_count; i++) {
		if (slice_equal(ruleset->rules[i].id, line->name)) {
			read_trained(line, ruleset->rules[i].trained);
			return;
		}
	}
	fail(line, "there is no such rule");
}

static void read_composed(struct line *line)
{
	struct slice name = { line->name.data + 1, line->name.size - 1 };

	for (int i = 0; i < COMPOSED_COUNT; i++) {
		if (slice_equal(slice_of(composed_names[i]), name)) {
			read_trained(line, line->ruleset->composed[i]);
			return;
		}
	}
	fail(line, "there is no such fact");
}

static void read_setting(struct line *line)
{
	struct weights *weights = &line->ruleset->weights;
	const struct {
		const char *name;
		int32_t *numbers;
		int count;
	} settings[] = {
		{ "@scale", weights->scale, OUTPUT_TRAINED },
		{ "@bias", weights->bias, OUTPUT_TRAINED },
		{ "@code_scale", &weights->code_scale, 1 },
		{ "@page_from", &weights->page_from, 1 },
		{ "@watch_from", &weights->watch_from, 1 },
		{ "@prior_percent", &weights->prior_percent, 1 },
		{ "@review_scale", weights->scale + OUTPUT_REVIEW, OUTPUT_COUNT - OUTPUT_REVIEW },
		{ "@review_bias", weights->bias + OUTPUT_REVIEW, OUTPUT_COUNT - OUTPUT_REVIEW },
		{ "@review_from", &weights->review_from, 1 },
		{ "@review_percent", &weights->review_percent, 1 },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (slice_equal(line->name, slice_of(settings[i].name))) {
			if (take_numbers(line, settings[i].numbers, settings[i].count, NUMBER_MAX))
				at_end(line);
			return;
		}
	}
	fail(line, "there is no such setting");
}

static void read_line(struct line *line, bool reviews)
{
	if (line->name.data[0] == '@')
		read_setting(line);
	else if (line->name.data[0] == '=')
		read_composed(line);
	else if (memchr(line->name.data, '#', line->name.size))
		read_rule(line);
	else if (reviews)
		read_gram(line, OUTPUT_REVIEW, OUTPUT_COUNT - OUTPUT_REVIEW, GRAM_IN_REVIEWS);
	else
		read_gram(line, 0, OUTPUT_TRAINED, GRAM_IN_REPORTS);
}

void load_weights(struct ruleset *ruleset, const char *path, struct slice text, struct problems *problems)
{
	size_t size = strlen(path);
	bool reviews = size > 11 && strcmp(path + size - 11, "reviews.tsv") == 0;
	struct line line = { .ruleset = ruleset, .path = path, .problems = problems };
	const char *at = text.data, *end = text.data + text.size;

	for (; at < end; at = line.end + 1) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		line.number++;
		line.end = stop ? stop : end;
		if (line.end == at || *at == '#')
			continue;
		const char *tab = memchr(at, '\t', (size_t)(line.end - at));
		line.name = (struct slice){ at, (size_t)((tab ? tab : line.end) - at) };
		line.at = tab ? tab + 1 : line.end;
		if (line.name.size == 0)
			fail(&line, "a name must stand before the tab");
		else
			read_line(&line, reviews);
	}
}

/* What a rule adds: its own weight in part, and what training found. */
static void close_rule(struct rule *rule, int32_t prior_percent)
{
	for (int i = 0; i < OUTPUT_TRAINED; i++)
		rule->adds[i] = rule->trained[i];
	if (!rule->hazard)
		return;
	for (int i = cells_from(rule->hazard->category); i < cells_to(rule->hazard->category); i++)
		rule->adds[i] += rule->weight * prior_percent / 100;
}

void close_weights(struct ruleset *ruleset)
{
	struct weights *weights = &ruleset->weights;

	for (int i = 0; i < OUTPUT_COUNT; i++)
		weights->unit[i] = weights->scale[i] / 1000.0;
	for (size_t i = 0; i < ruleset->rule_count; i++)
		close_rule(&ruleset->rules[i], weights->prior_percent);
}
