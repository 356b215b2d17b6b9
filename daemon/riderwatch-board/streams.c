/* SPDX-License-Identifier: Apache-2.0 */
#include "streams.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"
#include "log.h"
#include "must.h"

#define HEARTBEAT_SECONDS 15
#define RETRY_MS 1000
/* Who missed more asks for the list again. */
#define REPLAY_MAX 500

struct stream {
	struct stream *next, **link;
	struct streams *streams;
	struct evhttp_request *request;
	struct filter filter;
};

struct streams {
	struct ring *ring;
	const char *epoch;
	size_t clients_max, buffer_max;
	uint64_t sent; /* sequence of the last card that was looked at */
	struct stream *first;
	struct streams_counts counts;
	struct event *heartbeat;
};

/* ---- one client ---- */

static void forget(struct stream *stream)
{
	*stream->link = stream->next;
	if (stream->next)
		stream->next->link = stream->link;
	stream->streams->counts.open--;
	free(stream);
}

static void on_close(struct evhttp_connection *connection, void *context)
{
	struct stream *stream = context;
	(void)connection;
	/* Without a connection the request is nobody's any more; with one, the connection frees it. */
	if (!evhttp_request_get_connection(stream->request))
		evhttp_request_free(stream->request);
	forget(stream);
}

static size_t waiting_bytes(const struct stream *stream)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(stream->request);
	return evbuffer_get_length(bufferevent_get_output(evhttp_connection_get_bufferevent(connection)));
}

/* Drops the client instead when too much waits for it already; the stream is gone then. What one turn brings is never
 * too much by itself. */
static void send_frames(struct stream *stream, struct evbuffer *frames)
{
	struct streams *streams = stream->streams;
	struct evhttp_connection *connection = evhttp_request_get_connection(stream->request);
	if (connection && waiting_bytes(stream) <= streams->buffer_max) {
		evhttp_send_reply_chunk(stream->request, frames);
		return;
	}
	streams->counts.dropped++;
	log_limited(LOG_INFO, "a client does not read its stream and is dropped", "waiting_max=%zu",
		    streams->buffer_max);
	if (connection)
		evhttp_connection_free(connection); /* on_close follows */
}

static void put_card(const struct streams *streams, struct evbuffer *frames, const struct card *card)
{
	evbuffer_add_printf(frames, "id: %s-%" PRIu64 "\nevent: alert\ndata: {\"sequence\":%" PRIu64 ",",
			    streams->epoch, card->sequence, card->sequence);
	evbuffer_add(frames, card->summary + 1, card->summary_size - 1);
	evbuffer_add(frames, "\n\n", 2);
}

/* ---- opening ---- */

/* False when the id is of another run, or too old. */
static bool read_after(const struct streams *streams, const char *after, uint64_t *sequence)
{
	const char *dash = strchr(after, '-');
	char *end;
	if (!dash || (size_t)(dash - after) != strlen(streams->epoch) ||
	    strncmp(after, streams->epoch, (size_t)(dash - after)) != 0)
		return false;
	*sequence = strtoull(dash + 1, &end, 10);
	return end != dash + 1 && !*end && *sequence + 1 >= ring_first(streams->ring) && *sequence <= streams->sent;
}

/* The cards that the client missed; an event "reset" when they are not here or too many. */
static void put_missed(const struct stream *stream, const char *after, struct evbuffer *frames)
{
	const struct streams *streams = stream->streams;
	uint64_t sequence = streams->sent;
	size_t count = 0;
	bool known = !after || read_after(streams, after, &sequence);
	struct evbuffer *missed = evbuffer_new();
	MUST(missed);
	while (known && ++sequence <= streams->sent && count <= REPLAY_MAX) {
		const struct card *card = ring_at(streams->ring, sequence);
		if (!filter_matches(&stream->filter, card))
			continue;
		put_card(streams, missed, card);
		count++;
	}
	if (!known || count > REPLAY_MAX || evbuffer_get_length(missed) > streams->buffer_max / 2)
		evbuffer_add_printf(frames, "event: reset\ndata: {}\n\n");
	else
		evbuffer_add_buffer(frames, missed);
	evbuffer_free(missed);
}

static void start_reply(struct evhttp_request *request)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	evhttp_add_header(headers, "Content-Type", "text/event-stream; charset=utf-8");
	evhttp_add_header(headers, "X-Accel-Buffering", "no");
	/* A stream may be silent for as long as it likes. */
	evhttp_connection_set_timeout(evhttp_request_get_connection(request), -1);
	evhttp_send_reply_start(request, HTTP_OK, "OK");
}

bool streams_open(struct streams *streams, struct evhttp_request *request, const struct filter *filter,
		  const char *after)
{
	if (streams->counts.open >= streams->clients_max) {
		streams->counts.refused++;
		return false;
	}
	struct stream *stream = alloc_zeroed(1, sizeof *stream);
	*stream = (struct stream){ .streams = streams, .request = request, .filter = *filter, .next = streams->first };
	stream->link = &streams->first;
	if (stream->next)
		stream->next->link = &stream->next;
	streams->first = stream;
	streams->counts.open++;
	streams->counts.opened++;
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_close, stream);
	start_reply(request);
	struct evbuffer *frames = evbuffer_new();
	MUST(frames);
	evbuffer_add_printf(frames, "retry: %d\n\n", RETRY_MS);
	put_missed(stream, after, frames);
	send_frames(stream, frames);
	evbuffer_free(frames);
	return true;
}

/* ---- to everybody ---- */

static void send_new(struct stream *stream, uint64_t from)
{
	const struct streams *streams = stream->streams;
	struct evbuffer *frames = evbuffer_new();
	MUST(frames);
	for (uint64_t sequence = from; sequence <= streams->sent; sequence++) {
		const struct card *card = ring_at(streams->ring, sequence);
		if (filter_matches(&stream->filter, card))
			put_card(streams, frames, card);
	}
	if (evbuffer_get_length(frames))
		send_frames(stream, frames);
	evbuffer_free(frames);
}

void streams_alerts(struct streams *streams)
{
	uint64_t from = streams->sent + 1;
	if (from < ring_first(streams->ring))
		from = ring_first(streams->ring);
	streams->sent = ring_last(streams->ring);
	struct stream *next;
	for (struct stream *stream = streams->first; stream && from <= streams->sent; stream = next) {
		next = stream->next; /* the client may be dropped */
		send_new(stream, from);
	}
}

static void send_to_all(struct streams *streams, const char *frame)
{
	struct stream *next;
	for (struct stream *stream = streams->first; stream; stream = next) {
		next = stream->next;
		struct evbuffer *frames = evbuffer_new();
		MUST(frames);
		evbuffer_add(frames, frame, strlen(frame));
		send_frames(stream, frames);
		evbuffer_free(frames);
	}
}

void streams_tell(struct streams *streams, const char *event, const char *data)
{
	char *frame;
	MUST(asprintf(&frame, "event: %s\ndata: %s\n\n", event, data) >= 0);
	send_to_all(streams, frame);
	free(frame);
}

/* So that both sides notice a connection that is gone. */
static void on_heartbeat(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	send_to_all(context, ": still here\n\n");
}

/* ---- life ---- */

struct streams *streams_new(struct event_base *base, struct ring *ring, const char *epoch, size_t clients_max,
			    size_t buffer_max)
{
	struct streams *streams = alloc_zeroed(1, sizeof *streams);
	*streams = (struct streams){ .ring = ring,
				     .epoch = epoch,
				     .clients_max = clients_max,
				     .buffer_max = buffer_max,
				     .sent = ring_last(ring) };
	streams->heartbeat = event_new(base, -1, EV_PERSIST, on_heartbeat, streams);
	event_add(streams->heartbeat, &(struct timeval){ HEARTBEAT_SECONDS, 0 });
	return streams;
}

void streams_free(struct streams **pointer)
{
	struct streams *streams = *pointer;
	if (!streams)
		return;
	struct stream *next;
	for (struct stream *stream = streams->first; stream; stream = next) {
		next = stream->next;
		evhttp_connection_free(evhttp_request_get_connection(stream->request));
	}
	event_free(streams->heartbeat);
	free(streams);
	*pointer = NULL;
}

struct streams_counts streams_counts(const struct streams *streams)
{
	return streams->counts;
}
