/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_server.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "must.h"

#define START_TRIES 500
#define TRY_NS 20000000

static void run_server(const struct redis_server *server, pid_t parent)
{
	const char *arguments[48] = {
		"redis-server", "--port", "0",         "--unixsocket", server->socket, "--dir", server->folder,
		"--save",       "",       "--logfile", "redis.log",    "--daemonize",  "no"
	};
	size_t count = 13;
	for (size_t i = 0; server->options[i]; i++)
		arguments[count++] = server->options[i];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	if (getppid() == parent)
		execvp(arguments[0], (char *const *)arguments);
	perror("redis-server");
	_exit(127);
}

/* An answer other than "still loading". */
static bool answers(const struct redis_server *server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char reply[32] = "";
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(fd >= 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", server->socket);
	bool up = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && write(fd, "PING\r\n", 6) == 6 &&
		  read(fd, reply, sizeof reply - 1) > 0;
	close(fd);
	return up && strncmp(reply, "-LOADING", 8) != 0;
}

void redis_server_again(struct redis_server *server)
{
	pid_t parent = getpid();
	unlink(server->socket);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	server->pid = fork();
	MUST(server->pid >= 0);
	if (server->pid == 0)
		run_server(server, parent);
	for (int i = 0; !answers(server); i++) {
		MUST(i < START_TRIES && waitpid(server->pid, NULL, WNOHANG) == 0);
		nanosleep(&(struct timespec){ 0, TRY_NS }, NULL);
	}
}

void redis_server_start(struct redis_server *server, const char *const *options)
{
	memset(server, 0, sizeof *server);
	for (size_t i = 0; options && options[i]; i++) {
		MUST(i + 1 < sizeof server->options / sizeof server->options[0]);
		server->options[i] = options[i];
	}
	snprintf(server->folder, sizeof server->folder, "/tmp/riderwatch-redis-XXXXXX");
	MUST(mkdtemp(server->folder));
	snprintf(server->socket, sizeof server->socket, "%s/redis.sock", server->folder);
	redis_server_again(server);
}

/* Until none of pid (see waitpid) is left. */
static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) > 0 || errno == EINTR)
		;
}

void redis_server_kill(struct redis_server *server, int signal)
{
	if (server->pid > 0) {
		kill(server->pid, signal);
		reap(server->pid);
		/* Its child that writes the append-only file anew does not die with it; it has become ours. */
		kill(-server->pid, SIGKILL);
		reap(-server->pid);
		server->pid = 0;
	}
}

void redis_server_stop(struct redis_server *server)
{
	redis_server_kill(server, SIGKILL);
	if (server->folder[0]) {
		char command[128];
		snprintf(command, sizeof command, "rm -rf '%s'", server->folder);
		MUST(system(command) == 0);
		server->folder[0] = '\0';
	}
}
