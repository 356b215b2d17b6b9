/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "watchdog.h"

/* Runs in a child whose standard error is returned in text; returns its wait status. */
static int run_child(void (*child)(void), char *text, size_t size)
{
	int ends[2], status;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		child();
		_exit(3);
	}
	close(ends[1]);
	got = read(ends[0], text, size - 1);
	text[got > 0 ? got : 0] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void hang(void)
{
	struct watchdog *watchdog = watchdog_new(300);

	watchdog_enter(watchdog, "commit_transaction");
	sleep(10);
}

static void return_in_time(void)
{
	struct watchdog *watchdog = watchdog_new(300);

	for (int i = 0; i < 5; i++) {
		watchdog_enter(watchdog, "commit_transaction");
		usleep(150000);
		watchdog_leave(watchdog);
	}
	usleep(900000); /* nothing is under way */
	watchdog_free(&watchdog);
	_exit(watchdog ? 4 : 3);
}

static void test_ends_a_process_that_hangs(void **state)
{
	char text[512];
	int status = run_child(hang, text, sizeof(text));

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), WATCHDOG_EXIT);
	assert_non_null(strstr(text, "commit_transaction did not return within 300 ms"));
}

static void test_leaves_the_others_alone(void **state)
{
	char text[512];
	int status = run_child(return_in_time, text, sizeof(text));

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_a_process_that_hangs),
		cmocka_unit_test(test_leaves_the_others_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
