/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "pseudonym.h"

static char folder[] = "/tmp/test_access.XXXXXX", token_path[64], error[512];
static const char token[] = "0123456789abcdef0123";

static struct config *configure(const char *const *overrides, size_t count)
{
	struct problems problems = { 0 };
	struct config_sources sources = { 0 };
	for (size_t i = 0; i < count; i++)
		config_sources_add(&sources, 'o', overrides[i]);
	struct config *config = config_load(&sources, &problems);
	config_sources_fini(&sources);
	assert_non_null(config);
	return config;
}

static void write_token(const char *text)
{
	FILE *file = fopen(token_path, "w");
	fputs(text, file);
	fclose(file);
}

/* Can the board start with this? Up to two overrides. */
static bool starts(const char *first, const char *second)
{
	const char *overrides[] = { first, second };
	struct config *config = configure(overrides, second ? 2 : 1);
	struct access *access = access_new(config, ACCESS_BOARD, error, sizeof error);
	bool ok = access != NULL;
	access_free(&access);
	config_free(&config);
	return ok;
}

static void test_only_loopback_needs_no_token(void **state)
{
	(void)state;
	char with_token[128];
	snprintf(with_token, sizeof with_token, "board.token_file=%s", token_path);
	write_token(token);
	assert_true(starts("board.listen=127.0.0.1:1", NULL));
	assert_true(starts("board.listen=127.8.9.10:1", NULL));
	assert_true(starts("board.listen=[::1]:1", NULL));
	assert_true(starts("board.listen=localhost:1", NULL));
	static const char *const open[] = { "board.listen=0.0.0.0:1", "board.listen=[::]:1", "board.listen=10.0.0.5:1",
					    "board.listen=127.example.org:1" };
	for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
		assert_false(starts(open[i], NULL));
		assert_non_null(strstr(error, "board.token_file"));
		assert_true(starts(open[i], with_token));
		assert_true(starts(open[i], "board.proxies=10.0.0.1"));
	}
}

static void test_token_files_that_will_not_do(void **state)
{
	(void)state;
	char with_token[128];
	snprintf(with_token, sizeof with_token, "board.token_file=%s", token_path);
	write_token("short\n");
	assert_false(starts(with_token, NULL));
	assert_non_null(strstr(error, "16 bytes or more"));
	unlink(token_path);
	assert_false(starts(with_token, NULL));
	assert_non_null(strstr(error, "No such file"));
}

static void test_hosts(void **state)
{
	(void)state;
	static const struct {
		const char *host;
		bool known;
	} rows[] = {
		{ "127.0.0.1:9465", true },      { "localhost", true },          { "LOCALHOST:80", true },
		{ "[::1]:9465", true },          { "board.example", true },      { "Second.example:1", true },
		{ "10.0.0.5:9465", true },       { "[2001:db8::1]:9465", true }, { "10.0.0.5.evil.example", false },
		{ "[evil.example]", false },     { "evil.example", false },      { "", false },
		{ "board.example.evil", false }, { "127.evil.example", false },  { NULL, false }
	};
	static const char *const overrides[] = { "board.hosts=board.example, second.example" };
	struct config *config = configure(overrides, 1);
	struct access *access = access_new(config, ACCESS_BOARD, error, sizeof error);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct access_request request = { .host = rows[i].host };
		if (access_host_is_known(access, &request) != rows[i].known)
			fail_msg("%s", rows[i].host ? rows[i].host : "no host");
	}
	access_free(&access);
	config_free(&config);
}

static void test_tokens_and_proxies(void **state)
{
	(void)state;
	static const struct {
		struct access_request request;
		bool allowed;
	} rows[] = {
		{ { .authorization = "Bearer 0123456789abcdef0123" }, true },
		{ { .authorization = "bearer 0123456789abcdef0123" }, true },
		{ { .authorization = "Bearer 0123456789abcdef0124" }, false },
		{ { .authorization = "Bearer 0123456789abcdef012" }, false },
		{ { .authorization = "Bearer 0123456789abcdef01234" }, false },
		{ { .authorization = "Basic 0123456789abcdef0123" }, false },
		{ { .authorization = "" }, false },
		{ { .peer = "10.0.0.1", .proxy_user = "ann" }, true },
		{ { .peer = "10.0.0.1", .proxy_user = "" }, false },
		{ { .peer = "10.0.0.1" }, false },
		{ { .peer = "10.0.0.11", .proxy_user = "ann" }, false },
		{ { .authorization = "Bearer 0123456789abcdef0123", .fetch_site = "cross-site" }, false },
		{ { .authorization = "Bearer 0123456789abcdef0123", .fetch_site = "same-origin" }, true },
	};
	char with_token[128];
	snprintf(with_token, sizeof with_token, "board.token_file=%s", token_path);
	const char *overrides[] = { with_token, "board.proxies=10.0.0.2,10.0.0.1" };
	write_token("0123456789abcdef0123\n");
	struct config *config = configure(overrides, 2);
	struct access *access = access_new(config, ACCESS_BOARD, error, sizeof error);
	assert_non_null(access);
	assert_true(access_wants_token(access));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (access_is_allowed(access, &rows[i].request) != rows[i].allowed)
			fail_msg("row %zu", i);
	}
	access_free(&access);
	config_free(&config);
}

static void test_of_the_daemon(void **state)
{
	(void)state;
	char with_token[128];
	snprintf(with_token, sizeof with_token, "http.token_file=%s", token_path);
	write_token(token);
	const char *overrides[] = { "http.listen=0.0.0.0:9464", "http.hosts=rw.example", with_token };
	struct access_request request = { .host = "rw.example:9464" };
	struct config *config = configure(overrides, 2);
	assert_null(access_new(config, ACCESS_HTTP, error, sizeof error));
	assert_string_equal(error, "http.listen 0.0.0.0:9464 can be reached from elsewhere: set http.token_file or "
				   "http.open_metrics, or listen on 127.0.0.1");
	config_free(&config);
	config = configure(overrides, 3);
	struct access *access = access_new(config, ACCESS_HTTP, error, sizeof error);
	assert_true(access_host_is_known(access, &request));
	assert_false(access_is_allowed(access, &request));
	request.authorization = "Bearer 0123456789abcdef0123";
	assert_true(access_is_allowed(access, &request));
	access_free(&access);
	config_free(&config);
}

/* The value was computed by another HMAC-SHA-256. */
static void test_pseudonym(void **state)
{
	(void)state;
	char key_file[128], pseudonym[PSEUDONYM_SIZE];
	snprintf(key_file, sizeof key_file, "privacy.pseudonym_key_file=%s", token_path);
	const char *overrides[] = { key_file };
	write_token("0123456789abcdef\n");
	struct config *config = configure(overrides, 1);
	assert_true(pseudonym_of(config, "骑手-17", pseudonym));
	assert_string_equal(pseudonym, "415c83f48c807bea1b19bbb0ae60446a");
	unlink(token_path);
	assert_false(pseudonym_of(config, "骑手-17", pseudonym));
	assert_string_equal(pseudonym, "");
	config_free(&config);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(token_path, sizeof token_path, "%s/token", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(token_path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_loopback_needs_no_token),
		cmocka_unit_test(test_token_files_that_will_not_do),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_tokens_and_proxies),
		cmocka_unit_test(test_of_the_daemon),
		cmocka_unit_test(test_pseudonym),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
