/* SPDX-License-Identifier: Apache-2.0 */
#include "riders.h"
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define ODD_EVERY 500
#define ODD_AT 7
#define KEY_MAX 128

/* %: replaced by the rider's number. */
static const char *const odd_ids[] = {
	"rider {%}", "}{%", "骑手-%-张三", "a b/%", "a%20b/%", "\"quoted\"\\%", "%:%:%", "~%", "R%\t.", "é%ñ",
};
#define ODD_TEXTS (sizeof(odd_ids) / sizeof(odd_ids[0]))

static void append_odd_id(struct text *ids, const char *pattern, uint32_t number)
{
	for (; *pattern; pattern++)
		if (*pattern == '%' && pattern[1] != '2')
			text_append_number(ids, number);
		else
			text_append_char(ids, *pattern);
}

/* Appends rider number's id; returns whether it is written as a JSON number. */
static bool append_id(struct text *ids, uint32_t number)
{
	uint32_t odd = number / ODD_EVERY % (ODD_TEXTS + 3);

	if (number % ODD_EVERY != ODD_AT) {
		TEXT_LITERAL(ids, "r");
		text_append_padded(ids, number, 7);
		return false;
	}
	if (odd < ODD_TEXTS) {
		append_odd_id(ids, odd_ids[odd], number);
		return false;
	}
	if (odd == ODD_TEXTS) { /* longer than a key part may be */
		for (int i = 0; i < 12; i++)
			TEXT_LITERAL(ids, "long-rider-id-");
		text_append_number(ids, number);
		return false;
	}
	if (odd == ODD_TEXTS + 1) { /* longer only once it is escaped */
		for (int i = 0; i < 15; i++)
			TEXT_LITERAL(ids, "长");
		text_append_number(ids, number);
		return false;
	}
	text_append_number(ids, 8800000000u + number);
	return true;
}

static void make_ids(struct riders *riders, uint32_t partitions)
{
	size_t *starts = calloc(riders->count + 1, sizeof(*starts));
	struct text ids = { 0 };

	if (!starts)
		abort();
	for (uint32_t i = 0; i < riders->count; i++) {
		riders->riders[i].number = append_id(&ids, i);
		starts[i + 1] = ids.size;
	}
	riders->ids = ids.data;
	for (uint32_t i = 0; i < riders->count; i++) {
		struct rider *rider = &riders->riders[i];

		rider->id = (struct piece){ ids.data + starts[i], starts[i + 1] - starts[i] };
		rider->partition = partition_of(rider->id, partitions);
	}
	free(starts);
}

/* Weight 1 / (rank + 10): the busiest of 50,000 riders makes about 1 % of all events. */
static void make_weights(struct riders *riders)
{
	double sum = 0, seen = 0;
	uint32_t slice = 0;

	for (uint32_t i = 0; i < riders->count; i++)
		sum += 1.0 / (i + 10);
	for (uint32_t i = 0; i < riders->count; i++) {
		seen += 1.0 / (i + 10) / sum;
		riders->cumulated[i] = i + 1 == riders->count ? 1.0 : seen;
		while (slice < riders->count && (double)slice / riders->count < riders->cumulated[i])
			riders->guide[slice++] = i;
	}
}

void riders_init(struct riders *riders, uint32_t count, uint32_t partitions)
{
	*riders = (struct riders){
		.riders = calloc(count, sizeof(*riders->riders)),
		.count = count,
		.cumulated = calloc(count, sizeof(*riders->cumulated)),
		.guide = calloc(count, sizeof(*riders->guide)),
	};
	if (!riders->riders || !riders->cumulated || !riders->guide)
		abort();
	make_ids(riders, partitions);
	make_weights(riders);
}

void riders_fini(struct riders *riders)
{
	free(riders->riders);
	free(riders->cumulated);
	free(riders->guide);
	free(riders->ids);
	*riders = (struct riders){ 0 };
}

uint32_t riders_pick(const struct riders *riders, struct random *random)
{
	double at = random_fraction(random);
	uint32_t rider = riders->guide[(uint32_t)(at * riders->count)];

	while (riders->cumulated[rider] <= at)
		rider++;
	return rider;
}

int32_t partition_of(struct piece key, uint32_t partitions)
{
	const uint32_t m = 0x5bd1e995;
	uint32_t h = 0x9747b28cu ^ (uint32_t)key.size;
	const unsigned char *p = (const unsigned char *)key.data;
	size_t left = key.size;

	for (; left >= 4; left -= 4, p += 4) {
		uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

		k *= m;
		k ^= k >> 24;
		h = h * m ^ k * m;
	}
	for (size_t i = left; i-- > 0;)
		h ^= (uint32_t)p[i] << (8 * i);
	if (left)
		h *= m;
	h ^= h >> 13;
	h *= m;
	h ^= h >> 15;
	return (int32_t)((h & 0x7fffffff) % partitions);
}

static bool is_plain(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
	       c == '-';
}

void rider_key_append(struct text *text, struct piece id)
{
	size_t start = text->size;
	unsigned char hash[SHA256_DIGEST_LENGTH];

	for (size_t i = 0; i < id.size; i++) {
		unsigned char c = (unsigned char)id.data[i];

		if (is_plain(c)) {
			text_append_char(text, (char)c);
		} else {
			text_append_char(text, '%');
			text_append_char(text, "0123456789ABCDEF"[c >> 4]);
			text_append_char(text, "0123456789ABCDEF"[c & 15]);
		}
	}
	if (text->size - start <= KEY_MAX)
		return;
	text->size = start;
	SHA256((const unsigned char *)id.data, id.size, hash);
	text_append_char(text, '~');
	for (int i = 0; i < 16; i++)
		text_append_hex(text, hash[i], 2);
}
