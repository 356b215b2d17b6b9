/* SPDX-License-Identifier: Apache-2.0 */
/* A view of bytes that somebody else owns. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* data == NULL means absent; data != NULL with size 0 means present and empty. Not NUL-terminated. */
struct slice {
	const char *data;
	size_t size;
};

#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })

static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, text ? strlen(text) : 0 };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_starts_with(struct slice text, struct slice prefix)
{
	return text.size >= prefix.size &&
	       (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}
