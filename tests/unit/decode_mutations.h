/* SPDX-License-Identifier: Apache-2.0 */
/* Records for the decoder by seed: changed copies of known ones, and documents put together from known names. The same
 * seed gives the same records in the same order. */
#pragma once
#include "decode_cases.h"

#define SEED_BYTES_MAX 1500 /* longer values are not mutated: that would only take time */

/* A value of a fixed capacity, changed in place. */
struct mutant {
	char data[2 * SEED_BYTES_MAX];
	size_t size;
};

/* seed: not 0. cases: what mutants are made of, kept by pointer; one of them at least must have a value below
 * SEED_BYTES_MAX. */
void mutations_begin(uint64_t seed, const struct decode_case *cases, size_t count);
/* Overwrites mutant with a changed copy of a case's value, and returns that case. */
const struct decode_case *mutant_of_case(struct mutant *mutant);
/* Overwrites mutant with valid JSON: any value for any known name, members in any order. Size 0: nothing came of it
 * this time. */
void mutant_generate(struct mutant *mutant);
