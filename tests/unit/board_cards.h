/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as the daemon writes them, for the tests of riderwatch-board. */
#pragma once
#include "card.h"

/* What differs from one to the next; NULL and 0 take a default. */
struct card_draft {
	const char *id, *category, *severity, *dedup_key, *area, *agency, *reporter, *headline, *description, *sent;
};

/* The alert's JSON; the caller frees it. */
char *board_alert(const struct card_draft *draft);
/* A card made of it, at an offset that grows. */
struct card *board_card(const struct card_draft *draft);
