/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_tls.h"

#include <errno.h>
#include <limits.h>
#include <hiredis/sds.h>
#if HIREDIS_MAJOR >= 1
#include <hiredis/sdscompat.h>
#endif
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "redis_tls_context.h"
#include "redis_tls_fault.h"

enum { RECORD_SIZE = 16 * 1024 };

struct redis_tls {
	SSL *ssl;
	bool is_shaken;
	char server_name[254];
	char error[REDIS_TLS_ERROR_SIZE];
};

const char redis_tls_silence[] =
	"no answer to the TLS handshake in time; a Redis that speaks no TLS at this port keeps silent: use "
	"the port that tls-port in its redis.conf names, or set redis.tls to false";

/* The name that the certificate has to bear: an address of its own kind, or a name, which the server is told, too. */
static void expect_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1)
		return;
	X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	MUST(SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1);
}

struct redis_tls *redis_tls_new(const struct config *config, const char *host, int fd, char error[REDIS_TLS_ERROR_SIZE])
{
	SSL_CTX *context = redis_tls_context_new(config, error);
	struct redis_tls *tls;

	if (!context)
		return NULL;
	tls = alloc_zeroed(1, sizeof(*tls));
	tls->ssl = SSL_new(context);
	SSL_CTX_free(context);
	MUST(tls->ssl && SSL_set_fd(tls->ssl, fd) == 1);
	snprintf(tls->server_name, sizeof(tls->server_name), "%s",
		 config->redis_tls_server_name[0] ? config->redis_tls_server_name : host);
	expect_name(tls->ssl, tls->server_name);
	return tls;
}

void redis_tls_free(struct redis_tls **tls)
{
	if (!*tls)
		return;
	SSL_free((*tls)->ssl);
	free(*tls);
	*tls = NULL;
}

const char *redis_tls_error(const struct redis_tls *tls)
{
	return tls->error;
}

int redis_tls_days_left(const struct redis_tls *tls, bool is_ours)
{
	const X509 *certificate = is_ours ? SSL_get_certificate(tls->ssl) : SSL_get0_peer_certificate(tls->ssl);
	int days = INT_MAX, seconds;

	if (certificate && ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
		days = INT_MAX;
	return days;
}

/* ---- steps ---- */

static bool is_end(int kind)
{
	return kind == SSL_ERROR_ZERO_RETURN || (kind == SSL_ERROR_SYSCALL && errno == 0) ||
	       (kind == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

/* What a call means that did not do all. */
static enum redis_tls_result judge(struct redis_tls *tls, int result)
{
	int code = errno, kind = SSL_get_error(tls->ssl, result);

	if (kind == SSL_ERROR_WANT_READ)
		return REDIS_TLS_WANTS_READ;
	if (kind == SSL_ERROR_WANT_WRITE)
		return REDIS_TLS_WANTS_WRITE;
	errno = code;
	if (tls->is_shaken && is_end(kind))
		snprintf(tls->error, sizeof(tls->error), "Server closed the connection");
	else if (kind == SSL_ERROR_SYSCALL && code)
		snprintf(tls->error, sizeof(tls->error), "%s", strerror(code));
	else
		redis_tls_explain(tls->ssl, tls->server_name, tls->error, sizeof(tls->error));
	ERR_clear_error();
	return REDIS_TLS_FAILED;
}

static void begin(void)
{
	ERR_clear_error();
	errno = 0;
}

enum redis_tls_result redis_tls_shake(struct redis_tls *tls)
{
	begin();
	int result = SSL_connect(tls->ssl);

	if (result != 1)
		return judge(tls, result);
	tls->is_shaken = true;
	return REDIS_TLS_DONE;
}

static void forget_sent(redisContext *redis, size_t sent)
{
	if (sent < sdslen(redis->obuf)) {
		sdsrange(redis->obuf, (ssize_t)sent, -1);
		return;
	}
	sdsfree(redis->obuf);
	redis->obuf = sdsempty();
	MUST(redis->obuf);
}

enum redis_tls_result redis_tls_send(struct redis_tls *tls, redisContext *redis)
{
	enum redis_tls_result result = REDIS_TLS_DONE;
	size_t sent = 0, size = sdslen(redis->obuf), part;

	while (sent < size && result == REDIS_TLS_DONE) {
		begin();
		int written = SSL_write_ex(tls->ssl, redis->obuf + sent, size - sent, &part);

		if (written == 1)
			sent += part;
		else
			result = judge(tls, written);
	}
	if (sent)
		forget_sent(redis, sent);
	return result;
}

enum redis_tls_result redis_tls_receive(struct redis_tls *tls, redisContext *redis)
{
	char bytes[RECORD_SIZE];
	size_t size;

	begin();
	int result = SSL_read_ex(tls->ssl, bytes, sizeof(bytes), &size);

	if (result != 1)
		return judge(tls, result);
	/* A reader that has failed says so when it is asked for a reply. */
	redisReaderFeed(redis->reader, bytes, size);
	return REDIS_TLS_DONE;
}
