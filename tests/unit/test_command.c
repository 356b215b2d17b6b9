/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <cmocka.h>

enum { WORDS_MAX = 8 };

static const struct command_option options[] = {
	{ 'p', "shard", "P", "one shard" },
	{ 0, "json", NULL, "for machines" },
	{ 0, NULL, NULL, NULL },
};
static const struct command_exit exits[] = { { 1, "differences" }, { 0, NULL } };
static const struct command command = { .name = "look",
					.operands = "ID",
					.operands_min = 0,
					.operands_max = 1,
					.summary = "looks",
					.options = options,
					.exits = exits };

/* Parses words (NULL-terminated) with standard error going to *message, which the caller frees. */
static int parse(const char *const *words, struct command_line *line, char **message)
{
	const char *argv[WORDS_MAX + 1] = { "look" };
	int argc = 1;
	for (; words[argc - 1]; argc++)
		argv[argc] = words[argc - 1];
	FILE *real = stderr;
	size_t size;
	stderr = open_memstream(message, &size);
	int status = command_parse(&command, argc, (char *const *)argv, line);
	fclose(stderr);
	stderr = real;
	return status;
}

static void check_text(const char *found, const char *expected)
{
	if (expected)
		assert_string_equal(found, expected);
	else
		assert_null(found);
}

static void test_what_is_accepted(void **state)
{
	(void)state;
	static const struct {
		const char *words[WORDS_MAX];
		const char *path, *shard, *json, *operand;
		size_t overrides;
		bool help;
	} rows[] = {
		{ { NULL }, NULL, NULL, NULL, NULL, 0, false },
		{ { "17" }, NULL, NULL, NULL, "17", 0, false },
		{ { "-c", "a.json", "骑手" }, "a.json", NULL, NULL, "骑手", 0, false },
		{ { "骑手", "-ca.json" }, "a.json", NULL, NULL, "骑手", 0, false },
		{ { "--shard=3", "--json" }, NULL, "3", "", NULL, 0, false },
		{ { "--shard", "3" }, NULL, "3", NULL, NULL, 0, false },
		{ { "-p3", "-oa.b=c", "--override=d.e=f" }, NULL, "3", NULL, NULL, 2, false },
		{ { "-X", "a=b", "--property=c=d" }, NULL, NULL, NULL, NULL, 2, false },
		{ { "--", "--json" }, NULL, NULL, NULL, "--json", 0, false },
		{ { "-" }, NULL, NULL, NULL, "-", 0, false },
		{ { "-h", "a", "b" }, NULL, NULL, NULL, "a", 0, true },
		{ { "--help" }, NULL, NULL, NULL, NULL, 0, true },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct command_line line;
		char *message;
		assert_int_equal(parse(rows[i].words, &line, &message), 0);
		assert_string_equal(message, "");
		const struct config_source *first = line.sources.list;
		check_text(first && first->option == 'c' ? first->text : NULL, rows[i].path);
		check_text(command_value(&line, "shard"), rows[i].shard);
		check_text(command_value(&line, "json"), rows[i].json);
		check_text(line.operand_count ? line.operands[0] : NULL, rows[i].operand);
		assert_int_equal(line.sources.count, rows[i].overrides + (rows[i].path != NULL));
		assert_int_equal(line.help, rows[i].help);
		command_line_fini(&line);
		free(message);
	}
}

static void test_what_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *words[WORDS_MAX];
		const char *says;
	} rows[] = {
		{ { "a", "b" }, "unexpected word: b" },
		{ { "--jsn" }, "did you mean --json" },
		{ { "--zzz" }, "unknown option --zzz; riderwatchctl look --help" },
		{ { "-z" }, "unknown option -z" },
		{ { "--shard" }, "needs a value: --shard" },
		{ { "-c" }, "needs a value: -c" },
		{ { "--json=yes" }, "takes no value: --json=yes" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct command_line line;
		char *message;
		assert_int_equal(parse(rows[i].words, &line, &message), EX_USAGE);
		if (!strstr(message, rows[i].says))
			fail_msg("\"%s\" does not say \"%s\"", message, rows[i].says);
		command_line_fini(&line);
		free(message);
	}
}

static void test_help_names_all(void **state)
{
	(void)state;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	command_help(&command, out);
	fclose(out);
	static const char *const parts[] = {
		"riderwatchctl look [options] ID",  "-p, --shard P",     "    --json",       "-c, --config FILE",
		"-o, --override SECTION.KEY=VALUE", "  1   differences", "  64  wrong usage"
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!strstr(text, parts[i]))
			fail_msg("\"%s\" is not in:\n%s", parts[i], text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_accepted),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_help_names_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
