/* SPDX-License-Identifier: Apache-2.0 */
/* Always-on assertion: for what only a bug in this program can break. What the world can break is handled instead. */
#pragma once

#define MUST(condition)                                                        \
	((condition) ? (void)0 : must_fail(__FILE__, __LINE__, #condition))

/* Prints the place to standard error and aborts. */
_Noreturn void must_fail(const char *file, int line, const char *condition);

/* A caller that drops this return value has a bug. */
#define MUST_CHECK __attribute__((warn_unused_result))
