/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for hiredis' asynchronous connections, on an event loop. */
#pragma once
#include <event2/event.h>
#include <hiredis/async.h>
#include "redis_tls.h"

/* why: with what to do about it when we know. The callee frees redis; nothing else follows. */
typedef void redis_tls_error_f(redisAsyncContext *redis, const char *why);

/* In place of redisLibeventAttach(), right after redisAsyncConnect(). The connect callback comes after the handshake,
 * on_error when that fails or the connection is lost; both from the loop. It goes with the context. */
void redis_tls_attach(redisAsyncContext *redis, struct event_base *base, const struct config *config, const char *host,
		      redis_tls_error_f *on_error);
/* Connected, and the handshake is under way. */
bool redis_tls_is_shaking(const redisAsyncContext *redis);
