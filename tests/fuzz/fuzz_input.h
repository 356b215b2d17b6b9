/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a fuzzer's bytes as numbers and texts. Behind the end everything is 0 and empty, so that any input will do. */
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include "must.h"
#include "slice.h"

/* Each target is one function of an input. Alone in a program it has the name that libFuzzer calls, else its own, so
 * that a unit test can run all of them over the inputs that are kept. */
#define FUZZ_TARGET(name) int fuzz_##name(const uint8_t *data, size_t size);
#include "fuzz/targets.def"
#undef FUZZ_TARGET
#ifdef FUZZ_ALONE
#define FUZZ_FUNCTION(name) LLVMFuzzerTestOneInput
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#else
#define FUZZ_FUNCTION(name) fuzz_##name
#endif

struct fuzz_input {
	const uint8_t *at, *end;
};

static inline struct fuzz_input fuzz_input_of(const uint8_t *data, size_t size)
{
	return (struct fuzz_input){ data, data + size };
}

static inline bool fuzz_more(const struct fuzz_input *input)
{
	return input->at < input->end;
}

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

/* 0 .. limit - 1 */
static inline size_t fuzz_below(struct fuzz_input *input, size_t limit)
{
	size_t number = fuzz_byte(input);
	if (limit > 256)
		number = number << 8 | fuzz_byte(input);
	return number % limit;
}

static inline uint64_t fuzz_number(struct fuzz_input *input)
{
	uint64_t number = 0;
	for (int i = 0; i < 8; i++)
		number = number << 8 | fuzz_byte(input);
	return number;
}

/* A length byte, then so many bytes; never absent. */
static inline struct slice fuzz_text(struct fuzz_input *input)
{
	size_t left = (size_t)(input->end - input->at), size = fuzz_byte(input);
	left -= left > 0;
	struct slice text = { (const char *)input->at, size < left ? size : left };
	input->at += text.size;
	return text;
}

static inline struct slice fuzz_rest(struct fuzz_input *input)
{
	struct slice rest = { (const char *)input->at, (size_t)(input->end - input->at) };
	input->at = input->end;
	return rest;
}

/* What stands before the next mark, which is taken too; all that is left when there is none. */
static inline struct slice fuzz_until(struct fuzz_input *input, struct slice mark)
{
	struct slice text = { (const char *)input->at, (size_t)(input->end - input->at) };
	const char *found = memmem(text.data, text.size, mark.data, mark.size);
	if (!found)
		return fuzz_rest(input);
	text.size = (size_t)(found - text.data);
	input->at += text.size + mark.size;
	return text;
}

/* A heap copy of just that size: the address sanitizer sees each byte read behind it. To be freed. */
static inline char *fuzz_copy(struct slice bytes)
{
	char *copy = malloc(bytes.size ? bytes.size : 1);
	MUST(copy);
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	return copy;
}

/* The same with a NUL behind it; NULs inside become '?'. */
static inline char *fuzz_copy_text(struct slice bytes)
{
	char *copy = malloc(bytes.size + 1);
	MUST(copy);
	for (size_t i = 0; i < bytes.size; i++)
		copy[i] = bytes.data[i] ? bytes.data[i] : '?';
	copy[bytes.size] = '\0';
	return copy;
}
