/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"
#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"

enum { FIELDS_MAX = 6, FRAMES_MAX = 32, FRAMINGS = 800, FRAMED = 8 };
#define FRAMED_WEIGHT 0.3

static const char *const letters = "EFDO"; /* twins: by enum category */
static const char *const level_letters = "nlmhc";

static void die(const char *path, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", path, line, what);
	exit(65);
}

static struct text *add(struct corpus *corpus, enum source source, const char *text, double weight)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	if (corpus->count == corpus->room) {
		corpus->room = corpus->room ? 2 * corpus->room : 1024;
		corpus->texts = alloc_resize(corpus->texts, corpus->room * sizeof(*corpus->texts));
	}
	SHA256((const unsigned char *)text, strlen(text), digest);
	corpus->texts[corpus->count] = (struct text){
		.text = alloc_text(text),
		.source = source,
		.weight = weight,
		.fold = digest[1] % 10,
		.locked = source == SOURCE_TEXTS && digest[0] % 8 == 0,
		.gold = { .category = CATEGORY_OTHER },
	};
	return &corpus->texts[corpus->count++];
}

struct lines {
	FILE *file;
	const char *path;
	int number;
	char *line;
	size_t room;
};

static struct lines lines_open(const char *path)
{
	struct lines lines = { .file = fopen(path, "re"), .path = path };

	if (!lines.file) {
		fprintf(stderr, "%s: %s; run this in the root of the repository\n", path, strerror(errno));
		exit(66);
	}
	return lines;
}

/* The next line that says something, or NULL, which closes the file. */
static char *lines_next(struct lines *lines)
{
	while (getline(&lines->line, &lines->room, lines->file) > 0) {
		lines->number++;
		lines->line[strcspn(lines->line, "\r\n")] = '\0';
		if (lines->line[0] && lines->line[0] != '#')
			return lines->line;
	}
	free(lines->line);
	fclose(lines->file);
	return NULL;
}

static void split(struct lines *lines, char *fields[], int count)
{
	char *rest = lines->line;

	for (int i = 0; i < count; i++) {
		fields[i] = i + 1 < count ? strsep(&rest, "\t") : rest;
		if (!fields[i])
			die(lines->path, lines->number, "too few columns");
	}
}

static uint8_t read_also(const struct lines *lines, char *list)
{
	uint8_t also = 0;

	for (char *word; strcmp(list, "-") != 0 && (word = strsep(&list, ",")) != NULL;) {
		enum category category;
		if (!label_read_category(slice_of(word), &category))
			die(lines->path, lines->number, "unknown further category");
		also |= (uint8_t)(1u << category);
		if (!list)
			break;
	}
	return also;
}

static void read_texts(struct corpus *corpus)
{
	glob_t found;

	if (glob("pipelines/rules/texts/*.tsv", 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct lines lines = lines_open(found.gl_pathv[i]);
		char *fields[FIELDS_MAX];
		while (lines_next(&lines)) {
			split(&lines, fields, 6);
			struct text *text = add(corpus, SOURCE_TEXTS, fields[5], 1);
			text->kind = alloc_text(fields[4]);
			text->gold.also = read_also(&lines, fields[1]);
			text->gold.hazard_code = slice_of(alloc_text(fields[3]));
			if (!label_read_category(slice_of(fields[0]), &text->gold.category) ||
			    !label_read_severity(slice_of(fields[2]), &text->gold.severity))
				die(lines.path, lines.number, "unknown category or severity; run scripts/check-texts");
		}
	}
	globfree(&found);
}

static void read_json(struct corpus *corpus, const char *path, enum source source)
{
	struct lines lines = lines_open(path);

	while (lines_next(&lines)) {
		json_t *row = json_loads(lines.line, 0, NULL), *item;
		size_t i;
		if (!row)
			die(path, lines.number, "no JSON");
		struct text *text = add(corpus, source, json_string_value(json_object_get(row, "text")), 1);
		label_read_category(slice_of(json_string_value(json_object_get(row, "category"))),
				    &text->gold.category);
		label_read_severity(slice_of(json_string_value(json_object_get(row, "severity"))),
				    &text->gold.severity);
		json_array_foreach(json_object_get(row, "also"), i, item)
		{
			enum category category;
			if (label_read_category(slice_of(json_string_value(item)), &category))
				text->gold.also |= (uint8_t)(1u << category);
		}
		json_decref(row);
	}
}

static void read_twins(struct corpus *corpus)
{
	struct lines lines = lines_open("tests/cases/twins.txt");

	while (lines_next(&lines)) {
		char *label = lines.line, *bar = strchr(label, '|');
		if (!bar || bar - label < 2)
			die(lines.path, lines.number, "no label");
		struct text *text = add(corpus, SOURCE_TWINS, bar + 1, 1);
		text->gold.category = (enum category)(strchr(letters, label[0]) - letters);
		text->gold.severity = (enum severity)(strchr(level_letters, bar[-1]) - level_letters);
		for (char *at = label + 1; at + 1 < bar; at++) {
			if (*at == '+')
				text->gold.also |= (uint8_t)(1u << (strchr(letters, at[1]) - letters));
		}
	}
}

static enum category category_of_code(const char *code)
{
	return code[0] == 'e'   ? CATEGORY_EMERGENCY
	       : code[0] == 'o' ? CATEGORY_OTHER
	       : code[1] == 'i' ? CATEGORY_FIRE
				: CATEGORY_FOOD;
}

static enum severity severity_of(const char *word)
{
	for (int i = SEVERITY_NONE; i < SEVERITY_COUNT; i++) {
		if (strcmp(word, severity_name((enum severity)i)) == 0)
			return (enum severity)i;
	}
	return SEVERITY_NONE;
}

static uint8_t also_of(const char *list)
{
	uint8_t also = 0;

	for (int i = 0; i < CATEGORY_OTHER; i++)
		also |= (uint8_t)(strstr(list, category_name((enum category)i)) ? 1u << i : 0);
	return also;
}

/* What stands around a phrase, of frames.tsv. */
enum frame_kind { FRAME_BEFORE, FRAME_ROAD, FRAME_SHOP, FRAME_AFTER, FRAME_KINDS };

struct frames {
	char *texts[FRAME_KINDS][FRAMES_MAX];
	size_t counts[FRAME_KINDS];
};

static void read_frames(struct frames *frames)
{
	static const char *const names[FRAME_KINDS] = { "before", "road", "shop", "after" };
	struct lines lines = lines_open("scripts/generator/frames.tsv");
	char *fields[FIELDS_MAX];

	while (lines_next(&lines)) {
		int kind = 0;
		split(&lines, fields, 2);
		while (kind < FRAME_KINDS && strcmp(fields[0], names[kind]) != 0)
			kind++;
		if (kind == FRAME_KINDS || frames->counts[kind] == FRAMES_MAX)
			die(lines.path, lines.number, "unknown kind, or too many of it");
		frames->texts[kind][frames->counts[kind]++] = alloc_text(fields[1]);
	}
}

static void free_frames(struct frames *frames)
{
	for (int kind = 0; kind < FRAME_KINDS; kind++) {
		for (size_t i = 0; i < frames->counts[kind]; i++)
			free(frames->texts[kind][i]);
	}
}

/* Numerical Recipes' generator: the same frames each time, on each machine. */
static uint32_t draw(uint32_t *state, size_t below)
{
	*state = *state * 1664525u + 1013904223u;
	return (uint32_t)((*state >> 8) % below);
}

static const char *frame(const struct frames *frames, enum frame_kind kind, uint32_t *state)
{
	return frames->texts[kind][draw(state, frames->counts[kind])];
}

/* A place as the generator writes one: road and number, building, shop, or none. */
static void place(const struct frames *frames, uint32_t *state, char *text, size_t size)
{
	uint32_t style = draw(state, 10);
	const char *road = frame(frames, FRAME_ROAD, state), *shop = frame(frames, FRAME_SHOP, state);
	int number = 1 + (int)draw(state, 99), building = 1 + (int)draw(state, 40), stair = 1 + (int)draw(state, 4);

	if (style < 2)
		snprintf(text, size, "%s%d号%d栋%d单元，", road, number, building, stair);
	else if (style < 5)
		snprintf(text, size, "%s%d号%s，", road, number, style == 3 ? shop : "");
	else
		snprintf(text, size, "%s%s", style < 7 ? shop : "", style < 7 ? "，" : "");
}

static void contact(uint32_t *state, char *text, size_t size)
{
	uint32_t style = draw(state, 10);

	if (style == 0)
		snprintf(text, size, "，联系电话13%09u", (unsigned)draw(state, 1000000000));
	else if (style == 1)
		snprintf(text, size, "，身份证号11010519%u0307%03uX", 60 + (unsigned)draw(state, 40),
			 (unsigned)draw(state, 1000));
	else
		text[0] = '\0';
}

static void frame_up(const struct frames *frames, const char *phrase, uint32_t number, char *text, size_t size)
{
	uint32_t state = number * 2654435761u;
	char where[256], who[64];

	place(frames, &state, where, sizeof(where));
	contact(&state, who, sizeof(who));
	const char *before = frame(frames, FRAME_BEFORE, &state);
	snprintf(text, size, "%s%s%s%s%s", before, where, phrase, frame(frames, FRAME_AFTER, &state), who);
}

/* Bare, then in frames as the generator puts them around it, which change nothing. Few of the latter have a weight:
 * training gives some to those that need it. */
static void read_generator(struct corpus *corpus)
{
	struct lines lines = lines_open("scripts/generator/phrases.tsv");
	struct frames frames = { .counts = { 0 } };
	char *fields[FIELDS_MAX], framed[2048];

	read_frames(&frames);
	while (lines_next(&lines)) {
		split(&lines, fields, 4);
		bool quiet = strcmp(fields[0], "other.none") == 0; /* the generator frames none of these */
		for (uint32_t i = 0; i <= (quiet ? FRAMED : FRAMINGS); i++) {
			if (i == 0)
				snprintf(framed, sizeof(framed), "%s", fields[3]);
			else
				frame_up(&frames, fields[3], (uint32_t)lines.number * FRAMINGS + i, framed,
					 sizeof(framed));
			double weight = i == 0 ? 1 : i <= FRAMED ? FRAMED_WEIGHT : 0;
			struct text *text = add(corpus, SOURCE_GENERATOR, framed, weight);
			text->framed = i > 0;
			text->gold.category = category_of_code(fields[0]);
			text->gold.severity = severity_of(fields[1]);
			text->gold.also = also_of(fields[2]);
			text->gold.hazard_code = slice_of(alloc_text(fields[0]));
		}
	}
	free_frames(&frames);
}

/* Expectation tables of the tests: "category also severity hazard text" and "category severity text". Empty or * is not
 * labelled; such rows say nothing of severity and are left out. */
static void read_cases(struct corpus *corpus, const char *path, int columns)
{
	struct lines lines = lines_open(path);
	char *fields[FIELDS_MAX];

	while (lines_next(&lines)) {
		split(&lines, fields, columns);
		const char *severity = fields[columns == 5 ? 2 : 1];
		if (severity[0] == '*' || !severity[0] || !fields[columns - 1][0])
			continue;
		struct text *text = add(corpus, SOURCE_CASES, fields[columns - 1], 1);
		text->gold.category = category_of_code(fields[0]);
		text->gold.severity = severity_of(severity);
		text->gold.also = columns == 5 ? also_of(fields[1]) : 0;
	}
}

static void read_reviews(struct corpus *corpus, const char *path)
{
	struct lines lines = lines_open(path);
	char *fields[FIELDS_MAX];

	while (lines_next(&lines)) {
		split(&lines, fields, 2);
		struct text *text = add(corpus, SOURCE_REVIEWS, fields[1], 1);
		text->gold.category = fields[0][0] == '1' ? CATEGORY_FOOD : CATEGORY_OTHER;
	}
}

void corpus_read(struct corpus *corpus, const char *reviews)
{
	*corpus = (struct corpus){ 0 };
	read_texts(corpus);
	read_json(corpus, "tests/cases/reports-dev.jsonl", SOURCE_DEV);
	read_json(corpus, "tests/cases/reports-more.jsonl", SOURCE_MORE);
	read_twins(corpus);
	read_generator(corpus);
	read_cases(corpus, "tests/cases/classify.tsv", 5);
	read_cases(corpus, "tests/cases/scope.tsv", 3);
	if (reviews)
		read_reviews(corpus, reviews);
}

void corpus_free(struct corpus *corpus)
{
	for (size_t i = 0; i < corpus->count; i++) {
		free(corpus->texts[i].text);
		free(corpus->texts[i].kind);
		free((char *)corpus->texts[i].gold.hazard_code.data);
	}
	free(corpus->texts);
	*corpus = (struct corpus){ 0 };
}
