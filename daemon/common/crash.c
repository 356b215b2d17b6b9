/* SPDX-License-Identifier: Apache-2.0 */
#include "crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"

bool crash_armed;
static char armed_point[64];
static int armed_signal = SIGKILL;
static atomic_int passes_left;

void crash_init(void)
{
	const char *text = getenv("RIDERWATCH_CRASH_AT");
	char after[32] = "";
	int passes = 1;
	if (!text || !*text)
		return;
	sscanf(text, "%63[^:]:%31s", armed_point, after);
	if (*after)
		sscanf(after, "%d", &passes);
	if (strstr(after, "stop"))
		armed_signal = SIGSTOP;
	atomic_store(&passes_left, passes);
	crash_armed = true;
	log_warning("a crash point is armed: this process will end by itself, for tests only", "at=%s", text);
}

/* A stopped process that is woken goes on, and does not stop again: the count has passed zero. */
void crash_reached(const char *point)
{
	if (strcmp(point, armed_point) == 0 && atomic_fetch_sub(&passes_left, 1) == 1)
		raise(armed_signal);
}
