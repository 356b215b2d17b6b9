/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that say nearly the same in nearly the same words: twins, echoes, one sentence retold. */
#pragma once
#include "corpus.h"

/* Gives texts that share half of their pairs of characters the same fold, and those that are like one of them, and so
 * on, so that no part is scored by a model that was fitted to its kin. Frames go with their sentence. Returns how many
 * groups there are. */
size_t kin_share_folds(struct corpus *corpus);
