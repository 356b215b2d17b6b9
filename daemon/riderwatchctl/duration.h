/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people write them: 500ms, 30s, 10m, 24h, 7d. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "must.h"

/* False: text is no such time. */
MUST_CHECK bool duration_parse(const char *text, int64_t *ms);
