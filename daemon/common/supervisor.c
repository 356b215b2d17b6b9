/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"
#include "alloc.h"
#include "log.h"
#include "slice.h"

#include <errno.h>
#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct supervisor {
	int fd; /* -1: nobody asks */
	struct sockaddr_un address;
	socklen_t address_size;
	struct event *beat; /* NULL: no watchdog */
};

/* One datagram is one message. */
static void tell(struct supervisor *supervisor, const char *message)
{
	if (supervisor->fd < 0)
		return;
	ssize_t sent = sendto(supervisor->fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
			      (struct sockaddr *)&supervisor->address, supervisor->address_size);
	if (sent < 0)
		log_warning("cannot tell the service manager (NOTIFY_SOCKET); it may think that we hang",
			    "path=\"%s\" error=\"%s\"", supervisor->address.sun_path, strerror(errno));
}

/* "/path", or "@name" for a socket outside the file system. */
static bool read_address(struct supervisor *supervisor, const char *text)
{
	struct sockaddr_un *address = &supervisor->address;
	size_t size = strlen(text);
	if ((text[0] != '/' && text[0] != '@') || size < 2 || size >= sizeof address->sun_path)
		return false;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, text, size);
	if (text[0] == '@')
		address->sun_path[0] = '\0';
	supervisor->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (text[0] == '/'));
	return true;
}

static void on_beat(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	tell(context, "WATCHDOG=1");
}

/* Microseconds within which the manager wants a sign of life; 0: it wants none from us. */
static int64_t watchdog_interval(void)
{
	const char *interval = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	if (!interval || (pid && atoll(pid) != getpid()))
		return 0;
	return atoll(interval);
}

static void start_beat(struct supervisor *supervisor, struct event_base *base)
{
	int64_t every = watchdog_interval() / 2;
	if (every <= 0)
		return;
	supervisor->beat = event_new(base, -1, EV_PERSIST, on_beat, supervisor);
	event_add(supervisor->beat, &(struct timeval){ every / 1000000, every % 1000000 });
}

struct supervisor *supervisor_new(struct event_base *base)
{
	struct supervisor *supervisor = alloc_zeroed(1, sizeof *supervisor);
	const char *path = getenv("NOTIFY_SOCKET");
	supervisor->fd = -1;
	if (!path || !*path)
		return supervisor;
	if (!read_address(supervisor, path)) {
		log_warning("NOTIFY_SOCKET is neither /path nor @name; the service manager is told nothing",
			    "value=\"%s\"", path);
		return supervisor;
	}
	supervisor->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	start_beat(supervisor, base);
	return supervisor;
}

void supervisor_ready(struct supervisor *supervisor)
{
	tell(supervisor, "READY=1\nSTATUS=running");
}

void supervisor_stopping(struct supervisor *supervisor)
{
	tell(supervisor, "STOPPING=1\nSTATUS=stopping");
}

void supervisor_free(struct supervisor **pointer)
{
	struct supervisor *supervisor = *pointer;
	if (!supervisor)
		return;
	if (supervisor->beat)
		event_free(supervisor->beat);
	if (supervisor->fd >= 0)
		close(supervisor->fd);
	free(supervisor);
	*pointer = NULL;
}
