/* SPDX-License-Identifier: Apache-2.0 */
/* The dedup table against a list of (id, hour): checks and journal buckets in any order, with ids that collide as badly
 * as ids can. Stream time never runs back, and no bucket is younger than it: the store's replies are refused otherwise.
 */
#include "fuzz/fuzz_input.h"
#include "stream.h"

#define IDS_MAX 4096
#define BUCKET_MAX 300

struct model {
	struct {
		uint64_t id;
		uint32_t hour;
	} entries[IDS_MAX];
	size_t count;
};

static uint32_t *find(struct model *model, uint64_t id)
{
	for (size_t i = 0; i < model->count; i++)
		if (model->entries[i].id == id)
			return &model->entries[i].hour;
	return NULL;
}

static void add(struct model *model, uint64_t id, uint32_t hour)
{
	uint32_t *at = find(model, id);
	if (!at) {
		MUST(model->count < IDS_MAX);
		model->entries[model->count].id = id;
		at = &model->entries[model->count++].hour;
		*at = hour;
	}
	*at = hour > *at ? hour : *at;
}

/* Ids 0 and 1 share a place in the table, as documented. */
static uint64_t take_id(struct fuzz_input *input)
{
	uint64_t id = fuzz_byte(input);
	switch (id % 4) {
	case 0:
		return 2 + id; /* all in the first slot */
	case 1:
		return UINT64_MAX - id; /* all in the last slot */
	case 2:
		return (id << 56) + fuzz_byte(input); /* spread */
	default:
		return fuzz_number(input) | 2;
	}
}

static void check_one(struct seen *seen, struct model *model, uint64_t id, uint32_t hour, uint32_t window)
{
	bool changed;
	const uint32_t *before = find(model, id);
	bool expected = before && hour - *before <= window, alters = !before || *before != hour;
	MUST(seen_check(seen, id, hour, window, &changed) == expected);
	/* An entry that expired may have been dropped already: then it is remembered anew, which is journalled just as
	 * well. */
	MUST(changed == alters);
	add(model, id, hour);
}

static void load_bucket(struct seen *seen, struct model *model, struct fuzz_input *input, uint32_t hour)
{
	size_t count = fuzz_below(input, BUCKET_MAX);
	if (model->count + count > IDS_MAX)
		count = IDS_MAX - model->count;
	struct slice bytes = { (const char *)input->at, (size_t)(input->end - input->at) };
	bool raw = fuzz_byte(input) % 4 == 0 && bytes.size >= 8;
	char *hashes = malloc(8 * count + 1);
	MUST(hashes);
	for (size_t i = 0; i < count; i++) {
		uint64_t id = raw ? fuzz_number(input) | 2 : take_id(input);
		for (int b = 0; b < 8; b++)
			hashes[8 * i + (size_t)b] = (char)(id >> 8 * b);
		add(model, id, hour);
	}
	/* At an odd address: the bytes come out of a reply. */
	char *odd = malloc(8 * count + 1);
	MUST(odd);
	memcpy(odd + 1, hashes, 8 * count);
	seen_load(seen, hour, odd + 1, count);
	free(odd);
	free(hashes);
}

int FUZZ_FUNCTION(seen)(const uint8_t *data, size_t size)
{
	static struct model model;
	struct fuzz_input input = fuzz_input_of(data, size);
	struct seen *seen = seen_new();
	uint32_t window = 1 + (uint32_t)fuzz_below(&input, 168), hour = 200 + fuzz_byte(&input) * 1000u;
	model.count = 0;
	if (fuzz_byte(&input) % 2)
		seen_reserve(seen, fuzz_below(&input, 5000));
	/* First what is loaded, then what is decided. */
	for (size_t buckets = fuzz_below(&input, 8); buckets > 0; buckets--)
		load_bucket(seen, &model, &input, hour - (uint32_t)fuzz_below(&input, 200));
	while (fuzz_more(&input) && model.count < IDS_MAX) {
		hour += fuzz_byte(&input) % 16 == 0 ? (uint32_t)fuzz_below(&input, 100) : 0;
		check_one(seen, &model, take_id(&input), hour, window);
	}
	MUST(seen_count(seen) <= model.count);
	MUST(seen_bytes(seen) >= seen_count(seen) * 10);
	seen_free(&seen);
	return 0;
}
