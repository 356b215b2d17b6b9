/* SPDX-License-Identifier: Apache-2.0 */
/* Plays the store's owner in tests: a private Redis, a loop, and what the callbacks said. */
#pragma once
#include "redis_server.h"
#include "store.h"

#define OWNER_TOPIC SLICE("reports")
#define OWNER_PARTITION 7
#define OWNER_START_MS 1795572000000LL

struct owner {
	struct redis_server server;
	struct event_base *base;
	struct config config;
	struct store *store;
	char password_file[96];
	int ready, lost, loaded, applied, watched, fatal;
	enum apply_result results[16];
	struct protocol_chunk *chunks[16];
	uint32_t conflicts;
	struct load_reply reply, state;
	struct stream *stream;
	char fatal_text[1024];
};

void owner_free_stream(struct owner *owner);
/* Microseconds of this thread. */
int64_t owner_cpu_us(void);
/* Runs the loop for so long. */
void owner_turn(struct owner *owner, int64_t ms);
/* Runs the loop until the count is there; fails after 15 s. */
void owner_wait_for(struct owner *owner, const int *count, int wanted);
void owner_start_store(struct owner *owner);
void owner_start_ready(struct owner *owner);
void owner_start_redis(struct owner *owner, const char *const *options);
void owner_set_password_file(struct owner *owner, const char *text);
/* One command over a connection of its own. */
void owner_command(struct owner *owner, const char *text);
long long owner_counter(struct owner *owner, const char *text);
void owner_load(struct owner *owner, bool may_create, bool rebuild);
/* A chunk with one delivery of rider r, and ids that begin at id. */
void owner_apply(struct owner *owner, struct protocol_chunk *chunk, int64_t hour, uint64_t id, size_t ids);
int owner_set_up(void **state);
int owner_tear_down(void **state);
