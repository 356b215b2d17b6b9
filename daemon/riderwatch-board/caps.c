/* SPDX-License-Identifier: Apache-2.0 */
#include "caps.h"

#include "log.h"

void caps_read(struct caps *caps, const struct config *config)
{
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load(config->rules_folder, &problems);
	if (ruleset)
		*caps = (struct caps){ true, ruleset_points_limits(ruleset) };
	else
		log_warning(
			"rules.folder cannot be read: the page shows no caps of a day",
			"problem=\"%s\" problems=%zu advice=\"give the board the daemon's rules, then send SIGHUP\"",
			problems.count ? problems.texts[0] : "", problems.count);
	ruleset_unref(&ruleset);
	problems_fini(&problems);
}

void caps_add(const struct caps *caps, json_t *rider)
{
	if (caps->known)
		json_object_set_new(rider, "caps",
				    json_pack("{s:I, s:I}", "paid", (json_int_t)caps->limits.paid_reports_per_day,
					      "points", (json_int_t)caps->limits.points_per_day));
}
