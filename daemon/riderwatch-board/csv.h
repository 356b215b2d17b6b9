/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as a table for spreadsheets: RFC 4180, UTF-8 with a byte order mark, a line a card. */
#pragma once
#include <stdio.h>
#include "card.h"

void csv_head(FILE *out);
/* A cell that a spreadsheet would take for a formula gets an apostrophe in front. */
void csv_row(FILE *out, const struct card *card);
