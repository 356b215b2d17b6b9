/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"
#include <string.h>
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

enum category category_find(const char *name)
{
	int i = 0;

	while (i < CATEGORY_COUNT && strcmp(category_texts[i], name) != 0)
		i++;
	return (enum category)i;
}

enum severity severity_find(const char *name)
{
	int i = 0;

	while (i < SEVERITY_COUNT && strcmp(severity_texts[i], name) != 0)
		i++;
	return (enum severity)i;
}
