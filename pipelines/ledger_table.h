/* SPDX-License-Identifier: Apache-2.0 */
/* Items of one size by a 64-bit key. Items never move, and are numbered from 0 in the order in which they came. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger_table {
	size_t item_size;
	char **blocks;
	uint64_t *keys;
	uint32_t *numbers; /* number + 1; 0: empty slot */
	size_t capacity, count;
};

void ledger_table_init(struct ledger_table *table, size_t item_size);
void ledger_table_fini(struct ledger_table *table);
/* NULL when there is none. */
void *ledger_table_find(const struct ledger_table *table, uint64_t key);
/* Finds or makes the item; a new one is zeroed. */
void *ledger_table_get(struct ledger_table *table, uint64_t key, bool *is_new);
void *ledger_table_at(const struct ledger_table *table, size_t number);
