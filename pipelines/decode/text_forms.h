/* SPDX-License-Identifier: Apache-2.0 */
/* Values that have a textual form of their own. Each returns false when the text is not of that form. */
#pragma once
#include <stdint.h>
#include "arena.h"
#include "must.h"

/* RFC 3339 date and time to milliseconds since 1970, within the years 2015 to 2100. Digits below a millisecond are cut
 * off; second 60 (leap second) counts as the first of the next minute. */
MUST_CHECK bool read_time(struct slice text, int64_t *ms);
/* A JSON number as written. False when it is too large for a double. */
MUST_CHECK bool read_double(struct slice number, double *result);
/* W3C trace context, the 55 bytes of version 00. */
MUST_CHECK bool is_traceparent(struct slice text);
/* Base64 of RFC 4648 section 4, with its padding. */
MUST_CHECK bool read_base64(struct slice text, struct arena *arena, struct slice *bytes);

/* Letters of ASCII only, as in names of headers and media types. */
bool equal_any_case(struct slice a, struct slice b);

enum media_type { MEDIA_TYPE_JSON, MEDIA_TYPE_CLOUDEVENT, MEDIA_TYPE_OTHER };
/* Parameters and letter case do not matter; absent and empty count as JSON. */
enum media_type media_type_of(struct slice text);
