/* SPDX-License-Identifier: Apache-2.0 */
/* A Sentinel on the test's own loop that says what the test wants. */
#pragma once
#include <event2/event.h>
#include <event2/listener.h>

enum fake_sentinel_mood { FAKE_NAMES, FAKE_UNKNOWN, FAKE_SILENT };

struct fake_sentinel {
	struct evconnlistener *listener;
	int port;
	enum fake_sentinel_mood mood;
	int master_port; /* on 127.0.0.1 */
	int epoch;       /* -1: it may not say */
	int asked;       /* whole questions so far */
};

void fake_sentinel_start(struct fake_sentinel *sentinel, struct event_base *base);
void fake_sentinel_stop(struct fake_sentinel *sentinel);
/* One that nobody listens on. */
int free_port(void);
