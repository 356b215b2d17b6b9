/* SPDX-License-Identifier: Apache-2.0 */
/* The pseudonym under which alerts speak of a rider (reporter_ref). */
#pragma once
#include "config.h"

#define PSEUDONYM_SIZE 33

/* False when privacy.pseudonym_key_file is not set or cannot be read: then there is none. */
bool pseudonym_of(const struct config *config, const char *rider_id, char pseudonym[PSEUDONYM_SIZE]);
