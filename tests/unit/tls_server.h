/* SPDX-License-Identifier: Apache-2.0 */
/* A server that speaks TLS on a thread of its own, and the files of an authority that signed its certificate. */
#pragma once
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct tls_files {
	char folder[64];
	char authority[96], certificate[96], key[96]; /* of one authority, for 127.0.0.1 and localhost */
};
void tls_files_make(struct tls_files *files);
void tls_files_remove(struct tls_files *files);

/* What it does with one connection; ssl is NULL when it speaks no TLS. */
typedef void tls_talk_f(SSL *ssl, int fd, void *context);

struct tls_server {
	int listener, port;
	bool plain;
	const struct tls_files *files;
	tls_talk_f *talk;
	void *context;
	atomic_int connection; /* under way; -1: none */
	pthread_t thread;
};
/* Takes one connection after the other until it is stopped. talk and context as above. */
void tls_server_start(struct tls_server *server);
/* Ends the connection that is under way, too. */
void tls_server_stop(struct tls_server *server);
