/* SPDX-License-Identifier: Apache-2.0 */
/* A blocking connection to the daemon's Redis, for reads: to the master, when Sentinels say which it is. */
#pragma once
#include <hiredis/hiredis.h>
#include "address.h"
#include "config.h"
#include "must.h"
#include "slice.h"

struct redis_tls;

/* Zeroed before it is opened for the first time. */
struct redis_link {
	redisContext *context; /* NULL: not connected */
	struct redis_tls *tls; /* NULL: without */
	bool is_heard;         /* it has answered something */
	const struct config *config;
	char address[ADDRESS_TEXT_SIZE]; /* host:port or socket in use */
	bool role_unknown;               /* behind Sentinels: this user may not ask whether it is the master */
	size_t sentinel;                 /* whom to ask first */
	char error[1024];                /* why the last call failed, and what to do about it */
};

/* False and link->error when Redis cannot be reached or refuses us. redis_link_close in both cases. */
MUST_CHECK bool redis_link_open(struct redis_link *link, const struct config *config);
/* As another user than redis.user; an empty password_file: no password. */
MUST_CHECK bool redis_link_open_as(struct redis_link *link, const struct config *config, const char *user,
				   const char *password_file);
/* Is the connection of use still? False and link->error when it has gone, or leads to a former master. */
MUST_CHECK bool redis_link_holds(struct redis_link *link);
void redis_link_close(struct redis_link *link);
/* Reply of one command, or NULL with link->error when the connection or the command failed. The caller frees it. */
redisReply *redis_link_ask(struct redis_link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same in two steps, for many commands at once. Words of the second form may hold any bytes. */
void redis_link_send(struct redis_link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));
void redis_link_send_words(struct redis_link *link, const struct slice *words, size_t count);
redisReply *redis_link_receive(struct redis_link *link);
