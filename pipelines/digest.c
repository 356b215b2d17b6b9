/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of OpenSSL 1.1, which later ones still have: a context on the stack. The newer one looks an algorithm
 * up by name and allocates in every call (HMAC() 13 times), which costs more than the digest of an alert's id. */
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

/* A key longer than a block is digested first, a shorter one filled up with zeros. */
static void key_block(struct slice key, unsigned char block[SHA256_CBLOCK])
{
	memset(block, 0, SHA256_CBLOCK);
	if (key.size > SHA256_CBLOCK)
		digest(&key, 1, block);
	else if (key.size)
		memcpy(block, key.data, key.size);
}

static void digest_behind_block(const unsigned char block[SHA256_CBLOCK], char pad, struct slice text,
				unsigned char out[SHA256_DIGEST_LENGTH])
{
	char padded[SHA256_CBLOCK];
	for (size_t i = 0; i < SHA256_CBLOCK; i++)
		padded[i] = (char)(block[i] ^ pad);
	digest((struct slice[]){ { padded, sizeof padded }, text }, 2, out);
}

/* RFC 2104 section 2: H(K ^ opad, H(K ^ ipad, text)). */
struct slice digest_keyed(struct slice key, struct slice text, size_t hex_size, struct arena *arena)
{
	unsigned char block[SHA256_CBLOCK], inner[SHA256_DIGEST_LENGTH], out[SHA256_DIGEST_LENGTH];
	key_block(key, block);
	digest_behind_block(block, 0x36, text, inner);
	digest_behind_block(block, 0x5c, (struct slice){ (const char *)inner, sizeof inner }, out);
	return hex(out, hex_size, arena);
}
