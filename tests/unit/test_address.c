/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct {
	const char *text, *host; /* host NULL: refused */
	int port;
} cases[] = {
	{ "a:1", "a", 1 },
	{ "redis-1.example:65535", "redis-1.example", 65535 },
	{ "[::1]:26379", "::1", 26379 },
	{ "10.0.0.1:00080", "10.0.0.1", 80 },
	{ "红:6379", "红", 6379 },
	{ "", NULL, 0 },
	{ ":", NULL, 0 },
	{ ":1", NULL, 0 },
	{ "a", NULL, 0 },
	{ "a:", NULL, 0 },
	{ "a:0", NULL, 0 },
	{ "a:65536", NULL, 0 },
	{ "a:123456", NULL, 0 },
	{ "a:1x", NULL, 0 },
	{ "a:-1", NULL, 0 },
	{ "::1:26379", NULL, 0 },
	{ "[]:1", NULL, 0 },
	{ "[:1", NULL, 0 },
	{ "a b:1", NULL, 0 },
	{ " a:1", NULL, 0 },
	{ "a,b:1", NULL, 0 },
	{ "redis://a:1", NULL, 0 },
	{ "\"a\":1", NULL, 0 },
};

static void test_forms(void **state)
{
	(void)state;
	struct address address;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool ok = address_parse(&address, slice_of(cases[i].text));
		if (ok != (cases[i].host != NULL))
			fail_msg("\"%s\" is %s", cases[i].text, ok ? "taken" : "refused");
		if (!ok)
			continue;
		assert_string_equal(address.host, cases[i].host);
		assert_int_equal(address.port, cases[i].port);
	}
	assert_false(address_parse(&address, (struct slice){ NULL, 0 }));
	assert_false(address_parse(&address, (struct slice){ "a\0b:1", 5 }));
}

static void test_long_hosts(void **state)
{
	(void)state;
	struct address address;
	char text[300];
	for (size_t size = 252; size <= 255; size++) {
		memset(text, 'a', size);
		strcpy(text + size, ":1");
		assert_int_equal(address_parse(&address, slice_of(text)), size <= 253);
	}
}

static void test_text(void **state)
{
	(void)state;
	static const char *const texts[] = { "a:1", "[2001:db8::1]:9092", "10.0.0.1:65535" };
	struct address address, other;
	char text[ADDRESS_TEXT_SIZE];
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_true(address_parse(&address, slice_of(texts[i])));
		assert_string_equal(address_text(&address, text), texts[i]);
		assert_true(address_parse(&other, slice_of(text)) && address_equal(&address, &other));
		other.port++;
		assert_false(address_equal(&address, &other));
	}
	assert_true(address_parse(&address, SLICE("a:1")) && address_parse(&other, SLICE("b:1")));
	assert_false(address_equal(&address, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_long_hosts),
		cmocka_unit_test(test_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
