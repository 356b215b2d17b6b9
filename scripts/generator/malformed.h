/* SPDX-License-Identifier: Apache-2.0 */
/* Records that are not events: a table of what can be wrong, with the reason the dead letter must name. */
#pragma once
#include "shape.h"

/* Turns the event's facts (kind report, review or delivery, a plain rider, a topic) into a malformed record: value,
 * headers, key and reason. Its kind becomes KIND_MALFORMED. */
void malformed_write(struct body *body, struct event *event);
/* Number of rows of the table and the reason of each, for tests that want all of them. */
size_t malformed_count(void);
void malformed_write_row(struct body *body, struct event *event, size_t row);
