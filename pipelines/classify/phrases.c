/* SPDX-License-Identifier: Apache-2.0 */
/* phrases.json and scopes.json: both end as words in one automaton, and rules that the words set off. */
#include <stdio.h>
#include "classify/load.h"

static const char *const rule_list[] = { "hazard", "words", "near", "within", "weight", "severity", "at_most", "also" };
static const char *const fact_list[] = { "on", "words", "near", "within", "severity", "at_most", "also" };
static const char *const scope_list[] = { "scope", "words", "near", "within", "weight" };

/* Folds a word into symbols; 0 when it is empty or too long. */
static size_t symbols_of(struct ruleset *ruleset, struct slice word, uint16_t symbols[WORD_LENGTH_MAX])
{
	size_t count = 0;

	for (uint32_t at = 0; at < word.size;) {
		uint32_t folded = fold_character(fold_decode(word, &at));
		if (fold_border(folded) != BORDER_NONE)
			continue;
		if (count == WORD_LENGTH_MAX)
			return 0;
		symbols[count++] = alphabet_add(&ruleset->alphabet, folded);
	}
	return count;
}

static const char *use_text(const struct ruleset *ruleset, const struct use *use)
{
	static const char *const kinds[] = {
		[USE_DENIAL] = "the denials", [USE_TURN] = "the turns", [USE_IGNORE] = "what is ignored"
	};
	if (use->kind == USE_CONCEPT)
		return ruleset->concepts[use->index].data;
	return use->kind == USE_RULE ? ruleset->rules[use->index].id.data : kinds[use->kind];
}

/* The same word twice in one list, or in two rules, says the same thing twice: one of them could be changed in vain. */
static bool clash(const struct use *old, enum use_kind kind, uint16_t index)
{
	if (kind == USE_RULE || old->kind == USE_RULE)
		return kind == old->kind;
	return kind == old->kind && index == old->index;
}

static void add_word(struct ruleset *ruleset, const struct reader *reader, const struct place *place,
		     enum use_kind kind, uint16_t index)
{
	uint16_t symbols[WORD_LENGTH_MAX];
	struct slice word = reader_text(reader, place);
	size_t length = word.data ? symbols_of(ruleset, word, symbols) : 0;
	bool known;

	if (length == 0) {
		reader_fail(reader, place->path, "a word has 1 to %d characters", WORD_LENGTH_MAX);
		return;
	}
	uint32_t number = automaton_add(ruleset->automaton, symbols, length, &known);
	if (number >= RULES_MAX * 4) {
		reader_fail(reader, place->path, "more than %d words", RULES_MAX * 4);
		return;
	}
	struct phrase *phrase = &ruleset->phrases[number];
	for (const struct use *old = phrase->known ? &phrase->use : NULL; old; old = old->next) {
		if (clash(old, kind, index)) {
			reader_fail(reader, place->path,
				    "\"%s\" stands in %s already (case, width and spaces do not count)",
				    json_string_value(place->value), use_text(ruleset, old));
			return;
		}
	}
	struct use *next = NULL;
	if (phrase->known) {
		next = arena_zalloc(&ruleset->arena, sizeof(*next));
		*next = phrase->use;
	}
	phrase->use = (struct use){ next, kind, index };
	phrase->known = true;
	phrase->denies |= kind == USE_DENIAL;
	phrase->ignores |= kind == USE_IGNORE;
}

static void add_words(struct ruleset *ruleset, const struct reader *reader, const struct place *list,
		      enum use_kind kind, uint16_t index)
{
	size_t count = reader_count(reader, list);

	if (list->value && count == 0)
		reader_fail(reader, list->path, "a list of words must not be empty");
	for (size_t i = 0; i < count; i++) {
		struct place item = reader_item(list, i);
		add_word(ruleset, reader, &item, kind, index);
	}
}

static int concept_find(const struct ruleset *ruleset, const char *name)
{
	for (size_t i = 0; i < ruleset->concept_count; i++) {
		if (slice_equal(ruleset->concepts[i], slice_of(name)))
			return (int)i;
	}
	return -1;
}

static void fail_concept(const struct ruleset *ruleset, const struct reader *reader, const struct place *place)
{
	const char *names[CONCEPTS_MAX];

	for (size_t i = 0; i < ruleset->concept_count; i++)
		names[i] = ruleset->concepts[i].data;
	const char *word = json_string_value(place->value);
	const char *near = word ? nearest_name(word, names, ruleset->concept_count) : NULL;
	if (near)
		reader_fail(reader, place->path, "unknown concept \"%s\"; did you mean \"%s\"?", word, near);
	else
		reader_fail(reader, place->path, "unknown concept \"%s\"; phrases.json lists them", word ? word : "?");
}

static void add_members(struct ruleset *ruleset, const struct reader *reader, const struct place *list,
			struct rule *rule)
{
	size_t count = reader_count(reader, list);

	if (count < 1 || count > MEMBERS_MAX) {
		reader_fail(reader, list->path, "\"near\" names 1 to %d concepts", MEMBERS_MAX);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct place item = reader_item(list, i);
		int concept = json_is_string(item.value) ? concept_find(ruleset, json_string_value(item.value)) : -1;
		if (concept < 0) {
			fail_concept(ruleset, reader, &item);
			continue;
		}
		rule->members[rule->member_count++] = (uint8_t) concept;
	}
	for (size_t i = 0; i < rule->member_count; i++) {
		struct trigger *trigger = arena_zalloc(&ruleset->arena, sizeof(*trigger));
		uint8_t concept = rule->members[i], other = rule->members[(i + 1) % rule->member_count];
		*trigger = (struct trigger){ ruleset->triggers[concept], (uint16_t)(rule - ruleset->rules), other };
		ruleset->triggers[concept] = trigger;
		concept_put(&ruleset->partners[concept], other);
	}
}

/* "fire.clutter#2": the second rule of its hazard or scope in file order. */
static struct slice rule_id(struct ruleset *ruleset, const char *name)
{
	char text[96];
	size_t number = 1, size = strlen(name);

	for (size_t i = 0; i < ruleset->rule_count; i++) {
		struct slice id = ruleset->rules[i].id;
		number += id.size > size && memcmp(id.data, name, size) == 0 && id.data[size] == '#';
	}
	snprintf(text, sizeof(text), "%.80s#%zu", name, number);
	struct slice copy = arena_copy(&ruleset->arena, (struct slice){ text, strlen(text) + 1 });
	copy.size--;
	return copy;
}

static struct rule *rule_new(struct ruleset *ruleset, const struct reader *reader, const struct place *row,
			     const char *name)
{
	if (ruleset->rule_count == RULES_MAX) {
		reader_fail(reader, row->path, "more than %d rules", RULES_MAX);
		return NULL;
	}
	struct rule *rule = &ruleset->rules[ruleset->rule_count];
	*rule = (struct rule){ .id = rule_id(ruleset, name) };
	ruleset->rule_count++;
	return rule;
}

static void read_rule(struct ruleset *ruleset, const struct reader *reader, const struct place *row, struct rule *rule)
{
	struct place words = reader_member(reader, row, "words", false);
	struct place near = reader_member(reader, row, "near", false);
	struct place severity = reader_member(reader, row, "severity", false);
	struct place at_most = reader_member(reader, row, "at_most", false);
	struct place also = reader_member(reader, row, "also", false);
	int level = reader_name(reader, &severity, severity_names, "severity");
	int bound = reader_name(reader, &at_most, severity_names, "severity");

	rule->severity = level < 0 ? rule->severity : (enum severity)level;
	rule->at_most = bound < 0 ? SEVERITY_NONE : (enum severity)bound;
	rule->also = reader_set(reader, &also, (struct names){ category_names.list, CATEGORY_OTHER }, "category");
	rule->weight = (int32_t)reader_integer(reader, row, "weight", 300, 1, WEIGHT_MAX);
	rule->within = (uint16_t)reader_integer(reader, row, "within", NEAR_CHARACTERS, 1, 200);
	if (!words.value == !near.value)
		reader_fail(reader, row->path, "a rule has either \"words\" or \"near\"");
	add_words(ruleset, reader, &words, USE_RULE, (uint16_t)(rule - ruleset->rules));
	if (near.value)
		add_members(ruleset, reader, &near, rule);
}

static void fail_hazard(const struct ruleset *ruleset, const struct reader *reader, const struct place *code)
{
	const char *codes[HAZARDS_MAX];

	for (size_t i = 0; i < ruleset->hazard_count; i++)
		codes[i] = ruleset->hazards[i].code.data;
	if (json_is_string(code->value))
		reader_name(reader, code, (struct names){ codes, ruleset->hazard_count }, "hazard code");
}

static void load_rule(struct ruleset *ruleset, const struct reader *reader, const struct place *row)
{
	if (!reader_object(reader, row, NAMES(rule_list)))
		return;
	struct place code = reader_member(reader, row, "hazard", true);
	struct slice text = reader_text(reader, &code);
	const struct hazard *hazard = text.data ? hazard_find(ruleset, text) : NULL;
	if (!hazard) {
		fail_hazard(ruleset, reader, &code);
		return;
	}
	struct rule *rule = rule_new(ruleset, reader, row, json_string_value(code.value));
	if (!rule)
		return;
	rule->hazard = hazard;
	rule->severity = hazard->severity;
	read_rule(ruleset, reader, row, rule);
}

static void load_fact(struct ruleset *ruleset, const struct reader *reader, const struct place *row)
{
	if (!reader_object(reader, row, NAMES(fact_list)))
		return;
	struct place on = reader_member(reader, row, "on", true);
	struct rule *rule = rule_new(ruleset, reader, row, "fact");
	if (!rule)
		return;
	rule->on = reader_set(reader, &on, (struct names){ category_names.list, CATEGORY_OTHER }, "category");
	read_rule(ruleset, reader, row, rule);
	rule->weight = 0;
}

static void load_concepts(struct ruleset *ruleset, const struct reader *reader, const struct place *concepts)
{
	const char *key;
	json_t *value;

	if (!json_is_object(concepts->value)) {
		reader_fail(reader, concepts->path, "must be an object of word lists");
		return;
	}
	json_object_foreach(concepts->value, key, value)
	{
		struct place list = reader_member(reader, concepts, key, false);
		if (ruleset->concept_count == CONCEPTS_MAX) {
			reader_fail(reader, list.path, "more than %d concepts", CONCEPTS_MAX);
			return;
		}
		struct slice name = arena_copy(&ruleset->arena, (struct slice){ key, strlen(key) + 1 });
		name.size--;
		ruleset->concepts[ruleset->concept_count] = name;
		add_words(ruleset, reader, &list, USE_CONCEPT, (uint16_t)ruleset->concept_count++);
	}
}

void load_phrases(struct ruleset *ruleset, const struct reader *reader)
{
	static const char *const root_list[] = { "concepts", "rules", "facts" };
	struct place root = reader_root(reader, NAMES(root_list));
	struct place concepts = reader_member(reader, &root, "concepts", true);
	struct place rules = reader_member(reader, &root, "rules", true);
	struct place facts = reader_member(reader, &root, "facts", true);

	if (concepts.value)
		load_concepts(ruleset, reader, &concepts);
	for (size_t i = 0; i < reader_count(reader, &rules); i++) {
		struct place row = reader_item(&rules, i);
		load_rule(ruleset, reader, &row);
	}
	for (size_t i = 0; i < reader_count(reader, &facts); i++) {
		struct place row = reader_item(&facts, i);
		load_fact(ruleset, reader, &row);
	}
}

static void load_scope(struct ruleset *ruleset, const struct reader *reader, const struct place *row)
{
	char name[64];

	if (!reader_object(reader, row, NAMES(scope_list)))
		return;
	struct place scope = reader_member(reader, row, "scope", true);
	if (!reader_text(reader, &scope).data)
		return;
	snprintf(name, sizeof(name), "scope.%s", json_string_value(scope.value));
	struct rule *rule = rule_new(ruleset, reader, row, name);
	if (!rule)
		return;
	rule->hazard = ruleset->defaults[CATEGORY_OTHER];
	read_rule(ruleset, reader, row, rule);
}

void load_scopes(struct ruleset *ruleset, const struct reader *reader)
{
	static const char *const root_list[] = { "denial", "turns", "ignore", "scopes" };
	static const char *const denial_list[] = { "reach", "weight", "words" };
	struct place root = reader_root(reader, NAMES(root_list));
	struct place denial = reader_member(reader, &root, "denial", true);
	struct place turns = reader_member(reader, &root, "turns", true);
	struct place ignore = reader_member(reader, &root, "ignore", true);
	struct place scopes = reader_member(reader, &root, "scopes", true);

	if (denial.value && reader_object(reader, &denial, NAMES(denial_list))) {
		struct place words = reader_member(reader, &denial, "words", true);
		ruleset->denial_reach = (uint32_t)reader_integer(reader, &denial, "reach", 6, 1, 40);
		add_words(ruleset, reader, &words, USE_DENIAL, 0);
		struct rule *rule = rule_new(ruleset, reader, &denial, "scope.denial");
		if (rule) {
			rule->hazard = ruleset->defaults[CATEGORY_OTHER];
			rule->weight = (int32_t)reader_integer(reader, &denial, "weight", 150, 1, WEIGHT_MAX);
			ruleset->denial_rule = rule;
		}
	}
	add_words(ruleset, reader, &turns, USE_TURN, 0);
	add_words(ruleset, reader, &ignore, USE_IGNORE, 0);
	for (size_t i = 0; i < reader_count(reader, &scopes); i++) {
		struct place row = reader_item(&scopes, i);
		load_scope(ruleset, reader, &row);
	}
}
