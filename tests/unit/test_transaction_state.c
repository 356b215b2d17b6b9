/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BYTES(text)                                                                                                    \
	{                                                                                                              \
		text, sizeof(text) - 1                                                                                 \
	}

static void test_keys(void **state)
{
	static const struct {
		struct slice key;
		const char *id; /* NULL: none */
	} rows[] = {
		{ BYTES("\0\0\0\4rw-0"), "rw-0" },
		{ BYTES("\0\0\0\0"), "" },
		{ BYTES("\0\1\0\4rw-0"), NULL },
		{ BYTES("\0\0\0\5rw-0"), NULL },
		{ BYTES("\0\0\0"), NULL },
		{ BYTES(""), NULL },
		{ { NULL, 0 }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice id = transaction_state_id(rows[i].key);

		assert_int_equal(id.data != NULL, rows[i].id != NULL);
		assert_true(slice_equal(id, slice_of(rows[i].id)));
	}
}

static void write_partition(void *context, struct slice topic, int partition)
{
	size_t used = strlen(context);

	snprintf((char *)context + used, 200 - used, "%.*s/%d ", (int)topic.size, topic.data, partition);
}

#define PRODUCER "\0\0\0\0\0\0\3\xe8\0\7\0\0\x17\x70" /* 1000, epoch 7, 6 s */
#define TIMES "\0\0\1\x9a\0\0\0\0\0\0\1\x9a\0\0\0\0"

static void test_values(void **state)
{
	static const struct {
		struct slice value;
		int status; /* -1: refused */
		const char *partitions;
	} rows[] = {
		{ BYTES("\0\0" PRODUCER "\2\0\0\0\2\0\1a\0\0\0\2\0\0\0\1\0\0\0\3\0\2bc\0\0\0\1\0\0\0\0" TIMES),
		  TRANSACTION_PREPARE_COMMIT, "a/1 a/3 bc/0 " },
		{ BYTES("\0\0" PRODUCER "\0\xff\xff\xff\xff" TIMES), TRANSACTION_EMPTY, "" },
		{ BYTES("\0\1" PRODUCER "\3\2\2a\3\0\0\0\1\0\0\0\3\0" TIMES "\0"), TRANSACTION_PREPARE_ABORT,
		  "a/1 a/3 " },
		/* client version, and one tag of the future */
		{ BYTES("\0\1" PRODUCER "\4\1" TIMES "\2\2\2\0\2\11\1x"), TRANSACTION_COMPLETE_COMMIT, "" },
		{ BYTES("\0\1" PRODUCER "\5\0" TIMES "\0"), TRANSACTION_COMPLETE_ABORT, "" },
		{ BYTES("\0\2" PRODUCER "\5\0" TIMES "\0"), -1, "" },
		{ BYTES("\xff\xff" PRODUCER "\5\0" TIMES "\0"), -1, "" },
		{ BYTES("\0\1" PRODUCER "\10\0" TIMES "\0"), -1, "" },
		{ BYTES("\0\1" PRODUCER "\5\0" TIMES), -1, "" },
		{ BYTES("\0\1" PRODUCER "\5\0"), -1, "" },
		{ BYTES("\0\1" PRODUCER), -1, "" },
		{ BYTES("\0\1" PRODUCER "\5\xff\xff\xff\xff\x7f"), -1, "" },
		{ BYTES("\0\1" PRODUCER "\5\xff\xff\xff\xff\xff\1"), -1, "" },
		{ BYTES("\0\0" PRODUCER "\2\x7f\xff\xff\xff\0\1a\0\0\0\1\0\0\0\1"), -1, "a/1 " },
		{ BYTES(""), -1, "" },
		{ { NULL, 0 }, -1, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char partitions[200] = "";
		enum transaction_status status = TRANSACTION_DEAD;
		bool ok = transaction_state_read(rows[i].value, &status, write_partition, partitions);

		assert_int_equal(ok ? (int)status : -1, rows[i].status);
		assert_string_equal(partitions, rows[i].partitions);
	}
}

/* String.hashCode, Utils.abs and the modulo, as Java 17 and Kafka 4.3 compute them; a hash of either sign, and the
 * least. */
static void test_internal_partition(void **state)
{
	static const struct {
		const char *name;
		int partition;
	} rows[] = {
		{ "", 0 },
		{ "a", 47 },
		{ "riderwatch", 13 },
		{ "riderwatch.shadow", 1 },
		{ "骑手-é", 0 },
		{ "polygenelubricants", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(kafka_internal_partition(slice_of(rows[i].name), 50), rows[i].partition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_internal_partition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
