/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing biases and the threshold of a page, and the report. */
#pragma once
#include "classify/rules.h"
#include "corpus.h"
#include "model.h"

/* Changes the rule set's biases and threshold so that the texts of kept come as near to the goals as they can; what was
 * added to each goes into tuned. */
void tune(struct ruleset *ruleset, const struct corpus *corpus, const bool *kept, int32_t tuned[TUNED_COUNT]);
/* All numbers of the texts that were decided, by source and by kind. */
void report_scores(const struct corpus *corpus, const struct verdict *verdicts, const bool *decided);
/* Held-out texts that got another label: kind, the right one, the other one, lead of the category, text. */
void report_wrong(const struct corpus *corpus, const struct verdict *verdicts, const bool *decided);
