/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope around an event's data: CloudEvents structured, CloudEvents binary, or bare JSON. */
#pragma once
#include "body.h"

/* Fills value and headers of a report, review or delivery from the event's facts. May clear the facts' jurisdiction. */
void shape_write(struct body *body, struct event *event, enum shape shape);
