/* SPDX-License-Identifier: Apache-2.0 */
/* Personal numbers in free text are masked before it leaves in an alert. */
#pragma once
#include "arena.h"

/* The text itself or, when they are in it, a copy with mainland phone numbers (11 digits from 13 to 19) and identity
 * numbers (18 characters) masked: the first three and the last two digits stay. Full-width digits count, single spaces
 * and hyphens between digits too. The copy has the same number of bytes, so that byte spans of the original stay right.
 */
struct slice mask_numbers(struct slice text, struct arena *arena);
