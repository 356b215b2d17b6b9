/* SPDX-License-Identifier: Apache-2.0 */
#include "kin.h"
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "grams.h"

enum { ALIKE_PERCENT = 50 };
#define COMMON_SHARE 0.02 /* of all texts: a gram in more of them says nothing of kinship */

/* The texts that hold a gram. */
struct holders {
	uint32_t *texts;
	size_t count, room;
};

struct family {
	struct names_table grams;
	struct holders *holders; /* by gram */
	size_t holders_room;
	uint32_t *sizes;   /* by text: different pairs and Latin words */
	uint32_t *parents; /* by text: a tree per group */
	uint32_t text;
};

static bool is_pair(const char *name)
{
	size_t first = (unsigned char)name[0] < 0x80 ? 0 : (unsigned char)name[0] < 0xE0 ? 2 : 3;

	return !gram_at_edge(name) && (first == 0 || name[first] != '\0');
}

static void hold(void *context, const char *name)
{
	struct family *family = context;

	if (!is_pair(name))
		return;
	uint32_t gram = names_table_add(&family->grams, name);
	if (gram >= family->holders_room) {
		size_t room = family->holders_room ? 2 * family->holders_room : 4096;
		family->holders = alloc_resize(family->holders, room * sizeof(*family->holders));
		memset(family->holders + family->holders_room, 0,
		       (room - family->holders_room) * sizeof(*family->holders));
		family->holders_room = room;
	}
	struct holders *holders = &family->holders[gram];
	if (holders->count > 0 && holders->texts[holders->count - 1] == family->text)
		return;
	if (holders->count == holders->room) {
		holders->room = holders->room ? 2 * holders->room : 4;
		holders->texts = alloc_resize(holders->texts, holders->room * sizeof(*holders->texts));
	}
	holders->texts[holders->count++] = family->text;
	family->sizes[family->text]++;
}

static uint32_t eldest(struct family *family, uint32_t text)
{
	while (family->parents[text] != text)
		text = family->parents[text] = family->parents[family->parents[text]];
	return text;
}

/* The smaller number becomes the head of the group. */
static void join(struct family *family, uint32_t a, uint32_t b)
{
	a = eldest(family, a);
	b = eldest(family, b);
	family->parents[a < b ? b : a] = a < b ? a : b;
}

/* A review is nobody's kin: reviews are scored apart. A frame is its sentence's. */
static bool is_compared(const struct text *text)
{
	return text->source != SOURCE_REVIEWS && !text->framed;
}

struct sharing {
	uint32_t *shared; /* by text: grams in common with the one that is looked at */
	uint32_t *met;    /* those with any */
	size_t met_count;
	size_t common;
	struct family *family;
};

static void meet(void *context, const char *name)
{
	struct sharing *sharing = context;
	const struct family *family = sharing->family;
	uint32_t gram = is_pair(name) ? names_table_find(&family->grams, name) : GRAM_UNKNOWN;

	if (gram == GRAM_UNKNOWN || family->holders[gram].count > sharing->common)
		return;
	for (size_t i = 0; i < family->holders[gram].count; i++) {
		uint32_t other = family->holders[gram].texts[i];
		if (other >= family->text)
			break;
		if (sharing->shared[other]++ == 0)
			sharing->met[sharing->met_count++] = other;
	}
}

static void join_kin(struct family *family, const struct corpus *corpus)
{
	struct sharing sharing = { .family = family };

	sharing.shared = alloc_zeroed(corpus->count, sizeof(uint32_t));
	sharing.met = alloc_zeroed(corpus->count, sizeof(uint32_t));
	sharing.common = (size_t)(COMMON_SHARE * (double)corpus->count);
	for (uint32_t i = 0; i < corpus->count; i++) {
		if (!is_compared(&corpus->texts[i]))
			continue;
		family->text = i;
		grams_of(corpus->texts[i].text, meet, &sharing);
		for (size_t k = 0; k < sharing.met_count; k++) {
			uint32_t other = sharing.met[k];
			if (200 * sharing.shared[other] >= ALIKE_PERCENT * (family->sizes[i] + family->sizes[other]))
				join(family, i, other);
			sharing.shared[other] = 0;
		}
		sharing.met_count = 0;
	}
	free(sharing.shared);
	free(sharing.met);
}

size_t kin_share_folds(struct corpus *corpus)
{
	struct family family = { .text = 0 };
	size_t groups = 0;

	family.sizes = alloc_zeroed(corpus->count, sizeof(uint32_t));
	family.parents = alloc_zeroed(corpus->count, sizeof(uint32_t));
	for (uint32_t i = 0; i < corpus->count; i++) {
		family.text = family.parents[i] = i;
		if (is_compared(&corpus->texts[i]))
			grams_of(corpus->texts[i].text, hold, &family);
	}
	join_kin(&family, corpus);
	for (uint32_t i = 0; i < corpus->count; i++) {
		uint32_t head = corpus->texts[i].framed ? i - 1 : eldest(&family, i);
		groups += head == i && is_compared(&corpus->texts[i]);
		corpus->texts[i].fold = corpus->texts[head].fold;
	}
	for (size_t i = 0; i < family.grams.count; i++)
		free(family.holders[i].texts);
	free(family.holders);
	names_table_free(&family.grams);
	free(family.sizes);
	free(family.parents);
	return groups;
}
