/* SPDX-License-Identifier: Apache-2.0 */
/* hiredis calls these hooks in place of an event library. It never sees the socket: its own is one at which nothing
 * ever arrives, so that what it reads there in vain changes nothing, and what it has to send is taken from its buffer.
 */
#include "redis_tls_loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "alloc.h"

enum { RECORDS_AT_ONCE = 8 }; /* 128 KiB, then others have their turn */

struct link {
	redisAsyncContext *redis;
	const struct config *config;
	char host[254];
	redis_tls_error_f *on_error;
	struct redis_tls *tls; /* NULL: not connected yet */
	int fd;                /* the real one */
	bool is_shaken;
	struct event *readable, *writable;
	char error[REDIS_TLS_ERROR_SIZE]; /* to be told when all that came before it was */
};

static void wait_for(struct link *link, enum redis_tls_result result)
{
	event_add(result == REDIS_TLS_WANTS_WRITE ? link->writable : link->readable, NULL);
}

static void note_failure(struct link *link)
{
	snprintf(link->error, sizeof(link->error), "%s", redis_tls_error(link->tls));
}

/* ---- before it is ready: nothing may follow on a call of these that ends in a callback ---- */

static void shake(struct link *link)
{
	redisAsyncContext *redis = link->redis;
	enum redis_tls_result result = redis_tls_shake(link->tls);

	if (result == REDIS_TLS_FAILED) {
		link->on_error(redis, redis_tls_error(link->tls));
		return;
	}
	if (result != REDIS_TLS_DONE) {
		wait_for(link, result);
		return;
	}
	link->is_shaken = true;
	event_add(link->readable, NULL);
	event_add(link->writable, NULL);
	event_active(link->readable, EV_READ, 0); /* what came with the end of the handshake */
	redis->c.flags |= REDIS_CONNECTED;
	if (redis->onConnect)
		redis->onConnect(redis, REDIS_OK);
}

static void start(struct link *link)
{
	char why[REDIS_TLS_ERROR_SIZE];
	int code = 0;
	socklen_t size = sizeof(code);

	getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &code, &size);
	if (link->error[0])
		snprintf(why, sizeof(why), "%s", link->error);
	else if (code)
		snprintf(why, sizeof(why), "%s", strerror(code));
	else
		link->tls = redis_tls_new(link->config, link->host, link->fd, why);
	if (link->tls)
		shake(link);
	else
		link->on_error(link->redis, why);
}

/* ---- ready ---- */

static void send_pending(struct link *link)
{
	enum redis_tls_result result = redis_tls_send(link->tls, &link->redis->c);

	if (result == REDIS_TLS_FAILED)
		note_failure(link);
	else if (result != REDIS_TLS_DONE)
		wait_for(link, result);
}

/* What Redis said before it hung up is read also when nothing can be sent any more. Returns whether anything came. */
static bool receive_pending(struct link *link)
{
	enum redis_tls_result result = REDIS_TLS_DONE;
	int records = 0;

	while (records < RECORDS_AT_ONCE && result == REDIS_TLS_DONE) {
		result = redis_tls_receive(link->tls, &link->redis->c);
		records += result == REDIS_TLS_DONE;
	}
	if (result == REDIS_TLS_FAILED)
		note_failure(link);
	else
		wait_for(link, result);
	/* The rest may have been read from the socket already, and a failure is told behind the replies. */
	if (records && (result == REDIS_TLS_DONE || result == REDIS_TLS_FAILED))
		event_active(link->readable, EV_READ, 0);
	return records > 0;
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
	struct link *link = context;
	bool came = false;

	(void)fd, (void)what;
	if (!link->tls) {
		start(link);
		return;
	}
	if (!link->is_shaken) {
		shake(link);
		return;
	}
	if (!link->error[0]) {
		send_pending(link);
		came = receive_pending(link);
	}
	/* Last: either may free us. */
	if (came)
		redisAsyncHandleRead(link->redis);
	else if (link->error[0])
		link->on_error(link->redis, link->error);
}

/* ---- what hiredis asks for ---- */

static void add_read(void *context)
{
	(void)context; /* always */
}

static void add_write(void *context)
{
	struct link *link = context;

	if (link->is_shaken)
		event_add(link->writable, NULL);
}

static void ignore(void *context)
{
	(void)context;
}

/* hiredis closes the socket that it finds. */
static void clean_up(void *context)
{
	struct link *link = context;

	close(link->redis->c.fd);
	link->redis->c.fd = link->fd;
	link->redis->ev.data = NULL;
	event_free(link->readable);
	event_free(link->writable);
	redis_tls_free(&link->tls);
	free(link);
}

void redis_tls_attach(redisAsyncContext *redis, struct event_base *base, const struct config *config, const char *host,
		      redis_tls_error_f *on_error)
{
	struct link *link = alloc_zeroed(1, sizeof(*link));

	*link = (struct link){ .redis = redis, .config = config, .on_error = on_error, .fd = redis->c.fd };
	snprintf(link->host, sizeof(link->host), "%s", host);
	redis->c.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (redis->c.fd < 0)
		snprintf(link->error, sizeof(link->error), "no further socket: %s", strerror(errno));
	link->readable = event_new(base, link->fd, EV_READ | EV_PERSIST, on_event, link);
	link->writable = event_new(base, link->fd, EV_WRITE, on_event, link);
	MUST(link->readable && link->writable);
	redis->ev.addRead = add_read;
	redis->ev.addWrite = add_write;
	redis->ev.delRead = redis->ev.delWrite = ignore;
	redis->ev.cleanup = clean_up;
	redis->ev.data = link;
	event_add(link->writable, NULL);
	if (link->error[0])
		event_active(link->writable, EV_WRITE, 0);
}

bool redis_tls_is_shaking(const redisAsyncContext *redis)
{
	const struct link *link = redis->ev.data;

	return link && link->tls && !link->is_shaken;
}
