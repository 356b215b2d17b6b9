/* SPDX-License-Identifier: Apache-2.0 */
#include "must.h"
#include <stdio.h>
#include <stdlib.h>

_Noreturn void must_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: this must hold and does not: %s\n", file, line, condition);
	abort();
}
