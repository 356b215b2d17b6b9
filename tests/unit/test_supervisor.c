/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <event2/event.h>
#include <cmocka.h>

/* The manager's end: a datagram socket at "/path" or "@name". */
static int manager(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(name);
	memcpy(address.sun_path, name, size);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (name[0] == '/'))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

/* What came next; "" when nothing did. */
static const char *heard(int fd)
{
	static char text[256];
	ssize_t size = recv(fd, text, sizeof text - 1, 0);
	text[size > 0 ? size : 0] = '\0';
	return text;
}

static void turn(struct event_base *base, int milliseconds)
{
	event_base_loopexit(base, &(struct timeval){ 0, milliseconds * 1000 });
	event_base_dispatch(base);
}

static void life_is_told(const char *name)
{
	struct event_base *base = event_base_new();
	int fd = manager(name);
	struct supervisor *supervisor = supervisor_new(base);
	assert_string_equal(heard(fd), "");
	supervisor_ready(supervisor);
	assert_string_equal(heard(fd), "READY=1\nSTATUS=running");
	turn(base, 50);
	assert_string_equal(heard(fd), "");
	supervisor_stopping(supervisor);
	assert_string_equal(heard(fd), "STOPPING=1\nSTATUS=stopping");
	supervisor_free(&supervisor);
	assert_null(supervisor);
	event_base_free(base);
	close(fd);
}

static void test_a_socket_in_the_file_system(void **state)
{
	(void)state;
	char path[64];
	snprintf(path, sizeof path, "/tmp/riderwatch-test-supervisor-%d", getpid());
	life_is_told(path);
	unlink(path);
}

static void test_a_socket_outside_the_file_system(void **state)
{
	(void)state;
	char name[64];
	snprintf(name, sizeof name, "@riderwatch-test-supervisor-%d", getpid());
	life_is_told(name);
}

static int beats(const char *interval, int pid, int milliseconds)
{
	char name[64], pid_text[16];
	int count = 0;
	snprintf(name, sizeof name, "@riderwatch-test-beats-%d", getpid());
	snprintf(pid_text, sizeof pid_text, "%d", pid);
	setenv("WATCHDOG_USEC", interval, 1);
	setenv("WATCHDOG_PID", pid_text, 1);
	struct event_base *base = event_base_new();
	int fd = manager(name);
	struct supervisor *supervisor = supervisor_new(base);
	turn(base, milliseconds);
	while (strcmp(heard(fd), "WATCHDOG=1") == 0)
		count++;
	supervisor_free(&supervisor);
	event_base_free(base);
	close(fd);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return count;
}

static void test_the_loop_beats_twice_in_each_interval(void **state)
{
	(void)state;
	assert_in_range(beats("100000", getpid(), 520), 5, 11);
}

static void test_no_beats_that_nobody_wants(void **state)
{
	(void)state;
	assert_int_equal(beats("20000", getpid() + 1, 100), 0);
	assert_int_equal(beats("0", getpid(), 100), 0);
	assert_int_equal(beats("nonsense", getpid(), 100), 0);
}

static void test_nobody_asks(void **state)
{
	(void)state;
	static const char *const values[] = { NULL, "", "relative", "@",
					      "/a/path/that/is/much/longer/than/what/fits/into/an/address/of/"
					      "a/unix/socket/which/is/a/hundred/and/eight/bytes/as/we/know" };
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct event_base *base = event_base_new();
		if (values[i])
			setenv("NOTIFY_SOCKET", values[i], 1);
		else
			unsetenv("NOTIFY_SOCKET");
		struct supervisor *supervisor = supervisor_new(base);
		supervisor_ready(supervisor);
		supervisor_free(&supervisor);
		event_base_free(base);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_socket_in_the_file_system),
		cmocka_unit_test(test_a_socket_outside_the_file_system),
		cmocka_unit_test(test_the_loop_beats_twice_in_each_interval),
		cmocka_unit_test(test_no_beats_that_nobody_wants),
		cmocka_unit_test(test_nobody_asks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
