/* SPDX-License-Identifier: Apache-2.0 */
/* What librdkafka and members of a group say of a membership, in bytes. Pure. */
#pragma once
#include <stdint.h>
#include "must.h"
#include "slice.h"

/* Reads generation and whether there is a member id. False when the bytes are not of the known form; nothing is filled
 * then. */
MUST_CHECK bool membership_parse(struct slice bytes, int32_t *generation, bool *has_member);
/* Number of the topic's partitions in a member's assignment, as the consumer protocol writes it. -1: not of that form.
 */
MUST_CHECK int32_t membership_assigned(struct slice bytes, struct slice topic);
