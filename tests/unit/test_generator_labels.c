/* SPDX-License-Identifier: Apache-2.0 */
/* The generator's sentences carry the label that they must get: demo and tests on real Kafka count on each of them. */
#include "ruleset.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PHRASES "scripts/generator/phrases.tsv"
#define FRAMES "scripts/generator/frames.tsv"
#define ROWS_MAX 1024
#define FIELDS_MAX 4
#define PLACES_MAX 512
/* Every so manieth of all places. A sanitizer looks at memory, and sees as much in some of them. */
#ifdef __SANITIZE_ADDRESS__
#define PLACES_STEP 17
#else
#define PLACES_STEP 1
#endif

static const enum service_code codes[] = { SERVICE_FIRE, SERVICE_FOOD, SERVICE_EMERGENCY, SERVICE_OTHER };

struct row {
	char *fields[FIELDS_MAX];
};

struct world {
	struct ruleset *ruleset;
	struct row phrases[ROWS_MAX], frames[ROWS_MAX];
	size_t phrase_count, frame_count;
};

/* Reads a file of tab separated rows; the last field keeps the rest of the line. */
static size_t read_rows(const char *path, struct row *rows, size_t fields)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0, count = 0;

	assert_non_null(file);
	while (getline(&line, &room, file) > 0) {
		char *rest = line;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || !line[0])
			continue;
		assert_true(count < ROWS_MAX);
		for (size_t i = 0; i < fields; i++)
			rows[count].fields[i] = strdup(i + 1 < fields ? strsep(&rest, "\t") : rest);
		count++;
	}
	free(line);
	fclose(file);
	return count;
}

static void free_rows(struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t f = 0; f < FIELDS_MAX; f++)
			free(rows[i].fields[f]);
}

static int set_up(void **state)
{
	struct problems problems = { 0 };
	struct world *world = calloc(1, sizeof(*world));

	world->ruleset = ruleset_load("pipelines/rules", &problems);
	for (size_t i = 0; i < problems.count; i++)
		print_error("%s\n", problems.texts[i]);
	problems_fini(&problems);
	assert_non_null(world->ruleset);
	world->phrase_count = read_rows(PHRASES, world->phrases, 4);
	world->frame_count = read_rows(FRAMES, world->frames, 2);
	assert_true(world->phrase_count > 100 && world->frame_count > 20);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	ruleset_unref(&world->ruleset);
	free_rows(world->phrases, world->phrase_count);
	free_rows(world->frames, world->frame_count);
	free(world);
	return 0;
}

static void write_also(uint8_t also, char *text)
{
	text[0] = '\0';
	for (enum category c = 0; c < CATEGORY_OTHER; c++)
		if (also & 1u << c)
			sprintf(text + strlen(text), "%s%s", *text ? "," : "", category_name(c));
	if (!*text)
		strcpy(text, "-");
}

/* What the rider picks in the generator: the category of the label, "other", or nothing. */
static enum service_code right_pick(const char *code)
{
	const char *const prefixes[] = { "fire.", "food.", "emer.", "other." };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(code, prefixes[i], strlen(prefixes[i])))
			return codes[i];
	fail_msg("unknown hazard code %s", code);
	return SERVICE_NONE;
}

/* Returns whether the verdict on text is the row's label; says so when it is not. */
static bool check(const struct world *world, const struct row *row, const char *text, enum service_code pick)
{
	struct report report = { .description = slice_of(text), .service_code = pick };
	struct verdict verdict;
	char also[64];

	ruleset_classify(world->ruleset, &report, &verdict);
	write_also(verdict.also, also);
	if (!strncmp(row->fields[0], "other.", 6) && verdict.category == CATEGORY_OTHER)
		return true;
	if (slice_equal(verdict.hazard->code, slice_of(row->fields[0])) &&
	    !strcmp(severity_name(verdict.severity), row->fields[1]) && !strcmp(also, row->fields[2]))
		return true;
	print_error("%s: is %.*s %s %s, must be %s %s %s\n", text, (int)verdict.hazard->code.size,
		    verdict.hazard->code.data, severity_name(verdict.severity), also, row->fields[0], row->fields[1],
		    row->fields[2]);
	return false;
}

static void test_every_sentence_gets_its_label(void **state)
{
	const struct world *world = *state;
	size_t wrong = 0;

	for (size_t i = 0; i < world->phrase_count; i++)
		wrong += !check(world, &world->phrases[i], world->phrases[i].fields[3], SERVICE_NONE);
	assert_int_equal(wrong, 0);
}

static void test_the_riders_pick_does_not_change_the_label(void **state)
{
	const struct world *world = *state;
	size_t wrong = 0;

	for (size_t i = 0; i < world->phrase_count; i++) {
		const struct row *row = &world->phrases[i];

		wrong += !check(world, row, row->fields[3], right_pick(row->fields[0]));
		wrong += !check(world, row, row->fields[3], SERVICE_OTHER);
	}
	assert_int_equal(wrong, 0);
}

static void test_what_stands_around_does_not_change_the_label(void **state)
{
	const struct world *world = *state;
	size_t wrong = 0;
	char text[1024];

	for (size_t i = 0; i < world->phrase_count; i++)
		for (size_t f = 0; f < world->frame_count; f++) {
			const char *words = world->phrases[i].fields[3], *frame = world->frames[f].fields[1];
			bool chat = !strcmp(world->phrases[i].fields[0], "other.none");
			bool after = !strcmp(world->frames[f].fields[0], "after");
			bool road = !strcmp(world->frames[f].fields[0], "road");
			bool shop = !strcmp(world->frames[f].fields[0], "shop");

			if (chat)
				continue; /* stands alone */
			if (after)
				snprintf(text, sizeof(text), "%s%s", words, frame);
			else
				snprintf(text, sizeof(text), "%s%s%s", frame,
					 road   ? "12号，"
					 : shop ? "，"
						: "",
					 words);
			wrong += !check(world, &world->phrases[i], text, SERVICE_NONE);
		}
	assert_int_equal(wrong, 0);
}

/* A word of frames.tsv of this kind, counted from 0 on; NULL after the last one. */
static const char *frame(const struct world *world, const char *kind, size_t number)
{
	for (size_t f = 0; f < world->frame_count; f++)
		if (!strcmp(world->frames[f].fields[0], kind) && number-- == 0)
			return world->frames[f].fields[1];
	return NULL;
}

struct places {
	char texts[PLACES_MAX][128];
	size_t count;
};

static void add_place(struct places *places, const char *road, const char *shop)
{
	assert_true(places->count < PLACES_MAX);
	snprintf(places->texts[places->count++], sizeof(places->texts[0]), "%s%s%s%s", road ? road : "",
		 road ? "12号" : "", shop ? shop : "", road || shop ? "，" : "");
}

/* Every road and none, each with every shop and none. */
static void make_places(const struct world *world, struct places *places)
{
	const char *road, *shop;

	add_place(places, NULL, NULL);
	for (size_t s = 0; (shop = frame(world, "shop", s)) != NULL; s++)
		add_place(places, NULL, shop);
	for (size_t r = 0; (road = frame(world, "road", r)) != NULL; r++) {
		add_place(places, road, NULL);
		for (size_t s = 0; (shop = frame(world, "shop", s)) != NULL; s++)
			add_place(places, road, shop);
	}
}

/* The sentence at one place, with all that can stand before and after that. */
static size_t check_at(const struct world *world, const struct row *row, const char *place)
{
	static const char *const contacts[] = { "", "，联系电话13812345678" };
	const char *before, *after;
	size_t wrong = 0;
	char text[1024];

	for (size_t b = 0; (before = frame(world, "before", b)) != NULL; b++)
		for (size_t a = 0; (after = frame(world, "after", a)) != NULL; a++)
			for (size_t c = 0; c < sizeof(contacts) / sizeof(contacts[0]); c++) {
				snprintf(text, sizeof(text), "%s%s%s%s%s", before, place, row->fields[3], after,
					 contacts[c]);
				wrong += !check(world, row, text, SERVICE_NONE);
			}
	return wrong;
}

/* Words that are harmless one by one can outweigh a sentence together. */
static void test_all_that_stands_around_together_does_not_change_the_label(void **state)
{
	const struct world *world = *state;
	struct places places = { .count = 0 };
	size_t wrong = 0;

	make_places(world, &places);
	assert_true(places.count > 100);
	for (size_t i = 0; i < world->phrase_count; i++)
		for (size_t p = 0; strcmp(world->phrases[i].fields[0], "other.none") != 0 && p < places.count;
		     p += PLACES_STEP)
			wrong += check_at(world, &world->phrases[i], places.texts[p]);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_sentence_gets_its_label),
		cmocka_unit_test(test_the_riders_pick_does_not_change_the_label),
		cmocka_unit_test(test_what_stands_around_does_not_change_the_label),
		cmocka_unit_test(test_all_that_stands_around_together_does_not_change_the_label),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
