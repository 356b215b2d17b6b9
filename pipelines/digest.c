/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"
#include "must.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

static struct slice hex(const unsigned char *bytes, size_t hex_size, struct arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	MUST(hex_size <= DIGEST_HEX_SIZE);
	char *text = arena_alloc(arena, hex_size);
	for (size_t i = 0; i < hex_size; i++)
		text[i] = digits[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
	return (struct slice){ text, hex_size };
}

struct slice digest_parts(const struct slice *parts, size_t count, size_t hex_size, struct arena *arena)
{
	unsigned char out[SHA256_DIGEST_LENGTH];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	MUST(context && EVP_DigestInit_ex(context, EVP_sha256(), NULL));
	for (size_t i = 0; i < count; i++)
		MUST(EVP_DigestUpdate(context, parts[i].data, parts[i].size));
	MUST(EVP_DigestFinal_ex(context, out, NULL));
	EVP_MD_CTX_free(context);
	return hex(out, hex_size, arena);
}

struct slice digest_keyed(struct slice key, struct slice text, size_t hex_size, struct arena *arena)
{
	unsigned char out[SHA256_DIGEST_LENGTH];
	MUST(HMAC(EVP_sha256(), key.data, (int)key.size, (const unsigned char *)text.data, text.size, out, NULL));
	return hex(out, hex_size, arena);
}
