/* SPDX-License-Identifier: Apache-2.0 */
/* What dashboards read is brought up to date from time to time, by the owner of shard 0 and by each owner of a shard.
 */
#include "flow_internal.h"

static bool owns(const struct flow *flow, int32_t partition)
{
	const struct flow_slot *slot = &flow->slots[(int)INPUT_REPORTS * flow->partitions + partition];
	return slot->assigned && slot->started;
}

static void on_rollup_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	struct flow *flow = context;
	int32_t owned[flow->partitions];
	size_t count = 0;
	if (!store_is_ready(flow->store))
		return;
	for (int32_t i = 0; i < flow->partitions; i++) {
		if (owns(flow, i))
			owned[count++] = i;
	}
	struct store_rollup_request request = { .partitions = flow->partitions };
	memcpy(request.topics, flow->settings.input_topics, sizeof request.topics);
	if (owns(flow, 0))
		store_roll_up(flow->store, &request);
	store_rank(flow->store, owned, count);
}

void flow_start_rollups(struct flow *flow)
{
	int64_t every = flow->config->redis_rollup_every;
	if (every == 0)
		return;
	flow->rollup_timer = event_new(flow->base, -1, EV_PERSIST, on_rollup_timer, flow);
	event_add(flow->rollup_timer, &(struct timeval){ every / 1000, every % 1000 * 1000 });
}
