/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <cmocka.h>

static struct event_base *base;
static struct config *config;
static const char *reasons_given[HTTP_REASONS_MAX];
static size_t reason_count;
static struct metrics *metrics;
static struct http *http;
static int scrapes;

static void on_scrape(void *context)
{
	(void)context;
	scrapes++;
	metrics_set(metrics, METRIC_REDIS_UP, 0, 0, 1);
}

static size_t why_not_ready(void *context, const char *reasons[HTTP_REASONS_MAX])
{
	(void)context;
	memcpy(reasons, reasons_given, sizeof(reasons_given));
	return reason_count;
}

static const struct http_callbacks callbacks = { .on_scrape = on_scrape, .why_not_ready = why_not_ready };

/* The default configuration with these overrides, ended by NULL. */
static struct config *configure(const char *const *overrides)
{
	struct config_sources sources = { 0 };
	struct problems problems = { 0 };
	for (; *overrides; overrides++)
		config_sources_add(&sources, 'o', *overrides);
	struct config *made = config_load(&sources, &problems);
	config_sources_fini(&sources);
	for (size_t i = 0; i < problems.count; i++)
		print_error("%s\n", problems.texts[i]);
	assert_non_null(made);
	return made;
}

/* Sends a request and turns the loop until the answer is complete. */
static char *ask(const char *request)
{
	static char answer[65536];
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(http)) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(client, request, strlen(request), 0), strlen(request));
	size_t size = 0;
	ssize_t got = -1;
	for (int turns = 0; got != 0 && turns < 2000; turns++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		got = recv(client, answer + size, sizeof(answer) - size - 1, MSG_DONTWAIT);
		if (got > 0)
			size += (size_t)got;
		else
			usleep(1000);
	}
	assert_int_equal(got, 0);
	answer[size] = '\0';
	close(client);
	return answer;
}

static const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");
	assert_non_null(end);
	return end + 4;
}

static void test_metrics_page(void **state)
{
	(void)state;
	char *answer = ask("GET /metrics?x=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_int_equal(scrapes, 1);
	assert_non_null(strstr(body_of(answer), "\nriderwatch_redis_up 1\n"));
	assert_int_equal(answer[strlen(answer) - 1], '\n');
}

static void test_health_and_index(void **state)
{
	(void)state;
	assert_string_equal(body_of(ask("GET /healthz HTTP/1.0\r\nHost: [::1]:1\r\n\r\n")), "ok\n");
	const char *index = body_of(ask("GET / HTTP/1.0\r\nHost: [::1]:1\r\n\r\n"));
	assert_non_null(strstr(index, "\n/metrics "));
	assert_non_null(strstr(index, "\n/healthz "));
}

static void test_head_has_no_body(void **state)
{
	(void)state;
	char *answer = ask("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_string_equal(body_of(answer), "");
	assert_non_null(strstr(answer, "\r\nContent-Length: "));
	assert_null(strstr(answer, "\r\nContent-Length: 0\r\n"));
}

struct expected {
	const char *request, *status;
};

static void expect_statuses(const struct expected *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *answer = ask(rows[i].request);
		if (strstr(answer, rows[i].status) != answer + 8)
			fail_msg("%s: %.40s", rows[i].request, answer);
	}
}

static void test_what_is_not_served(void **state)
{
	(void)state;
	static char huge[20000];
	static const struct expected rows[] = {
		{ "GET /metrics/ HTTP/1.0\r\nHost: localhost\r\n\r\n", " 404 " },
		{ "GET /../etc/passwd HTTP/1.0\r\nHost: 127.0.0.1:9464\r\n\r\n", " 404 " },
		{ "GET /metrics HTTP/1.0\r\n\r\n", " 421 " },
		{ "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", " 421 " },
		{ "GET /config HTTP/1.0\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n", " 403 " },
		{ "GET /nowhere HTTP/1.0\r\nHost: evil.example\r\n\r\n", " 421 " },
		{ "POST /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		  " 501 " },
		{ "DELETE /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", " 501 " },
	};
	expect_statuses(rows, sizeof(rows) / sizeof(*rows));
	snprintf(huge, sizeof(huge), "GET /%015000d HTTP/1.0\r\n\r\n", 1);
	assert_null(strstr(ask(huge), " 200 "));
}

static void refuse_to_start(const char *listen, const char *says)
{
	char error[512], override[64];
	snprintf(override, sizeof(override), "http.listen=%s", listen);
	const char *overrides[] = { override, NULL };
	struct config *other = configure(overrides);
	assert_null(http_start(base, other, metrics, &callbacks, NULL, error, sizeof(error)));
	if (!strstr(error, says))
		fail_msg("\"%s\" does not say \"%s\"", error, says);
	config_free(&other);
}

static void test_addresses_that_cannot_be_used(void **state)
{
	(void)state;
	char taken[32];
	snprintf(taken, sizeof(taken), "127.0.0.1:%d", http_port(http));
	refuse_to_start(taken, "Address already in use");
	refuse_to_start("0.0.0.0:9464", "set http.token_file");
	refuse_to_start("192.0.2.1:9464", "set http.token_file");
}

static void test_probes_come_by_any_name(void **state)
{
	(void)state;
	reason_count = 0;
	assert_string_equal(body_of(ask("GET /readyz HTTP/1.0\r\nHost: evil.example\r\n\r\n")),
			    "{\"ready\":true,\"reasons\":[]}\n");
	assert_string_equal(body_of(ask("GET /healthz HTTP/1.0\r\n\r\n")), "ok\n");
	reasons_given[0] = "stopping";
	reasons_given[1] = "Redis is not connected";
	reason_count = 2;
	char *answer = ask("GET /readyz HTTP/1.0\r\n\r\n");
	assert_int_equal(strncmp(answer, "HTTP/1.0 503 ", 13), 0);
	assert_string_equal(body_of(answer),
			    "{\"ready\":false,\"reasons\":[\"stopping\",\"Redis is not connected\"]}\n");
}

static void on_byte(evutil_socket_t fd, short what, void *context)
{
	int *bytes = context;
	char byte;
	(void)what;
	*bytes += read(fd, &byte, 1) == 1;
}

/* Descriptors of connections that have gone belong to others on the same loop: nothing may read from them, or shut
 * them. */
static void test_descriptors_are_let_go(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		int pair[2], bytes = 0;
		ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
		struct event *events[] = { event_new(base, pair[0], EV_READ | EV_PERSIST, on_byte, &bytes),
					   event_new(base, pair[1], EV_READ | EV_PERSIST, on_byte, &bytes) };
		for (int i = 0; i < 2; i++) {
			event_add(events[i], NULL);
			assert_int_equal(write(pair[i], "x", 1), 1);
		}
		for (int turns = 0; turns < 4; turns++) {
			event_base_loop(base, EVLOOP_NONBLOCK);
			usleep(round == 0 ? 200000 : 1000); /* the guard sweeps each half second */
		}
		assert_int_equal(bytes, 2);
		for (int i = 0; i < 2; i++) {
			event_free(events[i]);
			close(pair[i]);
		}
	}
}

static void test_version_and_configuration(void **state)
{
	(void)state;
	const char *version = body_of(ask("GET /version HTTP/1.0\r\nHost: localhost\r\n\r\n"));
	assert_non_null(strstr(version, "{\"riderwatchd\":{\"built\":\"" RIDERWATCH_VERSION "\","));
	assert_non_null(strstr(version, "\"librdkafka\":{\"built\":\""));
	const char *dump = body_of(ask("GET /config HTTP/1.0\r\nHost: localhost\r\n\r\n"));
	assert_non_null(strstr(dump, "\"port\": 6379, // default\n"));
	assert_non_null(strstr(dump, "sasl.password is set, and not shown"));
	assert_null(strstr(dump, "hunter2"));
}

/* Who has no token, and serves metrics to a whole network, serves nothing else but probes. */
static void test_open_metrics(void **state)
{
	(void)state;
	static const struct expected rows[] = {
		{ "GET /metrics HTTP/1.0\r\nHost: riderwatchd:9464\r\n\r\n", " 200 " },
		{ "GET /healthz HTTP/1.0\r\n\r\n", " 200 " },
		{ "GET /config HTTP/1.0\r\nHost: localhost\r\n\r\n", " 403 " },
		{ "GET /version HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", " 403 " },
		{ "GET /config HTTP/1.0\r\nHost: evil.example\r\n\r\n", " 421 " },
	};
	char error[512];
	const char *overrides[] = { "http.listen=0.0.0.0:29998", "http.open_metrics=true", NULL };
	struct config *open = configure(overrides);
	struct http *first = http;
	http = http_start(base, open, metrics, &callbacks, NULL, error, sizeof(error));
	assert_non_null(http);
	expect_statuses(rows, sizeof(rows) / sizeof(*rows));
	http_stop(&http);
	http = first;
	config_free(&open);
}

static void test_token(void **state)
{
	(void)state;
	static const struct expected rows[] = {
		{ "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n", " 401 " },
		{ "GET /config HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer 0123456789abcdeX\r\n\r\n",
		  " 401 " },
		{ "GET /nowhere HTTP/1.0\r\nHost: localhost\r\n\r\n", " 401 " },
		{ "GET /nowhere HTTP/1.0\r\nHost: rw.example\r\nAuthorization: Bearer 0123456789abcdef\r\n\r\n",
		  " 404 " },
		{ "GET /metrics HTTP/1.0\r\nHost: rw.example:1\r\nAuthorization: Bearer 0123456789abcdef\r\n\r\n",
		  " 200 " },
		{ "GET /healthz HTTP/1.0\r\n\r\n", " 200 " },
	};
	char path[] = "/tmp/test_http_XXXXXX", override[64], error[512];
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "0123456789abcdef\n", 17), 17);
	close(fd);
	snprintf(override, sizeof(override), "http.token_file=%s", path);
	const char *overrides[] = { "http.listen=0.0.0.0:29999", "http.hosts=rw.example", override, NULL };
	struct config *guarded = configure(overrides);
	struct http *first = http;
	http = http_start(base, guarded, metrics, &callbacks, NULL, error, sizeof(error));
	assert_non_null(http);
	expect_statuses(rows, sizeof(rows) / sizeof(*rows));
	http_stop(&http);
	http = first;
	config_free(&guarded);
	unlink(path);
}

static int start(void **state)
{
	(void)state;
	char error[512];
	base = event_base_new();
	metrics = metrics_new("r", "d");
	static const char *const overrides[] = { "kafka.properties.sasl.password=hunter2", NULL };
	config = configure(overrides);
	free(config->http_listen);
	config->http_listen = strdup("127.0.0.1:0"); /* which a configuration may not say */
	http = http_start(base, config, metrics, &callbacks, NULL, error, sizeof(error));
	return http ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	http_stop(&http);
	config_free(&config);
	metrics_free(&metrics);
	event_base_free(base);
	libevent_global_shutdown();
	return http || metrics ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics_page),
		cmocka_unit_test(test_health_and_index),
		cmocka_unit_test(test_head_has_no_body),
		cmocka_unit_test(test_what_is_not_served),
		cmocka_unit_test(test_probes_come_by_any_name),
		cmocka_unit_test(test_descriptors_are_let_go),
		cmocka_unit_test(test_version_and_configuration),
		cmocka_unit_test(test_open_metrics),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_addresses_that_cannot_be_used),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
