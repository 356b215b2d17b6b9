/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "alloc.h"

#define TOKEN_MIN 16
#define TOKEN_MAX 512

struct access {
	const struct config *config;
	char *listen_host;
	char token[TOKEN_MAX];
	size_t token_size; /* 0: none is asked for */
};

/* The name without its port; brackets of an IPv6 address stay. Returns its size. */
static size_t name_size(const char *host)
{
	const char *bracket = *host == '[' ? strchr(host, ']') : NULL;
	return bracket ? (size_t)(bracket - host) + 1 : strcspn(host, ":");
}

static bool is_loopback(const char *host, size_t size)
{
	static const char *const names[] = { "localhost", "[::1]" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strlen(names[i]) == size && strncasecmp(host, names[i], size) == 0)
			return true;
	}
	return size > 4 && strncmp(host, "127.", 4) == 0 && strspn(host + 4, "0123456789.") >= size - 4;
}

/* Is text, size bytes of it, one of the list's entries? */
static bool is_listed(const char *list, const char *text, size_t size)
{
	while (*list) {
		list += strspn(list, ", ");
		size_t entry = strcspn(list, ", ");
		if (entry == size && size && strncasecmp(list, text, size) == 0)
			return true;
		list += entry;
	}
	return false;
}

/* ---- start ---- */

static bool read_token(struct access *access, char *error, size_t error_size)
{
	const char *path = access->config->board_token_file;
	FILE *file = fopen(path, "r");
	if (!file) {
		snprintf(error, error_size, "board.token_file %s cannot be read; check its path and rights", path);
		return false;
	}
	access->token_size = fread(access->token, 1, sizeof access->token, file);
	fclose(file);
	while (access->token_size && strchr("\r\n ", access->token[access->token_size - 1]))
		access->token_size--;
	if (access->token_size >= TOKEN_MIN && access->token_size < TOKEN_MAX)
		return true;
	snprintf(error, error_size,
		 "board.token_file %s must hold a token of 16 to 511 bytes; make one with: head -c 24 /dev/urandom | "
		 "base64",
		 path);
	return false;
}

static bool check_listen(const struct access *access, char *error, size_t error_size)
{
	const struct config *config = access->config;
	if (is_loopback(access->listen_host, strlen(access->listen_host)) || access->token_size ||
	    *config->board_proxies)
		return true;
	snprintf(error, error_size,
		 "board.listen %s can be reached from elsewhere: set board.token_file or board.proxies, or listen on "
		 "127.0.0.1",
		 config->board_listen);
	return false;
}

struct access *access_new(const struct config *config, char *error, size_t error_size)
{
	struct access *access = alloc_zeroed(1, sizeof *access);
	access->config = config;
	access->listen_host = strndup(config->board_listen, name_size(config->board_listen));
	if ((*config->board_token_file && !read_token(access, error, error_size)) ||
	    !check_listen(access, error, error_size))
		access_free(&access);
	return access;
}

void access_free(struct access **access)
{
	if (!*access)
		return;
	free((*access)->listen_host);
	explicit_bzero((*access)->token, sizeof(*access)->token);
	free(*access);
	*access = NULL;
}

/* ---- each request ---- */

bool access_host_is_known(const struct access *access, const struct access_request *request)
{
	if (!request->host)
		return false;
	size_t size = name_size(request->host);
	return is_loopback(request->host, size) || is_listed(access->listen_host, request->host, size) ||
	       is_listed(access->config->board_hosts, request->host, size);
}

static bool has_token(const struct access *access, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	if (!access->token_size || !authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
		return false;
	const char *token = authorization + sizeof scheme - 1;
	return strlen(token) == access->token_size && CRYPTO_memcmp(token, access->token, access->token_size) == 0;
}

bool access_is_allowed(const struct access *access, const struct access_request *request)
{
	const char *proxies = access->config->board_proxies;
	if (request->fetch_site && strcmp(request->fetch_site, "cross-site") == 0)
		return false;
	if (!access->token_size && !*proxies)
		return true;
	if (has_token(access, request->authorization))
		return true;
	return request->peer && request->proxy_user && *request->proxy_user &&
	       is_listed(proxies, request->peer, strlen(request->peer));
}

bool access_wants_token(const struct access *access)
{
	return access->token_size > 0;
}
