/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of event_decode() on any record: against the oracle, and against its own promises. */
#pragma once
#include "rider_event.h"

/* Decodes the record both ways. Returns NULL when they agree, else what they disagree on (static text, valid until the
 * next call). Records that jansson cannot judge (numbers beyond its range, formats refused before the JSON is read)
 * agree. */
const char *decode_disagreement(const struct input_record *record, size_t max_bytes);
/* Breaks of the decoder's own promises: slices that lie elsewhere than in the record and arena, or are no text. NULL:
 * none. */
const char *decode_broken_promise(const struct input_record *record, size_t max_bytes);
