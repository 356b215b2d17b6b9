/* SPDX-License-Identifier: Apache-2.0 */
/* A record's headers by name. */
#pragma once
#include "input_record.h"

/* The last header of that name, in any letter case; NULL when there is none or its value is null. */
const struct header *headers_find(struct header_list headers, struct slice name);
/* Its value, or absent. */
struct slice headers_value(struct header_list headers, struct slice name);
