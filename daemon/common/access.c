/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "alloc.h"
#include "must.h"
#include "secret_file.h"

#define TOKEN_MIN 16

/* Where each server's settings are. */
static const struct {
	const char *section;
	size_t listen, hosts, token_file, proxies; /* in struct config; proxies 0: there is no such setting */
	const char *instead;                       /* what will do instead of a token */
} servers[] = {
	[ACCESS_BOARD] = { "board", offsetof(struct config, board_listen), offsetof(struct config, board_hosts),
			   offsetof(struct config, board_token_file), offsetof(struct config, board_proxies),
			   "board.proxies" },
	[ACCESS_HTTP] = { "http", offsetof(struct config, http_listen), offsetof(struct config, http_hosts),
			  offsetof(struct config, http_token_file), 0, "http.open_metrics" },
};

struct access {
	const char *section, *listen, *hosts, *proxies, *instead; /* the configuration's, and the table's */
	bool is_local;                                            /* only this host can reach it */
	bool is_open;                                             /* some of it is for everybody */
	char *listen_host;
	char token[SECRET_SIZE];
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

/* A browser that was led here by a foreign name never asks for an address. */
static bool is_address(const char *host, size_t size)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	bool bracketed = size > 2 && host[0] == '[' && host[size - 1] == ']';
	char *text = strndup(host + bracketed, size - 2 * bracketed);
	MUST(text);
	bool found = inet_pton(bracketed ? AF_INET6 : AF_INET, text, bytes) == 1;
	free(text);
	return found;
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

static bool read_token(struct access *access, const char *path, char *error, size_t error_size)
{
	char text[384];
	access->token_size = secret_file_read(path, TOKEN_MIN, access->token, text, sizeof text);
	if (!access->token_size)
		snprintf(error, error_size, "%s.token_file %s", access->section, text);
	return access->token_size > 0;
}

static bool check_listen(const struct access *access, char *error, size_t error_size)
{
	const char *section = access->section;
	if (access->is_local || access->token_size || *access->proxies || access->is_open)
		return true;
	snprintf(error, error_size,
		 "%s.listen %s can be reached from elsewhere: set %s.token_file or %s, or listen on 127.0.0.1", section,
		 access->listen, section, access->instead);
	return false;
}

static const char *setting(const struct config *config, size_t offset)
{
	return offset ? *(char *const *)((const char *)config + offset) : "";
}

struct access *access_new(const struct config *config, enum access_server server, char *error, size_t error_size)
{
	struct access *access = alloc_zeroed(1, sizeof *access);
	const char *token_file = setting(config, servers[server].token_file);
	access->section = servers[server].section;
	access->listen = setting(config, servers[server].listen);
	access->hosts = setting(config, servers[server].hosts);
	access->proxies = setting(config, servers[server].proxies);
	access->listen_host = strndup(access->listen, name_size(access->listen));
	access->is_local = is_loopback(access->listen_host, strlen(access->listen_host));
	access->is_open = server == ACCESS_HTTP && config->http_open_metrics;
	access->instead = servers[server].instead;
	if ((*token_file && !read_token(access, token_file, error, error_size)) ||
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
	       is_listed(access->hosts, request->host, size) || is_address(request->host, size);
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
	const char *proxies = access->proxies;
	if (request->fetch_site && strcmp(request->fetch_site, "cross-site") == 0)
		return false;
	if (!access->token_size && !*proxies)
		return access->is_local;
	if (has_token(access, request->authorization))
		return true;
	return request->peer && request->proxy_user && *request->proxy_user &&
	       is_listed(proxies, request->peer, strlen(request->peer));
}

bool access_wants_token(const struct access *access)
{
	return access->token_size > 0;
}
