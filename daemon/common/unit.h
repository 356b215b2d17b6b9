/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with a unit behind them, as people write them: 30s, 64KiB. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "must.h"

struct unit {
	const char *name; /* NULL ends a table */
	int64_t factor;
};

/* False: text is no whole number with one of the units behind it, or too large. */
MUST_CHECK bool unit_parse(const char *text, const struct unit *units, int64_t *number);
