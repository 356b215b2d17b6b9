/* SPDX-License-Identifier: Apache-2.0 */
#include "duration.h"

#include <stddef.h>
#include "unit.h"

static const struct unit units[] = { { "ms", 1 },      { "s", 1000 },     { "m", 60000 },
				     { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 } };

bool duration_parse(const char *text, int64_t *ms)
{
	return unit_parse(text, units, ms);
}
