/* SPDX-License-Identifier: Apache-2.0 */
/* What both tests of TLS begin with: a server that speaks it, and a configuration that trusts it. */
#pragma once
#include <hiredis/async.h>
#include "redis_tls.h"
#include "tls_server.h"

enum { WAIT_MS = 60000, MEBIBYTE = 1 << 20 };

struct tls_scene {
	struct tls_files files;
	struct tls_server server;
	struct config config;
	struct event_base *base;
	redisAsyncContext *redis;
	int connected, replies, lost; /* replies that were right */
	size_t bytes;                 /* of them */
	char why[REDIS_TLS_ERROR_SIZE];
};
/* state of cmocka. Whatever is open then is closed. */
int tls_scene_set_up(void **state);
int tls_scene_tear_down(void **state);
void tls_scene_serve(struct tls_scene *scene, tls_talk_f *talk, void *context);
/* Not the same everywhere; the caller frees it. */
char *tls_make_text(size_t size);

/* ---- what the server does ---- */

/* Answers each "ECHO text" with text, until the client goes. */
void tls_echo(SSL *ssl, int fd, void *context);
/* The first one, and then the end: with the farewell of TLS when there is a context. */
void tls_echo_once(SSL *ssl, int fd, void *context);
/* context: text that is said without TLS. */
void tls_say_plainly(SSL *ssl, int fd, void *context);
/* Until the client goes. */
void tls_keep_silent(SSL *ssl, int fd, void *context);
/* The text of the next command; NULL at the end. The caller frees it. */
char *tls_read_echo(SSL *ssl, size_t *size);
void tls_answer(SSL *ssl, const char *text, size_t size);
