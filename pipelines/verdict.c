/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"
#include "must.h"

static const char *const category_texts[CATEGORY_COUNT] = {
	[CATEGORY_EMERGENCY] = "emergency",
	[CATEGORY_FIRE] = "fire",
	[CATEGORY_FOOD] = "food",
	[CATEGORY_OTHER] = "other",
};
static const char *const severity_texts[SEVERITY_COUNT] = {
	[SEVERITY_NONE] = "None",     [SEVERITY_MINOR] = "Minor",     [SEVERITY_MODERATE] = "Moderate",
	[SEVERITY_SEVERE] = "Severe", [SEVERITY_EXTREME] = "Extreme",
};

const char *category_name(enum category category)
{
	MUST((unsigned)category < CATEGORY_COUNT);
	return category_texts[category];
}

const char *severity_name(enum severity severity)
{
	MUST((unsigned)severity < SEVERITY_COUNT);
	return severity_texts[severity];
}
