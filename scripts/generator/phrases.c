/* SPDX-License-Identifier: Apache-2.0 */
#include "phrases.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path is relative to the root of the repository, where make runs. */
#define EMBED(symbol, path)                                                                                            \
	__asm__(".section .rodata\n" #symbol ":\n.incbin \"" path "\"\n.byte 0\n.previous\n");                         \
	extern const char symbol[]

EMBED(phrases_tsv, "scripts/generator/phrases.tsv");
EMBED(frames_tsv, "scripts/generator/frames.tsv");

const char *const category_names[CATEGORY_COUNT] = { "emergency", "fire", "food", "other" };
const char *const severity_names[SEVERITY_COUNT] = { "None", "Minor", "Moderate", "Severe", "Extreme" };
static const char *const frame_names[FRAME_COUNT] = { "before", "after", "road", "shop" };

static const struct {
	int32_t points, score;
} stakes[SEVERITY_COUNT] = {
	[SEVERITY_MINOR] = { 100, 5 },
	[SEVERITY_MODERATE] = { 300, 10 },
	[SEVERITY_SEVERE] = { 600, 25 },
	[SEVERITY_EXTREME] = { 1000, 50 },
};

/* Hazard codes whose points do not follow from the severity. */
static const struct {
	const char *hazard_code;
	int32_t points;
} special_points[] = {
	{ "fire.clutter", 200 },      { "food.no_licence", 200 },       { "food.foreign", 200 },
	{ "fire.exit_blocked", 800 }, { "food.licence_mismatch", 800 },
};

static const struct {
	const char *prefix;
	enum category category;
} code_prefixes[] = {
	{ "emer.", CATEGORY_EMERGENCY },
	{ "fire.", CATEGORY_FIRE },
	{ "food.", CATEGORY_FOOD },
	{ "other.", CATEGORY_OTHER },
};

_Noreturn static void fail(const char *file, const char *what, struct piece word)
{
	fprintf(stderr, "generate: %s: unknown %s \"%.*s\"\n", file, what, (int)word.size, word.data);
	exit(2);
}

/* Cuts the next field off a line; fields end at a tab or at the end of the line. */
static struct piece next_field(struct piece *line)
{
	const char *tab = memchr(line->data, '\t', line->size);
	struct piece field = { line->data, tab ? (size_t)(tab - line->data) : line->size };

	line->data += field.size + (tab ? 1 : 0);
	line->size -= field.size + (tab ? 1 : 0);
	return field;
}

/* Cuts the next line off the text; returns 0 at its end. Comment lines are passed over. */
static int next_line(const char **text, struct piece *line)
{
	for (;;) {
		if (!**text)
			return 0;
		line->data = *text;
		line->size = strcspn(*text, "\n");
		*text += line->size + ((*text)[line->size] ? 1 : 0);
		if (line->size && line->data[0] != '#')
			return 1;
	}
}

static int find_name(const char *const *names, int count, struct piece word)
{
	for (int i = 0; i < count; i++)
		if (strlen(names[i]) == word.size && !memcmp(names[i], word.data, word.size))
			return i;
	return -1;
}

static enum category category_of(struct piece code)
{
	for (size_t i = 0; i < sizeof(code_prefixes) / sizeof(code_prefixes[0]); i++) {
		size_t size = strlen(code_prefixes[i].prefix);

		if (code.size > size && !memcmp(code.data, code_prefixes[i].prefix, size))
			return code_prefixes[i].category;
	}
	fail("phrases.tsv", "hazard code", code);
}

static uint8_t parse_also(struct piece words)
{
	uint8_t also = 0;

	if (words.size == 1 && words.data[0] == '-')
		return 0;
	while (words.size) {
		size_t size = 0;
		int category;

		while (size < words.size && words.data[size] != ',')
			size++;
		category = find_name(category_names, CATEGORY_OTHER, (struct piece){ words.data, size });
		if (category < 0)
			fail("phrases.tsv", "category", words);
		also |= (uint8_t)(1u << category);
		words.data += size + (size < words.size);
		words.size -= size + (size < words.size);
	}
	return also;
}

static void set_points(struct phrase *phrase)
{
	phrase->points = stakes[phrase->severity].points;
	phrase->score = stakes[phrase->severity].score;
	for (size_t i = 0; i < sizeof(special_points) / sizeof(special_points[0]); i++)
		if (!strcmp(phrase->hazard_code, special_points[i].hazard_code))
			phrase->points = special_points[i].points;
}

static void parse_phrase(struct phrase *phrase, struct piece line)
{
	struct piece code = next_field(&line), severity = next_field(&line), also = next_field(&line);
	int severity_index = find_name(severity_names, SEVERITY_COUNT, severity);

	if (severity_index < 0)
		fail("phrases.tsv", "severity", severity);
	if (code.size >= sizeof(phrase->hazard_code) || !line.size)
		fail("phrases.tsv", "row", code);
	memcpy(phrase->hazard_code, code.data, code.size);
	phrase->category = category_of(code);
	phrase->severity = (enum severity)severity_index;
	phrase->also = parse_also(also);
	phrase->text = line;
	set_points(phrase);
}

static void load_frames(struct phrases *phrases)
{
	const char *text = frames_tsv;
	struct piece line;

	while (next_line(&text, &line)) {
		struct piece name = next_field(&line);
		int kind = find_name(frame_names, FRAME_COUNT, name);

		if (kind < 0 || phrases->frame_counts[kind] == FRAMES_MAX)
			fail("frames.tsv", "kind", name);
		phrases->frames[kind][phrases->frame_counts[kind]++] = line;
	}
}

void phrases_load(struct phrases *phrases)
{
	const char *text = phrases_tsv;
	struct piece line;

	memset(phrases, 0, sizeof(*phrases));
	while (next_line(&text, &line)) {
		if (phrases->count == PHRASES_MAX)
			fail("phrases.tsv", "row beyond the last one there is room for", line);
		parse_phrase(&phrases->phrases[phrases->count++], line);
	}
	load_frames(phrases);
}
