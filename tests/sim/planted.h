/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sim.h"

/* Plants each bug in turn and runs seeds until it is found. Returns 0 when all were found within their bound. */
int planted_run(struct world *world);
