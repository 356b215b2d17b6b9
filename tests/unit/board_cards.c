/* SPDX-License-Identifier: Apache-2.0 */
#include "board_cards.h"

#include <jansson.h>
#include <stdlib.h>
#include "must.h"

static const char *or_else(const char *text, const char *fallback)
{
	return text ? text : fallback;
}

char *board_alert(const struct card_draft *draft)
{
	json_t *alert = json_pack(
		"{s:s,s:s,s:s,s:{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:{s:s,s:s,s:f,s:f},s:[{s:s,s:s},{s:s,s:s}],"
		"s:{s:i,s:i},s:{s:s,s:i,s:i}}}",
		"type", "rider.alert.v1", "id", or_else(draft->id, "a-1"), "rwcategory",
		or_else(draft->category, "fire"), "data", "severity", or_else(draft->severity, "Severe"), "hazard_code",
		"fire.exit_blocked", "event", "安全出口锁闭或堵塞", "headline",
		or_else(draft->headline, "安全出口锁闭或堵塞 · 科技园路1号"), "description",
		or_else(draft->description, "楼道里堆满了纸箱"), "sent",
		or_else(draft->sent, "2026-11-25T08:50:31.123Z"), "dedup_key",
		or_else(draft->dedup_key, "fire.exit_blocked@shop:1"), "reporter_ref",
		or_else(draft->reporter, "0123456789abcdef0123456789abcdef"), "area", "areaDesc", "科技园路1号",
		"jurisdiction_id", or_else(draft->area, "440305"), "lat", 22.5526, "long", 114.0455, "routes", "agency",
		or_else(draft->agency, "96119"), "role", "primary", "agency", "物业", "role", "copy", "decision",
		"score", 321, "margin", 120, "source", "topic", "rider.reports.v1", "partition", 2, "offset", 17);
	MUST(alert);
	char *text = json_dumps(alert, JSON_COMPACT);
	json_decref(alert);
	return text;
}

struct card *board_card(const struct card_draft *draft)
{
	static int64_t offset;
	char error[256], *text = board_alert(draft);
	struct card_place place = {
		.topic = "rider.alerts.fire.v1", .partition = 1, .offset = offset++, .written_ms = 1000, .seen_ms = 1005
	};
	struct card *card = card_new(slice_of(text), &place, error, sizeof error);
	free(text);
	return card;
}
