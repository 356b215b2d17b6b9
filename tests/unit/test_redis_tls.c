/* SPDX-License-Identifier: Apache-2.0 */
/* hiredis over TLS, waiting and on the loop, against a server of the test's. With a real Redis:
 * tests/flow/test_redis_tls.py. */
#include "redis_tls.h"
#include "redis_tls_loop.h"
#include "alloc.h"
#include "monotonic.h"
#include "tls_server.h"

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

enum { WAIT_MS = 15000, MEBIBYTE = 1 << 20 };

struct scene {
	struct tls_files files;
	struct tls_server server;
	struct config config;
	struct event_base *base;
	redisAsyncContext *redis;
	int connected, replies, lost; /* replies that were right */
	size_t bytes;                 /* of them */
	char why[REDIS_TLS_ERROR_SIZE];
};

/* ---- what the server does ---- */

/* Sends all that comes back as one bulk string for each "$n\r\n...": the client's commands are "ECHO text". */
static bool read_line(SSL *ssl, char *line, size_t size)
{
	size_t used = 0;
	while (used + 1 < size && SSL_read(ssl, line + used, 1) == 1)
		if (line[used++] == '\n') {
			line[used] = '\0';
			return true;
		}
	return false;
}

static bool read_all(SSL *ssl, char *bytes, size_t size)
{
	while (size) {
		int part = SSL_read(ssl, bytes, size > MEBIBYTE ? MEBIBYTE : (int)size);
		if (part <= 0)
			return false;
		bytes += part;
		size -= (size_t)part;
	}
	return true;
}

/* The text of one command "*2 $4 ECHO $n text"; NULL at the end. */
static char *read_echo(SSL *ssl, size_t *size)
{
	char line[64];
	for (int i = 0; i < 4; i++)
		if (!read_line(ssl, line, sizeof line))
			return NULL;
	*size = strtoul(line + 1, NULL, 10);
	char *text = alloc_zeroed(1, *size + 2);
	if (read_all(ssl, text, *size + 2))
		return text;
	free(text);
	return NULL;
}

static void answer_bulk(SSL *ssl, const char *text, size_t size)
{
	char head[32];
	int length = snprintf(head, sizeof head, "$%zu\r\n", size);
	SSL_write(ssl, head, length);
	for (size_t sent = 0; sent < size; sent += MEBIBYTE)
		if (SSL_write(ssl, text + sent, (int)(size - sent > MEBIBYTE ? MEBIBYTE : size - sent)) <= 0)
			return;
	SSL_write(ssl, "\r\n", 2);
}

static void echo(SSL *ssl, int fd, void *context)
{
	size_t size;
	(void)fd, (void)context;
	for (char *text; (text = read_echo(ssl, &size)); free(text))
		answer_bulk(ssl, text, size);
}

/* One answer, and then the end, with and without the farewell of TLS. */
static void echo_once(SSL *ssl, int fd, void *context)
{
	size_t size;
	char *text = read_echo(ssl, &size);
	(void)fd;
	if (text)
		answer_bulk(ssl, text, size);
	free(text);
	if (context)
		SSL_shutdown(ssl);
}

static void say_plainly(SSL *ssl, int fd, void *context)
{
	(void)ssl;
	MUST(write(fd, context, strlen(context)) > 0);
	poll(NULL, 0, 100);
}

/* Until the other side goes. */
static void keep_silent(SSL *ssl, int fd, void *context)
{
	struct pollfd one = { .fd = fd, .events = POLLRDHUP };
	(void)ssl, (void)context;
	poll(&one, 1, WAIT_MS);
}

/* Reads nothing until it is told. */
static atomic_bool may_read;

static void echo_late(SSL *ssl, int fd, void *context)
{
	while (!atomic_load(&may_read))
		poll(NULL, 0, 5);
	echo(ssl, fd, context);
}

/* Answers only when all have come, each with records of its own. */
enum { AT_ONCE = 50 };
static atomic_bool has_answered;

static void echo_at_once(SSL *ssl, int fd, void *context)
{
	char *texts[AT_ONCE];
	size_t sizes[AT_ONCE];
	for (int i = 0; i < AT_ONCE; i++)
		if (!(texts[i] = read_echo(ssl, &sizes[i])))
			return;
	for (int i = 0; i < AT_ONCE; i++) {
		answer_bulk(ssl, texts[i], sizes[i]);
		free(texts[i]);
	}
	atomic_store(&has_answered, true);
	keep_silent(ssl, fd, context);
}

/* Half a record, and then nothing more. */
static void break_off(SSL *ssl, int fd, void *context)
{
	static const unsigned char half[] = { 0x17, 3, 3, 0x10, 0, 1, 2, 3 };
	(void)ssl, (void)context;
	MUST(write(fd, half, sizeof half) == sizeof half);
}

static void start_server(struct scene *scene, tls_talk_f *talk, void *context)
{
	scene->server = (struct tls_server){ .files = &scene->files, .talk = talk, .context = context };
	tls_server_start(&scene->server);
}

/* ---- programs that wait ---- */

static redisContext *connect_waiting(struct scene *scene, struct redis_tls **tls, int timeout_ms)
{
	struct timeval timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	redisContext *redis = redisConnectWithTimeout("127.0.0.1", scene->server.port, timeout);
	assert_int_equal(redis->err, 0);
	redisSetTimeout(redis, timeout);
	*tls = redis_tls_connect(&scene->config, "127.0.0.1", redis, scene->why);
	return redis;
}

static char *make_text(size_t size)
{
	char *text = alloc_zeroed(1, size + 1);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + (i * 7 + i / 1000) % 26);
	return text;
}

static void test_waiting(void **state)
{
	static const size_t sizes[] = { 1, 16384, 16385, 100000, 5 * MEBIBYTE };
	struct scene *scene = *state;
	struct redis_tls *tls;
	redisReply *reply;
	start_server(scene, echo, NULL);
	redisContext *redis = connect_waiting(scene, &tls, WAIT_MS);
	assert_non_null(tls);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *text = make_text(sizes[i]);
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
	struct scene *scene = *state;
	struct redis_tls *tls;
	redisReply *reply;
	start_server(scene, echo_once, NULL);
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
	struct scene *scene = *state;
	struct redis_tls *tls;
	redisReply *reply;
	start_server(scene, keep_silent, NULL);
	redisContext *redis = connect_waiting(scene, &tls, 150);
	redisAppendCommand(redis, "ECHO one");
	assert_int_equal(redis_tls_get_reply(tls, redis, &reply), REDIS_ERR);
	assert_int_equal(redis->err, REDIS_ERR_IO); /* what redis_sentinel_ask() takes for silence */
	assert_int_equal(errno, EAGAIN);
	redis_tls_free(&tls);
	redisFree(redis);
}

static const struct {
	const char *name;
	tls_talk_f *talk;
	const char *says;
	const char *words;
} plain_servers[] = {
	{ "one that answers", say_plainly, "-ERR unknown command\r\n",
	  "it speaks no TLS (wrong version number); use the port" },
	{ "HTTP", say_plainly, "HTTP/1.1 400 Bad Request\r\n\r\n", "it speaks no TLS" },
	{ "one that keeps silent", keep_silent, NULL,
	  "no answer to the TLS handshake in time; a Redis that speaks no TLS" },
	{ "one that hangs up", echo_once, NULL, "closed the connection during the TLS handshake; see its log" },
};

static void hang_up(SSL *ssl, int fd, void *context)
{
	char bytes[4096];
	(void)ssl, (void)context;
	MUST(read(fd, bytes, sizeof bytes) > 0);
}

static void test_servers_without_tls(void **state)
{
	struct scene *scene = *state;
	struct redis_tls *tls;
	for (size_t i = 0; i < sizeof plain_servers / sizeof *plain_servers; i++) {
		tls_talk_f *talk = plain_servers[i].talk == echo_once ? hang_up : plain_servers[i].talk;
		scene->server = (struct tls_server){ .files = &scene->files, .talk = talk, .plain = true };
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
	struct scene *scene = *state;
	start_server(scene, echo, NULL);
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

/* ---- on the loop ---- */

static void on_error(redisAsyncContext *redis, const char *why)
{
	struct scene *scene = redis->data;
	scene->lost++;
	snprintf(scene->why, sizeof scene->why, "%s", why);
	scene->redis = NULL;
	redisAsyncFree(redis);
}

static void on_connect(const redisAsyncContext *redis, int status)
{
	assert_int_equal(status, REDIS_OK);
	((struct scene *)redis->data)->connected++;
}

static void on_echo(redisAsyncContext *redis, void *reply, void *data)
{
	struct scene *scene = redis->data;
	const redisReply *answer = reply;
	const char *expected = data;
	if (!answer)
		return;
	assert_int_equal(answer->type, REDIS_REPLY_STRING);
	assert_string_equal(answer->str, expected);
	scene->replies++;
	scene->bytes += (size_t)answer->len;
}

static void connect_on_loop(struct scene *scene)
{
	scene->redis = redisAsyncConnect("127.0.0.1", scene->server.port);
	assert_int_equal(scene->redis->err, 0);
	scene->redis->data = scene;
	redis_tls_attach(scene->redis, scene->base, &scene->config, "127.0.0.1", on_error);
	redisAsyncSetConnectCallback(scene->redis, on_connect);
}

static void turn(struct scene *scene, int ms)
{
	struct timeval after = { 0, ms * 1000 };
	event_base_loopexit(scene->base, &after);
	event_base_dispatch(scene->base);
}

static void wait_for(struct scene *scene, const int *count, int wanted)
{
	int64_t until = monotonic_ms() + WAIT_MS;
	while (*count < wanted && monotonic_ms() < until)
		turn(scene, 5);
	if (*count != wanted)
		fail_msg("count is %d, not %d: %s", *count, wanted, scene->why);
}

static void test_on_the_loop(void **state)
{
	enum { MANY = 2000, LARGE = 10 };
	struct scene *scene = *state;
	char *large = make_text(3 * MEBIBYTE);
	start_server(scene, echo, NULL);
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
	struct scene *scene = *state;
	atomic_store(&has_answered, false);
	start_server(scene, echo_at_once, NULL);
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
	struct scene *scene = *state;
	start_server(scene, echo_once, NULL);
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
	struct scene *scene = *state;
	start_server(scene, break_off, NULL);
	connect_on_loop(scene);
	redisAsyncCommand(scene->redis, on_echo, (void *)"one", "ECHO one");
	wait_for(scene, &scene->lost, 1);
	assert_int_equal(scene->replies, 0);
	assert_true(scene->why[0]);
}

/* Neither waiting to send nor waiting for an answer keeps the loop busy. */
static void assert_sleeps(struct scene *scene)
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
	struct scene *scene = *state;
	char *large = make_text(2 * MEBIBYTE);
	atomic_store(&may_read, false);
	start_server(scene, echo_late, NULL);
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
	struct scene *scene = redis->data;
	(void)status;
	scene->connected++;
	scene->redis = NULL;
	redisAsyncFree((redisAsyncContext *)redis);
}

static void on_echo_free(redisAsyncContext *redis, void *reply, void *data)
{
	struct scene *scene = redis->data;
	(void)data;
	if (!reply)
		return;
	scene->replies++;
	scene->redis = NULL;
	redisAsyncFree(redis);
}

static void test_freed_at_any_time(void **state)
{
	struct scene *scene = *state;
	start_server(scene, echo, NULL);
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
	start_server(scene, keep_silent, NULL);
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
	struct scene *scene = *state;
	static char plain[] = "-ERR unknown command\r\n";
	start_server(scene, echo, NULL);
	tls_server_stop(&scene->server);
	connect_on_loop(scene);
	wait_for(scene, &scene->lost, 1);
	assert_string_equal(scene->why, "Connection refused");
	start_server(scene, say_plainly, plain);
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

/* ---- scene ---- */

static int set_up(void **state)
{
	struct scene *scene = alloc_zeroed(1, sizeof *scene);
	tls_files_make(&scene->files);
	scene->base = event_base_new();
	scene->config.redis_tls = true;
	scene->config.redis_tls_ca_file = scene->files.authority;
	scene->config.redis_tls_certificate_file = (char *)"";
	scene->config.redis_tls_key_file = (char *)"";
	scene->config.redis_tls_server_name = (char *)"";
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	atomic_store(&may_read, true);
	if (scene->redis)
		redisAsyncFree(scene->redis);
	if (scene->server.talk)
		tls_server_stop(&scene->server);
	event_base_free(scene->base);
	tls_files_remove(&scene->files);
	free(scene);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_waiting),
		TEST(test_waiting_for_one_that_goes),
		TEST(test_waiting_ends),
		TEST(test_servers_without_tls),
		TEST(test_names),
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
