/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager wants to know of us: the protocol of systemd's NOTIFY_SOCKET, without its library. Where
 * nobody asks, nothing happens. */
#pragma once

struct event_base;
struct supervisor;

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. While the loop turns, the watchdog hears of it. Never NULL. */
struct supervisor *supervisor_new(struct event_base *base);
/* Started: configuration, rules and listeners are fine. Kafka and Redis need not have answered: their absence is no
 * failed start. */
void supervisor_ready(struct supervisor *supervisor);
/* Told to stop; from now on only TimeoutStopSec= counts. */
void supervisor_stopping(struct supervisor *supervisor);
void supervisor_free(struct supervisor **supervisor);
