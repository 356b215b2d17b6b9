/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict_json.h"

#include "score.h"

static void append_word(struct buffer *json, const char *word)
{
	buffer_append_char(json, '"');
	buffer_append(json, slice_of(word));
	buffer_append_char(json, '"');
}

void verdict_json_members(struct buffer *json, const struct verdict *verdict)
{
	bool first = true;

	buffer_append(json, SLICE("\"category\":"));
	append_word(json, label_of_category(verdict->category));
	buffer_append(json, SLICE(",\"also\":["));
	for (int i = 0; i < CATEGORY_OTHER; i++) {
		if (!(verdict->also >> i & 1))
			continue;
		if (!first)
			buffer_append_char(json, ',');
		append_word(json, label_of_category((enum category)i));
		first = false;
	}
	buffer_append(json, SLICE("],\"severity\":"));
	append_word(json, label_of_severity(verdict->severity));
	buffer_append(json, SLICE(",\"hazard_code\":"));
	buffer_append_json_string(json, verdict->hazard->code);
}

void verdict_json_margin(struct buffer *json, const struct verdict *verdict)
{
	buffer_append(json,
		      verdict->unsure ? SLICE(",\"unsure\":true,\"margin\":") : SLICE(",\"unsure\":false,\"margin\":"));
	buffer_append_decimal(json, verdict->margin / 100.0, 2);
}
