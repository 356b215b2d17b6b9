/* SPDX-License-Identifier: Apache-2.0 */
/* hiredis over TLS in programs that wait, against a server of the test's. On the loop: test_redis_tls_loop.c; with a
 * real Redis: tests/flow/test_redis_tls.py. */
#include "redis_tls.h"
#include "tls_scene.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static redisContext *connect_waiting(struct tls_scene *scene, struct redis_tls **tls, int timeout_ms)
{
	struct timeval timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	redisContext *redis = redisConnectWithTimeout("127.0.0.1", scene->server.port, timeout);
	assert_int_equal(redis->err, 0);
	redisSetTimeout(redis, timeout);
	*tls = redis_tls_connect(&scene->config, "127.0.0.1", redis, scene->why);
	return redis;
}

static void test_waiting(void **state)
{
	static const size_t sizes[] = { 1, 16384, 16385, 100000, 5 * MEBIBYTE };
	struct tls_scene *scene = *state;
	struct redis_tls *tls;
	redisReply *reply;
	tls_scene_serve(scene, tls_echo, NULL);
	redisContext *redis = connect_waiting(scene, &tls, WAIT_MS);
	assert_non_null(tls);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *text = tls_make_text(sizes[i]);
		assert_int_equal(redisAppendCommand(redis, "ECHO %b", text, sizes[i]), REDIS_OK);
		assert_int_equal(redis_tls_get_reply(tls, redis, &reply), REDIS_OK);
		assert_int_equal(reply->len, sizes[i]);
		assert_memory_equal(reply->str, text, sizes[i]);
		freeReplyObject(reply);
		free(text);
	}
	for (int i = 0; i < 100; i++) /* several answers in one record, or a part of one */
		redisAppendCommand(redis, "ECHO number-%d", i);
	for (int i = 0; i < 100; i++) {
		char expected[32];
		snprintf(expected, sizeof expected, "number-%d", i);
		assert_int_equal(redis_tls_get_reply(tls, redis, &reply), REDIS_OK);
		assert_string_equal(reply->str, expected);
		freeReplyObject(reply);
	}
	redis_tls_free(&tls);
	assert_null(tls);
	redisFree(redis);
}

static void test_waiting_for_one_that_goes(void **state)
{
	struct tls_scene *scene = *state;
	struct redis_tls *tls;
	redisReply *reply;
	tls_scene_serve(scene, tls_echo_once, NULL);
	for (int farewell = 0; farewell < 2; farewell++) {
		scene->server.context = farewell ? scene : NULL;
		redisContext *redis = connect_waiting(scene, &tls, WAIT_MS);
		redisAppendCommand(redis, "ECHO one");
		redisAppendCommand(redis, "ECHO two");
		assert_int_equal(redis_tls_get_reply(tls, redis, &reply), REDIS_OK);
		assert_string_equal(reply->str, "one");
		freeReplyObject(reply);
		assert_int_equal(redis_tls_get_reply(tls, redis, &reply), REDIS_ERR);
		assert_null(reply);
		if (!strstr(redis->errstr, "closed the connection") && !strstr(redis->errstr, "reset by peer"))
			fail_msg("%s", redis->errstr);
		assert_int_equal(redis_tls_get_reply(tls, redis, &reply), REDIS_ERR); /* for good */
		redis_tls_free(&tls);
		redisFree(redis);
	}
}

static void test_waiting_ends(void **state)
{
	struct tls_scene *scene = *state;
	struct redis_tls *tls;
	redisReply *reply;
	tls_scene_serve(scene, tls_keep_silent, NULL);
	redisContext *redis = connect_waiting(scene, &tls, 150);
	redisAppendCommand(redis, "ECHO one");
	assert_int_equal(redis_tls_get_reply(tls, redis, &reply), REDIS_ERR);
	assert_int_equal(redis->err, REDIS_ERR_IO); /* what redis_sentinel_ask() takes for silence */
	assert_int_equal(errno, EAGAIN);
	redis_tls_free(&tls);
	redisFree(redis);
}

static void hang_up(SSL *ssl, int fd, void *context)
{
	char bytes[4096];
	(void)ssl, (void)context;
	MUST(read(fd, bytes, sizeof bytes) > 0);
}

static const struct {
	const char *name;
	tls_talk_f *talk;
	const char *says;
	const char *words;
} plain_servers[] = {
	{ "one that answers", tls_say_plainly, "-ERR unknown command\r\n",
	  "it speaks no TLS (wrong version number); use the port" },
	{ "HTTP", tls_say_plainly, "HTTP/1.1 400 Bad Request\r\n\r\n", "it speaks no TLS" },
	{ "one that keeps silent", tls_keep_silent, NULL,
	  "no answer to the TLS handshake in time; a Redis that speaks no TLS" },
	{ "one that hangs up", hang_up, NULL, "closed the connection during the TLS handshake; see its log" },
};

static void test_servers_without_tls(void **state)
{
	struct tls_scene *scene = *state;
	struct redis_tls *tls;
	for (size_t i = 0; i < sizeof plain_servers / sizeof *plain_servers; i++) {
		scene->server =
			(struct tls_server){ .files = &scene->files, .talk = plain_servers[i].talk, .plain = true };
		scene->server.context = (void *)plain_servers[i].says;
		tls_server_start(&scene->server);
		redisContext *redis = connect_waiting(scene, &tls, 300);
		assert_null(tls);
		if (!strstr(scene->why, plain_servers[i].words))
			fail_msg("%s: %s", plain_servers[i].name, scene->why);
		redisFree(redis);
		tls_server_stop(&scene->server);
		scene->server.talk = NULL;
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *host, *server_name;
		bool fits;
	} rows[] = {
		{ "127.0.0.1", "", true },
		{ "localhost", "", true },
		{ "127.0.0.1", "localhost", true },
		{ "elsewhere", "127.0.0.1", true },
		{ "127.0.0.2", "", false },
		{ "local", "", false },
		{ "::1", "", false },
		{ "127.0.0.1", "host", false },
		{ "redis", "", false }, /* its CN alone */
	};
	struct tls_scene *scene = *state;
	tls_scene_serve(scene, tls_echo, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		redisContext *redis = redisConnect("127.0.0.1", scene->server.port);
		scene->config.redis_tls_server_name = (char *)rows[i].server_name;
		struct redis_tls *tls = redis_tls_connect(&scene->config, rows[i].host, redis, scene->why);
		if ((tls != NULL) != rows[i].fits)
			fail_msg("%s, %s: %s", rows[i].host, rows[i].server_name, tls ? "taken" : scene->why);
		if (!tls)
			assert_non_null(strstr(scene->why, "its certificate is not for "));
		redis_tls_free(&tls);
		redisFree(redis);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tls_scene_set_up, tls_scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_waiting),      TEST(test_waiting_for_one_that_goes),
		TEST(test_waiting_ends), TEST(test_servers_without_tls),
		TEST(test_names),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
