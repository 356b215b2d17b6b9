/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP: bounds, headers, access, the table of paths; and how handlers answer. */
#pragma once
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdbool.h>
#include "slice.h"

struct board;
struct server;

/* One request while its handler runs. */
struct exchange {
	struct board *board;
	struct evhttp_request *request;
	struct evkeyvalq query;
	const char *id; /* what stands for {id} in the path, decoded; "" when the path has none */
};

enum server_access {
	SERVER_FOR_ALL,     /* probes: any Host, no token */
	SERVER_FOR_HOST,    /* the page's files: nothing secret in them */
	SERVER_FOR_ALLOWED, /* data */
};

struct api_path {
	const char *path; /* "/api/alerts/{id}"; one {id} at most, a whole segment */
	enum server_access access;
	void (*handle)(struct exchange *exchange);
	const char *help;
};
extern const struct api_path api_paths[];
extern const size_t api_path_count;

/* NULL and error when the address cannot be used. */
struct server *server_start(struct board *board, char *error, size_t error_size);
int server_port(const struct server *server);
void server_stop(struct server **server);

/* NULL when the query has no such parameter. */
const char *exchange_value(const struct exchange *exchange, const char *name);
/* Each answers the request; json is dropped. */
void answer_json(struct evhttp_request *request, int code, json_t *json);
void answer_bytes(struct evhttp_request *request, const char *content_type, struct slice bytes);
/* {"error": text}. */
void answer_error(struct evhttp_request *request, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
