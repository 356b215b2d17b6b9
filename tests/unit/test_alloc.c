/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "must.h"

static void test_memory_is_zeroed_and_never_null(void **state)
{
	char *memory = alloc_zeroed(100, 10);
	char *nothing = alloc_zeroed(0, 10);

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(memory[i], 0);
	assert_non_null(nothing);
	free(nothing);
	memory = alloc_resize(memory, 0);
	assert_non_null(memory);
	free(memory);
}

static void test_text_is_copied(void **state)
{
	char original[] = "电动车进楼";
	char *copy = alloc_text(original);

	(void)state;
	assert_ptr_not_equal(copy, original);
	assert_string_equal(copy, original);
	free(copy);
}

/* The signal that ends a child running act(), 0 when it ends by itself. */
static int signal_of(void (*act)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		close(STDERR_FILENO);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void break_a_must(void)
{
	MUST(1 + 1 == 3);
}

static void keep_a_must(void)
{
	MUST(1 + 1 == 2);
}

static void test_must_aborts_only_when_it_does_not_hold(void **state)
{
	(void)state;
	assert_int_equal(signal_of(break_a_must), SIGABRT);
	assert_int_equal(signal_of(keep_a_must), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_zeroed_and_never_null),
		cmocka_unit_test(test_text_is_copied),
		cmocka_unit_test(test_must_aborts_only_when_it_does_not_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
