/* SPDX-License-Identifier: Apache-2.0 */
/* How much a rider can be paid in a day, from the daemon's rules. */
#pragma once
#include <jansson.h>
#include "config.h"
#include "ruleset.h"

struct caps {
	bool known;
	struct points_limits limits;
};

/* Reads them from rules.folder. The board may run where no rules are: then they are not known, which is logged, and
 * those that were known before stay. */
void caps_read(struct caps *caps, const struct config *config);
/* Adds "caps": {"paid", "points"} when they are known. */
void caps_add(const struct caps *caps, json_t *rider);
