/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_memory_is_aligned_and_apart(void **state)
{
	struct arena arena;
	unsigned char *parts[300];

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < 300; i++) {
		parts[i] = arena_alloc(&arena, i * 7);
		assert_int_equal((uintptr_t)parts[i] % 16, 0);
		memset(parts[i], (int)(i & 0xff), i * 7);
	}
	for (size_t i = 0; i < 300; i++)
		for (size_t j = 0; j < i * 7; j++)
			assert_int_equal(parts[i][j], i & 0xff);
	assert_true(arena.used >= 299 * 300 / 2 * 7);
	arena_fini(&arena);
	assert_null(arena.block);
	assert_int_equal(arena.used, 0);
}

static void test_allocation_larger_than_a_block(void **state)
{
	struct arena arena;
	char *small, *large;

	(void)state;
	arena_init(&arena);
	small = arena_zalloc(&arena, 10);
	large = arena_zalloc(&arena, 5 << 20);
	assert_int_equal(large[(5 << 20) - 1], 0);
	memset(large, 1, 5 << 20);
	assert_int_equal(small[9], 0);
	arena_fini(&arena);
}

static void test_reset_reuses_the_newest_block(void **state)
{
	struct arena arena;
	void *first;
	size_t blocks = 0;

	(void)state;
	arena_init(&arena);
	arena_reset(&arena);
	arena_alloc(&arena, 100000);
	first = arena_alloc(&arena, 200000);
	for (int round = 0; round < 3; round++) {
		arena_reset(&arena);
		assert_int_equal(arena.used, 0);
		blocks += arena_alloc(&arena, 200000) == first;
	}
	assert_int_equal(blocks, 3);
	arena_fini(&arena);
}

static void test_trim_gives_back_the_end_of_the_newest(void **state)
{
	struct arena arena;
	char *first, *second;

	(void)state;
	arena_init(&arena);
	first = arena_alloc(&arena, 100);
	arena_trim(&arena, first, 100, 10);
	assert_int_equal(arena.used, 16);
	second = arena_alloc(&arena, 200);
	assert_ptr_equal(second, first + 16);
	/* Something stands behind it: nothing happens. */
	arena_trim(&arena, first, 10, 0);
	assert_int_equal(arena.used, 16 + 208);
	arena_trim(&arena, second, 200, 0);
	assert_ptr_equal(arena_alloc(&arena, 1), second);
	arena_fini(&arena);
}

static void test_copy_keeps_absent_and_empty_apart(void **state)
{
	struct arena arena;
	struct slice copy;

	(void)state;
	arena_init(&arena);
	assert_null(arena_copy(&arena, (struct slice){ NULL, 0 }).data);
	assert_non_null(arena_copy(&arena, SLICE("")).data);
	copy = arena_copy(&arena, SLICE("消防通道"));
	assert_true(slice_equal(copy, SLICE("消防通道")));
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_aligned_and_apart),
		cmocka_unit_test(test_allocation_larger_than_a_block),
		cmocka_unit_test(test_reset_reuses_the_newest_block),
		cmocka_unit_test(test_trim_gives_back_the_end_of_the_newest),
		cmocka_unit_test(test_copy_keeps_absent_and_empty_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
