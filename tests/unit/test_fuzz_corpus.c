/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the inputs that fuzzing found worth keeping (tests/fuzz/corpus) through the fuzzers' own functions, without a
 * fuzzer: what was mended stays mended. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "fuzz/fuzz_input.h"

static const struct target {
	const char *name;
	int (*run)(const uint8_t *data, size_t size);
} targets[] = {
#define FUZZ_TARGET(name) { #name, fuzz_##name },
#include "fuzz/targets.def"
#undef FUZZ_TARGET
};

static char running[128]; /* "file:line" of the input that runs */

/* A target that finds something aborts: say on which input. */
static void on_abort(int number)
{
	static const char text[] = "aborted in ";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
	ignored = write(STDERR_FILENO, running, strlen(running));
	ignored = write(STDERR_FILENO, "\n", 1);
	(void)ignored;
	signal(number, SIG_DFL);
	raise(number);
}

/* Lines are unpacked here: a table's own escapes would not leave '$' and '@' alone. */
static size_t unpack(char *line)
{
	static const char letters[] = "nrt0\\", meanings[] = "\n\r\t\0\\";
	char *out = line;
	for (const char *at = line; *at;) {
		const char *letter = strchr(letters, at[1]);
		if (*at != '\\') {
			*out++ = *at++;
		} else if (at[1] == 'x' && at[2] && at[3]) {
			const char hex[] = { at[2], at[3], '\0' };
			*out++ = (char)strtol(hex, NULL, 16);
			at += 4;
		} else {
			assert_true(at[1] && letter);
			*out++ = meanings[letter - letters];
			at += 2;
		}
	}
	return (size_t)(out - line);
}

static size_t run_file(const struct target *target)
{
	char path[96], *line = NULL;
	size_t capacity = 0, count = 0, number = 0;
	ssize_t size;

	snprintf(path, sizeof path, "tests/fuzz/corpus/%s.txt", target->name);
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s: missing", path);
	while ((size = getline(&line, &capacity, file)) > 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (*line == '\0' || *line == '#')
			continue;
		snprintf(running, sizeof running, "%s:%zu", path, number);
		size_t unpacked = unpack(line);
		/* Of just that size: the address sanitizer sees each byte read behind it. */
		char *input = fuzz_copy((struct slice){ line, unpacked });
		target->run((const uint8_t *)input, unpacked);
		free(input);
		count++;
	}
	free(line);
	fclose(file);
	return count;
}

static void test_target(void **state)
{
	const struct target *target = *state;
	assert_true(target->run((const uint8_t *)"", 0) == 0);
	assert_true(run_file(target) > 0);
}

int main(void)
{
	enum { COUNT = sizeof targets / sizeof *targets };
	struct CMUnitTest tests[COUNT];

	signal(SIGABRT, on_abort);
	for (size_t i = 0; i < COUNT; i++)
		tests[i] = (struct CMUnitTest){ targets[i].name, test_target, NULL, NULL, (void *)&targets[i] };
	return _cmocka_run_group_tests("fuzz_corpus", tests, COUNT, NULL, NULL);
}
