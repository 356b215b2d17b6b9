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

/* Reference implementation's vector: key 00..0f, message 00..0e gives a129ca6149be45e5. Here the message's parts are parted by a
 * NUL, so byte 7 of the vector must be replaced; the plain vector is checked through a message that starts with the NUL. */
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
		cmocka_unit_test(test_parts_do_not_run_together),
	};
	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
