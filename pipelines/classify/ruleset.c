/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"
#include "classify/load.h"
#include "must.h"

/* To be changed whenever the same rule files would give other verdicts. */
static const char engine_version[] = "riderwatch rules 1\n";

/* In the order in which they are loaded and hashed: later files name what earlier ones define. */
static const struct {
	const char *name;
	void (*load)(struct ruleset *ruleset, const struct reader *reader);
} files[] = {
	{ "hazards.json", load_hazards }, { "phrases.json", load_phrases }, { "scopes.json", load_scopes },
	{ "ngrams.json", load_ngrams },   { "routes.json", load_routes },   { "points.json", load_points },
};
enum { FILE_COUNT = sizeof(files) / sizeof(files[0]) };

static struct ruleset *ruleset_new(void)
{
	struct ruleset *ruleset = alloc_zeroed(1, sizeof(*ruleset));

	arena_init(&ruleset->arena);
	ruleset->references = 1;
	ruleset->routes_end = &ruleset->routes;
	ruleset->rules = arena_zalloc(&ruleset->arena, RULES_MAX * sizeof(struct rule));
	ruleset->uses = arena_zalloc(&ruleset->arena, RULES_MAX * 4 * sizeof(struct use *));
	ruleset->automaton = automaton_new(&ruleset->arena);
	alphabet_init(&ruleset->alphabet, &ruleset->arena);
	return ruleset;
}

static void set_id(struct ruleset *ruleset, struct json_file *const *loaded)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];

	MUST(context && EVP_DigestInit_ex(context, EVP_sha256(), NULL));
	EVP_DigestUpdate(context, engine_version, sizeof(engine_version) - 1);
	for (int i = 0; i < FILE_COUNT; i++) {
		size_t size;
		const char *text = json_file_text(loaded[i], &size);
		EVP_DigestUpdate(context, files[i].name, strlen(files[i].name) + 1);
		EVP_DigestUpdate(context, text, size);
	}
	MUST(EVP_DigestFinal_ex(context, digest, NULL));
	EVP_MD_CTX_free(context);
	for (int i = 0; i < 8; i++)
		snprintf(ruleset->id + 2 * i, 3, "%02x", digest[i]);
}

static bool load_files(const char *folder, struct json_file **loaded, struct problems *problems)
{
	char path[PATH_MAX];
	bool all = true;

	for (int i = 0; i < FILE_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		loaded[i] = json_file_load(path, problems);
		all &= loaded[i] != NULL;
	}
	return all;
}

struct ruleset *ruleset_load(const char *folder, struct problems *problems)
{
	struct json_file *loaded[FILE_COUNT] = { 0 };
	size_t before = problems->count;
	struct ruleset *ruleset = ruleset_new();

	/* With a file missing, names that it defines would all be reported as unknown: say only what is the cause. */
	if (load_files(folder, loaded, problems)) {
		for (int i = 0; i < FILE_COUNT; i++) {
			struct reader reader = { loaded[i], problems, &ruleset->arena };
			files[i].load(ruleset, &reader);
		}
		alphabet_close(&ruleset->alphabet);
		automaton_close(ruleset->automaton);
		set_id(ruleset, loaded);
	}
	for (int i = 0; i < FILE_COUNT; i++)
		json_file_free(&loaded[i]);
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
