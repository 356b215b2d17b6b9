/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of OpenSSL 1.1, which later ones still have: a context on the stack. The newer one looks an algorithm
 * up by name and allocates in every call, which costs more than the digest of an alert's id. */
#define OPENSSL_API_COMPAT 0x10100000L
#include "digest.h"
#include "must.h"

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

static void digest(const struct slice *parts, size_t count, unsigned char out[SHA256_DIGEST_LENGTH])
{
	SHA256_CTX context;
	MUST(SHA256_Init(&context));
	for (size_t i = 0; i < count; i++)
		MUST(SHA256_Update(&context, parts[i].data, parts[i].size));
	MUST(SHA256_Final(out, &context));
}

struct slice digest_parts(const struct slice *parts, size_t count, size_t hex_size, struct arena *arena)
{
	unsigned char out[SHA256_DIGEST_LENGTH];
	digest(parts, count, out);
	return hex(out, hex_size, arena);
}

/* RFC 2104: the key, padded with zeroes to a block, goes before the text; the outcome is digested once more the same
 * way. */
static struct slice pad(struct slice key, unsigned char with, char block[SHA256_CBLOCK])
{
	for (size_t i = 0; i < SHA256_CBLOCK; i++)
		block[i] = (char)((i < key.size ? (unsigned char)key.data[i] : 0) ^ with);
	return (struct slice){ block, SHA256_CBLOCK };
}

struct slice digest_keyed(struct slice key, struct slice text, size_t hex_size, struct arena *arena)
{
	unsigned char short_key[SHA256_DIGEST_LENGTH], inner[SHA256_DIGEST_LENGTH], out[SHA256_DIGEST_LENGTH];
	char block[SHA256_CBLOCK];
	if (key.size > SHA256_CBLOCK) {
		digest(&key, 1, short_key);
		key = (struct slice){ (const char *)short_key, sizeof short_key };
	}
	digest((struct slice[]){ pad(key, 0x36, block), text }, 2, inner);
	digest((struct slice[]){ pad(key, 0x5c, block), { (const char *)inner, sizeof inner } }, 2, out);
	return hex(out, hex_size, arena);
}
