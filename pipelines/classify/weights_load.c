/* SPDX-License-Identifier: Apache-2.0 */
/* weights.tsv and reviews.tsv: one line per gram, rule or fact; a table of thousands of rows, hence no JSON. The form
 * of a line stands at the head of those files. */
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"
#include "classify/letters.h"
#include "classify/load.h"

enum { ROWS_MAX = UINT16_MAX, NUMBER_MAX = 1000000 };

/* Grams as they are read, found by their keys. */
struct weights_draft {
	struct weights_row *rows;
	struct codes_row *codes;
	uint32_t *keys;
	uint32_t *slots; /* row + 1, 0: free; twice as many as rows at least */
	uint32_t room, slot_shift;
};

struct line {
	struct ruleset *ruleset;
	struct weights_draft *draft;
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
	fail(line, "more than outputs");
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

/* For a table of so many places at least, see gram_place(). */
static uint32_t shift_for(uint32_t places)
{
	uint32_t shift = 28;

	while (1u << (32 - shift) < places)
		shift--;
	return shift;
}

struct weights_draft *open_weights(struct ruleset *ruleset, size_t lines)
{
	struct weights_draft *draft = alloc_zeroed(1, sizeof(*draft));

	draft->room = lines < ROWS_MAX ? (uint32_t)lines : ROWS_MAX;
	draft->slot_shift = shift_for(2 * draft->room);
	draft->rows = alloc_zeroed(draft->room, sizeof(*draft->rows));
	draft->keys = alloc_zeroed(draft->room, sizeof(*draft->keys));
	draft->slots = alloc_zeroed((size_t)1 << (32 - draft->slot_shift), sizeof(*draft->slots));
	draft->codes = alloc_zeroed(draft->room + 1, sizeof(*draft->codes));
	ruleset->weights.codes_count = 1;
	return draft;
}

static uint32_t *slot_of(const struct weights_draft *draft, uint32_t key)
{
	uint32_t at = gram_place(key, draft->slot_shift), last = (1u << (32 - draft->slot_shift)) - 1;

	while (draft->slots[at] != 0 && draft->keys[draft->slots[at] - 1] != key)
		at = (at + 1) & last;
	return &draft->slots[at];
}

/* The row of a gram, made when new; NULL when that cannot be. */
static struct weights_row *row_of(struct line *line)
{
	struct weights_draft *draft = line->draft;
	struct weights *weights = &line->ruleset->weights;
	uint32_t key = key_of(line->ruleset, line->name);

	if (key == 0) {
		fail(line, "a gram is one or two characters, or one Latin word");
		return NULL;
	}
	uint32_t *slot = slot_of(draft, key);
	if (*slot == 0) {
		if (weights->row_count == draft->room) {
			fail(line, "too many rows");
			return NULL;
		}
		draft->keys[weights->row_count] = key;
		*slot = ++weights->row_count;
	}
	return &draft->rows[*slot - 1];
}

static bool take_letters(struct line *line, int8_t *weights, int count)
{
	for (int i = 0; i < count; i++) {
		if (line->at == line->end || !weight_of_letter(*line->at++, &weights[i])) {
			fail(line, "a letter is missing, or is none");
			return false;
		}
	}
	return true;
}

/* A digit for the hazard, and its letter. */
static bool take_code(struct line *line, struct codes_row *codes)
{
	const char *digit = strchr(LETTER_DIGITS, *line->at++);
	size_t hazard = digit ? (size_t)(digit - LETTER_DIGITS) : HAZARDS_MAX;

	return hazard < line->ruleset->hazard_count && line->at < line->end &&
	       weight_of_letter(*line->at++, &codes->adds[hazard]);
}

static void take_codes(struct line *line, struct weights_row *row)
{
	struct weights *weights = &line->ruleset->weights;

	if (line->at == line->end)
		return;
	if (row->codes == 0)
		row->codes = (uint16_t)weights->codes_count++;
	bool good = *line->at++ == ' ';
	while (good && line->at < line->end)
		good = take_code(line, &line->draft->codes[row->codes]);
	if (!good)
		fail(line, "hazard codes are behind a space, a digit and a letter each");
}

static void read_gram(struct line *line, int first, int count, int mark)
{
	struct weights_row *row = row_of(line);

	if (!row || !take_letters(line, row->adds + first, count))
		return;
	if (row->adds[mark])
		fail(line, "stands here in another spelling too");
	row->adds[mark] = 1;
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

void load_weights(struct ruleset *ruleset, struct weights_draft *draft, const char *path, struct slice text,
		  struct problems *problems)
{
	size_t size = strlen(path);
	bool reviews = size > 11 && strcmp(path + size - 11, "reviews.tsv") == 0;
	struct line line = { .ruleset = ruleset, .draft = draft, .path = path, .problems = problems };
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

/* By bucket, and in one as they were read: counts first, then where each bucket starts, then rows to their places. */
static void sort_rows(struct ruleset *ruleset, const struct weights_draft *draft)
{
	struct weights *weights = &ruleset->weights;
	uint32_t count = weights->row_count;

	weights->shift = shift_for(count);
	uint32_t buckets = 1u << (32 - weights->shift);
	weights->starts = zalloc_aligned(ruleset, buckets + 2, sizeof(*weights->starts), 64);
	weights->keys = zalloc_aligned(ruleset, count + BUCKET, sizeof(*weights->keys), 64);
	weights->rows = zalloc_aligned(ruleset, count + BUCKET, sizeof(*weights->rows), 64);
	for (uint32_t i = 0; i < count; i++)
		weights->starts[weights_bucket(weights, draft->keys[i]) + 2]++;
	for (uint32_t i = 0; i < buckets; i++)
		weights->starts[i + 2] = (uint16_t)(weights->starts[i + 2] + weights->starts[i + 1]);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t place = weights->starts[weights_bucket(weights, draft->keys[i]) + 1]++;
		weights->keys[place] = draft->keys[i];
		weights->rows[place] = draft->rows[i];
	}
}

void close_weights(struct ruleset *ruleset, struct weights_draft *draft)
{
	struct weights *weights = &ruleset->weights;

	sort_rows(ruleset, draft);
	weights->codes = zalloc_aligned(ruleset, weights->codes_count, sizeof(*weights->codes), 64);
	memcpy(weights->codes, draft->codes, weights->codes_count * sizeof(*weights->codes));
	free(draft->codes);
	free(draft->rows);
	free(draft->keys);
	free(draft->slots);
	free(draft);
	for (int i = 0; i < OUTPUT_COUNT; i++)
		weights->unit[i] = weights->scale[i] / 1000.0;
	for (size_t i = 0; i < ruleset->rule_count; i++)
		close_rule(&ruleset->rules[i], weights->prior_percent);
}
