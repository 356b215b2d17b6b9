/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum reason {
	REASON_NONE,
#define REASON(symbol, text, action, help) REASON_##symbol,
#include "reasons.def"
#undef REASON
	REASON_COUNT
};

enum reason_action { REASON_ACTION_SKIP, REASON_ACTION_DEAD_LETTER };

/* Both are total over 1 .. REASON_COUNT - 1. */
const char *reason_text(enum reason reason);
enum reason_action reason_action(enum reason reason);
