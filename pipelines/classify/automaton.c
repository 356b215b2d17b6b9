/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/automaton.h"
#include "alloc.h"
#include "must.h"

#define STATE_WORD 0x80000000u /* set in a state where a word ends */

struct node {
	uint64_t children; /* the symbols that lead on, each as one bit of 64: most others need no look at the edges */
	uint32_t fail;     /* state of the longest proper suffix */
	uint32_t word;     /* longest word ending here */
	uint32_t parent;
	uint16_t symbol; /* read on the way from parent */
	uint16_t depth;
};

struct word {
	uint32_t node;
	uint32_t shorter;
	uint32_t length;
};

struct automaton {
	struct arena *arena;
	struct node *nodes;
	size_t node_count, node_capacity;
	uint32_t *edges; /* nodes they lead to, 0 = free; open addressing, a power of two. Whence, says the node */
	size_t edge_mask;
	uint32_t *first; /* by symbol: where the start goes, 0 = it stays; most characters begin no word */
	uint32_t first_count;
	struct word *words;
	size_t word_count, word_capacity;
};

void alphabet_init(struct alphabet *alphabet, struct arena *arena)
{
	alphabet->characters = arena_zalloc(arena, FOLD_CODES * sizeof(struct character));
	alphabet->count = SYMBOL_START;
	for (const char *edge = "^$|?!"; *edge; edge++)
		alphabet_add(alphabet, (uint32_t)*edge);
}

uint16_t alphabet_add(struct alphabet *alphabet, uint32_t folded)
{
	if (folded >= FOLD_CODES)
		return 0;
	struct character *character = &alphabet->characters[folded];
	if (character->symbol == 0)
		character->symbol = (uint16_t)alphabet->count++;
	return character->symbol;
}

void alphabet_close(struct alphabet *alphabet)
{
	for (uint32_t code = 0; code < FOLD_CODES; code++) {
		uint32_t folded = fold_character(code);
		if (folded != code)
			alphabet->characters[code].symbol = alphabet->characters[folded].symbol;
		struct character *character = &alphabet->characters[code];
		character->kind = fold_is_latin(folded) ? KIND_LATIN : (uint8_t)fold_border(folded);
		if (fold_border(folded) != BORDER_NONE)
			character->symbol = alphabet->characters[fold_edge(folded)].symbol;
	}
}

static void *grown(struct arena *arena, const void *old, size_t count, size_t capacity, size_t size)
{
	void *memory = arena_alloc(arena, capacity * size);
	if (count > 0)
		memcpy(memory, old, count * size);
	return memory;
}

static uint64_t child_bit(uint16_t symbol)
{
	return 1ull << (symbol & 63);
}

static bool leads(const struct automaton *automaton, uint32_t next, uint32_t from, uint16_t symbol)
{
	const struct node *node = &automaton->nodes[next & ~STATE_WORD];

	return node->parent == from && node->symbol == symbol;
}

/* The edge from a node over a symbol, or where it would be. */
static uint32_t *edge_slot(const struct automaton *automaton, uint32_t from, uint16_t symbol)
{
	size_t at = (from * 0x9E3779B1u ^ symbol * 0x85EBCA6Bu) & automaton->edge_mask;

	while (automaton->edges[at] != 0 && !leads(automaton, automaton->edges[at], from, symbol))
		at = (at + 1) & automaton->edge_mask;
	return &automaton->edges[at];
}

static void edges_grow(struct automaton *automaton)
{
	size_t size = 2 * (automaton->edge_mask + 1);

	automaton->edges = arena_zalloc(automaton->arena, size * sizeof(*automaton->edges));
	automaton->edge_mask = size - 1;
	for (uint32_t i = 1; i < automaton->node_count; i++)
		*edge_slot(automaton, automaton->nodes[i].parent, automaton->nodes[i].symbol) = i;
}

static uint32_t node_new(struct automaton *automaton, uint32_t parent, uint16_t symbol)
{
	if (automaton->node_count == automaton->node_capacity) {
		automaton->node_capacity *= 2;
		automaton->nodes = grown(automaton->arena, automaton->nodes, automaton->node_count,
					 automaton->node_capacity, sizeof(struct node));
	}
	uint16_t depth = parent == WORD_NONE ? 0 : (uint16_t)(automaton->nodes[parent].depth + 1);
	automaton->nodes[automaton->node_count] =
		(struct node){ .word = WORD_NONE, .parent = parent, .symbol = symbol, .depth = depth };
	return (uint32_t)automaton->node_count++;
}

struct automaton *automaton_new(struct arena *arena)
{
	struct automaton *automaton = arena_zalloc(arena, sizeof(*automaton));

	automaton->arena = arena;
	automaton->node_capacity = 2048;
	automaton->nodes = grown(arena, NULL, 0, automaton->node_capacity, sizeof(struct node));
	automaton->word_capacity = 512;
	automaton->words = grown(arena, NULL, 0, automaton->word_capacity, sizeof(struct word));
	automaton->edge_mask = 4095;
	automaton->edges = arena_zalloc(arena, 4096 * sizeof(*automaton->edges));
	node_new(automaton, WORD_NONE, 0);
	return automaton;
}

static uint32_t child_of(struct automaton *automaton, uint32_t node, uint16_t symbol)
{
	uint32_t *edge = edge_slot(automaton, node, symbol);

	if (*edge != 0)
		return *edge;
	if (2 * automaton->node_count > automaton->edge_mask) {
		edges_grow(automaton);
		edge = edge_slot(automaton, node, symbol);
	}
	*edge = node_new(automaton, node, symbol);
	automaton->nodes[node].children |= child_bit(symbol);
	return *edge;
}

uint32_t automaton_add(struct automaton *automaton, const uint16_t *symbols, size_t length, bool *known)
{
	uint32_t node = 0;

	MUST(length > 0 && length <= WORD_LENGTH_MAX);
	for (size_t i = 0; i < length; i++)
		node = child_of(automaton, node, symbols[i]);
	*known = automaton->nodes[node].word != WORD_NONE;
	if (*known)
		return automaton->nodes[node].word;
	if (automaton->word_count == automaton->word_capacity) {
		automaton->word_capacity *= 2;
		automaton->words = grown(automaton->arena, automaton->words, automaton->word_count,
					 automaton->word_capacity, sizeof(struct word));
	}
	automaton->words[automaton->word_count] = (struct word){ node, WORD_NONE, (uint32_t)length };
	automaton->nodes[node].word = (uint32_t)automaton->word_count;
	return (uint32_t)automaton->word_count++;
}

/* Nodes by depth: a suffix is shorter than what it is a suffix of, so its links are ready when they are needed. */
static void close_start(struct automaton *automaton)
{
	uint16_t highest = 0;

	for (uint32_t i = 1; i < automaton->node_count; i++) {
		if (automaton->nodes[i].depth == 1 && automaton->nodes[i].symbol > highest)
			highest = automaton->nodes[i].symbol;
	}
	automaton->first_count = highest + 1u;
	automaton->first = arena_zalloc(automaton->arena, automaton->first_count * sizeof(automaton->first[0]));
	for (uint32_t i = 1; i < automaton->node_count; i++) {
		if (automaton->nodes[i].depth == 1)
			automaton->first[automaton->nodes[i].symbol] = i;
	}
}

static void close_depth(struct automaton *automaton, uint16_t depth)
{
	for (uint32_t i = 1; i < automaton->node_count; i++) {
		struct node *node = &automaton->nodes[i];
		if (node->depth != depth)
			continue;
		node->fail =
			depth == 1 ? 0 : automaton_step(automaton, automaton->nodes[node->parent].fail, node->symbol);
		uint32_t suffix_word = automaton->nodes[node->fail].word;
		if (node->word == WORD_NONE)
			node->word = suffix_word;
		else
			automaton->words[node->word].shorter = suffix_word;
	}
}

static uint32_t marked(const struct automaton *automaton, uint32_t state)
{
	return automaton->nodes[state].word == WORD_NONE ? state : state | STATE_WORD;
}

/* Whether a word ends shows in the state itself: of most it need not be looked up. */
static void mark_words(struct automaton *automaton)
{
	for (size_t i = 0; i <= automaton->edge_mask; i++)
		automaton->edges[i] = marked(automaton, automaton->edges[i]);
	for (uint32_t i = 0; i < automaton->first_count; i++)
		automaton->first[i] = marked(automaton, automaton->first[i]);
}

void automaton_close(struct automaton *automaton)
{
	close_start(automaton);
	for (uint16_t depth = 1; depth <= WORD_LENGTH_MAX; depth++)
		close_depth(automaton, depth);
	mark_words(automaton);
}

static uint32_t step_from_start(const struct automaton *automaton, uint16_t symbol)
{
	return symbol < automaton->first_count ? automaton->first[symbol] : 0;
}

static uint32_t step_inside(const struct automaton *automaton, uint32_t state, uint16_t symbol)
{
	for (; state != 0 && symbol != 0; state = automaton->nodes[state].fail) {
		if (!(automaton->nodes[state].children & child_bit(symbol)))
			continue;
		uint32_t next = *edge_slot(automaton, state, symbol);
		if (next != 0)
			return next;
	}
	return step_from_start(automaton, symbol);
}

/* Small enough to be put where it is called: most steps are from the start. */
uint32_t automaton_step(const struct automaton *automaton, uint32_t state, uint16_t symbol)
{
	if (state == 0)
		return step_from_start(automaton, symbol);
	return step_inside(automaton, state & ~STATE_WORD, symbol);
}

uint32_t automaton_word(const struct automaton *automaton, uint32_t state)
{
	return state & STATE_WORD ? automaton->nodes[state & ~STATE_WORD].word : WORD_NONE;
}

uint32_t automaton_shorter(const struct automaton *automaton, uint32_t word)
{
	return automaton->words[word].shorter;
}

uint32_t automaton_length(const struct automaton *automaton, uint32_t word)
{
	return automaton->words[word].length;
}
