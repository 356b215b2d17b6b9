/* SPDX-License-Identifier: Apache-2.0 */
/* TLS to Redis and to Sentinels. hiredis 0.14 knows none, so it makes the connection, formats commands and reads
 * replies, and OpenSSL carries the bytes between. Redis is always verified: its chain and its name. Settings and files
 * are read for each connection: a certificate that was renewed is used from the next one on. */
#pragma once
#include <hiredis/hiredis.h>
#include "config.h"
#include "must.h"

enum { REDIS_TLS_ERROR_SIZE = 640 };

struct redis_tls;

enum redis_tls_result {
	REDIS_TLS_DONE,
	REDIS_TLS_WANTS_READ, /* of a socket that blocks: its time is over */
	REDIS_TLS_WANTS_WRITE,
	REDIS_TLS_FAILED, /* for good; redis_tls_error says why */
};

/* For a socket that is connected to host, which stays the caller's. NULL when a file of the settings cannot be used,
 * with what is wrong and what to do in error. */
struct redis_tls *redis_tls_new(const struct config *config, const char *host, int fd,
				char error[REDIS_TLS_ERROR_SIZE]);
/* Says no farewell: what is whole, RESP says. */
void redis_tls_free(struct redis_tls **tls);
/* The handshake; again until it is done. */
enum redis_tls_result redis_tls_shake(struct redis_tls *tls);
/* Sends what hiredis has formatted, and forgets what was sent. Done: nothing is left. */
enum redis_tls_result redis_tls_send(struct redis_tls *tls, redisContext *redis);
/* Gives hiredis' reader one record. Done: there may be more. */
enum redis_tls_result redis_tls_receive(struct redis_tls *tls, redisContext *redis);
/* Why it failed, and what to do about it when we know. */
const char *redis_tls_error(const struct redis_tls *tls);
/* Until the certificate of Redis ends, or ours; INT_MAX: there is none. */
int redis_tls_days_left(const struct redis_tls *tls, bool is_ours);
/* What it may mean that a connection without TLS is closed before anything came. */
#define REDIS_TLS_NEEDED "a port that speaks TLS needs redis.tls"
/* What it means that the handshake is not answered. */
extern const char redis_tls_silence[];

/* ---- for programs that wait ---- */

/* Shakes hands on a connection that hiredis has made, within its timeout. NULL and error. */
MUST_CHECK struct redis_tls *redis_tls_connect(const struct config *config, const char *host, redisContext *redis,
					       char error[REDIS_TLS_ERROR_SIZE]);
/* redisGetReply() over tls; NULL: without TLS. */
int redis_tls_get_reply(struct redis_tls *tls, redisContext *redis, redisReply **reply);

/* Tries the files of the settings. False when one cannot be used: which setting names it, what is wrong, what to do. */
MUST_CHECK bool redis_tls_try(const struct config *config, const char **setting, char error[REDIS_TLS_ERROR_SIZE]);
