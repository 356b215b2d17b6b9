/* SPDX-License-Identifier: Apache-2.0 */
#include "secret_file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char path[] = "/tmp/test_secret_file_XXXXXX";

static void write_bytes(const char *bytes, size_t size)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void test_content_without_its_line_end(void **state)
{
	static const struct {
		const char *content, *secret;
	} rows[] = {
		{ "word", "word" },
		{ "word\n", "word" },
		{ "word\r\n", "word" },
		{ "two words \n", "two words " },
		{ "\xe5\xaf\x86\xe7\xa0\x81\n", "\xe5\xaf\x86\xe7\xa0\x81" },
	};
	char secret[SECRET_SIZE], error[256];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		write_bytes(rows[i].content, strlen(rows[i].content));
		assert_int_equal(secret_file_read(path, 1, secret, error, sizeof(error)), strlen(rows[i].secret));
		assert_string_equal(secret, rows[i].secret);
	}
}

static void test_what_is_refused(void **state)
{
	static char large[SECRET_SIZE];
	char secret[SECRET_SIZE], error[256];
	(void)state;
	memset(large, 'x', sizeof(large));
	write_bytes(large, sizeof(large));
	assert_int_equal(secret_file_read(path, 1, secret, error, sizeof(error)), 0);
	assert_non_null(strstr(error, "too large"));
	write_bytes(large, sizeof(large) - 1);
	assert_int_equal(secret_file_read(path, 1, secret, error, sizeof(error)), SECRET_SIZE - 1);
	write_bytes("", 0);
	assert_int_equal(secret_file_read(path, 1, secret, error, sizeof(error)), 0);
	assert_non_null(strstr(error, ": empty; write"));
	write_bytes("short", 5);
	assert_int_equal(secret_file_read(path, 6, secret, error, sizeof(error)), 0);
	assert_non_null(strstr(error, "too short; it must hold 6 bytes or more"));
	assert_int_equal(secret_file_read("/tmp", 1, secret, error, sizeof(error)), 0);
	assert_non_null(strstr(error, "/tmp: Is a directory"));
	assert_int_equal(secret_file_read("/no/such", 1, secret, error, sizeof(error)), 0);
	assert_non_null(strstr(error, "/no/such: No such file or directory; make it, or correct its path"));
}

static void test_who_can_read_it(void **state)
{
	(void)state;
	chmod(path, 0644);
	assert_true(secret_file_is_open(path));
	chmod(path, 0640);
	assert_false(secret_file_is_open(path));
	assert_false(secret_file_is_open("/no/such"));
}

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_content_without_its_line_end),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_who_can_read_it),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
