/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's Redis connection: requests in order, executed and answered one a step. */
#include "sim.h"

#include <string.h>

void client_ask(struct daemon *daemon, const struct request *request)
{
	MUST(daemon->connected && daemon->request_count < REQUESTS_MAX);
	daemon->requests[daemon->request_count++] = *request;
}

static void deliver_load(struct world *world, struct daemon *daemon, const struct request *request)
{
	struct place *place = &daemon->places[request->slot];
	const struct committed *group = &world->kafka.groups[GROUP_REAL][request->slot];
	struct load_reply reply;

	redis_reply(&request->seen, request->created, &reply);
	reply.ok = !request->torn;
	if (world->bug == BUG_NO_UUID_CHECK && group->present)
		memcpy(reply.uuid, &group->uuid, sizeof(group->uuid));
	if (request->catch_up) {
		place->second.aside = request->seen.state;
	} else {
		place->aside = request->seen.state;
		place->aside_uuid = request->seen.uuid;
	}
	protocol_loaded(daemon->protocol, request->slot, request->token, &reply, world->now);
}

static void recheck(struct daemon *daemon, struct request *request)
{
	request->executed = false;
	request->rechecks = true;
	client_ask(daemon, request);
}

void client_deliver(struct world *world, struct daemon *daemon)
{
	struct request request = daemon->requests[0];
	struct load_reply reply;

	if (daemon->request_count == 0 || !request.executed)
		return;
	memmove(&daemon->requests[0], &daemon->requests[1], --daemon->request_count * sizeof(request));
	switch (request.kind) {
	case REQUEST_APPLY:
		if (request.result == APPLY_OK)
			daemon->places[request.slot].told_w = request.effects.to;
		protocol_applied(daemon->protocol, request.chunk, request.result, world->now);
		break;
	case REQUEST_LOAD:
		if (request.rechecks)
			deliver_load(world, daemon, &request);
		else
			recheck(daemon, &request);
		break;
	case REQUEST_WATCH:
		redis_reply(&request.seen, false, &reply);
		daemon->places[request.slot].told_w = request.seen.applied;
		daemon->places[request.slot].told_disturbances = request.disturbances;
		protocol_watched(daemon->protocol, request.slot, request.token, request.at_least, &reply, world->now);
		break;
	}
	daemon_pump(world, daemon);
}

static void execute_next(struct world *world, struct daemon *daemon)
{
	if (world->redis.down)
		return;
	for (size_t i = 0; i < daemon->request_count; i++) {
		if (daemon->requests[i].executed)
			continue;
		redis_execute(world, &daemon->requests[i]);
		return;
	}
}

void client_watch(struct world *world, struct daemon *daemon)
{
	struct request request = { .kind = REQUEST_WATCH, .slot = random_below(world, world->partitions) };

	if (!daemon->connected || daemon->request_count > REQUESTS_MAX / 2 || world->bug == BUG_NO_WATCH)
		return;
	if (protocol_watches(daemon->protocol, request.slot, &request.token, &request.at_least))
		client_ask(daemon, &request);
}

static void connect_store(struct world *world, struct daemon *daemon)
{
	if (daemon->connected || world->redis.down)
		return;
	daemon->connected = true;
	TRACE(world, "daemon %d: connected", daemon->name);
	protocol_store_ready(daemon->protocol, world->now);
	daemon_pump(world, daemon);
}

/* What was sent was executed without an answer, is on its way for long, or is gone. */
void client_abandon(struct world *world, struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->request_count; i++) {
		struct request *request = &daemon->requests[i];

		if (request->executed)
			continue;
		if (strikes(world, FAULT_LATE_REDIS, 50))
			redis_add_late(world, request);
		else if (!world->redis.down && random_percent(world, 50))
			redis_execute(world, request);
	}
	daemon->request_count = 0;
}

void client_disconnect(struct world *world, struct daemon *daemon)
{
	if (!daemon->alive || !daemon->connected)
		return;
	TRACE(world, "daemon %d: disconnected", daemon->name);
	daemon->connected = false;
	for (int i = 0; i < world->partitions; i++)
		daemon->places[i].healed = false;
	client_abandon(world, daemon);
	protocol_store_lost(daemon->protocol, world->now);
	daemon_pump(world, daemon);
}

void client_talk(struct world *world, struct daemon *daemon)
{
	if (!daemon->connected)
		connect_store(world, daemon);
	else
		execute_next(world, daemon);
}
