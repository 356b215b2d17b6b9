/* SPDX-License-Identifier: Apache-2.0 */
/* Named places at which a test lets the process die or freeze: RIDERWATCH_CRASH_AT=POINT[:N][:stop]. The process gets
 * SIGKILL (SIGSTOP with :stop) when it comes to POINT for the Nth time. Without the variable a point costs one
 * predictable branch. */
#pragma once
#include <stdbool.h>

extern bool crash_armed;

/* Reads the variable; a warning is logged when it is set. Call once, before threads are started. */
void crash_init(void);
void crash_reached(const char *point);

static inline void crash_point(const char *point)
{
	if (__builtin_expect(crash_armed, 0))
		crash_reached(point);
}
