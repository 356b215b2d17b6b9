/* SPDX-License-Identifier: Apache-2.0 */
/* Finds every word of a word list in one pass over a text (Aho-Corasick over folded characters). */
#pragma once
#include <stdint.h>
#include "fold.h"
#include "arena.h"

#define WORD_LENGTH_MAX 24 /* characters, separators not counted */
#define WORD_NONE UINT32_MAX

#define KIND_LATIN 0x80

/* Symbols that every alphabet has: edges, see fold.h. */
enum { SYMBOL_START = 1, SYMBOL_END, SYMBOL_EDGE, SYMBOL_QUESTION, SYMBOL_CALL };

struct character {
	uint16_t symbol; /* dense number of a character that occurs in phrases or grams, or of an edge; 0: neither */
	uint8_t kind;    /* an enum border, or KIND_LATIN */
};

/* By unfolded character. */
struct alphabet {
	struct character *characters; /* FOLD_CODES entries */
	uint32_t count;
};

void alphabet_init(struct alphabet *alphabet, struct arena *arena);
/* The symbol of a folded character, made when new. */
uint16_t alphabet_add(struct alphabet *alphabet, uint32_t folded);
/* To be called once after the last alphabet_add(): maps every unfolded spelling to its symbol. */
void alphabet_close(struct alphabet *alphabet);

struct automaton;

/* Lives in the arena. */
struct automaton *automaton_new(struct arena *arena);
/* Adds a word of symbols; *known tells whether it was there. Returns its number (0, 1, 2 ...). */
uint32_t automaton_add(struct automaton *automaton, const uint16_t *symbols, size_t length, bool *known);
/* To be called once after the last automaton_add(). */
void automaton_close(struct automaton *automaton);

/* Next state after reading a symbol in a state; the start state is 0. */
uint32_t automaton_step(const struct automaton *automaton, uint32_t state, uint16_t symbol);
/* Longest word that ends in this state, or WORD_NONE; automaton_shorter() gives the next shorter one. */
uint32_t automaton_word(const struct automaton *automaton, uint32_t state);
uint32_t automaton_shorter(const struct automaton *automaton, uint32_t word);
uint32_t automaton_length(const struct automaton *automaton, uint32_t word);
