/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc.h"
#include <stdlib.h>
#include <string.h>
#include "must.h"

void *alloc_zeroed(size_t count, size_t size)
{
	/* calloc(0) may answer NULL, which would look like "out of memory". */
	void *memory = calloc(count ? count : 1, size ? size : 1);

	MUST(memory != NULL);
	return memory;
}

void *alloc_resize(void *memory, size_t size)
{
	void *resized = realloc(memory, size ? size : 1);

	MUST(resized != NULL);
	return resized;
}

char *alloc_text(const char *text)
{
	char *copy = strdup(text);

	MUST(copy != NULL);
	return copy;
}
