/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text (RFC 8259, strictly), read once from left to right. The caller's callbacks decide what is kept. */
#pragma once
#include <stdint.h>
#include "arena.h"
#include "must.h"
#include "reasons.h"

#define SCAN_DEPTH_MAX 64
#define SCAN_KEYS_FEW 32

enum value_kind {
	VALUE_NULL,
	VALUE_TRUE,
	VALUE_FALSE,
	VALUE_INTEGER, /* number without fraction and exponent */
	VALUE_REAL,
	VALUE_STRING,
	VALUE_ARRAY,
	VALUE_OBJECT,
};

/* text: a string's content without escapes, a number as written; empty for the other kinds. */
struct value {
	enum value_kind kind;
	struct slice text;
	size_t position; /* of its first byte */
};

/* A member's name without escapes. */
struct scan_key {
	struct slice text;
	size_t position;
};

struct scan {
	const char *start, *at, *end;
	struct arena *arena; /* unescaped strings and many keys go here */
	enum reason reason;  /* why the text was refused, and where */
	size_t position;
	size_t repeated_key; /* position of the first key that repeats another one of its object, or SIZE_MAX */
	int depth;
	struct scan_key *keys; /* names to compare, of all open objects */
	size_t key_count, key_capacity;
	struct scan_key few_keys[SCAN_KEYS_FEW];
};

/* Called with scan->at on the first byte of a member's or element's value; must read all of it. */
typedef bool scan_member(struct scan *scan, const struct scan_key *key, void *context);
typedef bool scan_element(struct scan *scan, void *context);

/* Reads text as one JSON object with nothing but white space around it. Positions count from start, which may lie
 * before text. Repeated keys are reported only when nothing else is wrong. On false, reason and position say why. */
MUST_CHECK bool scan_document(struct scan *scan, const char *start, struct slice text, struct arena *arena,
			      scan_member *member, void *context);

/* The rest is for callbacks; false means refused: return it at once. */

/* With scan->at on the opening bracket. */
MUST_CHECK bool scan_object(struct scan *scan, scan_member *member, void *context);
MUST_CHECK bool scan_array(struct scan *scan, scan_element *element, void *context);
/* Any value; arrays and objects are checked, not kept. */
MUST_CHECK bool scan_value(struct scan *scan, struct value *value);
MUST_CHECK bool scan_skip(struct scan *scan);
/* Next byte, or -1 at the end. */
int scan_peek(const struct scan *scan);
/* Remembers a key until its object ends, to be compared with the others then. */
void scan_add_key(struct scan *scan, const struct scan_key *key);
/* This key repeats another one. */
void scan_repeated(struct scan *scan, const struct scan_key *key);

/* Length of the UTF-8 sequence at `at`, which must be below end: 1 to 4, 0 when it is none, -1 when end cuts it off. */
int utf8_sequence(const char *at, const char *end);
/* REASON_NONE, NUL_BYTE or INVALID_UTF8. */
enum reason utf8_check(struct slice text);
