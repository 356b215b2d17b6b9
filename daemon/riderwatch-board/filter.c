/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static int refuse(char *error, size_t error_size, const char *name, const char *value, const char *advice)
{
	snprintf(error, error_size, "%s is \"%.60s\"; %s", name, value, advice);
	return -1;
}

/* Names with commas between as a bit set; -1 when one of them is unknown. */
static int read_set(const char *value, const char *(*name_of)(int index), int count)
{
	int set = 0;
	while (*value) {
		size_t size = strcspn(value, ",");
		int index = 0;
		while (index < count &&
		       (strlen(name_of(index)) != size || strncasecmp(name_of(index), value, size) != 0))
			index++;
		if (index == count)
			return -1;
		set |= 1 << index;
		value += size + (value[size] == ',');
	}
	return set;
}

static const char *severity_at(int index)
{
	return severity_name((enum severity)index);
}

static const char *category_at(int index)
{
	return category_name((enum category)index);
}

static int set_severities(struct filter *filter, const char *name, const char *value, char *error, size_t error_size)
{
	int set = read_set(value, severity_at, SEVERITY_COUNT);
	if (set < 0)
		return refuse(error, error_size, name, value,
			      "write Extreme, Severe, Moderate or Minor, commas between");
	filter->severities = (unsigned)set;
	return 1;
}

static int set_categories(struct filter *filter, const char *name, const char *value, char *error, size_t error_size)
{
	int set = read_set(value, category_at, CATEGORY_OTHER);
	if (set < 0)
		return refuse(error, error_size, name, value, "write emergency, fire or food, commas between");
	filter->categories = (unsigned)set;
	return 1;
}

static int copy_text(char to[FILTER_TEXT_MAX], const char *name, const char *value, char *error, size_t error_size)
{
	if (strlen(value) >= FILTER_TEXT_MAX)
		return refuse(error, error_size, name, value, "at most 255 bytes are allowed");
	strcpy(to, value);
	return 1;
}

static int set_area(struct filter *filter, const char *name, const char *value, char *error, size_t error_size)
{
	if (strspn(value, "0123456789") != strlen(value))
		return refuse(error, error_size, name, value, "write the beginning of a six-digit area code");
	return copy_text(filter->area, name, value, error, error_size);
}

static int set_agency(struct filter *filter, const char *name, const char *value, char *error, size_t error_size)
{
	return copy_text(filter->agency, name, value, error, error_size);
}

static int set_reporter(struct filter *filter, const char *name, const char *value, char *error, size_t error_size)
{
	return copy_text(filter->reporter, name, value, error, error_size);
}

static int set_since(struct filter *filter, const char *name, const char *value, char *error, size_t error_size)
{
	bool digits = *value && strspn(value, "0123456789") == strlen(value) && strlen(value) <= 15;
	filter->since_ms = digits ? strtoll(value, NULL, 10) : *value ? card_time(value) : 0;
	if (filter->since_ms < 0)
		return refuse(error, error_size, name, value,
			      "write a time such as 2026-11-25T08:50:00Z, or milliseconds since 1970");
	return 1;
}

static int set_text(struct filter *filter, const char *name, const char *value, char *error, size_t error_size)
{
	if (copy_text(filter->text, name, value, error, error_size) < 0)
		return -1;
	card_fold(filter->text);
	filter->word_count = 0;
	char *rest = NULL;
	for (char *word = strtok_r(filter->text, " \t\r\n", &rest); word; word = strtok_r(NULL, " \t\r\n", &rest)) {
		if (filter->word_count == FILTER_WORDS_MAX)
			return refuse(error, error_size, name, value, "at most 8 words are allowed");
		filter->words[filter->word_count++] = (size_t)(word - filter->text);
	}
	return 1;
}

static const struct {
	const char *name;
	int (*set)(struct filter *filter, const char *name, const char *value, char *error, size_t error_size);
} parameters[] = {
	{ "severity", set_severities }, { "category", set_categories }, { "area", set_area }, { "agency", set_agency },
	{ "reporter", set_reporter },   { "since", set_since },         { "text", set_text },
};

int filter_set(struct filter *filter, const char *name, const char *value, char *error, size_t error_size)
{
	for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
		if (strcmp(parameters[i].name, name) == 0)
			return parameters[i].set(filter, name, value, error, error_size);
	}
	return 0;
}

/* ---- matching ---- */

static bool is_routed_to(const struct card *card, const char *agency)
{
	for (int i = 0; i < ROUTES_MAX && card->agencies[i]; i++) {
		if (strcmp(card->agencies[i], agency) == 0)
			return true;
	}
	return false;
}

bool filter_matches(const struct filter *filter, const struct card *card)
{
	if (filter->severities && !(filter->severities >> card->severity & 1))
		return false;
	if (filter->categories && !(filter->categories >> card->category & 1))
		return false;
	if (card->sent_ms < filter->since_ms)
		return false;
	if (strncmp(card->area, filter->area, strlen(filter->area)) != 0)
		return false;
	if (*filter->agency && !is_routed_to(card, filter->agency))
		return false;
	if (*filter->reporter && strcmp(card->reporter, filter->reporter) != 0)
		return false;
	for (size_t i = 0; i < filter->word_count; i++) {
		if (!strstr(card->searchable, filter->text + filter->words[i]))
			return false;
	}
	return true;
}
