/* SPDX-License-Identifier: Apache-2.0 */
#include "assets.h"

/* The path is relative to the root of the repository, where make runs. */
#define EMBED(symbol, path)                                                                                            \
	__asm__(".section .rodata\n.global " #symbol "\n.global " #symbol "_end\n" #symbol ":\n.incbin \"" path        \
		"\"\n" #symbol "_end:\n.byte 0\n.previous\n");                                                         \
	extern const char symbol[], symbol##_end[]

#define PAGE "daemon/riderwatch-board/page/"
EMBED(openapi_text, "daemon/riderwatch-board/openapi.json");
EMBED(page_index, PAGE "index.html");

#define TEXT(subtype) "text/" subtype "; charset=utf-8"
static const struct {
	const char *path, *content_type, *begin, *end;
} files[] = {
	{ "/", TEXT("html"), page_index, page_index_end },
};
enum { FILE_COUNT = sizeof files / sizeof *files };

const struct asset *asset_find(const char *path)
{
	static struct asset assets[FILE_COUNT];
	for (int i = 0; i < FILE_COUNT; i++) {
		if (strcmp(files[i].path, path) != 0)
			continue;
		struct slice bytes = { files[i].begin, (size_t)(files[i].end - files[i].begin) };
		assets[i] = (struct asset){ files[i].path, files[i].content_type, bytes };
		return &assets[i];
	}
	return NULL;
}
