/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "crash.h"
#include "log.h"

#define PASSED 3

/* A child that comes to "read" and "sent" in turn, twice each, then exits with PASSED. */
static pid_t start_child(const char *at)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	log_init(LOG_ERROR, LOG_TEXT, "test");
	if (at)
		setenv("RIDERWATCH_CRASH_AT", at, 1);
	else
		unsetenv("RIDERWATCH_CRASH_AT");
	crash_init();
	for (int i = 0; i < 2; i++) {
		crash_point("read");
		crash_point("sent");
	}
	_exit(PASSED);
}

static int status_of(const char *at)
{
	int status;
	pid_t pid = start_child(at);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_dies_at_the_named_pass_only(void **state)
{
	static const struct {
		const char *at;
		bool dies;
	} cases[] = {
		{ NULL, false },     { "", false },    { "read", true },     { "sent:1", true },  { "sent:2", true },
		{ "sent:3", false }, { "rea", false }, { "reading", false }, { "read:0", false }, { ":1", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int status = status_of(cases[i].at);
		if (cases[i].dies)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		else
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == PASSED);
	}
}

static void test_stops_once_and_goes_on_when_woken(void **state)
{
	static const char *const at[] = { "read:1:stop", "sent:2:stop", "read:stop" };
	(void)state;
	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
		int status;
		pid_t pid = start_child(at[i]);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
		assert_int_equal(kill(pid, SIGCONT), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == PASSED);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dies_at_the_named_pass_only),
		cmocka_unit_test(test_stops_once_and_goes_on_when_woken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
