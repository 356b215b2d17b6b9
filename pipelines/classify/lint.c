/* SPDX-License-Identifier: Apache-2.0 */
/* Remarks on rules that load and yet do not do what their author meant. */
#include <limits.h>
#include <stdio.h>
#include "classify/load.h"

struct lint {
	const struct ruleset *ruleset;
	const json_t *ignored; /* words that hide what is inside them */
	struct reader reader;  /* its problems are the remarks */
};

static bool has_latin(const char *word)
{
	for (; *word; word++) {
		if (fold_is_latin(fold_character((unsigned char)*word)))
			return true;
	}
	return false;
}

/* Some ignored word covers this one where it stands; then a longer word may match where this one does not. */
static bool may_be_hidden(const struct lint *lint, const char *word)
{
	for (size_t i = 0; i < json_array_size(lint->ignored); i++) {
		if (strstr(json_string_value(json_array_get(lint->ignored, i)), word))
			return true;
	}
	return false;
}

/* A longer word beside a shorter one that it holds: where it stands, the shorter one has matched. */
static void check_contained(const struct lint *lint, const struct place *list)
{
	for (size_t i = 0; i < json_array_size(list->value); i++) {
		struct place item = reader_item(list, i);
		const char *word = json_string_value(item.value);
		for (size_t k = 0; k < json_array_size(list->value); k++) {
			const char *other = json_string_value(json_array_get(list->value, k));
			if (k == i || !word || !other || has_latin(word) || !strstr(word, other) ||
			    may_be_hidden(lint, other))
				continue;
			reader_fail(&lint->reader, item.path,
				    "\"%s\" can never add anything: \"%s\" in the same list is part of it", word,
				    other);
			break;
		}
	}
}

static bool is_used(const struct lint *lint, const char *concept)
{
	for (size_t i = 0; i < lint->ruleset->concept_count; i++) {
		if (slice_equal(lint->ruleset->concepts[i], slice_of(concept)))
			return lint->ruleset->triggers[i] != NULL;
	}
	return false;
}

static void check_concepts(const struct lint *lint, const struct place *concepts)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)concepts->value, key, value)
	{
		struct place list = reader_member(&lint->reader, concepts, key, false);
		if (!is_used(lint, key))
			reader_fail(&lint->reader, list.path, "no rule names the concept \"%s\"", key);
		check_contained(lint, &list);
	}
}

static const struct rule *find_rule(const struct ruleset *ruleset, const char *name, size_t number)
{
	char id[128];

	snprintf(id, sizeof(id), "%.80s#%zu", name, number);
	for (size_t i = 0; i < ruleset->rule_count; i++) {
		if (slice_equal(ruleset->rules[i].id, slice_of(id)))
			return &ruleset->rules[i];
	}
	return NULL;
}

/* A rule for a category whose training says the contrary. */
static void check_weight(const struct lint *lint, const struct place *row, const struct rule *rule)
{
	if (!rule || !rule->hazard)
		return;
	int best = cells_from(rule->hazard->category);
	for (int i = best; i < cells_to(rule->hazard->category); i++)
		best = rule->adds[i] > rule->adds[best] ? i : best;
	if (rule->adds[best] <= 0)
		reader_fail(&lint->reader, row->path,
			    "%.*s can never win: its weight of %d says the contrary of what training found (%+d); drop "
			    "or split it",
			    (int)rule->id.size, rule->id.data, rule->weight, rule->trained[best]);
}

/* Rows of "rules" or "scopes", whose names count the rules of one hazard or scope. */
static void check_rows(const struct lint *lint, const struct place *rows, const char *key, const char *prefix)
{
	char name[96];

	for (size_t i = 0; i < json_array_size(rows->value); i++) {
		struct place row = reader_item(rows, i), words = reader_member(&lint->reader, &row, "words", false);
		const char *own = json_string_value(json_object_get(row.value, key));
		size_t number = 1;
		for (size_t k = 0; k < i; k++) {
			const char *other = json_string_value(json_object_get(json_array_get(rows->value, k), key));
			number += own && other && strcmp(own, other) == 0;
		}
		snprintf(name, sizeof(name), "%s%.64s", prefix, own ? own : "");
		check_weight(lint, &row, find_rule(lint->ruleset, name, number));
		check_contained(lint, &words);
	}
}

static struct json_file *open_file(const char *folder, const char *name, struct problems *problems)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return json_file_load(path, problems);
}

void ruleset_lint(const struct ruleset *ruleset, const char *folder, struct problems *remarks)
{
	struct json_file *phrases = open_file(folder, "phrases.json", remarks);
	struct json_file *scopes = open_file(folder, "scopes.json", remarks);

	if (phrases && scopes) {
		struct lint lint = { ruleset,
				     json_object_get(json_file_root(scopes), "ignore"),
				     { phrases, remarks, NULL } };
		struct place root = { "", json_file_root(phrases) };
		struct place concepts = reader_member(&lint.reader, &root, "concepts", false);
		struct place rules = reader_member(&lint.reader, &root, "rules", false);
		check_concepts(&lint, &concepts);
		check_rows(&lint, &rules, "hazard", "");
		lint.reader.file = scopes;
		root.value = json_file_root(scopes);
		struct place rows = reader_member(&lint.reader, &root, "scopes", false);
		check_rows(&lint, &rows, "scope", "scope.");
	}
	json_file_free(&phrases);
	json_file_free(&scopes);
}
