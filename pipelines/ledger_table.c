/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger_table.h"
#include "alloc.h"
#include "must.h"

#include <stdlib.h>

#define BLOCK_ITEMS 1024
#define CAPACITY_FIRST 64
#define LOAD_MAX_PERCENT 70

void ledger_table_init(struct ledger_table *table, size_t item_size)
{
	*table = (struct ledger_table){ .item_size = item_size, .capacity = CAPACITY_FIRST };
	table->keys = alloc_zeroed(table->capacity, sizeof *table->keys);
	table->numbers = alloc_zeroed(table->capacity, sizeof *table->numbers);
}

void ledger_table_fini(struct ledger_table *table)
{
	for (size_t block = 0; block * BLOCK_ITEMS < table->count; block++)
		free(table->blocks[block]);
	free(table->blocks);
	free(table->keys);
	free(table->numbers);
	*table = (struct ledger_table){ 0 };
}

/* Slot of the key, or the empty slot where it belongs. */
static size_t slot_of(const struct ledger_table *table, uint64_t key)
{
	uint64_t mixed = (key ^ key >> 32) * 0x9e3779b97f4a7c15u;
	size_t slot = (size_t)(((unsigned __int128)mixed * table->capacity) >> 64);
	while (table->numbers[slot] && table->keys[slot] != key)
		slot = slot + 1 == table->capacity ? 0 : slot + 1;
	return slot;
}

static void grow(struct ledger_table *table)
{
	struct ledger_table old = *table;
	table->capacity = old.capacity * 2;
	table->keys = alloc_zeroed(table->capacity, sizeof *table->keys);
	table->numbers = alloc_zeroed(table->capacity, sizeof *table->numbers);
	for (size_t i = 0; i < old.capacity; i++) {
		if (!old.numbers[i])
			continue;
		size_t slot = slot_of(table, old.keys[i]);
		table->keys[slot] = old.keys[i];
		table->numbers[slot] = old.numbers[i];
	}
	free(old.keys);
	free(old.numbers);
}

void *ledger_table_at(const struct ledger_table *table, size_t number)
{
	MUST(number < table->count);
	return table->blocks[number / BLOCK_ITEMS] + number % BLOCK_ITEMS * table->item_size;
}

void *ledger_table_find(const struct ledger_table *table, uint64_t key)
{
	uint32_t number = table->numbers[slot_of(table, key)];
	return number ? ledger_table_at(table, number - 1) : NULL;
}

static void *add(struct ledger_table *table)
{
	size_t block = table->count / BLOCK_ITEMS;
	MUST(table->count < UINT32_MAX);
	if (table->count % BLOCK_ITEMS == 0) {
		table->blocks = alloc_resize(table->blocks, (block + 1) * sizeof *table->blocks);
		table->blocks[block] = alloc_zeroed(BLOCK_ITEMS, table->item_size);
	}
	table->count++;
	return ledger_table_at(table, table->count - 1);
}

void *ledger_table_get(struct ledger_table *table, uint64_t key, bool *is_new)
{
	size_t slot = slot_of(table, key);
	*is_new = table->numbers[slot] == 0;
	if (!*is_new)
		return ledger_table_at(table, table->numbers[slot] - 1);
	if ((table->count + 1) * 100 > table->capacity * LOAD_MAX_PERCENT) {
		grow(table);
		slot = slot_of(table, key);
	}
	void *item = add(table);
	table->keys[slot] = key;
	table->numbers[slot] = (uint32_t)table->count;
	return item;
}
