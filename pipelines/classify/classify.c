/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a text: characters to words to rules. Words are held until their clause ends, because what is ignored
 * or denied shows only then; rules that need several concepts look back a few characters. Time is linear in the text:
 * per character a bounded number of words, per word a bounded number of rules. */
#include "classify/ballot.h"

enum { CLAUSE_WORDS_MAX = 96, RING = 64, LABEL_PERCENT = 50, STEPS = 3 };

struct stretch {
	uint32_t start, end; /* characters, separators not counted */
	uint32_t near, far;  /* the same in steps: a Latin letter is a third of a Chinese character */
	uint32_t from, to;   /* bytes */
};

struct found {
	struct stretch at;
	const struct phrase *phrase;
	bool ignored;
};

/* Where a concept was seen last. */
struct sighting {
	struct stretch at;
	struct stretch denial; /* what denies it; start == end: nothing */
};

struct scan {
	const struct ruleset *ruleset;
	struct ballot *ballot;
	struct slice text;
	int percent;
	bool spans; /* whether byte spans are of the description */

	uint32_t from, to; /* bytes of the character that is being read */
	uint32_t state, characters, steps;
	uint16_t previous; /* symbol before this one, for pairs; 0: none, or a Latin word */
	uint32_t previous_from;
	uint16_t edge;                  /* symbol of the border right before this character, or of the start; 0: none */
	uint32_t latin_key, latin_from; /* of the Latin word that is being read; 0: none */
	struct {
		uint32_t from, steps;
		bool glued; /* Latin character right after another one */
	} ring[RING];

	struct found words[CLAUSE_WORDS_MAX];
	size_t word_count;
	uint8_t denials[CLAUSE_WORDS_MAX], ignores[CLAUSE_WORDS_MAX]; /* which of the words are of that use */
	size_t denial_count, ignore_count;
	uint32_t turn_at; /* denials that start before it do not reach beyond it */
	struct sighting *sightings;
	struct concept_set seen; /* in this sentence */
};

static const struct stretch nowhere = { 0 };

static bool covers(struct stretch outer, struct stretch inner)
{
	return outer.start <= inner.start && inner.end <= outer.end;
}

static void vote(struct scan *scan, const struct rule *rule, uint32_t from, uint32_t to)
{
	ballot_vote(scan->ballot, rule, scan->spans ? from : 0, scan->spans ? to : 0, scan->percent);
}

/* A hazard that is said not to be there speaks against one. */
static void vote_denied(struct scan *scan, const struct rule *rule, struct stretch denial, uint32_t to)
{
	const struct rule *denied = scan->ruleset->denial_rule;

	if (denied && rule->hazard && rule->hazard->category != CATEGORY_OTHER && !ballot_has(scan->ballot, rule))
		vote(scan, denied, denial.from, to);
}

/* The nearest denial that reaches this word from before. A word that starts with a denial ("without mask") is not
 * denied. */
static struct stretch denial_of(const struct scan *scan, struct stretch word)
{
	struct stretch nearest = nowhere;

	for (size_t i = scan->denial_count; i-- > 0;) {
		const struct found *denial = &scan->words[scan->denials[i]];
		if (denial->ignored || denial->at.start > word.start || denial->at.start < scan->turn_at ||
		    denial->at.end + scan->ruleset->denial_reach < word.start)
			continue;
		if (denial->at.start == word.start)
			return nowhere;
		nearest = nearest.end < denial->at.end ? denial->at : nearest;
	}
	return nearest;
}

static bool in_reach(const struct scan *scan, const struct rule *rule, struct stretch *whole)
{
	*whole = (struct stretch){ .near = UINT32_MAX, .from = UINT32_MAX };
	for (int i = 0; i < rule->member_count; i++) {
		const struct sighting *member = &scan->sightings[rule->members[i]];
		if (!concept_in(&scan->seen, rule->members[i]))
			return false;
		whole->near = member->at.near < whole->near ? member->at.near : whole->near;
		whole->far = member->at.far > whole->far ? member->at.far : whole->far;
		whole->from = member->at.from < whole->from ? member->at.from : whole->from;
		whole->to = member->at.to > whole->to ? member->at.to : whole->to;
	}
	return whole->far - whole->near <= STEPS * (uint32_t)rule->within;
}

/* A denial does not count where a member of the rule holds it: "no extinguisher" is what that rule is about. */
static bool is_denied(const struct scan *scan, const struct rule *rule, struct stretch *denial)
{
	for (int i = 0; i < rule->member_count; i++) {
		bool held = false;
		*denial = scan->sightings[rule->members[i]].denial;
		if (denial->start == denial->end)
			continue;
		for (int j = 0; j < rule->member_count; j++)
			held |= covers(scan->sightings[rule->members[j]].at, *denial);
		if (!held)
			return true;
	}
	return false;
}

static void see_concept(struct scan *scan, uint16_t concept, const struct found *word)
{
	scan->sightings[concept] = (struct sighting){ word->at, denial_of(scan, word->at) };
	concept_put(&scan->seen, concept);
	if (!concepts_meet(&scan->ruleset->partners[concept], &scan->seen))
		return;
	for (const struct trigger *trigger = scan->ruleset->triggers[concept]; trigger; trigger = trigger->next) {
		if (!concept_in(&scan->seen, trigger->other))
			continue;
		const struct rule *rule = &scan->ruleset->rules[trigger->rule];
		struct stretch whole, denial;
		if (!in_reach(scan, rule, &whole))
			continue;
		if (is_denied(scan, rule, &denial))
			vote_denied(scan, rule, denial, whole.to);
		else
			vote(scan, rule, whole.from, whole.to);
	}
}

static void see_phrase(struct scan *scan, const struct rule *rule, const struct found *word)
{
	struct stretch denial = denial_of(scan, word->at);

	if (denial.start == denial.end)
		vote(scan, rule, word->at.from, word->at.to);
	else
		vote_denied(scan, rule, denial, word->at.to);
}

static void see_word(struct scan *scan, const struct found *word)
{
	for (const struct use *use = &word->phrase->use; use; use = use->next) {
		if (use->kind == USE_CONCEPT) {
			see_concept(scan, use->index, word);
		} else if (use->kind == USE_RULE) {
			see_phrase(scan, &scan->ruleset->rules[use->index], word);
		} else if (use->kind == USE_TURN) {
			scan->turn_at = word->at.end;
			ballot_turn(scan->ballot);
		}
	}
}

/* "Hot pot" holds a fire that is none. What else the word itself stands for is not hidden. */
static void drop_ignored(struct scan *scan)
{
	for (size_t i = 0; i < scan->ignore_count; i++) {
		size_t outer = scan->ignores[i];
		for (size_t j = 0; j < scan->word_count; j++)
			scan->words[j].ignored |= j != outer && covers(scan->words[outer].at, scan->words[j].at);
	}
}

static void end_clause(struct scan *scan)
{
	drop_ignored(scan);
	scan->turn_at = 0;
	for (size_t i = 0; i < scan->word_count; i++) {
		if (!scan->words[i].ignored)
			see_word(scan, &scan->words[i]);
	}
	scan->word_count = 0;
	scan->denial_count = 0;
	scan->ignore_count = 0;
}

static struct character look_up(const struct scan *scan, uint32_t code)
{
	if (code < FOLD_CODES)
		return scan->ruleset->alphabet.characters[code];
	uint8_t border = (uint8_t)fold_border(code);
	return (struct character){ border == BORDER_NONE ? 0 : SYMBOL_EDGE, border };
}

static void hold_word(struct scan *scan, struct found word)
{
	if (word.phrase->denies)
		scan->denials[scan->denial_count++] = (uint8_t)scan->word_count;
	if (word.phrase->ignores)
		scan->ignores[scan->ignore_count++] = (uint8_t)scan->word_count;
	scan->words[scan->word_count++] = word;
}

static void find_words(struct scan *scan)
{
	const struct automaton *automaton = scan->ruleset->automaton;

	for (uint32_t word = automaton_word(automaton, scan->state); word != WORD_NONE;
	     word = automaton_shorter(automaton, word)) {
		uint32_t start = scan->characters - automaton_length(automaton, word);
		if (scan->ring[start % RING].glued)
			continue;
		if (scan->word_count == CLAUSE_WORDS_MAX)
			end_clause(scan);
		hold_word(scan, (struct found){
					.at = { start, scan->characters, scan->ring[start % RING].steps, scan->steps,
						scan->ring[start % RING].from, scan->to },
					.phrase = &scan->ruleset->phrases[word],
				});
	}
}

/* Latin words match whole: a word may neither end before a Latin character nor start after one. */
static bool latin_follows(const struct scan *scan, uint32_t at)
{
	return at < scan->text.size && look_up(scan, fold_decode(scan->text, &at)).kind == KIND_LATIN;
}

static void add_gram(struct scan *scan, uint32_t key, uint32_t from, uint32_t to)
{
	weights_add(&scan->ruleset->weights, key, from, scan->spans ? to : from, &scan->ballot->grams);
}

static void end_latin_word(struct scan *scan, uint32_t to)
{
	if (scan->latin_key)
		add_gram(scan, scan->latin_key, scan->latin_from, to);
	scan->latin_key = 0;
}

static void read_letter(struct scan *scan, uint32_t code)
{
	if (!scan->latin_key)
		scan->latin_from = scan->from;
	scan->latin_key = gram_key_latin(scan->latin_key, fold_character(code));
	scan->previous = 0;
	scan->edge = 0;
}

static void read_gram(struct scan *scan, uint16_t symbol)
{
	uint32_t from = scan->from, to = scan->to;

	end_latin_word(scan, from);
	if (symbol)
		add_gram(scan, gram_key(symbol, 0), from, to);
	if (symbol && scan->previous)
		add_gram(scan, gram_key(scan->previous, symbol), scan->previous_from, to);
	if (symbol && scan->edge)
		add_gram(scan, gram_key(scan->edge, symbol), from, to);
	scan->previous = symbol;
	scan->previous_from = from;
	scan->edge = 0;
}

/* What a clause starts and ends with says what a text does. */
static void read_edge(struct scan *scan, uint16_t edge)
{
	uint32_t from = scan->from;

	end_latin_word(scan, from);
	if (scan->previous && !scan->edge)
		add_gram(scan, gram_key(scan->previous, edge), scan->previous_from, from);
	scan->edge = edge;
}

static void read_end(struct scan *scan)
{
	uint32_t size = (uint32_t)scan->text.size;

	scan->from = size;
	if (scan->edge == SYMBOL_QUESTION || scan->edge == SYMBOL_CALL)
		add_gram(scan, gram_key(scan->edge, SYMBOL_END), size, size);
	else
		read_edge(scan, SYMBOL_END);
	end_clause(scan);
}

static void read_character(struct scan *scan, uint32_t code, struct character character, bool glued)
{
	bool latin = character.kind == KIND_LATIN;

	scan->ring[scan->characters % RING].from = scan->from;
	scan->ring[scan->characters % RING].steps = scan->steps;
	scan->ring[scan->characters % RING].glued = glued;
	scan->steps += latin ? 1 : STEPS;
	scan->characters++;
	scan->state = automaton_step(scan->ruleset->automaton, scan->state, character.symbol);
	if (automaton_word(scan->ruleset->automaton, scan->state) != WORD_NONE &&
	    !(latin && latin_follows(scan, scan->to)))
		find_words(scan);
	if (latin)
		read_letter(scan, code);
	else
		read_gram(scan, character.symbol);
}

static void scan_text(struct scan *scan)
{
	bool latin = false;

	for (uint32_t at = 0; at < scan->text.size;) {
		scan->from = at;
		uint32_t code = fold_decode(scan->text, &at);
		scan->to = at;
		struct character character = look_up(scan, code);
		if (character.kind != BORDER_SOFT && character.kind != BORDER_HARD) {
			read_character(scan, code, character, latin && character.kind == KIND_LATIN);
			latin = character.kind == KIND_LATIN;
			continue;
		}
		read_edge(scan, character.symbol);
		end_clause(scan);
		latin = false;
		if (character.kind == BORDER_HARD)
			scan->seen = (struct concept_set){ 0 };
	}
	read_end(scan);
}

static void classify_text(const struct ruleset *ruleset, struct ballot *ballot, struct slice text, int percent,
			  bool spans)
{
	struct sighting sightings[CONCEPTS_MAX];
	struct scan scan;

	scan.ruleset = ruleset;
	scan.ballot = ballot;
	scan.text = text;
	scan.percent = percent;
	scan.spans = spans;
	scan.state = 0;
	scan.characters = 0;
	scan.steps = 0;
	scan.previous = 0;
	scan.edge = SYMBOL_START;
	scan.latin_key = 0;
	scan.word_count = 0;
	scan.denial_count = 0;
	scan.ignore_count = 0;
	scan.turn_at = 0;
	scan.sightings = sightings;
	scan.seen = (struct concept_set){ 0 };
	scan_text(&scan);
}

void ballot_read(struct ballot *ballot, const struct ruleset *ruleset, const struct report *report)
{
	bool said = report->description.size > 0;

	ballot_init(ballot, ruleset);
	ballot->service_code = report->service_code;
	classify_text(ruleset, ballot, report->description, 100, true);
	for (size_t i = 0; i < report->label_count; i++)
		classify_text(ruleset, ballot, report->labels[i], said ? LABEL_PERCENT : 100, false);
	weights_finish(&ruleset->weights, &ballot->grams);
}

void ruleset_classify(const struct ruleset *ruleset, const struct report *report, struct verdict *verdict)
{
	struct ballot ballot;

	ballot_read(&ballot, ruleset, report);
	ballot_decide(&ballot, verdict);
}
