/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_scene.h"

#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "alloc.h"

/* ---- what the server does ---- */

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

/* "*2 $4 ECHO $n text" */
char *tls_read_echo(SSL *ssl, size_t *size)
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

void tls_answer(SSL *ssl, const char *text, size_t size)
{
	char head[32];
	int length = snprintf(head, sizeof head, "$%zu\r\n", size);
	SSL_write(ssl, head, length);
	for (size_t sent = 0; sent < size; sent += MEBIBYTE)
		if (SSL_write(ssl, text + sent, (int)(size - sent > MEBIBYTE ? MEBIBYTE : size - sent)) <= 0)
			return;
	SSL_write(ssl, "\r\n", 2);
}

void tls_echo(SSL *ssl, int fd, void *context)
{
	size_t size;
	(void)fd, (void)context;
	for (char *text; (text = tls_read_echo(ssl, &size)); free(text))
		tls_answer(ssl, text, size);
}

void tls_echo_once(SSL *ssl, int fd, void *context)
{
	size_t size;
	char *text = tls_read_echo(ssl, &size);
	(void)fd;
	if (text)
		tls_answer(ssl, text, size);
	free(text);
	if (context)
		SSL_shutdown(ssl);
}

void tls_say_plainly(SSL *ssl, int fd, void *context)
{
	(void)ssl;
	MUST(write(fd, context, strlen(context)) > 0);
	poll(NULL, 0, 100);
}

void tls_keep_silent(SSL *ssl, int fd, void *context)
{
	struct pollfd one = { .fd = fd, .events = POLLRDHUP };
	(void)ssl, (void)context;
	poll(&one, 1, WAIT_MS);
}

void tls_scene_serve(struct tls_scene *scene, tls_talk_f *talk, void *context)
{
	scene->server = (struct tls_server){ .files = &scene->files, .talk = talk, .context = context };
	tls_server_start(&scene->server);
}

char *tls_make_text(size_t size)
{
	char *text = alloc_zeroed(1, size + 1);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + (i * 7 + i / 1000) % 26);
	return text;
}

int tls_scene_set_up(void **state)
{
	struct tls_scene *scene = alloc_zeroed(1, sizeof *scene);
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

int tls_scene_tear_down(void **state)
{
	struct tls_scene *scene = *state;
	if (scene->redis)
		redisAsyncFree(scene->redis);
	if (scene->server.talk)
		tls_server_stop(&scene->server);
	event_base_free(scene->base);
	tls_files_remove(&scene->files);
	free(scene);
	return 0;
}
