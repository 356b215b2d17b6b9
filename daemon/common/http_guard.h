/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds what libevent's HTTP server leaves open: how many connections there are at a time, and how long one may go on
 * without a complete request (its own timeout begins anew with each byte). */
#pragma once
#include <event2/event.h>
#include <stddef.h>

struct evhttp;
struct evhttp_request;
struct http_guard;

/* Watches every connection of the server from now on. Beyond connections_max a new one is closed at once; one that has
 * brought no complete request for seconds_max is closed, too. Free it after the server. */
struct http_guard *http_guard_new(struct event_base *base, struct evhttp *server, size_t connections_max,
				  int seconds_max);
void http_guard_free(struct http_guard **guard);
/* The request is complete: the time begins anew. */
void http_guard_touch(struct http_guard *guard, struct evhttp_request *request);
