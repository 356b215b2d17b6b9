/* SPDX-License-Identifier: Apache-2.0 */
/* One loader per rule file. Each adds what is wrong to the reader's problems and goes on. */
#pragma once
#include "classify/reader.h"
#include "classify/rules.h"

void load_hazards(struct ruleset *ruleset, const struct reader *reader);
void load_phrases(struct ruleset *ruleset, const struct reader *reader);
void load_scopes(struct ruleset *ruleset, const struct reader *reader);
void load_routes(struct ruleset *ruleset, const struct reader *reader);
void load_points(struct ruleset *ruleset, const struct reader *reader);

struct weights_draft;

/* To be called once before both of weights.tsv and reviews.tsv: there are no more grams than lines. */
struct weights_draft *open_weights(struct ruleset *ruleset, size_t lines);
void load_weights(struct ruleset *ruleset, struct weights_draft *draft, const char *path, struct slice text,
		  struct problems *problems);
/* To be called once after both; frees the draft. */
void close_weights(struct ruleset *ruleset, struct weights_draft *draft);
/* "said.Severe", as in weights.tsv behind "=". */
const char *composed_name(int composed);
