/* SPDX-License-Identifier: Apache-2.0 */
/* What riders say, and the label that each sentence must get: phrases.tsv and frames.tsv, embedded at build. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum category { CATEGORY_EMERGENCY, CATEGORY_FIRE, CATEGORY_FOOD, CATEGORY_OTHER, CATEGORY_COUNT };
enum severity { SEVERITY_NONE, SEVERITY_MINOR, SEVERITY_MODERATE, SEVERITY_SEVERE, SEVERITY_EXTREME, SEVERITY_COUNT };
enum frame_kind { FRAME_BEFORE, FRAME_AFTER, FRAME_ROAD, FRAME_SHOP, FRAME_COUNT };

extern const char *const category_names[CATEGORY_COUNT]; /* as in topics and counters */
extern const char *const severity_names[SEVERITY_COUNT]; /* CAP 1.2 */

struct piece {
	const char *data; /* not NUL-terminated */
	size_t size;
};

struct phrase {
	struct piece text;
	char hazard_code[32];
	enum category category;
	enum severity severity;
	uint8_t also;   /* bit set of categories */
	int32_t points; /* at stake */
	int32_t score;  /* when upheld */
};

#define PHRASES_MAX 1024
#define FRAMES_MAX 64

struct phrases {
	struct phrase phrases[PHRASES_MAX];
	uint32_t count;
	struct piece frames[FRAME_COUNT][FRAMES_MAX];
	uint32_t frame_counts[FRAME_COUNT];
};

/* Fills the tables. A row that cannot be read ends the program with a message that names it. */
void phrases_load(struct phrases *phrases);
