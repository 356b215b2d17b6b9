/* SPDX-License-Identifier: Apache-2.0 */
/* Joins source, publisher and store to the pipeline and the protocol. Records come in, the protocol says what may be done with
 * them, actions go out. All on the loop thread. The one place that knows all adapters; it holds no rule of its own but when a
 * batch is due. */
#pragma once
#include <event2/event.h>
#include "config.h"
#include "metrics.h"
#include "protocol.h"
#include "ruleset.h"

struct flow;

struct flow_callbacks {
	void (*on_stopped)(void *context, bool clean);                  /* graceful stop is complete */
	void (*on_fatal)(void *context, int exit_code, const char *text); /* cannot go on; text says why and what to do */
};

/* Connects to Kafka and Redis and starts. Takes its own reference to ruleset. pseudonym_key: bytes, absent for none. Returns NULL and
 * fills error when Kafka cannot be used as configured (topics missing, ...). */
struct flow *flow_new(struct event_base *base, const struct config *config, struct ruleset *ruleset, struct slice pseudonym_key,
		      struct metrics *metrics, const struct flow_callbacks *callbacks, void *context, char *error, size_t error_size);
/* Events read from now on are decided with this rule set. */
void flow_set_ruleset(struct flow *flow, struct ruleset *ruleset);
/* Publish and apply what was read, leave the group, then on_stopped. */
void flow_stop(struct flow *flow);
/* Brings gauges (offsets, states, sizes) up to date before they are read. */
void flow_refresh_metrics(struct flow *flow);
struct flow_view {
	bool joined, redis_up;  /* joined: the group has said which partitions are ours */
	size_t loading, behind; /* partitions of ours */
};
void flow_view(const struct flow *flow, struct flow_view *view);
void flow_free(struct flow **flow);
