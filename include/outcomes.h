/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum outcome {
#define OUTCOME(symbol, label, help) OUTCOME_##symbol,
#include "outcomes.def"
#undef OUTCOME
	OUTCOME_COUNT
};
