/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include "access.h"
#include "alloc.h"
#include "http_guard.h"
#include "must.h"
#include "versions.h"

enum { HEADERS_MAX_BYTES = 8192, BODY_MAX_BYTES = 1024, IDLE_SECONDS = 10, REQUEST_SECONDS = 20 };

struct http {
	struct evhttp *server;
	struct http_guard *guard;
	struct access *access;
	const struct config *config;
	struct metrics *metrics;
	const struct http_callbacks *callbacks;
	void *context;
	int port;
};

/* ---- pages: each writes its body and returns the code ---- */

/* What print writes to a FILE. */
static void add_printed(struct evbuffer *body, void (*print)(const struct http *http, FILE *out),
			const struct http *http)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	MUST(out);
	print(http, out);
	fclose(out);
	evbuffer_add(body, text, size);
	free(text);
}

static void print_metrics(const struct http *http, FILE *out)
{
	metrics_render(http->metrics, out);
}

static int write_metrics(struct http *http, struct evbuffer *body)
{
	if (http->callbacks->on_scrape)
		http->callbacks->on_scrape(http->context);
	add_printed(body, print_metrics, http);
	return HTTP_OK;
}

static int write_health(struct http *http, struct evbuffer *body)
{
	(void)http;
	evbuffer_add_printf(body, "ok\n");
	return HTTP_OK;
}

static int write_ready(struct http *http, struct evbuffer *body)
{
	const char *reasons[HTTP_REASONS_MAX];
	size_t count = http->callbacks->why_not_ready ? http->callbacks->why_not_ready(http->context, reasons) : 0;
	evbuffer_add_printf(body, "{\"ready\":%s,\"reasons\":[", count ? "false" : "true");
	for (size_t i = 0; i < count; i++)
		evbuffer_add_printf(body, "%s\"%s\"", i ? "," : "", reasons[i]);
	evbuffer_add_printf(body, "]}\n");
	return count ? HTTP_SERVUNAVAIL : HTTP_OK;
}

static int write_version(struct http *http, struct evbuffer *body)
{
	char built[16];
	(void)http;
	for (size_t i = 0; i < version_count; i++)
		evbuffer_add_printf(body, "%s\"%s\":{\"built\":\"%s\",\"running\":\"%s\"}", i ? "," : "{",
				    versions[i].name, version_built(&versions[i], built),
				    version_running(&versions[i]));
	evbuffer_add_printf(body, "}\n");
	return HTTP_OK;
}

static void print_config(const struct http *http, FILE *out)
{
	config_dump(http->config, out);
}

static int write_config(struct http *http, struct evbuffer *body)
{
	add_printed(body, print_config, http);
	return HTTP_OK;
}

static int write_index(struct http *http, struct evbuffer *body);

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"

static const struct page {
	const char *path, *content_type, *help;
	int (*write)(struct http *http, struct evbuffer *body);
	enum { PAGE_GUARDED, PAGE_METRICS, PAGE_OPEN } kind; /* OPEN: probes have no token, and ask by any name */
} pages[] = {
	{ "/", TEXT, "this list", write_index, PAGE_GUARDED },
	{ "/metrics", METRICS_CONTENT_TYPE, "counters and gauges for Prometheus", write_metrics, PAGE_METRICS },
	{ "/healthz", TEXT, "200 while the event loop turns, whatever Kafka and Redis do", write_health, PAGE_OPEN },
	{ "/readyz", JSON, "200 when events are counted and published, else 503 and why not", write_ready, PAGE_OPEN },
	{ "/version", JSON, "the daemon and its libraries, as built and as running", write_version, PAGE_GUARDED },
	{ "/config", TEXT, "effective configuration and where each value comes from, without secrets", write_config,
	  PAGE_GUARDED },
};

static int write_index(struct http *http, struct evbuffer *body)
{
	(void)http;
	evbuffer_add_printf(body, "riderwatchd " RIDERWATCH_VERSION "\n\n");
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		evbuffer_add_printf(body, "%-10s %s\n", pages[i].path, pages[i].help);
	return HTTP_OK;
}

static const struct page *find_page(const char *path)
{
	for (size_t i = 0; path && i < sizeof(pages) / sizeof(*pages); i++)
		if (strcmp(pages[i].path, path) == 0)
			return &pages[i];
	return NULL;
}

/* ---- requests ---- */

static const char *phrase_of(int code)
{
	return code == HTTP_OK ? "OK" : "Service Unavailable";
}

/* libevent would send the body of a HEAD, too. */
static void drop_body(struct evkeyvalq *headers, struct evbuffer *body)
{
	char length[24];
	snprintf(length, sizeof(length), "%zu", evbuffer_get_length(body));
	evhttp_add_header(headers, "Content-Length", length);
	evbuffer_drain(body, evbuffer_get_length(body));
}

static void show(struct http *http, struct evhttp_request *request, const struct page *page)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evbuffer_new();
	MUST(body);
	evhttp_add_header(headers, "Content-Type", page->content_type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	int code = page->write(http, body);
	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
		drop_body(headers, body);
	evhttp_send_reply(request, code, phrase_of(code), body);
	evbuffer_free(body);
}

/* Returns 0, or why the request is refused. */
static int refusal_of(const struct http *http, struct evhttp_request *request)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	struct access_request says = { .host = evhttp_find_header(headers, "Host"),
				       .authorization = evhttp_find_header(headers, "Authorization"),
				       .fetch_site = evhttp_find_header(headers, "Sec-Fetch-Site") };
	if (!access_host_is_known(http->access, &says))
		return 421;
	if (access_is_allowed(http->access, &says))
		return 0;
	return access_wants_token(http->access) ? 401 : 403;
}

static bool is_open(const struct http *http, const struct page *page)
{
	return page->kind == PAGE_OPEN || (page->kind == PAGE_METRICS && http->config->http_open_metrics);
}

static void refuse(struct evhttp_request *request, int code)
{
	const char *phrase = code == 421   ? "Misdirected Request"
			     : code == 401 ? "Unauthorized"
			     : code == 403 ? "Forbidden"
					   : "Not Found";
	if (code == 401)
		evhttp_add_header(evhttp_request_get_output_headers(request), "WWW-Authenticate", "Bearer");
	evhttp_send_reply(request, code, phrase, NULL);
}

static void answer(struct evhttp_request *request, void *context)
{
	struct http *http = context;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const struct page *page = find_page(uri ? evhttp_uri_get_path(uri) : NULL);
	int refusal = page && is_open(http, page) ? 0 : refusal_of(http, request);
	http_guard_touch(http->guard, request);
	if (!refusal && !page)
		refusal = HTTP_NOTFOUND;
	if (refusal)
		refuse(request, refusal);
	else
		show(http, request, page);
}

/* Splits "host:port" in place; brackets of an IPv6 address are taken off. Returns the host, NULL when it has no such
 * form. */
static char *split_address(char *address, int *port)
{
	char *colon = strrchr(address, ':'), *end;
	if (!colon || colon == address)
		return NULL;
	long number = strtol(colon + 1, &end, 10);
	if (end == colon + 1 || *end || number < 0 || number > 65535)
		return NULL;
	*port = (int)number;
	*colon = '\0';
	if (address[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		return address + 1;
	}
	return address;
}

static int bound_port(struct evhttp_bound_socket *bound)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address);
	if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size) < 0)
		return 0;
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
						   : ((struct sockaddr_in *)&address)->sin_port);
}

struct evhttp *http_server_new(struct event_base *base, int idle_seconds,
			       void (*on_request)(struct evhttp_request *request, void *context), void *context)
{
	struct evhttp *server = evhttp_new(base);
	MUST(server);
	evhttp_set_allowed_methods(server, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(server, HEADERS_MAX_BYTES);
	evhttp_set_max_body_size(server, BODY_MAX_BYTES);
	evhttp_set_timeout(server, idle_seconds);
	evhttp_set_gencb(server, on_request, context);
	return server;
}

int http_listen(struct evhttp *server, const char *listen, char *error, size_t error_size)
{
	int port;
	char *address = alloc_text(listen), *host = split_address(address, &port);
	struct evhttp_bound_socket *bound = NULL;
	errno = 0;
	if (!host)
		snprintf(error, error_size, "\"%s\" is not address:port", listen);
	else if (!(bound = evhttp_bind_socket_with_handle(server, host, (ev_uint16_t)port)))
		snprintf(error, error_size, "cannot listen on %s: %s", listen,
			 errno ? strerror(errno) : "no such address");
	free(address);
	return bound ? bound_port(bound) : -1;
}

struct http *http_start(struct event_base *base, const struct config *config, struct metrics *metrics,
			const struct http_callbacks *callbacks, void *context, char *error, size_t error_size)
{
	struct http *http = alloc_zeroed(1, sizeof(*http));
	*http = (struct http){ .config = config, .metrics = metrics, .callbacks = callbacks, .context = context };
	http->access = access_new(config, ACCESS_HTTP, error, error_size);
	if (!http->access) {
		free(http);
		return NULL;
	}
	http->server = http_server_new(base, IDLE_SECONDS, answer, http);
	http->guard = http_guard_new(base, http->server, (size_t)config->http_connections_max, REQUEST_SECONDS);
	http->port = http_listen(http->server, config->http_listen, error, error_size);
	if (http->port < 0)
		http_stop(&http);
	return http;
}

int http_port(const struct http *http)
{
	return http->port;
}

void http_stop(struct http **http)
{
	if (!*http)
		return;
	evhttp_free((*http)->server);
	http_guard_free(&(*http)->guard);
	access_free(&(*http)->access);
	free(*http);
	*http = NULL;
}
