/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include "alloc.h"
#include "assets.h"
#include "board.h"
#include "http.h"
#include "must.h"

enum { IDLE_SECONDS = 20, ID_MAX = 1024 };

struct server {
	struct evhttp *http;
	struct board *board;
	int port;
};

static const struct {
	const char *name, *value;
} security_headers[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	  "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cache-Control", "no-store" },
};

/* ---- answers ---- */

static const char *phrase_of(int code)
{
	static const struct {
		int code;
		const char *phrase;
	} phrases[] = { { 200, "OK" },         { 400, "Bad Request" }, { 401, "Unauthorized" },
			{ 403, "Forbidden" },  { 404, "Not Found" },   { 421, "Misdirected Request" },
			{ 502, "Bad Gateway" } };
	for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
		if (phrases[i].code == code)
			return phrases[i].phrase;
	}
	return "Service Unavailable";
}

/* body is used up. The client may have gone meanwhile: then the request is freed and nothing sent. */
static void answer(struct evhttp_request *request, int code, const char *content_type, struct evbuffer *body)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", content_type);
	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
		/* libevent would send the body, too. */
		char length[24];
		snprintf(length, sizeof length, "%zu", evbuffer_get_length(body));
		evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", length);
		evbuffer_drain(body, evbuffer_get_length(body));
	}
	evhttp_send_reply(request, code, phrase_of(code), body);
	evbuffer_free(body);
}

void answer_json(struct evhttp_request *request, int code, json_t *json)
{
	struct evbuffer *body = evbuffer_new();
	char *text = json_dumps(json, JSON_COMPACT);
	MUST(body && text);
	evbuffer_add(body, text, strlen(text));
	evbuffer_add(body, "\n", 1);
	free(text);
	json_decref(json);
	answer(request, code, "application/json; charset=utf-8", body);
}

void answer_bytes(struct evhttp_request *request, const char *content_type, struct slice bytes)
{
	struct evbuffer *body = evbuffer_new();
	MUST(body);
	evbuffer_add(body, bytes.data, bytes.size);
	answer(request, HTTP_OK, content_type, body);
}

void answer_error(struct evhttp_request *request, int code, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	json_t *message = json_string(text);
	json_t *error = json_object();
	/* A query may quote what is no UTF-8. */
	json_object_set_new(error, "error", message ? message : json_string("the request is not UTF-8"));
	answer_json(request, code, error);
}

const char *exchange_value(const struct exchange *exchange, const char *name)
{
	return evhttp_find_header(&exchange->query, name);
}

/* ---- requests ---- */

/* Does the path fit? Then id is the segment at {id}, not decoded. */
static bool fits(const char *pattern, const char *path, struct slice *id)
{
	const char *hole = strstr(pattern, "{id}");
	*id = SLICE("");
	if (!hole)
		return strcmp(pattern, path) == 0;
	size_t before = (size_t)(hole - pattern);
	if (strncmp(pattern, path, before) != 0)
		return false;
	*id = (struct slice){ path + before, strcspn(path + before, "/") };
	return id->size > 0 && strcmp(path + before + id->size, hole + 4) == 0;
}

static const struct api_path *find_path(const char *path, struct slice *id)
{
	/* Paths without a hole come first in the table, so that they win. */
	for (size_t i = 0; i < api_path_count; i++) {
		if (fits(api_paths[i].path, path, id))
			return &api_paths[i];
	}
	return NULL;
}

static struct access_request describe(const struct board *board, struct evhttp_request *request)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	char *peer = NULL;
	ev_uint16_t port;
	evhttp_connection_get_peer(evhttp_request_get_connection(request), &peer, &port);
	return (struct access_request){
		.host = evhttp_find_header(headers, "Host"),
		.authorization = evhttp_find_header(headers, "Authorization"),
		.proxy_user = evhttp_find_header(headers, board->config->board_proxy_header),
		.peer = peer,
		.fetch_site = evhttp_find_header(headers, "Sec-Fetch-Site"),
	};
}

/* False after an answer that says why not. */
static bool let_in(const struct board *board, struct evhttp_request *request, enum server_access access)
{
	struct access_request says = describe(board, request);
	if (access != SERVER_FOR_ALL && !access_host_is_known(board->access, &says)) {
		answer_error(request, 421, "this name is not one of the board's; add it to board.hosts");
		return false;
	}
	if (access == SERVER_FOR_ALLOWED && !access_is_allowed(board->access, &says)) {
		if (access_wants_token(board->access))
			evhttp_add_header(evhttp_request_get_output_headers(request), "WWW-Authenticate", "Bearer");
		answer_error(request, 401, "a token is needed: send Authorization: Bearer TOKEN");
		return false;
	}
	return true;
}

static void run_path(struct board *board, struct evhttp_request *request, const struct api_path *found, struct slice id)
{
	char segment[ID_MAX];
	struct exchange exchange = { .board = board, .request = request, .id = "" };
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
	if (id.size >= sizeof segment) {
		answer_error(request, HTTP_BADREQUEST, "the id in the path is too long");
		return;
	}
	memcpy(segment, id.data, id.size);
	segment[id.size] = '\0';
	char *decoded = evhttp_uridecode(segment, 0, NULL);
	exchange.id = decoded;
	TAILQ_INIT(&exchange.query);
	if (query && evhttp_parse_query_str(query, &exchange.query) < 0)
		answer_error(request, HTTP_BADREQUEST, "the query cannot be read");
	else
		found->handle(&exchange);
	evhttp_clear_headers(&exchange.query);
	free(decoded);
}

static void on_request(struct evhttp_request *request, void *context)
{
	struct server *server = context;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : "";
	struct slice id;
	for (size_t i = 0; i < sizeof security_headers / sizeof *security_headers; i++)
		evhttp_add_header(evhttp_request_get_output_headers(request), security_headers[i].name,
				  security_headers[i].value);
	const struct asset *asset = asset_find(path);
	const struct api_path *found = asset ? NULL : find_path(path, &id);
	if (!asset && !found)
		answer_error(request, HTTP_NOTFOUND, "there is no such path; /api/openapi.json lists what there is");
	else if (!let_in(server->board, request, asset ? SERVER_FOR_HOST : found->access))
		return;
	else if (asset)
		answer_bytes(request, asset->content_type, asset->bytes);
	else
		run_path(server->board, request, found, id);
}

/* ---- life ---- */

struct server *server_start(struct board *board, char *error, size_t error_size)
{
	struct server *server = alloc_zeroed(1, sizeof *server);
	server->board = board;
	server->http = http_server_new(board->base, IDLE_SECONDS, on_request, server);
	server->port = http_listen(server->http, board->config->board_listen, error, error_size);
	if (server->port < 0)
		server_stop(&server);
	return server;
}

int server_port(const struct server *server)
{
	return server->port;
}

void server_stop(struct server **server)
{
	if (!*server)
		return;
	evhttp_free((*server)->http);
	free(*server);
	*server = NULL;
}
