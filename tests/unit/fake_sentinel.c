/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_sentinel.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "must.h"

#define LAST_OF_QUESTION "$6\r\nmaster\r\n"

static void reply(const struct fake_sentinel *sentinel, struct evbuffer *out)
{
	char port[16];
	if (sentinel->mood == FAKE_UNKNOWN) {
		evbuffer_add_printf(out, "*-1\r\n-ERR No such master with that name\r\n");
		return;
	}
	snprintf(port, sizeof port, "%d", sentinel->master_port);
	evbuffer_add_printf(out, "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port), port);
	if (sentinel->epoch < 0)
		evbuffer_add_printf(out, "-NOPERM this user has no permissions\r\n");
	else
		evbuffer_add_printf(out, "*2\r\n$12\r\nconfig-epoch\r\n$1\r\n%d\r\n", sentinel->epoch % 10);
}

static void on_read(struct bufferevent *connection, void *context)
{
	struct fake_sentinel *sentinel = context;
	struct evbuffer *in = bufferevent_get_input(connection);
	struct evbuffer_ptr end = evbuffer_search(in, LAST_OF_QUESTION, strlen(LAST_OF_QUESTION), NULL);
	if (end.pos < 0)
		return;
	evbuffer_drain(in, evbuffer_get_length(in));
	sentinel->asked++;
	if (sentinel->mood != FAKE_SILENT)
		reply(sentinel, bufferevent_get_output(connection));
}

static void on_end(struct bufferevent *connection, short what, void *context)
{
	(void)what, (void)context;
	bufferevent_free(connection);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int size,
		      void *context)
{
	(void)from, (void)size;
	struct event_base *base = evconnlistener_get_base(listener);
	struct bufferevent *connection = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	MUST(connection);
	bufferevent_setcb(connection, on_read, NULL, on_end, context);
	bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static int port_of(int fd)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	MUST(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	return ntohs(address.sin_port);
}

void fake_sentinel_start(struct fake_sentinel *sentinel, struct event_base *base)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	sentinel->listener = evconnlistener_new_bind(base, on_accept, sentinel, LEV_OPT_CLOSE_ON_FREE, -1,
						     (struct sockaddr *)&address, sizeof address);
	MUST(sentinel->listener);
	sentinel->port = port_of(evconnlistener_get_fd(sentinel->listener));
}

void fake_sentinel_stop(struct fake_sentinel *sentinel)
{
	if (sentinel->listener)
		evconnlistener_free(sentinel->listener);
	sentinel->listener = NULL;
}

int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	int port = port_of(fd);
	close(fd);
	return port;
}
