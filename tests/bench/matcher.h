/* SPDX-License-Identifier: Apache-2.0 */
/* The least that looking for words can mean: an Aho-Corasick automaton over bytes, one table step a byte. */
#pragma once
#include <stdint.h>
#include "slice.h"

struct matcher;

/* Words of a file, one a line; NULL when it cannot be read, has none, or too many for 32,768 states. */
struct matcher *matcher_new(const char *path);
void matcher_free(struct matcher **matcher);
/* At how many places of the text a word ends. */
uint32_t matcher_count(const struct matcher *matcher, struct slice text);
