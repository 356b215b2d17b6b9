/* SPDX-License-Identifier: Apache-2.0 */
#include "reasons.h"
#include "must.h"

static const struct {
	const char *text;
	enum reason_action action;
} rows[REASON_COUNT] = {
#define REASON(symbol, text, action, help) [REASON_##symbol] = { text, REASON_ACTION_##action },
#include "reasons.def"
#undef REASON
};

const char *reason_text(enum reason reason)
{
	MUST(reason > REASON_NONE && reason < REASON_COUNT);
	return rows[reason].text;
}

enum reason_action reason_action(enum reason reason)
{
	MUST(reason > REASON_NONE && reason < REASON_COUNT);
	return rows[reason].action;
}
