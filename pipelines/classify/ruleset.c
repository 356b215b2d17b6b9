/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "alloc.h"
#include "classify/load.h"
#include "must.h"
#include "text_file.h"

/* To be changed whenever the same rule files would give other verdicts. */
static const char engine_version[] = "riderwatch rules 8\n";

/* In the order in which they are loaded and hashed: later files name what earlier ones define. */
static const struct {
	const char *name;
	void (*load)(struct ruleset *ruleset, const struct reader *reader);
} files[] = {
	{ "hazards.json", load_hazards }, { "phrases.json", load_phrases }, { "scopes.json", load_scopes },
	{ "routes.json", load_routes },   { "points.json", load_points },
};
enum { FILE_COUNT = sizeof(files) / sizeof(files[0]) };
static const char *const tables[] = { "weights.tsv", "reviews.tsv" };
enum { TABLE_COUNT = sizeof(tables) / sizeof(tables[0]) };

/* All that a folder holds, as read. */
struct sources {
	struct json_file *files[FILE_COUNT];
	char *tables[TABLE_COUNT];
	size_t table_sizes[TABLE_COUNT];
};

static struct ruleset *ruleset_new(void)
{
	struct ruleset *ruleset = alloc_zeroed(1, sizeof(*ruleset));

	arena_init(&ruleset->arena);
	ruleset->references = 1;
	ruleset->routes_end = &ruleset->routes;
	ruleset->responses_end = &ruleset->responses;
	ruleset->rules = arena_zalloc(&ruleset->arena, RULES_MAX * sizeof(struct rule));
	ruleset->phrases = arena_zalloc(&ruleset->arena, RULES_MAX * 4 * sizeof(struct phrase));
	ruleset->automaton = automaton_new(&ruleset->arena);
	alphabet_init(&ruleset->alphabet, &ruleset->arena);
	return ruleset;
}

static void set_id(struct ruleset *ruleset, const struct sources *sources)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];

	MUST(context && EVP_DigestInit_ex(context, EVP_sha256(), NULL));
	EVP_DigestUpdate(context, engine_version, sizeof(engine_version) - 1);
	for (int i = 0; i < FILE_COUNT; i++) {
		size_t size;
		const char *text = json_file_text(sources->files[i], &size);
		EVP_DigestUpdate(context, files[i].name, strlen(files[i].name) + 1);
		EVP_DigestUpdate(context, text, size);
	}
	for (int i = 0; i < TABLE_COUNT; i++) {
		EVP_DigestUpdate(context, tables[i], strlen(tables[i]) + 1);
		EVP_DigestUpdate(context, sources->tables[i], sources->table_sizes[i]);
	}
	MUST(EVP_DigestFinal_ex(context, digest, NULL));
	EVP_MD_CTX_free(context);
	for (int i = 0; i < 8; i++)
		snprintf(ruleset->id + 2 * i, 3, "%02x", digest[i]);
}

static bool read_sources(const char *folder, struct sources *sources, struct problems *problems)
{
	char path[PATH_MAX];
	bool all = true;

	for (int i = 0; i < FILE_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		sources->files[i] = json_file_load(path, problems);
		all &= sources->files[i] != NULL;
	}
	for (int i = 0; i < TABLE_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, tables[i]);
		sources->tables[i] = text_file_read(path, &sources->table_sizes[i], problems);
		all &= sources->tables[i] != NULL;
	}
	return all;
}

static size_t count_lines(const struct sources *sources)
{
	size_t count = 0;

	for (int i = 0; i < TABLE_COUNT; i++) {
		const char *at = sources->tables[i], *end = at + sources->table_sizes[i];
		for (count++; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
			count++;
	}
	return count;
}

static void load_all(struct ruleset *ruleset, const char *folder, const struct sources *sources,
		     struct problems *problems)
{
	char path[PATH_MAX];

	for (int i = 0; i < FILE_COUNT; i++) {
		struct reader reader = { sources->files[i], problems, &ruleset->arena };
		files[i].load(ruleset, &reader);
	}
	struct weights_draft *draft = open_weights(ruleset, count_lines(sources));
	for (int i = 0; i < TABLE_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, tables[i]);
		load_weights(ruleset, draft, path, (struct slice){ sources->tables[i], sources->table_sizes[i] }, problems);
	}
	close_weights(ruleset, draft);
	alphabet_close(&ruleset->alphabet);
	automaton_close(ruleset->automaton);
	set_id(ruleset, sources);
}

struct ruleset *ruleset_load(const char *folder, struct problems *problems)
{
	struct sources sources = { 0 };
	size_t before = problems->count;

	/* One message instead of one for each file. */
	if (access(folder, X_OK) != 0) {
		problems_add(problems, "%s: folder of the rules: %s; correct rules.folder, or let user %u read it", folder,
			     strerror(errno), (unsigned)geteuid());
		return NULL;
	}
	struct ruleset *ruleset = ruleset_new();

	/* With a file missing, names that it defines would all be reported as unknown: say only what is the cause. */
	if (read_sources(folder, &sources, problems))
		load_all(ruleset, folder, &sources, problems);
	for (int i = 0; i < FILE_COUNT; i++)
		json_file_free(&sources.files[i]);
	for (int i = 0; i < TABLE_COUNT; i++)
		free(sources.tables[i]);
	if (problems->count > before)
		ruleset_unref(&ruleset);
	return ruleset;
}

struct ruleset *ruleset_ref(struct ruleset *ruleset)
{
	__atomic_add_fetch(&ruleset->references, 1, __ATOMIC_RELAXED);
	return ruleset;
}

void ruleset_unref(struct ruleset **ruleset)
{
	struct ruleset *old = *ruleset;

	*ruleset = NULL;
	if (!old)
		return;
	int left = __atomic_sub_fetch(&old->references, 1, __ATOMIC_ACQ_REL);
	MUST(left >= 0);
	if (left == 0) {
		arena_fini(&old->arena);
		free(old);
	}
}

struct slice ruleset_id(const struct ruleset *ruleset)
{
	return (struct slice){ ruleset->id, 16 };
}

uint64_t ruleset_number(const struct ruleset *ruleset)
{
	return strtoull(ruleset->id, NULL, 16);
}
