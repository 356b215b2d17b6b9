/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics, /healthz and the like on the event loop. */
#pragma once
#include <event2/event.h>
#include "config.h"
#include "metrics.h"

struct evhttp;
struct evhttp_request;
struct http;

/* A server of GET and HEAD that bounds headers, body and how long a connection may be idle. The caller frees it with
 * evhttp_free. */
struct evhttp *http_server_new(struct event_base *base, int idle_seconds,
			       void (*on_request)(struct evhttp_request *request, void *context), void *context);
/* Lets the server listen on "address:port" or "[v6]:port". Returns the port in use, or -1 and fills error. */
int http_listen(struct evhttp *server, const char *listen, char *error, size_t error_size);

#define HTTP_REASONS_MAX 8

/* What the pages ask for; context is given to each. */
struct http_callbacks {
	void (*on_scrape)(void *context); /* brings gauges up to date; NULL: there are none */
	/* Why the daemon is not ready, in short fixed texts; returns how many, 0 when it is. NULL: always ready. */
	size_t (*why_not_ready)(void *context, const char *reasons[HTTP_REASONS_MAX]);
};

/* Serves http.listen of the configuration. Returns NULL and fills error when that cannot be done. What is given is
 * borrowed until http_stop. */
struct http *http_start(struct event_base *base, const struct config *config, struct metrics *metrics,
			const struct http_callbacks *callbacks, void *context, char *error, size_t error_size);
/* Port in use: what was asked for, or what the system chose for port 0. */
int http_port(const struct http *http);
/* NULL is accepted. */
void http_stop(struct http **http);
