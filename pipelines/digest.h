/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and HMAC by libcrypto, as lower-case hex in an arena. */
#pragma once
#include "arena.h"

#define DIGEST_HEX_SIZE 64

/* First hex_size (<= 64) hex digits of SHA-256 over the parts, one after the other. */
struct slice digest_parts(const struct slice *parts, size_t count, size_t hex_size, struct arena *arena);
/* First hex_size hex digits of HMAC-SHA-256. */
struct slice digest_keyed(struct slice key, struct slice text, size_t hex_size, struct arena *arena);
