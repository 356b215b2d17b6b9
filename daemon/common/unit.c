/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool unit_parse(const char *text, const struct unit *units, int64_t *number)
{
	char *end;

	errno = 0;
	long long amount = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : -1;
	if (amount < 0 || errno)
		return false;
	for (; units->name; units++)
		if (strcmp(end, units->name) == 0)
			return !__builtin_mul_overflow(amount, units->factor, number);
	return false;
}
