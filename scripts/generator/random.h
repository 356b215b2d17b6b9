/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded random numbers (splitmix64): the same seed gives the same events on every machine. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 .. bound - 1; bound must not be 0. */
static inline uint32_t random_below(struct random *random, uint32_t bound)
{
	return (uint32_t)(((random_next(random) >> 32) * bound) >> 32);
}

/* True in per_million of a million cases. */
static inline bool random_chance(struct random *random, uint32_t per_million)
{
	return random_below(random, 1000000) < per_million;
}

/* 0 <= result < 1. */
static inline double random_fraction(struct random *random)
{
	return (double)(random_next(random) >> 11) * 0x1.0p-53;
}
