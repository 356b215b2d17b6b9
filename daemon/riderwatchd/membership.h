/* SPDX-License-Identifier: Apache-2.0 */
/* The serialised group metadata of librdkafka. Pure. */
#pragma once
#include <stdint.h>
#include "must.h"
#include "slice.h"

/* Reads generation and whether there is a member id. False when the bytes are not of the known form; nothing is filled
 * then. */
MUST_CHECK bool membership_parse(struct slice bytes, int32_t *generation, bool *has_member);
