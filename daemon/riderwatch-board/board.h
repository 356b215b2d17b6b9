/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of riderwatch-board share. Everything here belongs to the loop thread. */
#pragma once
#include <event2/event.h>
#include "access.h"
#include "caps.h"
#include "config.h"
#include "feed.h"
#include "health.h"
#include "kafka_reads.h"
#include "redis_reads.h"
#include "ring.h"
#include "streams.h"
#include "worker.h"

struct board {
	const struct config *config;
	struct event_base *base;
	char epoch[24]; /* names this run in event ids */
	struct ring *ring;
	struct feed *feed;
	struct streams *streams;
	struct access *access;
	/* Each thread has its own reads: none is used by anything but its worker's jobs. */
	struct worker *redis_worker, *kafka_worker;
	struct redis_reads *redis_reads;
	struct kafka_reads *kafka_reads;
	struct health *health;
	struct server *server;
	struct supervisor *supervisor;
	struct caps caps;
	char *map; /* GeoJSON, NULL when there is none */
	size_t map_size;
};

int64_t board_now_ms(void);
/* Runs until it is told to stop; returns the exit code. */
int board_run(const struct config *config);
