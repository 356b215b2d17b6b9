/* SPDX-License-Identifier: Apache-2.0 */
#include "duration.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int64_t ms;
} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };

bool duration_parse(const char *text, int64_t *ms)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);

	if (end == text || errno || *text == '-' || *text == '+')
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(end, units[i].name) == 0)
			return !__builtin_mul_overflow(number, units[i].ms, ms);
	return false;
}
