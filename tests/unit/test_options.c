/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { WORDS_MAX = 12 };

/* Parses words (NULL-terminated) with standard error going to *message, which the caller frees. */
static int parse(const char *const *words, struct options *options, char **message)
{
	const char *argv[WORDS_MAX + 1] = { "riderwatchd" };
	int argc = 1;
	for (; words[argc - 1]; argc++)
		argv[argc] = words[argc - 1];
	FILE *real = stderr;
	size_t size;
	stderr = open_memstream(message, &size);
	int status = options_parse(argc, (char *const *)argv, options);
	fclose(stderr);
	stderr = real;
	return status;
}

/* The sources in one line; the next call overwrites it. */
static const char *given(const struct options *options)
{
	static char text[256];
	text[0] = '\0';
	for (size_t i = 0; i < options->sources.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%c %s", i ? " " : "",
			 options->sources.list[i].option, options->sources.list[i].text);
	return text;
}

static void test_what_is_accepted(void **state)
{
	(void)state;
	static const struct {
		const char *words[WORDS_MAX];
		enum options_action action;
		const char *sources; /* what follows each option, in order */
	} rows[] = {
		{ { NULL }, OPTIONS_RUN, "" },
		{ { "-c", "a.json" }, OPTIONS_RUN, "c a.json" },
		{ { "-ca.json" }, OPTIONS_RUN, "c a.json" },
		{ { "--config", "a.json", "--test" }, OPTIONS_TEST, "c a.json" },
		{ { "--config=a=b.json", "-t" }, OPTIONS_TEST, "c a=b.json" },
		{ { "-tca.json" }, OPTIONS_TEST, "c a.json" },
		{ { "--check", "-t" }, OPTIONS_CHECK, "" },
		{ { "-T", "--check" }, OPTIONS_DUMP, "" },
		{ { "-tT" }, OPTIONS_DUMP, "" },
		{ { "-o", "a.b=c", "--override=d.e=f", "-og.h=-1" }, OPTIONS_RUN, "o a.b=c o d.e=f o g.h=-1" },
		{ { "--dump-config" }, OPTIONS_DUMP, "" },
		{ { "--describe", "-t" }, OPTIONS_DESCRIBE, "" },
		{ { "-V" }, OPTIONS_VERSION, "" },
		{ { "--version", "--help" }, OPTIONS_HELP, "" },
		{ { "-h" }, OPTIONS_HELP, "" },
		{ { "-ca", "-X", "d=e", "-oa.b=c", "--config=b", "--property=x=y=z" },
		  OPTIONS_RUN,
		  "c a X d=e o a.b=c c b X x=y=z" },
		{ { "-c", "" }, OPTIONS_RUN, "c " },
		{ { "-c", "-t" }, OPTIONS_RUN, "c -t" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct options options;
		char *message;
		assert_int_equal(parse(rows[i].words, &options, &message), 0);
		assert_string_equal(message, "");
		assert_int_equal(options.action, rows[i].action);
		assert_string_equal(given(&options), rows[i].sources);
		options_fini(&options);
		free(message);
	}
}

static void test_what_is_refused(void **state)
{
	(void)state;
#define HELP "; riderwatchd --help lists the options\n"
	static const struct {
		const char *words[WORDS_MAX];
		const char *message;
	} rows[] = {
		{ { "--confg", "x" }, "riderwatchd: unknown option --confg; did you mean --config?" HELP },
		{ { "--overide=a.b=c" }, "riderwatchd: unknown option --overide=a.b=c; did you mean --override?" HELP },
		{ { "--nothing-like-it" }, "riderwatchd: unknown option --nothing-like-it" HELP },
		{ { "-x" }, "riderwatchd: unknown option -x" HELP },
		{ { "-tx" }, "riderwatchd: unknown option -tx" HELP },
		{ { "-t", "-c" }, "riderwatchd: option -c needs a value: FILE" HELP },
		{ { "-o", "a.b=c", "--override" },
		  "riderwatchd: option --override needs a value: SECTION.KEY=VALUE" HELP },
		{ { "--test=yes" }, "riderwatchd: option --test takes no value" HELP },
		{ { "riderwatch.json" }, "riderwatchd: \"riderwatch.json\" is not an option" HELP },
		{ { "-" }, "riderwatchd: \"-\" is not an option" HELP },
		{ { "--" }, "riderwatchd: \"--\" is not an option" HELP },
		{ { "" }, "riderwatchd: \"\" is not an option" HELP },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct options options;
		char *message;
		assert_int_equal(parse(rows[i].words, &options, &message), 64);
		assert_string_equal(message, rows[i].message);
		assert_null(options.sources.list);
		free(message);
	}
}

/* Text of the last print(); the next one frees it. */
static char *printed;

static void print(void (*printer)(FILE *out))
{
	size_t size;
	free(printed);
	FILE *out = open_memstream(&printed, &size);
	printer(out);
	fclose(out);
}

static void test_help(void **state)
{
	(void)state;
	static const char *const parts[] = { "-c, --config FILE",
					     "-o, --override SECTION.KEY=VALUE",
					     "-X, --property NAME=VALUE",
					     "RIDERWATCH_REDIS__PORT",
					     "-t, --test",
					     "-T, --dump-config",
					     "    --check",
					     "    --describe",
					     "-V, --version",
					     "-h, --help",
					     "examples:",
					     "exit codes:",
					     "\n  0 ",
					     "\n  64 ",
					     "\n  65 ",
					     "\n  69 ",
					     "\n  70 ",
					     "\n  71 ",
					     "\n  75 ",
					     "\n  77 ",
					     "\n  78 ",
					     "signals:" };
	print(options_help);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!strstr(printed, parts[i]))
			fail_msg("help lacks \"%s\"", parts[i]);
}

/* The board has no --check. */
static void test_option_of_the_daemon_alone(void **state)
{
	static const struct options_program board = { .name = "riderwatch-board", .about = "", .signals = "" };
	static const char *const words[] = { "--check", NULL };
	struct options options;
	char *message;
	(void)state;
	options_set_program(&board);
	assert_int_equal(parse(words, &options, &message), 64);
	assert_non_null(strstr(message, "unknown option --check"));
	free(message);
	print(options_help);
	assert_null(strstr(printed, " --check"));
	options_set_program(NULL);
	print(options_help);
	assert_non_null(strstr(printed, " --check"));
}

static void test_version(void **state)
{
	(void)state;
	print(options_version);
	assert_int_equal(strncmp(printed, "riderwatchd " RIDERWATCH_VERSION "\n",
				 strlen("riderwatchd " RIDERWATCH_VERSION "\n")),
			 0);
	static const char *const libraries[] = { "librdkafka", "hiredis", "libevent", "jansson", "openssl" };
	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++) {
		const char *line = strstr(printed, libraries[i]);
		assert_non_null(line);
		/* Tests run where they were built. */
		char built[64], running[64];
		assert_int_equal(sscanf(line, "%*s built with %63[^,], running %63s", built, running), 2);
		assert_string_equal(built, running);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_accepted),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_option_of_the_daemon_alone),
		cmocka_unit_test(test_version),
	};
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	free(printed);
	return result;
}
