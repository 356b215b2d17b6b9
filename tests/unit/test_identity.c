/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* Values of Kafka's own murmur2 (signed 32 bit there). */
static void test_murmur2_is_kafkas(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		int32_t hash;
	} rows[] = {
		{ "21", -973932308 },
		{ "foobar", -790332482 },
		{ "a-little-bit-long-string", -985981536 },
		{ "a-little-bit-longer-string", -1486304829 },
		{ "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971 },
		{ "abc", 479470107 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal((int32_t)murmur2(slice_of(rows[i].key)), rows[i].hash);
}

/* Reference implementation's vector: key 00..0f, message 00..0e gives a129ca6149be45e5. Here the message's parts are
 * parted by a NUL, so byte 7 of the vector must be replaced; the plain vector is checked through a message that starts
 * with the NUL. */
static void test_siphash_matches_its_reference(void **state)
{
	(void)state;
	uint8_t key[STREAM_KEY_SIZE], message[15];
	for (uint8_t i = 0; i < sizeof key; i++)
		key[i] = i;
	for (uint8_t i = 0; i < sizeof message; i++)
		message[i] = i;
	/* "" NUL 01..0e = 00..0e */
	struct slice rest = { (const char *)message + 1, sizeof message - 1 };
	assert_true(identity_event(key, SLICE(""), rest) == 0xa129ca6149be45e5ULL);
	/* one byte: 00 */
	assert_true(identity_event(key, SLICE(""), SLICE("")) == 0x74f839c593dc67fdULL);
}

#define ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))

static void mix(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1], v[2] += v[3];
		v[1] = ROTATE(v[1], 13) ^ v[0], v[3] = ROTATE(v[3], 16) ^ v[2];
		v[0] = ROTATE(v[0], 32);
		v[2] += v[1], v[0] += v[3];
		v[1] = ROTATE(v[1], 17) ^ v[2], v[3] = ROTATE(v[3], 21) ^ v[0];
		v[2] = ROTATE(v[2], 32);
	}
}

/* The same hash byte by byte, under the key of zeroes. */
static uint64_t plain_siphash(const uint8_t *bytes, size_t size)
{
	uint64_t v[4] = { 0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261, 0x7465646279746573 };
	for (size_t at = 0; at <= size; at += 8) {
		uint64_t word = at + 8 > size ? (uint64_t)size << 56 : 0;
		for (size_t i = at; i < size && i < at + 8; i++)
			word |= (uint64_t)bytes[i] << 8 * (i - at);
		v[3] ^= word;
		mix(v, 2);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	mix(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void test_every_length_of_both_parts(void **state)
{
	(void)state;
	enum { LENGTHS = 40 };
	static const uint8_t key[STREAM_KEY_SIZE];
	uint8_t message[2 * LENGTHS + 1];
	for (size_t first = 0; first < LENGTHS; first++) {
		for (size_t second = 0; second < LENGTHS; second++) {
			for (size_t i = 0; i < sizeof message; i++)
				message[i] = (uint8_t)(i * 37 + first + 129);
			message[first] = 0;
			assert_true(identity_event(key, (struct slice){ (const char *)message, first },
						   (struct slice){ (const char *)message + first + 1, second }) ==
				    plain_siphash(message, first + 1 + second));
		}
	}
}

static void test_parts_do_not_run_together(void **state)
{
	(void)state;
	uint8_t key[STREAM_KEY_SIZE] = { 1 }, other[STREAM_KEY_SIZE] = { 2 };
	assert_true(identity_event(key, SLICE("ab"), SLICE("c")) != identity_event(key, SLICE("a"), SLICE("bc")));
	assert_true(identity_event(key, SLICE("a"), SLICE("b")) != identity_event(other, SLICE("a"), SLICE("b")));
	assert_true(identity_report(SLICE("r1"), SLICE("x")) != identity_report(SLICE("r2"), SLICE("x")));
	assert_true(identity_report(SLICE("r1"), SLICE("x")) == identity_report(SLICE("r1"), SLICE("x")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_murmur2_is_kafkas),
		cmocka_unit_test(test_siphash_matches_its_reference),
		cmocka_unit_test(test_every_length_of_both_parts),
		cmocka_unit_test(test_parts_do_not_run_together),
	};
	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
