/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SIZE_MAX_TRIED 200

static struct arena arena;

static void assert_hex(struct slice hex, const unsigned char *bytes)
{
	for (size_t i = 0; i < hex.size; i++) {
		static const char digits[] = "0123456789abcdef";
		assert_int_equal(hex.data[i], digits[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15]);
	}
}

/* FIPS 180-2, appendix B. */
static void test_sha256(void **state)
{
	(void)state;
	struct slice parts[] = { SLICE("a"), SLICE(""), { NULL, 0 }, SLICE("bc") };
	struct slice hex = digest_parts(parts, 4, DIGEST_HEX_SIZE, &arena);
	assert_true(slice_equal(hex, SLICE("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
	assert_true(slice_equal(digest_parts(parts, 4, 7, &arena), SLICE("ba7816b")));
}

static void fill(unsigned char *bytes, size_t size, size_t seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i * 31 + seed);
}

static void test_agrees_with_libcrypto_at_every_size(void **state)
{
	(void)state;
	for (size_t size = 0; size < SIZE_MAX_TRIED; size++) {
		unsigned char bytes[SIZE_MAX_TRIED], expected[EVP_MAX_MD_SIZE];
		struct slice text = { (const char *)bytes, size };
		fill(bytes, size, size);
		assert_true(EVP_Digest(bytes, size, expected, NULL, EVP_sha256(), NULL));
		assert_hex(digest_parts(&text, 1, DIGEST_HEX_SIZE, &arena), expected);
		arena_reset(&arena);
	}
}

/* Keys shorter than a block, as long, and longer, which are digested first. */
static void test_keyed_agrees_with_libcrypto_at_every_size(void **state)
{
	(void)state;
	for (size_t size = 0; size < SIZE_MAX_TRIED; size++) {
		unsigned char key[SIZE_MAX_TRIED], text[SIZE_MAX_TRIED], expected[EVP_MAX_MD_SIZE];
		size_t text_size = (size * 7) % SIZE_MAX_TRIED;
		fill(key, size, 1);
		fill(text, text_size, 2);
		assert_non_null(HMAC(EVP_sha256(), key, (int)size, text, text_size, expected, NULL));
		assert_hex(digest_keyed((struct slice){ (const char *)key, size },
					(struct slice){ (const char *)text, text_size }, DIGEST_HEX_SIZE, &arena),
			   expected);
		arena_reset(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_agrees_with_libcrypto_at_every_size),
		cmocka_unit_test(test_keyed_agrees_with_libcrypto_at_every_size),
	};
	arena_init(&arena);
	int failed = cmocka_run_group_tests_name("digest", tests, NULL, NULL);
	arena_fini(&arena);
	return failed;
}
