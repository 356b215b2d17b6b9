/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static FILE *cases;
static char *sample_path;
static char folder[] = "/tmp/test_config_XXXXXX";

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Escapes as in C, in place. */
static void unescape(char *text)
{
	char *out = text;
	for (; *text; text++) {
		if (text[0] != '\\') {
			*out++ = *text;
			continue;
		}
		text++;
		*out++ = (char)(*text == 'n'   ? '\n'
				: *text == 't' ? '\t'
				: *text == 'x' ? strtol(text + 1, NULL, 16)
					       : *text);
		text += *text == 'x' ? 2 : 0;
	}
	*out = '\0';
}

static char *join_problems(const struct problems *problems)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	for (size_t i = 0; i < problems->count; i++)
		fprintf(out, "%s%s", i ? " | " : "", problems->texts[i]);
	if (problems->count == 0)
		fputs("-", out);
	fclose(out);
	return text;
}

static struct config *load_from(const char *path, const char *const *overrides, size_t count, struct problems *problems)
{
	struct config_sources sources = { 0 };
	if (path)
		config_sources_add(&sources, 'c', path);
	for (size_t i = 0; i < count; i++)
		config_sources_add(&sources, 'o', overrides[i]);
	struct config *config = config_load(&sources, problems);
	config_sources_fini(&sources);
	return config;
}

/* name, file, overrides, messages. */
static bool case_holds(char *fields[4])
{
	const char *overrides[16];
	size_t override_count = 0;
	unescape(fields[1]);
	unescape(fields[2]);
	for (char *rest = fields[2], *word; strcmp(fields[2], "-") != 0 && (word = strsep(&rest, " "));)
		overrides[override_count++] = word;
	bool has_file = strcmp(fields[1], "-") != 0;
	if (has_file)
		write_file("riderwatch.json", fields[1]);
	struct problems problems = { 0 };
	struct config *config = load_from(has_file ? "riderwatch.json" : NULL, overrides, override_count, &problems);
	char *messages = join_problems(&problems);
	bool holds = strcmp(messages, fields[3]) == 0 && (config != NULL) == (problems.count == 0);
	if (!holds)
		print_error("%s:\n  is        %s\n  should be %s\n", fields[0], messages, fields[3]);
	free(messages);
	problems_fini(&problems);
	config_free(&config);
	return holds;
}

static void test_messages_of_the_table(void **state)
{
	(void)state;
	char *line = NULL;
	size_t capacity = 0, count = 0, failures = 0;
	while (getline(&line, &capacity, cases) > 0) {
		if (*line == '#')
			continue;
		char *fields[4], *rest = line;
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < 4; i++)
			assert_non_null(fields[i] = strsep(&rest, "\t"));
		assert_null(rest);
		failures += !case_holds(fields);
		count++;
	}
	free(line);
	assert_int_equal(failures, 0);
	assert_true(count > 40);
}

static struct config *load(const char *text, const char *const *overrides, size_t count)
{
	struct problems problems = { 0 };
	write_file("riderwatch.json", text);
	struct config *config = load_from("riderwatch.json", overrides, count, &problems);
	for (size_t i = 0; i < problems.count; i++)
		print_error("%s\n", problems.texts[i]);
	assert_non_null(config);
	return config;
}

static void test_defaults_file_and_command_line(void **state)
{
	(void)state;
	static const char *const overrides[] = { "redis.port=7002", "kafka.properties.linger.ms=1",
						 "batch.idle_after=2s", "batch.idle_after=3s" };
	struct config *config =
		load("{\"redis\": {\"port\": 7001, \"window\": 9}, \"events\": {\"max_bytes\": \"64KiB\"},"
		     "\"kafka\": {\"properties\": {\"linger.ms\": 5, \"acks\": \"all\", \"a\": true, \"b\": 0.5}}}",
		     overrides, 4);
	assert_string_equal(config->redis_host, "127.0.0.1");
	assert_int_equal(config->redis_port, 7002);
	assert_int_equal(config->redis_window, 9);
	assert_int_equal(config->events_max_bytes, 65536);
	assert_int_equal(config->batch_idle_after, 3000);
	assert_int_equal(config->shutdown_timeout, 30000);
	assert_false(config->redis_rebuild);
	assert_int_equal(config->kafka_producer_properties.count, 0);
	static const char *const properties[][2] = {
		{ "linger.ms", "1" }, { "acks", "all" }, { "a", "true" }, { "b", "0.5" }
	};
	assert_int_equal(config->kafka_properties.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(config->kafka_properties.list[i].name, properties[i][0]);
		assert_string_equal(config->kafka_properties.list[i].value, properties[i][1]);
	}
	config_free(&config);
	assert_null(config);
	config_free(&config);
}

static void test_bytes_that_are_no_text_are_refused(void **state)
{
	(void)state;
	static const char *const overrides[] = { "kafka.properties.\xfc=", "kafka.properties.\xfc=1",
						 "kafka.properties.a=\xff", "redis.host=\xe7\x81", "\xff.\xfe=\xfd" };
	for (size_t i = 0; i < sizeof overrides / sizeof *overrides; i++) {
		struct problems problems = { 0 };
		assert_null(load_from(NULL, &overrides[i], 1, &problems));
		assert_int_equal(problems.count, 1);
		problems_fini(&problems);
	}
}

static void test_files_start_from_the_config_folder(void **state)
{
	(void)state;
	static const char *const overrides[] = { "privacy.pseudonym_key_file=key" };
	struct problems problems = { 0 };
	char expected[256];
	mkdir("etc", 0700);
	write_file("etc/rw.json",
		   "{\"rules\": {\"folder\": \"rules\"}, \"redis\": {\"password_file\": \"/run/secret\"}}");
	struct config *config = load_from("etc/rw.json", overrides, 1, &problems);
	assert_non_null(config);
	snprintf(expected, sizeof(expected), "%s/etc/rules", folder);
	assert_string_equal(config->rules_folder, expected);
	assert_string_equal(config->redis_password_file, "/run/secret");
	snprintf(expected, sizeof(expected), "%s/key", folder);
	assert_string_equal(config->privacy_pseudonym_key_file, expected);
	config_free(&config);
}

static char *dump(const struct config *config);

static void test_every_source_and_its_origin(void **state)
{
	(void)state;
	struct config_sources sources = { 0 };
	struct problems problems = { 0 };
	write_file("riderwatch.json", "{\"redis\": {\n\"port\": 1, \"host\": \"first\", \"window\": 2},\n"
				      "\"kafka\": {\"properties\": {\"linger.ms\": 1, \"debug\": \"all\"}}}");
	write_file("dump.json", "{\"redis\": {\"host\": \"second\",\n\"window\": 3},\n"
				"\"kafka\": {\"properties\": {\"linger.ms\": 2}}}");
	static const struct config_source list[] = { { 'o', "redis.window=5" },      { 'c', "riderwatch.json" },
						     { 'X', "linger.ms=3" },         { 'c', "dump.json" },
						     { 'X', "client.id=a=b" },       { 'o', "redis.queue_max=1001" },
						     { 'o', "redis.queue_max=1002" } };
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		config_sources_add(&sources, list[i].option, list[i].text);
	setenv("RIDERWATCH_REDIS__WINDOW", "4", 1);
	setenv("RIDERWATCH_REDIS__TIMEOUT", "4s", 1);
	setenv("RIDERWATCH_REDIS_PORT", "tcp://of.a.service:6379", 1);
	struct config *config = config_load(&sources, &problems);
	assert_non_null(config);
	static const char *const lines[] = { "\"host\": \"second\", // dump.json:1\n",
					     "\"port\": 1, // riderwatch.json:2\n",
					     "\"timeout\": \"4s\", // RIDERWATCH_REDIS__TIMEOUT\n",
					     "\"window\": 5, // -o\n",
					     "\"queue_max\": 1002, // -o\n",
					     "\"linger.ms\": \"3\", // -X\n",
					     "\"debug\": \"all\", // riderwatch.json:3\n",
					     "\"client.id\": \"a=b\", // -X\n",
					     "\"keep\": \"3s\", // default\n" };
	char *text = dump(config);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (!strstr(text, lines[i]))
			fail_msg("no line %s in\n%s", lines[i], text);
	free(text);
	config_free(&config);

	setenv("RIDERWATCH_REDIS__WINDOW", "many", 1);
	setenv("RIDERWATCH_REDIS__TIMEOT", "4s", 1);
	setenv("RIDERWATCH_REDSI__TIMEOUT", "4s", 1);
	config_sources_add(&sources, 'X', "linger.ms");
	assert_null(config_load(&sources, &problems));
	char *messages = join_problems(&problems);
	static const char *const parts[] = {
		"RIDERWATCH_REDIS__WINDOW: redis.window must be a whole number",
		"RIDERWATCH_REDIS__TIMEOT: unknown key redis.timeot; did you mean \"timeout\"?",
		"RIDERWATCH_REDSI__TIMEOUT: unknown section redsi; did you mean \"redis\"?",
		"-X: \"linger.ms\" is not a librdkafka property; write name=value",
	};
	assert_int_equal(problems.count, 4);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!strstr(messages, parts[i]))
			fail_msg("\"%s\" is not in %s", parts[i], messages);
	free(messages);
	problems_fini(&problems);
	config_sources_fini(&sources);
	unsetenv("RIDERWATCH_REDIS__WINDOW");
	unsetenv("RIDERWATCH_REDIS__TIMEOUT");
	unsetenv("RIDERWATCH_REDIS__TIMEOT");
	unsetenv("RIDERWATCH_REDSI__TIMEOUT");
	unsetenv("RIDERWATCH_REDIS_PORT");
}

static void test_credentials_of_the_service_manager(void **state)
{
	(void)state;
	struct problems problems = { 0 };
	char expected[300], *text;
	mkdir("etc", 0700);
	write_file("etc/redis-password", "from systemd");
	write_file("etc/secret_http-token", "a-token-of-some-length");
	snprintf(expected, sizeof(expected), "%s/etc", folder);
	setenv("CREDENTIALS_DIRECTORY", expected, 1);
	struct config *config = load("{}", NULL, 0);
	snprintf(expected, sizeof(expected), "%s/etc/redis-password", folder);
	assert_string_equal(config->redis_password_file, expected);
	assert_string_equal(config->kafka_password_file, "");
	snprintf(expected, sizeof(expected), "%s/etc/secret_http-token", folder);
	assert_string_equal(config->http_token_file, expected);
	text = dump(config);
	assert_non_null(strstr(text, "redis-password\", // $CREDENTIALS_DIRECTORY\n"));
	free(text);
	config_check_secrets(config, &problems);
	assert_int_equal(problems.count, 0);
	config_free(&config);
	config = load("{\"redis\": {\"password_file\": \"/elsewhere\"}}", NULL, 0);
	assert_string_equal(config->redis_password_file, "/elsewhere");
	config_free(&config);
	unsetenv("CREDENTIALS_DIRECTORY");
	unlink("etc/redis-password");
	unlink("etc/secret_http-token");
}

static void test_secrets_that_cannot_be_used(void **state)
{
	(void)state;
	struct problems problems = { 0 };
	write_file("short", "fifteen bytes..\n");
	write_file("empty", "\n");
	struct config *config = load("{\n\"kafka\": {\"password_file\": \"nowhere\"},\n"
				     "\"redis\": {\"password_file\": \"empty\"},\n"
				     "\"privacy\": {\"pseudonym_key_file\": \"short\"}}",
				     NULL, 0);
	config_check_secrets(config, &problems);
	static const char *const parts[][3] = {
		{ "riderwatch.json:2: kafka.password_file /", "/nowhere: No such file", "correct its path" },
		{ "riderwatch.json:3: redis.password_file /", "/empty: empty", "write the secret" },
		{ "riderwatch.json:4: privacy.pseudonym_key_file /", "/short: too short", "16 bytes or more" },
	};
	assert_int_equal(problems.count, 3);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			if (!strstr(problems.texts[i], parts[i][j]))
				fail_msg("\"%s\" lacks \"%s\"", problems.texts[i], parts[i][j]);
	problems_fini(&problems);
	chmod("short", 0644);
	assert_non_null(strstr(config_open_secret(config, config_open_secret(config, 1) ? 1 : 0), "short"));
	chmod("short", 0640);
	chmod("empty", 0600);
	assert_null(config_open_secret(config, 0));
	config_free(&config);
	unlink("short");
	unlink("empty");
}

static char *dump(const struct config *config)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	config_dump(config, out);
	fclose(out);
	return text;
}

/* The dump without its comments. */
static char *plain_dump(const struct config *config)
{
	char *text = dump(config), *out = text;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		char *comment = strstr(line, " // ");
		size_t size = comment ? (size_t)(comment - line) : strlen(line);
		out = (char *)memmove(out, line, size) + size;
		*out++ = '\n';
	}
	out[-1] = '\0';
	return text;
}

static void test_dump_reads_back(void **state)
{
	(void)state;
	static const char *const overrides[] = { "batch.urgent_after=0ms", "batch.alert_after=1001ms",
						 "batch.idle_after=10s" };
	struct problems problems = { 0 };
	static const char text[] =
		"{\"batch\": {\"events_max\": 7}, \"redis\": {\"host\": \"\\\"红\\\\\", \"rebuild\": true},"
		"\"watchdog\": {\"timeout\": \"5001ms\"}, \"events\": {\"max_bytes\": \"1025B\"},"
		"\"kafka\": {\"properties\": {\"x\": \"a \\\"b\\\"\", \"n\": 5}}}";
	struct config *config = load(text, overrides, 3);
	char *full = dump(config), *first = plain_dump(config);
	config_free(&config);

	write_file("dump.json", full);
	config = load_from("dump.json", NULL, 0, &problems);
	assert_non_null(config);
	char *second = plain_dump(config);
	assert_string_equal(first, second);
	assert_int_equal(config->watchdog_timeout, 5001);
	assert_int_equal(config->events_max_bytes, 1025);
	assert_string_equal(config->redis_host, "\"红\\");
	assert_true(config->redis_rebuild);
	config_free(&config);
	free(full);
	free(first);
	free(second);
}

static void test_dump_names_origins(void **state)
{
	(void)state;
	static const char *const overrides[] = { "redis.port=7002" };
	struct config *config = load("{\n\"redis\": {\n\"host\": \"r\"}}", overrides, 1);
	char *text = dump(config);
	assert_non_null(strstr(text, "\t\t\"host\": \"r\", // riderwatch.json:3\n"));
	assert_non_null(strstr(text, "\t\t\"port\": 7002, // -o\n"));
	assert_non_null(strstr(text, "\t\t\"timeout\": \"3s\", // default\n"));
	assert_non_null(strstr(text, "\t\t\"max_bytes\": \"1MiB\", // default\n"));
	free(text);
	config_free(&config);
}

static void test_dump_keeps_secrets(void **state)
{
	(void)state;
	struct config *config =
		load("{\"kafka\": {\"properties\": {\"sasl.password\": \"hunter2\", \"sasl.username\": \"u\","
		     "\"ssl.key.password\": \"hunter2\", \"sasl.oauthbearer.client.secret\": \"hunter2\"}}}",
		     NULL, 0);
	char *text = dump(config);
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "\"properties\": {\n\t\t\t // sasl.password is set, and not shown: // "
				     "riderwatch.json:1\n\t\t\t\"sasl.username\": \"u\", // riderwatch.json:1\n"));
	free(text);
	config_free(&config);
}

static void on_change(void *context, const char *key, bool taken)
{
	char *seen = context;
	sprintf(seen + strlen(seen), "%s%s ", taken ? "+" : "-", key);
}

static void test_what_a_reload_takes_over(void **state)
{
	(void)state;
	char seen[1024] = "";
	struct config *live =
		load("{\"log\": {\"level\": \"info\"}, \"redis\": {\"port\": 1, \"user\": \"a\"}}", NULL, 0);
	struct config *same =
		load("{\"log\": {\"level\": \"info\"}, \"redis\": {\"port\": 1, \"user\": \"a\"}}", NULL, 0);
	struct config *fresh =
		load("{\"log\": {\n\"level\": \"debug\"}, \"redis\": {\"port\": 2, \"user\": \"b\"},"
		     "\"batch\": {\"idle_after\": \"2s\"}, \"kafka\": {\"properties\": {\"linger.ms\": 1}},"
		     "\"board\": {\"alerts_max\": 11}}",
		     NULL, 0);
	config_adopt(live, same, on_change, seen);
	assert_string_equal(seen, "");
	config_adopt(live, fresh, on_change, seen);
	assert_string_equal(seen, "-kafka.properties -redis.port +redis.user +batch.idle_after +log.level ");
	assert_string_equal(live->log_level, "debug");
	assert_string_equal(live->redis_user, "b");
	assert_int_equal(live->batch_idle_after, 2000);
	assert_int_equal(live->redis_port, 1);
	assert_int_equal(live->kafka_properties.count, 0);
	char *text = dump(live);
	assert_non_null(strstr(text, "\"level\": \"debug\", // riderwatch.json:2\n"));
	free(text);
	config_free(&live);
	config_free(&same);
	config_free(&fresh);
}

static void test_describe_lists_every_key(void **state)
{
	(void)state;
	static const char *const names[] = {
#define CONFIG_KEY(section, name, type, fallback, minimum, maximum, help) #section "." #name " ", help "\n",
#include "config_keys.def"
#undef CONFIG_KEY
	};
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	config_describe(out);
	fclose(out);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_non_null(strstr(text, names[i]));
	assert_non_null(strstr(text, "error|warning|info|debug"));
	assert_non_null(strstr(text, "6s..5m"));
	free(text);
}

/* deploy/riderwatch.json: every key, with its default. */
static void test_sample_holds_every_key_with_its_default(void **state)
{
	(void)state;
	struct problems problems = { 0 };
	struct config *sample = load_from(sample_path, NULL, 0, &problems);
	for (size_t i = 0; i < problems.count; i++)
		print_error("%s\n", problems.texts[i]);
	assert_non_null(sample);
	struct config *defaults = load_from(NULL, NULL, 0, &problems);
	char *sample_text = dump(sample), *plain_sample = plain_dump(sample), *plain_defaults = plain_dump(defaults);
	assert_string_equal(plain_sample, plain_defaults);
	char *missing = strstr(sample_text, " // default");
	if (missing)
		fail_msg("the sample lacks the key of%.*s", 60, missing - 60);
	free(sample_text);
	free(plain_sample);
	free(plain_defaults);
	config_free(&sample);
	config_free(&defaults);
}

static int enter_folder(void **state)
{
	(void)state;
	cases = fopen("tests/cases/config.tsv", "r");
	sample_path = realpath("deploy/riderwatch.json", NULL);
	if (!cases || !sample_path || !mkdtemp(folder))
		return -1;
	return chdir(folder);
}

static int leave_folder(void **state)
{
	(void)state;
	fclose(cases);
	free(sample_path);
	unlink("riderwatch.json");
	unlink("dump.json");
	unlink("etc/rw.json");
	rmdir("etc");
	return chdir("/") || rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_of_the_table),
		cmocka_unit_test(test_defaults_file_and_command_line),
		cmocka_unit_test(test_bytes_that_are_no_text_are_refused),
		cmocka_unit_test(test_files_start_from_the_config_folder),
		cmocka_unit_test(test_every_source_and_its_origin),
		cmocka_unit_test(test_credentials_of_the_service_manager),
		cmocka_unit_test(test_secrets_that_cannot_be_used),
		cmocka_unit_test(test_dump_reads_back),
		cmocka_unit_test(test_dump_names_origins),
		cmocka_unit_test(test_dump_keeps_secrets),
		cmocka_unit_test(test_what_a_reload_takes_over),
		cmocka_unit_test(test_describe_lists_every_key),
		cmocka_unit_test(test_sample_holds_every_key_with_its_default),
	};
	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
