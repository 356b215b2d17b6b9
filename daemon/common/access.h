/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask for what: Host allow-list, token, trusted proxies. Pure but for reading the token file at the start. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "config.h"

struct access;
enum access_server { ACCESS_BOARD, ACCESS_HTTP };

/* What a request says of itself; NULL: it does not. */
struct access_request {
	const char *host, *authorization, *proxy_user, *peer, *fetch_site;
};

/* NULL when the server's listen needs more than there is, or the token file cannot be used: error then says what to do.
 * The configuration is borrowed. */
struct access *access_new(const struct config *config, enum access_server server, char *error, size_t error_size);
void access_free(struct access **access);
/* False when a browser was led here by a foreign name (DNS rebinding). An address is no name. */
bool access_host_is_known(const struct access *access, const struct access_request *request);
/* By token or by a trusted proxy; true for everybody on loopback when neither is configured. Never when another site asks through
 * somebody's browser. */
bool access_is_allowed(const struct access *access, const struct access_request *request);
bool access_wants_token(const struct access *access);
