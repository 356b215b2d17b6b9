/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of the API that are not in api.c itself. */
#pragma once
#include <stdio.h>
#include "server.h"

struct card;

/* The card that the path names; NULL after an answer. */
const struct card *api_card(struct exchange *exchange);

/* lookups.c: answered by a worker's thread. */
void api_totals(struct exchange *exchange);
void api_top(struct exchange *exchange);
void api_rider(struct exchange *exchange);
void api_raw(struct exchange *exchange);
void api_alert_rider(struct exchange *exchange);

/* board_metrics.c: Prometheus text. */
void board_metrics(const struct board *board, FILE *out);
