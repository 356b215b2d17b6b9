/* SPDX-License-Identifier: Apache-2.0 */
/* What dashboard builders test their code with is what the daemon does. */
#include "effects.h"
#include "pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "unit/case_file.h"

static void test_vectors(void **state)
{
	(void)state;
	char *fields[CASE_FIELDS_MAX], key[256];
	int cases = 0;
	struct case_file *file = case_file_open("deploy/shard/vectors.tsv");
	for (int line; (line = case_file_next(file, fields)); cases++) {
		struct arena arena;
		arena_init(&arena);
		struct slice id = slice_of(fields[0]), escaped = rider_key(id, &arena);
		unsigned shard = (murmur2(id) & 0x7fffffff) % (unsigned)atoi(fields[1]);
		snprintf(key, sizeof key, "rw:{%u}:rider:%.*s", shard, (int)escaped.size, escaped.data);
		if (shard != (unsigned)atoi(fields[2]) || strcmp(key, fields[3]) != 0)
			fail_msg("line %d: shard %u, key %s", line, shard, key);
		arena_fini(&arena);
	}
	case_file_close(&file);
	assert_true(cases >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
