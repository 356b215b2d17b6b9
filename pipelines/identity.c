/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

/* SipHash-2-4 (Aumasson, Bernstein 2012): keyed, so that nobody can make two ids collide on purpose and silence a
 * report. */
struct siphash {
	uint64_t v0, v1, v2, v3;
	uint64_t tail;
	size_t size;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void siphash_round(struct siphash *s)
{
	s->v0 += s->v1, s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0, s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1, s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2, s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static uint64_t little_endian(const uint8_t *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof word);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

static void siphash_init(struct siphash *s, const uint8_t key[STREAM_KEY_SIZE])
{
	uint64_t k0 = little_endian(key), k1 = little_endian(key + 8);
	*s = (struct siphash){ k0 ^ 0x736f6d6570736575ULL,
			       k1 ^ 0x646f72616e646f6dULL,
			       k0 ^ 0x6c7967656e657261ULL,
			       k1 ^ 0x7465646279746573ULL,
			       0,
			       0 };
}

static void siphash_word(struct siphash *s, uint64_t word)
{
	s->v3 ^= word;
	siphash_round(s);
	siphash_round(s);
	s->v0 ^= word;
}

/* The lowest count bytes of word, 1 to 8; those above are zero. */
static void siphash_bytes(struct siphash *s, uint64_t word, size_t count)
{
	size_t filled = s->size % 8;
	s->size += count;
	s->tail |= word << 8 * filled;
	if (filled + count < 8)
		return;
	siphash_word(s, s->tail);
	s->tail = filled ? word >> 8 * (8 - filled) : 0;
}

static void siphash_add(struct siphash *s, struct slice bytes)
{
	const uint8_t *p = (const uint8_t *)bytes.data, *end = p + bytes.size;
	for (; end - p >= 8; p += 8)
		siphash_bytes(s, little_endian(p), 8);
	size_t left = (size_t)(end - p);
	if (left && bytes.size >= 8)
		siphash_bytes(s, little_endian(end - 8) >> 8 * (8 - left), left);
	else
		while (p < end)
			siphash_bytes(s, *p++, 1);
}

static uint64_t siphash_end(struct siphash *s)
{
	siphash_word(s, (uint64_t)s->size << 56 | s->tail);
	s->v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* The two parts are parted by a NUL, which neither can hold. */
static uint64_t hash_pair(const uint8_t key[STREAM_KEY_SIZE], struct slice first, struct slice second)
{
	struct siphash s;
	siphash_init(&s, key);
	siphash_add(&s, first);
	siphash_bytes(&s, 0, 1);
	siphash_add(&s, second);
	return siphash_end(&s);
}

uint64_t identity_event(const uint8_t key[STREAM_KEY_SIZE], struct slice source, struct slice id)
{
	return hash_pair(key, source, id);
}

uint64_t identity_report(struct slice rider_id, struct slice report_id)
{
	/* Fixed: a review must find its report whatever store it meets; the rider is checked besides. */
	static const uint8_t key[STREAM_KEY_SIZE] = "riderwatch/repor";
	return hash_pair(key, rider_id, report_id);
}

uint32_t murmur2(struct slice key)
{
	const uint32_t m = 0x5bd1e995;
	const uint8_t *p = (const uint8_t *)key.data;
	uint32_t left = (uint32_t)key.size, h = 0x9747b28c ^ left;
	for (; left >= 4; left -= 4, p += 4) {
		uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		k *= m;
		k ^= k >> 24;
		h = h * m ^ k * m;
	}
	switch (left) {
	case 3:
		h ^= (uint32_t)p[2] << 16; /* fall through */
	case 2:
		h ^= (uint32_t)p[1] << 8; /* fall through */
	case 1:
		h ^= p[0];
		h *= m;
	}
	h ^= h >> 13;
	h *= m;
	return h ^ h >> 15;
}
