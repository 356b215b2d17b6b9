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
static struct metrics *metrics;
static struct http *http;
static int scrapes;

static void on_scrape(void *context)
{
	(void)context;
	scrapes++;
	metrics_set(metrics, METRIC_REDIS_UP, 0, 0, 1);
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
	char *answer = ask("GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_int_equal(scrapes, 1);
	assert_non_null(strstr(body_of(answer), "\nriderwatch_redis_up 1\n"));
	assert_int_equal(answer[strlen(answer) - 1], '\n');
}

static void test_health_and_index(void **state)
{
	(void)state;
	assert_string_equal(body_of(ask("GET /healthz HTTP/1.0\r\n\r\n")), "ok\n");
	const char *index = body_of(ask("GET / HTTP/1.0\r\n\r\n"));
	assert_non_null(strstr(index, "\n/metrics "));
	assert_non_null(strstr(index, "\n/healthz "));
}

static void test_head_has_no_body(void **state)
{
	(void)state;
	char *answer = ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_string_equal(body_of(answer), "");
	assert_non_null(strstr(answer, "\r\nContent-Length: "));
	assert_null(strstr(answer, "\r\nContent-Length: 0\r\n"));
}

static void test_what_is_not_served(void **state)
{
	(void)state;
	static char huge[20000];
	static const struct {
		const char *request, *status;
	} rows[] = {
		{ "GET /metrics/ HTTP/1.0\r\n\r\n", " 404 " },
		{ "GET /../etc/passwd HTTP/1.0\r\n\r\n", " 404 " },
		{ "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", " 501 " },
		{ "DELETE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", " 501 " },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *answer = ask(rows[i].request);
		assert_ptr_equal(strstr(answer, rows[i].status), answer + 8);
	}
	snprintf(huge, sizeof(huge), "GET /%015000d HTTP/1.0\r\n\r\n", 1);
	assert_null(strstr(ask(huge), " 200 "));
}

static void test_addresses_that_cannot_be_used(void **state)
{
	(void)state;
	char error[256], taken[32];
	assert_null(http_start(base, "9464", metrics, NULL, NULL, error, sizeof(error)));
	assert_string_equal(error, "\"9464\" is not address:port");
	snprintf(taken, sizeof(taken), "127.0.0.1:%d", http_port(http));
	assert_null(http_start(base, taken, metrics, NULL, NULL, error, sizeof(error)));
	assert_non_null(strstr(error, "cannot listen on 127.0.0.1:"));
	assert_non_null(strstr(error, "Address already in use"));
	assert_null(http_start(base, "192.0.2.1:9464", metrics, NULL, NULL, error, sizeof(error)));
	assert_non_null(strstr(error, "Cannot assign requested address"));
}

static int start(void **state)
{
	(void)state;
	char error[256];
	base = event_base_new();
	metrics = metrics_new("r", "d");
	http = http_start(base, "127.0.0.1:0", metrics, on_scrape, NULL, error, sizeof(error));
	return http ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	http_stop(&http);
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
		cmocka_unit_test(test_addresses_that_cannot_be_used),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
