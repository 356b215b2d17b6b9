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
EMBED(page_style, PAGE "style.css");
EMBED(page_icon, PAGE "icon.svg");
EMBED(page_main, PAGE "main.js");
EMBED(page_api, PAGE "api.js");
EMBED(page_dom, PAGE "dom.js");
EMBED(page_drawer, PAGE "drawer.js");
EMBED(page_feed, PAGE "feed.js");
EMBED(page_map, PAGE "map.js");
EMBED(page_views, PAGE "views.js");
EMBED(page_words, PAGE "words.js");

#define TEXT(subtype) "text/" subtype "; charset=utf-8"
static const struct {
	const char *path, *content_type, *begin, *end;
} files[] = {
	{ "/", TEXT("html"), page_index, page_index_end },
	{ "/style.css", TEXT("css"), page_style, page_style_end },
	{ "/icon.svg", "image/svg+xml", page_icon, page_icon_end },
	{ "/main.js", TEXT("javascript"), page_main, page_main_end },
	{ "/api.js", TEXT("javascript"), page_api, page_api_end },
	{ "/dom.js", TEXT("javascript"), page_dom, page_dom_end },
	{ "/drawer.js", TEXT("javascript"), page_drawer, page_drawer_end },
	{ "/feed.js", TEXT("javascript"), page_feed, page_feed_end },
	{ "/map.js", TEXT("javascript"), page_map, page_map_end },
	{ "/views.js", TEXT("javascript"), page_views, page_views_end },
	{ "/words.js", TEXT("javascript"), page_words, page_words_end },
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
