/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of OpenSSL 1.1, which later ones still have: a context on the stack. The newer one looks an algorithm
 * up by name and allocates in every call, which costs more than the digest of an alert's id. */
#define OPENSSL_API_COMPAT 0x10100000L
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
	SHA256_CTX context;
	MUST(SHA256_Init(&context));
	for (size_t i = 0; i < count; i++)
		MUST(SHA256_Update(&context, parts[i].data, parts[i].size));
	MUST(SHA256_Final(out, &context));
	return hex(out, hex_size, arena);
}

struct slice digest_keyed(struct slice key, struct slice text, size_t hex_size, struct arena *arena)
{
	unsigned char out[SHA256_DIGEST_LENGTH];
	MUST(HMAC(EVP_sha256(), key.data, (int)key.size, (const unsigned char *)text.data, text.size, out, NULL));
	return hex(out, hex_size, arena);
}
