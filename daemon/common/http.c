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
#include "alloc.h"
#include "must.h"

enum { HEADERS_MAX_BYTES = 8192, BODY_MAX_BYTES = 1024, IDLE_SECONDS = 10 };

struct http {
	struct evhttp *server;
	struct metrics *metrics;
	void (*on_scrape)(void *context);
	void *context;
	int port;
};

static void write_metrics(struct http *http, struct evbuffer *body)
{
	if (http->on_scrape)
		http->on_scrape(http->context);
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	MUST(out);
	metrics_render(http->metrics, out);
	fclose(out);
	evbuffer_add(body, text, size);
	free(text);
}

static void write_health(struct http *http, struct evbuffer *body)
{
	(void)http;
	evbuffer_add_printf(body, "ok\n");
}

static void write_index(struct http *http, struct evbuffer *body);

static const struct page {
	const char *path, *content_type, *help;
	void (*write)(struct http *http, struct evbuffer *body);
} pages[] = {
	{ "/", "text/plain; charset=utf-8", "this list", write_index },
	{ "/metrics", METRICS_CONTENT_TYPE, "counters and gauges for Prometheus", write_metrics },
	{ "/healthz", "text/plain; charset=utf-8", "200 while the event loop turns, whatever Kafka and Redis do",
	  write_health },
};

static void write_index(struct http *http, struct evbuffer *body)
{
	(void)http;
	evbuffer_add_printf(body, "riderwatchd " RIDERWATCH_VERSION "\n\n");
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		evbuffer_add_printf(body, "%-10s %s\n", pages[i].path, pages[i].help);
}

static const struct page *find_page(const char *path)
{
	for (size_t i = 0; path && i < sizeof(pages) / sizeof(*pages); i++)
		if (strcmp(pages[i].path, path) == 0)
			return &pages[i];
	return NULL;
}

static void answer(struct evhttp_request *request, void *context)
{
	struct http *http = context;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const struct page *page = find_page(uri ? evhttp_uri_get_path(uri) : NULL);
	if (!page) {
		evhttp_send_error(request, HTTP_NOTFOUND, NULL);
		return;
	}
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	evhttp_add_header(headers, "Content-Type", page->content_type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	struct evbuffer *body = evbuffer_new();
	MUST(body);
	page->write(http, body);
	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
		/* libevent would send the body, too. */
		char length[24];
		snprintf(length, sizeof(length), "%zu", evbuffer_get_length(body));
		evhttp_add_header(headers, "Content-Length", length);
		evbuffer_drain(body, evbuffer_get_length(body));
	}
	evhttp_send_reply(request, HTTP_OK, "OK", body);
	evbuffer_free(body);
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

struct http *http_start(struct event_base *base, const char *listen, struct metrics *metrics,
			void (*on_scrape)(void *context), void *context, char *error, size_t error_size)
{
	struct http *http = alloc_zeroed(1, sizeof(*http));
	*http = (struct http){ .metrics = metrics, .on_scrape = on_scrape, .context = context };
	http->server = http_server_new(base, IDLE_SECONDS, answer, http);
	http->port = http_listen(http->server, listen, error, error_size);
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
	free(*http);
	*http = NULL;
}
