/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics and /healthz on the event loop. */
#pragma once
#include <event2/event.h>
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

/* listen: "address:port" or "[v6]:port". on_scrape is called before metrics are rendered, to bring gauges up to date;
 * may be NULL. Returns NULL and fills error when the address cannot be used. metrics is borrowed until http_stop. */
struct http *http_start(struct event_base *base, const char *listen, struct metrics *metrics,
			void (*on_scrape)(void *context), void *context, char *error, size_t error_size);
/* Port in use: what was asked for, or what the system chose for port 0. */
int http_port(const struct http *http);
/* NULL is accepted. */
void http_stop(struct http **http);
