/* SPDX-License-Identifier: Apache-2.0 */
/* For programs that wait: on hiredis' own socket, whose timeouts end each call. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "redis_tls.h"

struct redis_tls *redis_tls_connect(const struct config *config, const char *host, redisContext *redis,
				    char error[REDIS_TLS_ERROR_SIZE])
{
	struct redis_tls *tls = redis_tls_new(config, host, redis->fd, error);

	if (!tls)
		return NULL;
	enum redis_tls_result result = redis_tls_shake(tls);

	if (result == REDIS_TLS_DONE)
		return tls;
	snprintf(error, REDIS_TLS_ERROR_SIZE, "%s",
		 result == REDIS_TLS_FAILED ? redis_tls_error(tls) : redis_tls_silence);
	redis_tls_free(&tls);
	return NULL;
}

/* As hiredis does it, so that its callers find what they look for: err, errstr, and errno of a read in vain. */
static int fail(redisContext *redis, const struct redis_tls *tls, enum redis_tls_result result)
{
	bool late = result != REDIS_TLS_FAILED;

	redis->err = late ? REDIS_ERR_IO : REDIS_ERR_OTHER;
	snprintf(redis->errstr, sizeof(redis->errstr), "%s", late ? strerror(EAGAIN) : redis_tls_error(tls));
	errno = late ? EAGAIN : EIO;
	return REDIS_ERR;
}

/* What Redis said before it hung up is to be read also when nothing can be sent any more. */
static int exchange(struct redis_tls *tls, redisContext *redis, void **reply)
{
	enum redis_tls_result sent = redis_tls_send(tls, redis), received = REDIS_TLS_DONE;

	if (sent != REDIS_TLS_DONE && sent != REDIS_TLS_FAILED)
		return fail(redis, tls, sent);
	while (!*reply) {
		received = redis_tls_receive(tls, redis);
		if (redisGetReplyFromReader(redis, reply) != REDIS_OK)
			return REDIS_ERR;
		if (!*reply && received != REDIS_TLS_DONE)
			return fail(redis, tls, received);
	}
	return REDIS_OK;
}

int redis_tls_get_reply(struct redis_tls *tls, redisContext *redis, redisReply **reply)
{
	void *found = NULL;
	int status;

	if (!tls || redis->err)
		status = redisGetReply(redis, &found);
	else
		status = redisGetReplyFromReader(redis, &found);
	if (tls && status == REDIS_OK && !found)
		status = exchange(tls, redis, &found);
	*reply = found;
	return status;
}
