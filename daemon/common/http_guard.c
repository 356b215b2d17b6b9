/* SPDX-License-Identifier: Apache-2.0 */
#include "http_guard.h"

#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "alloc.h"
#include "monotonic.h"
#include "must.h"

/* The server frees connections without telling. A descriptor is known again by its inode: once that is another one, the
 * connection has gone. Nothing of the server's is held here: a reference to its bufferevent would keep events on a
 * descriptor that is somebody else's by then. */
struct watched {
	int fd; /* -1: free */
	ino_t inode;
	int64_t since_ms; /* it was made, or brought its last complete request */
};

struct http_guard {
	struct event *timer, *arrival;
	size_t size; /* connections that may be open */
	int64_t time_max_ms;
	struct watched *list;
	struct bufferevent **arrived; /* in this turn of the loop; the server has not set their descriptors yet */
	size_t arrived_count, arrived_room;
};

enum { SWEEP_MS = 500 };

static bool inode_of(int fd, ino_t *inode)
{
	struct stat status;
	bool known = fd >= 0 && fstat(fd, &status) == 0;

	*inode = known ? status.st_ino : 0;
	return known;
}

/* Forgets what has gone, ends what has had its time; returns how many there are. */
static size_t sweep(struct http_guard *guard)
{
	int64_t now = monotonic_ms();
	size_t count = 0;
	ino_t inode;

	for (size_t i = 0; i < guard->size; i++) {
		struct watched *watched = &guard->list[i];
		if (watched->fd < 0)
			continue;
		if (!inode_of(watched->fd, &inode) || inode != watched->inode) {
			watched->fd = -1;
			continue;
		}
		/* The server reads an end, and frees the connection. */
		if (now - watched->since_ms > guard->time_max_ms)
			shutdown(watched->fd, SHUT_RDWR);
		count++;
	}
	return count;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	sweep(context);
}

static void watch(struct http_guard *guard, int fd)
{
	for (size_t i = 0; i < guard->size; i++) {
		if (guard->list[i].fd < 0) {
			guard->list[i] = (struct watched){ .fd = fd, .since_ms = monotonic_ms() };
			inode_of(fd, &guard->list[i].inode);
			return;
		}
	}
	shutdown(fd, SHUT_RDWR); /* one too many */
}

/* Before the loop looks at any descriptor again: they are all as the server has just made them. */
static void on_arrival(evutil_socket_t fd, short what, void *context)
{
	struct http_guard *guard = context;

	(void)fd, (void)what;
	sweep(guard);
	for (size_t i = 0; i < guard->arrived_count; i++)
		watch(guard, bufferevent_getfd(guard->arrived[i]));
	guard->arrived_count = 0;
}

static struct bufferevent *on_connection(struct event_base *base, void *context)
{
	struct http_guard *guard = context;
	struct bufferevent *events = bufferevent_socket_new(base, -1, 0);

	MUST(events);
	if (guard->arrived_count == guard->arrived_room) {
		guard->arrived_room = guard->arrived_room ? 2 * guard->arrived_room : 16;
		guard->arrived = alloc_resize(guard->arrived, guard->arrived_room * sizeof(struct bufferevent *));
	}
	guard->arrived[guard->arrived_count++] = events;
	event_active(guard->arrival, EV_TIMEOUT, 0);
	return events;
}

struct http_guard *http_guard_new(struct event_base *base, struct evhttp *server, size_t connections_max,
				  int seconds_max)
{
	struct http_guard *guard = alloc_zeroed(1, sizeof(*guard));

	guard->size = connections_max;
	guard->time_max_ms = seconds_max * 1000LL;
	guard->list = alloc_zeroed(guard->size, sizeof(*guard->list));
	for (size_t i = 0; i < guard->size; i++)
		guard->list[i].fd = -1;
	guard->timer = event_new(base, -1, EV_PERSIST, on_timer, guard);
	guard->arrival = event_new(base, -1, 0, on_arrival, guard);
	MUST(guard->timer && guard->arrival);
	event_add(guard->timer, &(struct timeval){ 0, SWEEP_MS * 1000 });
	evhttp_set_bevcb(server, on_connection, guard);
	return guard;
}

void http_guard_free(struct http_guard **pointer)
{
	struct http_guard *guard = *pointer;

	*pointer = NULL;
	if (!guard)
		return;
	event_free(guard->timer);
	event_free(guard->arrival);
	free(guard->arrived);
	free(guard->list);
	free(guard);
}

void http_guard_touch(struct http_guard *guard, struct evhttp_request *request)
{
	struct bufferevent *events = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
	int fd = bufferevent_getfd(events);

	for (size_t i = 0; i < guard->size; i++)
		if (guard->list[i].fd == fd)
			guard->list[i].since_ms = monotonic_ms();
}
