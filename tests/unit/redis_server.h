/* SPDX-License-Identifier: Apache-2.0 */
/* A redis-server of its own for a test: unix socket in a fresh folder below /tmp. It dies with the test process. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
	char folder[64], socket[96];
	const char *options[16]; /* further arguments, NULL-terminated */
	pid_t pid;
};

/* options: redis-server arguments in pairs, NULL-terminated, at most 14; kept by pointer. Waits until it answers. */
void redis_server_start(struct redis_server *server, const char *const *options);
/* Waits until the process and its children have gone. The folder (append-only file) stays, so that redis_server_again()
 * finds it. */
void redis_server_kill(struct redis_server *server, int signal);
void redis_server_again(struct redis_server *server);
/* Kills the process if it runs, and removes the folder. */
void redis_server_stop(struct redis_server *server);
