/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

/* splitmix64: any seed is a good seed. */
uint64_t random_next(struct world *world)
{
	uint64_t z = (world->random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

int random_below(struct world *world, int bound)
{
	return (int)((random_next(world) >> 33) % (uint64_t)bound);
}

bool random_percent(struct world *world, int percent)
{
	return random_below(world, 100) < percent;
}

bool has_fault(const struct world *world, enum fault fault)
{
	return !world->healing && (world->scenario->faults >> fault & 1u) != 0;
}

bool strikes(struct world *world, enum fault fault, int percent)
{
	if (!has_fault(world, fault) || !random_percent(world, percent))
		return false;
	world->counts->faults[fault]++;
	return true;
}
