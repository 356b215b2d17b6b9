/* SPDX-License-Identifier: Apache-2.0 */
/* Heap memory that is never NULL: out of memory aborts the process, which is a state the protocol recovers from. */
#pragma once
#include <stddef.h>

void *alloc_zeroed(size_t count, size_t size);
void *alloc_resize(void *memory, size_t size);
char *alloc_text(const char *text);
