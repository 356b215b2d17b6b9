/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include "alloc.h"
#include "log.h"
#include "must.h"
#include "server.h"
#include "supervisor.h"

#define JOBS_MAX 64
#define MAP_MAX (8 << 20)
/* An alert that was written longer ago than this when it came is history. */
#define LIVE_MS 60000

int64_t board_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the feed ---- */

static void on_card(void *context, struct card *card)
{
	struct board *board = context;
	bool live = card->place.seen_ms - card->place.written_ms < LIVE_MS;
	if (ring_add(board->ring, card) && live)
		health_card(board->health, card);
}

static void on_turn(void *context)
{
	struct board *board = context;
	streams_alerts(board->streams);
}

/* ---- start ---- */

static int read_map(struct board *board)
{
	const char *path = board->config->board_map_file;
	FILE *file = *path ? fopen(path, "r") : NULL;
	if (!*path)
		return 0;
	if (!file) {
		log_error("board.map_file cannot be read", "path=%s error=%s", path, strerror(errno));
		return EX_CONFIG;
	}
	board->map = alloc_zeroed(1, MAP_MAX);
	board->map_size = fread(board->map, 1, MAP_MAX, file);
	fclose(file);
	json_error_t reason;
	json_t *json = board->map_size < MAP_MAX ? json_loadb(board->map, board->map_size, 0, &reason) : NULL;
	bool ok = json_is_object(json);
	json_decref(json);
	if (ok)
		return 0;
	log_error("board.map_file must be GeoJSON of less than 8 MiB", "path=%s", path);
	return EX_CONFIG;
}

static void start_parts(struct board *board)
{
	static const struct feed_callbacks callbacks = { .on_card = on_card, .on_turn = on_turn };
	const struct config *config = board->config;
	snprintf(board->epoch, sizeof board->epoch, "%llx", (unsigned long long)board_now_ms());
	board->ring = ring_new((size_t)config->board_alerts_max, (size_t)config->board_memory_max);
	board->streams = streams_new(board->base, board->ring, board->epoch, (size_t)config->board_clients_max,
				     (size_t)config->board_client_buffer);
	caps_read(&board->caps, config);
	board->redis_reads = redis_reads_new(config);
	board->kafka_reads = kafka_reads_new(config);
	board->redis_worker = worker_new(board->base, JOBS_MAX);
	board->kafka_worker = worker_new(board->base, JOBS_MAX);
	board->health = health_new(board);
	board->feed = feed_new(board->base, config, &callbacks, board);
}

static int start_server(struct board *board)
{
	char error[512];
	board->server = server_start(board, error, sizeof error);
	if (board->server)
		return 0;
	log_error("cannot serve board.listen; choose another address:port", "listen=%s error=%s",
		  board->config->board_listen, error);
	return EX_OSERR;
}

/* ---- end ---- */

static void on_stop(evutil_socket_t number, short what, void *context)
{
	struct board *board = context;
	(void)what;
	log_info("stopping", "signal=%d", (int)number);
	supervisor_stopping(board->supervisor);
	event_base_loopbreak(board->base);
}

static void on_hangup(evutil_socket_t number, short what, void *context)
{
	struct board *board = context;
	(void)number, (void)what;
	caps_read(&board->caps, board->config);
}

/* Workers first: what they still answer needs the server's connections; the feed's cards name its topics. */
static void end_parts(struct board *board)
{
	worker_free(&board->kafka_worker);
	worker_free(&board->redis_worker);
	streams_free(&board->streams);
	server_stop(&board->server);
	health_free(&board->health);
	feed_free(&board->feed);
	ring_free(&board->ring);
	kafka_reads_free(&board->kafka_reads);
	redis_reads_free(&board->redis_reads);
	access_free(&board->access);
	free(board->map);
}

static void turn(struct board *board)
{
	struct event *events[] = { evsignal_new(board->base, SIGTERM, on_stop, board),
				   evsignal_new(board->base, SIGINT, on_stop, board),
				   evsignal_new(board->base, SIGHUP, on_hangup, board) };
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		event_add(events[i], NULL);
	log_info("running", "version=" RIDERWATCH_VERSION " listen=%s port=%d history_s=%lld",
		 board->config->board_listen, server_port(board->server),
		 (long long)board->config->board_history / 1000);
	board->supervisor = supervisor_new(board->base);
	supervisor_ready(board->supervisor);
	event_base_dispatch(board->base);
	supervisor_free(&board->supervisor);
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		event_free(events[i]);
}

int board_run(const struct config *config)
{
	struct board board = { .config = config, .base = event_base_new() };
	char error[512];
	MUST(board.base);
	signal(SIGPIPE, SIG_IGN);
	board.access = access_new(config, ACCESS_BOARD, error, sizeof error);
	int status = board.access ? read_map(&board) : EX_CONFIG;
	if (!board.access)
		log_error("cannot start", "error=%s", error);
	if (!status) {
		start_parts(&board);
		status = start_server(&board);
	}
	if (!status)
		turn(&board);
	end_parts(&board);
	event_base_free(board.base);
	return status;
}
