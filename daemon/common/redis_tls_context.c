/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_tls_context.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A key with a passphrase: nobody is there to type it. */
static int refuse_passphrase(char *text, int size, int is_writing, void *context)
{
	(void)text, (void)size, (void)is_writing;
	*(bool *)context = true;
	return -1;
}

struct attempt {
	SSL_CTX *context;
	const struct config *config;
	const char *setting; /* that is at work */
	const char *path;
	char *error;
};

/* Always false. */
static bool refuse(struct attempt *attempt, const char *why)
{
	snprintf(attempt->error, REDIS_TLS_ERROR_SIZE, "%s: %s", attempt->path, why);
	ERR_clear_error();
	return false;
}

static bool begin(struct attempt *attempt, const char *setting, const char *path)
{
	char why[160];
	FILE *file = fopen(path, "re");
	int code = errno;

	attempt->setting = setting;
	attempt->path = path;
	if (file) {
		fclose(file);
		return true;
	}
	if (code == ENOENT)
		snprintf(why, sizeof(why), "%s; make it, or correct its path", strerror(code));
	else
		snprintf(why, sizeof(why), "%s; let user %u read it", strerror(code), (unsigned)geteuid());
	return refuse(attempt, why);
}

/* The system's are looked up one by one in its folder: to read all of them takes longer than the handshake. */
static bool load_authorities(struct attempt *attempt)
{
	const char *path = attempt->config->redis_tls_ca_file;

	if (!*path) {
		SSL_CTX_set_default_verify_dir(attempt->context);
		return true;
	}
	return begin(attempt, "tls_ca_file", path) &&
	       (SSL_CTX_load_verify_locations(attempt->context, path, NULL) == 1 ||
		refuse(attempt, "no certificate in it; it must hold in PEM that of the authority which signed that of "
				"Redis"));
}

static const char *why_no_key(bool asked, bool has_own_file)
{
	int reason = ERR_GET_REASON(ERR_peek_last_error());

	if (asked)
		return "locked with a passphrase; give it one without: openssl pkey -in OLD -out NEW";
	if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)
		return "does not belong to redis.tls_certificate_file; install certificate and key of one request";
	return has_own_file ? "no private key in it; it must be PEM"
			    : "no private key in it; name its file in redis.tls_key_file";
}

/* A key may stand in the file of its certificate. */
static bool load_key(struct attempt *attempt)
{
	const char *path = attempt->config->redis_tls_key_file;
	bool asked = false, has_own_file = *path;

	if (has_own_file && !begin(attempt, "tls_key_file", path))
		return false;
	SSL_CTX_set_default_passwd_cb(attempt->context, refuse_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(attempt->context, &asked);
	return SSL_CTX_use_PrivateKey_file(attempt->context, attempt->path, SSL_FILETYPE_PEM) == 1 ||
	       refuse(attempt, why_no_key(asked, has_own_file));
}

static bool load_certificate(struct attempt *attempt)
{
	const char *path = attempt->config->redis_tls_certificate_file;

	if (!*path)
		return true;
	if (!begin(attempt, "tls_certificate_file", path))
		return false;
	if (SSL_CTX_use_certificate_chain_file(attempt->context, path) != 1)
		return refuse(attempt, "no certificate in it; it must be PEM");
	return load_key(attempt);
}

static SSL_CTX *context_new(struct attempt *attempt)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	MUST(context && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
	/* hiredis' buffer grows, and so moves, between two attempts to send it. */
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Header and content of a record with one call. */
	SSL_CTX_set_read_ahead(context, 1);
	attempt->context = context;
	if (load_authorities(attempt) && load_certificate(attempt))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

SSL_CTX *redis_tls_context_new(const struct config *config, char error[REDIS_TLS_ERROR_SIZE])
{
	char why[REDIS_TLS_ERROR_SIZE];
	struct attempt attempt = { .config = config, .error = why };
	SSL_CTX *context = context_new(&attempt);

	if (!context)
		snprintf(error, REDIS_TLS_ERROR_SIZE, "redis.%s %.600s", attempt.setting, why);
	return context;
}

bool redis_tls_try(const struct config *config, const char **setting, char error[REDIS_TLS_ERROR_SIZE])
{
	struct attempt attempt = { .config = config, .error = error };
	SSL_CTX *context = context_new(&attempt);

	SSL_CTX_free(context);
	*setting = attempt.setting;
	return context != NULL;
}
