/* SPDX-License-Identifier: Apache-2.0 */
/* Live streams: server-sent events to every page that is open, each with its filter. A client that does not read is
 * dropped before what waits for it passes a bound; the others do not notice. */
#pragma once
#include <event2/http.h>
#include <stdbool.h>
#include "filter.h"
#include "ring.h"

struct streams;

struct streams_counts {
	size_t open;
	uint64_t opened, dropped, refused;
};

/* ring and epoch are borrowed. epoch names this run: an event's id is "<epoch>-<sequence>". */
struct streams *streams_new(struct event_base *base, struct ring *ring, const char *epoch, size_t clients_max,
			    size_t buffer_max);
void streams_free(struct streams **streams);
/* Answers the request with a stream. after: id of the last event that the client has, NULL for none: then it gets what
 * comes from now on. False when there are too many: the request is still the caller's. */
bool streams_open(struct streams *streams, struct evhttp_request *request, const struct filter *filter,
		  const char *after);
/* Sends what the ring has got since the last call. */
void streams_alerts(struct streams *streams);
/* Sends an event without id to everybody. data is one line. */
void streams_tell(struct streams *streams, const char *event, const char *data);
struct streams_counts streams_counts(const struct streams *streams);
