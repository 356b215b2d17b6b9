/* SPDX-License-Identifier: Apache-2.0 */
/* Ends the process when a call never returns: some library calls have no bound and cannot be cancelled, and a restart
 * is safe. */
#pragma once
#include <stdint.h>

#define WATCHDOG_EXIT 70

struct watchdog;

/* Starts a thread of its own, so that neither the loop nor the worker can keep it from looking. */
struct watchdog *watchdog_new(int64_t limit_ms);
/* Around a call that may block. call is a literal: it is named in the message. One at a time. */
void watchdog_enter(struct watchdog *watchdog, const char *call);
void watchdog_leave(struct watchdog *watchdog);
void watchdog_free(struct watchdog **watchdog);
