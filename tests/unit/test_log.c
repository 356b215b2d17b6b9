/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

static int saved_stderr;
static FILE *captured;

static void capture(void)
{
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	captured = tmpfile();
	assert_non_null(captured);
	assert_true(dup2(fileno(captured), STDERR_FILENO) >= 0);
}

/* Ends capturing; returns what was written (the caller frees it). */
static char *captured_text(void)
{
	assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
	close(saved_stderr);
	fseek(captured, 0, SEEK_END);
	long size = ftell(captured);
	char *text = calloc(1, (size_t)size + 1);
	rewind(captured);
	assert_int_equal(fread(text, 1, (size_t)size, captured), size);
	fclose(captured);
	return text;
}

/* One line of logfmt; the time stamp is checked for its form and left out of the comparison. */
static void expect_text(const char *expected)
{
	char *text = captured_text();
	int year, end = 0;
	assert_int_equal(sscanf(text, "ts=%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ%n", &year, &end), 1);
	assert_int_equal(end, 27);
	assert_true(year >= 2024);
	assert_string_equal(text + end, expected);
	free(text);
}

static void test_logfmt_line(void **state)
{
	(void)state;
	log_init(LOG_INFO, LOG_TEXT, "unit");
	capture();
	log_info("rules loaded", "topic=%s partition=%d offset=%lld", "rider.reports.v1", 3, 12345678901LL);
	expect_text(" level=info component=unit msg=\"rules loaded\" topic=rider.reports.v1 partition=3 "
		    "offset=12345678901\n");
}

static void test_values_are_quoted_when_needed(void **state)
{
	(void)state;
	log_init(LOG_INFO, LOG_TEXT, "unit");
	capture();
	log_error("x", "plain=%s empty=%s blank=%s pair=%s quote=%s quoted=\"%s\" china=%s end=%s more and text", "a>",
		  "", "a b=1", "k=v", "say \"hi\" \\", "two words", "消防通道", "10");
	expect_text(" level=error component=unit msg=x plain=a> empty=\"\" blank=\"a b=1\" pair=\"k=v\" "
		    "quote=\"say \\\"hi\\\" \\\\\" quoted=\"two words\" china=消防通道 end=\"10 more and text\"\n");
}

static void test_text_cannot_break_the_line(void **state)
{
	(void)state;
	log_init(LOG_INFO, LOG_TEXT, "unit");
	capture();
	log_warning("x", "a=%s b=%s c=%s d=%d", "1\n2\r\t\x1b[0m\x7f", "\xc2\x85\xe2\x80\xa8",
		    "bad \xff\xfe\xc0\xaf\xe6\xb6", 4);
	expect_text(" level=warning component=unit msg=x a=\"1\\n2\\r\\t\\u001b[0m\\u007f\" b=\"\\u0085\\u2028\" "
		    "c=\"bad \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\" d=4\n");
}

/* Bytes that stand between pairs inside the log, in a value. */
static void test_a_value_makes_no_pair(void **state)
{
	(void)state;
	log_init(LOG_INFO, LOG_TEXT, "unit");
	capture();
	log_warning("x", "a=%s b=%d",
		    "1\xfelevel\xffnone\xfe"
		    "b\xfd"
		    "01",
		    2);
	expect_text(" level=warning component=unit msg=x a=\"1\xef\xbf\xbdlevel\xef\xbf\xbdnone\" "
		    "b=\"01\xef\xbf\xbd"
		    "b\xef\xbf\xbd"
		    "2\"\n");
}

static void test_lines_without_fields_and_text_without_a_name(void **state)
{
	(void)state;
	log_init(LOG_INFO, LOG_TEXT, "unit");
	capture();
	log_info("started", NULL);
	expect_text(" level=info component=unit msg=started\n");
	capture();
	log_info("started", "on %s", "port 1");
	expect_text(" level=info component=unit msg=started detail=\"on port 1\"\n");
}

static void test_json_line(void **state)
{
	(void)state;
	log_init(LOG_INFO, LOG_JSON, "unit");
	capture();
	log_error("x \"y\"", "text=%s number=%lld share=%.2f id=%s bad=%s not=%f zeros=%03d", "一\n\x01", -5LL, 0.25,
		  "12", "\xff", 0.0 / 0.0, 7);
	char *text = captured_text();
	json_error_t error;
	json_t *line = json_loads(text, 0, &error);
	assert_non_null(line);
	assert_int_equal(strchr(text, '\n') - text, strlen(text) - 1);
	assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
	assert_string_equal(json_string_value(json_object_get(line, "msg")), "x \"y\"");
	assert_string_equal(json_string_value(json_object_get(line, "text")), "一\n\x01");
	assert_int_equal(json_integer_value(json_object_get(line, "number")), -5);
	assert_float_equal(json_real_value(json_object_get(line, "share")), 0.25, 0);
	assert_string_equal(json_string_value(json_object_get(line, "id")), "12");
	assert_string_equal(json_string_value(json_object_get(line, "bad")), "\xef\xbf\xbd");
	assert_true(json_is_string(json_object_get(line, "not")));
	assert_string_equal(json_string_value(json_object_get(line, "zeros")), "007");
	json_decref(line);
	free(text);
}

static void test_long_values_are_cut_and_say_so(void **state)
{
	(void)state;
	static char huge[100000];
	memset(huge, '\x01', sizeof(huge) - 1);
	log_init(LOG_INFO, LOG_JSON, "unit");
	capture();
	log_error("x", "a=%d huge=%s", 1, huge);
	char *text = captured_text();
	json_t *line = json_loads(text, 0, NULL);
	assert_non_null(line);
	assert_int_equal(json_integer_value(json_object_get(line, "a")), 1);
	size_t kept = json_string_length(json_object_get(line, "huge"));
	assert_true(kept > 4000);
	assert_int_equal(kept + (size_t)json_integer_value(json_object_get(line, "cut_bytes")), sizeof(huge) - 1);
	json_decref(line);
	free(text);
}

static void test_endless_message_is_still_a_line(void **state)
{
	(void)state;
	static char huge[100000];
	memset(huge, '"', sizeof(huge) - 1);
	log_init(LOG_INFO, LOG_JSON, "unit");
	capture();
	log_error(huge, "a=%s", huge);
	char *text = captured_text();
	json_t *line = json_loads(text, 0, NULL);
	assert_non_null(line);
	assert_true(json_string_length(json_object_get(line, "msg")) > 15000);
	json_decref(line);
	free(text);
}

static void test_level_decides(void **state)
{
	(void)state;
	log_init(LOG_WARNING, LOG_TEXT, "unit");
	uint64_t warnings = log_lines(LOG_WARNING), infos = log_lines(LOG_INFO);
	capture();
	log_info("no", NULL);
	log_debug("no", NULL);
	log_warning("yes", NULL);
	expect_text(" level=warning component=unit msg=yes\n");
	assert_int_equal(log_lines(LOG_WARNING), warnings + 1);
	assert_int_equal(log_lines(LOG_INFO), infos);
}

static void test_a_site_speaks_once_in_ten_seconds(void **state)
{
	(void)state;
	log_init(LOG_INFO, LOG_TEXT, "unit");
	struct log_site site = { 0 };
	uint64_t held_back = log_lines_suppressed();
	capture();
	for (int i = 0; i < 100; i++)
		log_write(LOG_INFO, &site, "flapping", "n=%d", i);
	expect_text(" level=info component=unit msg=flapping n=0\n");
	assert_int_equal(log_lines_suppressed(), held_back + 99);

	site.window_ms -= 9000;
	capture();
	log_write(LOG_INFO, &site, "flapping", "n=%d", 100);
	char *text = captured_text();
	assert_string_equal(text, "");
	free(text);

	site.window_ms -= 1001;
	capture();
	log_write(LOG_INFO, &site, "flapping", "n=%d", 101);
	expect_text(" level=info component=unit msg=flapping n=101 suppressed=100\n");
	capture();
	log_limited(LOG_INFO, "other", NULL);
	expect_text(" level=info component=unit msg=other\n");
}

static void test_names(void **state)
{
	(void)state;
	enum log_level level;
	enum log_format format;
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_DEBUG);
	assert_string_equal(log_level_name(LOG_WARNING), "warning");
	assert_int_equal(log_level_parse("Warning", &level), -1);
	assert_int_equal(log_format_parse("json", &format), 0);
	assert_int_equal(format, LOG_JSON);
	assert_int_equal(log_format_parse("", &format), -1);
}

static void test_journal_gets_priorities(void **state)
{
	(void)state;
	struct stat status;
	char stream[64];
	capture();
	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
		 (unsigned long long)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init(LOG_DEBUG, LOG_TEXT, "unit");
	log_error("a", NULL);
	log_init(LOG_DEBUG, LOG_JSON, "unit");
	log_debug("b", NULL);
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_init(LOG_DEBUG, LOG_TEXT, "unit");
	log_info("c", NULL);
	unsetenv("JOURNAL_STREAM");
	char *text = captured_text();
	assert_int_equal(strncmp(text, "<3>ts=", 6), 0);
	assert_non_null(strstr(text, "\n<7>{\"ts\":"));
	assert_non_null(strstr(text, "\nts="));
	free(text);
}

static void *speak(void *argument)
{
	for (int i = 0; i < 500; i++)
		log_info("thread", "name=%s n=%d", (const char *)argument, i);
	return NULL;
}

static void test_threads_write_whole_lines(void **state)
{
	(void)state;
	log_init(LOG_INFO, LOG_JSON, "unit");
	pthread_t threads[4];
	static char names[4][3] = { "t0", "t1", "t2", "t3" };
	capture();
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, speak, names[i]), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	char *text = captured_text();
	size_t lines = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line; lines++) {
		json_t *json = json_loads(line, 0, NULL);
		assert_non_null(json);
		json_decref(json);
	}
	assert_int_equal(lines, 2000);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logfmt_line),
		cmocka_unit_test(test_values_are_quoted_when_needed),
		cmocka_unit_test(test_text_cannot_break_the_line),
		cmocka_unit_test(test_a_value_makes_no_pair),
		cmocka_unit_test(test_lines_without_fields_and_text_without_a_name),
		cmocka_unit_test(test_json_line),
		cmocka_unit_test(test_long_values_are_cut_and_say_so),
		cmocka_unit_test(test_endless_message_is_still_a_line),
		cmocka_unit_test(test_level_decides),
		cmocka_unit_test(test_a_site_speaks_once_in_ten_seconds),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_journal_gets_priorities),
		cmocka_unit_test(test_threads_write_whole_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
