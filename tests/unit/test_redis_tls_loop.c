/* SPDX-License-Identifier: Apache-2.0 */
/* hiredis over TLS on an event loop, against a server of the test's. */
#include "redis_tls_loop.h"
#include "monotonic.h"
#include "must.h"
#include "tls_scene.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- what the server does ---- */

/* Reads nothing until it is told. */
static atomic_bool may_read;

static void echo_late(SSL *ssl, int fd, void *context)
{
	while (!atomic_load(&may_read))
		poll(NULL, 0, 5);
	tls_echo(ssl, fd, context);
}

/* Answers only when all have come, each with records of its own. */
enum { AT_ONCE = 50 };
static atomic_bool has_answered;

static void echo_at_once(SSL *ssl, int fd, void *context)
{
	char *texts[AT_ONCE];
	size_t sizes[AT_ONCE];
	for (int i = 0; i < AT_ONCE; i++)
		if (!(texts[i] = tls_read_echo(ssl, &sizes[i])))
			return;
	for (int i = 0; i < AT_ONCE; i++) {
		tls_answer(ssl, texts[i], sizes[i]);
		free(texts[i]);
	}
	atomic_store(&has_answered, true);
	tls_keep_silent(ssl, fd, context);
}

/* Half a record, and then nothing more. */
static void break_off(SSL *ssl, int fd, void *context)
{
	static const unsigned char half[] = { 0x17, 3, 3, 0x10, 0, 1, 2, 3 };
	(void)ssl, (void)context;
	MUST(write(fd, half, sizeof half) == sizeof half);
}

/* ---- on the loop ---- */

static void on_error(redisAsyncContext *redis, const char *why)
{
	struct tls_scene *scene = redis->data;
	scene->lost++;
	snprintf(scene->why, sizeof scene->why, "%s", why);
	scene->redis = NULL;
	redisAsyncFree(redis);
}

static void on_connect(const redisAsyncContext *redis, int status)
{
	assert_int_equal(status, REDIS_OK);
	((struct tls_scene *)redis->data)->connected++;
}

static void on_echo(redisAsyncContext *redis, void *reply, void *data)
{
	struct tls_scene *scene = redis->data;
	const redisReply *answer = reply;
	const char *expected = data;
	if (!answer)
		return;
	assert_int_equal(answer->type, REDIS_REPLY_STRING);
	assert_string_equal(answer->str, expected);
	scene->replies++;
	scene->bytes += (size_t)answer->len;
}

static void connect_on_loop(struct tls_scene *scene)
{
	scene->redis = redisAsyncConnect("127.0.0.1", scene->server.port);
	assert_int_equal(scene->redis->err, 0);
	scene->redis->data = scene;
	redis_tls_attach(scene->redis, scene->base, &scene->config, "127.0.0.1", on_error);
	redisAsyncSetConnectCallback(scene->redis, on_connect);
}

static void turn(struct tls_scene *scene, int ms)
{
	struct timeval after = { 0, ms * 1000 };
	event_base_loopexit(scene->base, &after);
	event_base_dispatch(scene->base);
}

static void wait_for(struct tls_scene *scene, const int *count, int wanted)
{
	int64_t until = monotonic_ms() + WAIT_MS;
	while (*count < wanted && monotonic_ms() < until)
		turn(scene, 5);
	if (*count != wanted)
		fail_msg("count is %d, not %d: %s", *count, wanted, scene->why);
}

static void test_on_the_loop(void **state)
{
	enum { MANY = 2000, LARGE = 4 };
	struct tls_scene *scene = *state;
	char *large = tls_make_text(3 * MEBIBYTE);
	tls_scene_serve(scene, tls_echo, NULL);
	connect_on_loop(scene);
	assert_false(redis_tls_is_shaking(scene->redis));
	redisAsyncCommand(scene->redis, on_echo, (void *)"early", "ECHO early"); /* before it is connected */
	wait_for(scene, &scene->connected, 1);
	wait_for(scene, &scene->replies, 1);
	for (int i = 0; i < MANY; i++)
		redisAsyncCommand(scene->redis, on_echo, (void *)"short", "ECHO short");
	/* More than the sockets hold, both ways. */
	for (int i = 0; i < LARGE; i++)
		redisAsyncCommand(scene->redis, on_echo, large, "ECHO %s", large);
	wait_for(scene, &scene->replies, 1 + MANY + LARGE);
	assert_int_equal(scene->bytes, 5 + MANY * 5 + (size_t)LARGE * 3 * MEBIBYTE);
	assert_int_equal(scene->lost, 0);
	free(large);
}

/* They are read from the socket with one call, and nothing announces those behind the first ones. */
static void test_many_records_at_once(void **state)
{
	struct tls_scene *scene = *state;
	atomic_store(&has_answered, false);
	tls_scene_serve(scene, echo_at_once, NULL);
	connect_on_loop(scene);
	wait_for(scene, &scene->connected, 1);
	for (int i = 0; i < AT_ONCE; i++)
		redisAsyncCommand(scene->redis, on_echo, (void *)"short", "ECHO short");
	event_base_loop(scene->base, EVLOOP_ONCE);
	for (int i = 0; i < WAIT_MS && !atomic_load(&has_answered); i++)
		poll(NULL, 0, 1);
	wait_for(scene, &scene->replies, AT_ONCE);
}

/* Nothing is lost of what stood in front of the end, and the end is told once. */
static void test_the_server_goes(void **state)
{
	struct tls_scene *scene = *state;
	tls_scene_serve(scene, tls_echo_once, NULL);
	for (int i = 0; i < 6; i++) {
		scene->server.context = i % 2 ? scene : NULL;
		connect_on_loop(scene);
		for (int j = 0; j < 3; j++)
			redisAsyncCommand(scene->redis, on_echo, (void *)"one", "ECHO one");
		wait_for(scene, &scene->lost, i + 1);
		assert_int_equal(scene->replies, i + 1);
		if (!strstr(scene->why, "closed the connection") && !strstr(scene->why, "reset") &&
		    !strstr(scene->why, "Broken pipe"))
			fail_msg("%s", scene->why);
	}
}

static void test_a_record_that_breaks_off(void **state)
{
	struct tls_scene *scene = *state;
	tls_scene_serve(scene, break_off, NULL);
	connect_on_loop(scene);
	redisAsyncCommand(scene->redis, on_echo, (void *)"one", "ECHO one");
	wait_for(scene, &scene->lost, 1);
	assert_int_equal(scene->replies, 0);
	assert_true(scene->why[0]);
}

/* Neither waiting to send nor waiting for an answer keeps the loop busy. */
static void assert_sleeps(struct tls_scene *scene)
{
	int busy = 0;
	for (int i = 0; i < 30; i++) {
		event_base_get_max_events(scene->base, EVENT_BASE_COUNT_ACTIVE, 1);
		event_base_loop(scene->base, EVLOOP_NONBLOCK);
		busy += event_base_get_max_events(scene->base, EVENT_BASE_COUNT_ACTIVE, 1) > 0;
		poll(NULL, 0, 5);
	}
	if (busy > 10)
		fail_msg("%d of 30 turns with nothing to do did something", busy);
}

/* What cannot be sent stays in hiredis' buffer, once. */
static void test_a_server_that_does_not_read(void **state)
{
	enum { COMMANDS = 16 };
	struct tls_scene *scene = *state;
	char *large = tls_make_text(2 * MEBIBYTE);
	atomic_store(&may_read, false);
	tls_scene_serve(scene, echo_late, NULL);
	connect_on_loop(scene);
	wait_for(scene, &scene->connected, 1);
	assert_sleeps(scene);
	for (int i = 0; i < COMMANDS; i++)
		redisAsyncCommand(scene->redis, on_echo, large, "ECHO %s", large);
	turn(scene, 500);
	assert_sleeps(scene);
	assert_int_equal(scene->replies, 0);
	atomic_store(&may_read, true);
	wait_for(scene, &scene->replies, COMMANDS);
	assert_sleeps(scene);
	free(large);
}

static void free_it(const redisAsyncContext *redis, int status)
{
	struct tls_scene *scene = redis->data;
	(void)status;
	scene->connected++;
	scene->redis = NULL;
	redisAsyncFree((redisAsyncContext *)redis);
}

static void on_echo_free(redisAsyncContext *redis, void *reply, void *data)
{
	struct tls_scene *scene = redis->data;
	(void)data;
	if (!reply)
		return;
	scene->replies++;
	scene->redis = NULL;
	redisAsyncFree(redis);
}

static void test_freed_at_any_time(void **state)
{
	struct tls_scene *scene = *state;
	tls_scene_serve(scene, tls_echo, NULL);
	connect_on_loop(scene); /* at once */
	redisAsyncFree(scene->redis);
	connect_on_loop(scene); /* when it is connected */
	scene->redis->onConnect = free_it;
	wait_for(scene, &scene->connected, 1);
	connect_on_loop(scene); /* by an answer, with more behind it */
	for (int i = 0; i < 5; i++)
		redisAsyncCommand(scene->redis, on_echo_free, NULL, "ECHO one");
	wait_for(scene, &scene->replies, 1);
	tls_server_stop(&scene->server);
	tls_scene_serve(scene, tls_keep_silent, NULL);
	scene->server.plain = true;
	connect_on_loop(scene); /* during the handshake */
	for (int i = 0; i < 1000 && !redis_tls_is_shaking(scene->redis); i++)
		turn(scene, 1);
	assert_true(redis_tls_is_shaking(scene->redis));
	redisAsyncFree(scene->redis);
	scene->redis = NULL;
	assert_int_equal(scene->lost, 0);
}

static void test_it_does_not_come_to_a_connection(void **state)
{
	struct tls_scene *scene = *state;
	static char plain[] = "-ERR unknown command\r\n";
	tls_scene_serve(scene, tls_echo, NULL);
	tls_server_stop(&scene->server);
	connect_on_loop(scene);
	wait_for(scene, &scene->lost, 1);
	assert_string_equal(scene->why, "Connection refused");
	tls_scene_serve(scene, tls_say_plainly, plain);
	scene->server.plain = true;
	connect_on_loop(scene);
	wait_for(scene, &scene->lost, 2);
	assert_non_null(strstr(scene->why, "speaks no TLS"));
	scene->config.redis_tls_ca_file = (char *)"/nowhere/ca.crt";
	connect_on_loop(scene);
	wait_for(scene, &scene->lost, 3);
	assert_non_null(strstr(scene->why, "redis.tls_ca_file /nowhere/ca.crt: No such file"));
	assert_int_equal(scene->connected, 0);
}

static int tear_down(void **state)
{
	atomic_store(&may_read, true);
	return tls_scene_tear_down(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tls_scene_set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_on_the_loop),
		TEST(test_many_records_at_once),
		TEST(test_the_server_goes),
		TEST(test_a_record_that_breaks_off),
		TEST(test_a_server_that_does_not_read),
		TEST(test_freed_at_any_time),
		TEST(test_it_does_not_come_to_a_connection),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
