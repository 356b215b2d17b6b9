/* SPDX-License-Identifier: Apache-2.0 */
/* The least that reading JSON can mean: every byte looked at once, strings told from structure, UTF-8 checked. */
#pragma once
#include "slice.h"

/* The report's text, as it stands in the record (escapes and all); absent when there is none. *valid: the UTF-8 is. */
struct slice byte_scan(struct slice record, bool *valid);
