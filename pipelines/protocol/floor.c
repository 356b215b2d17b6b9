/* SPDX-License-Identifier: Apache-2.0 */
/* C never goes back, so an answer below what is known to be committed is not C: a group coordinator that comes back
 * from a crash may answer before it has read its log. It is asked again. */
#include "internal.h"

void floor_raise(struct slot *slot, int64_t offset)
{
	if (offset > slot->floor.offset)
		slot->floor.offset = offset;
}

void floor_look_anew(struct slot *slot)
{
	slot->floor.below = false;
}

static void tell(struct protocol *protocol, int index, int64_t committed)
{
	struct floor *floor = &protocol->slots[index].floor;

	floor->below = true;
	floor->since = protocol->now_ms;
	actions_notice(protocol, index, NOTICE_OFFSETS_STALE, floor->offset - (committed > 0 ? committed : 0));
}

bool floor_holds(struct protocol *protocol, int index, const struct offsets_reply *reply)
{
	struct slot *slot = &protocol->slots[index];
	int64_t committed = start_committed(reply);

	if (committed >= slot->floor.offset || protocol->settings.accept_missing_offsets ||
	    PLANTED(PLANTED_OFFSETS_BELIEVED)) {
		floor_look_anew(slot);
		return true;
	}
	if (!slot->floor.below)
		tell(protocol, index, committed);
	else if (protocol->now_ms - slot->floor.since >= protocol->settings.refuse_offsets_after_ms)
		actions_refuse(protocol, index, REFUSAL_OFFSETS_WENT_BACK);
	return false;
}
