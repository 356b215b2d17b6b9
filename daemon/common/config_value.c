/* SPDX-License-Identifier: Apache-2.0 */
/* One value of each type: read, checked, stored, freed. */
#include "config_table.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "unit.h"

static const struct unit duration_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { NULL, 0 }
};
static const struct unit size_units[] = {
	{ "B", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 }, { NULL, 0 }
};
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

/* Closed lists of values, by key. */
static const struct {
	const char *section, *name;
	const char *values[8];
} choices[] = {
	{ "kafka", "start_offset", { "earliest", "latest" } },
	{ "log", "level", { "error", "warning", "info", "debug" } },
	{ "log", "format", { "text", "json" } },
};

const char *const *config_choices(const struct config_key *key)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++)
		if (strcmp(choices[i].section, key->section) == 0 && strcmp(choices[i].name, key->name) == 0)
			return choices[i].values;
	return NULL;
}

void config_refuse(const struct config_place *place, const struct config_key *key, const char *format, ...)
{
	char *message;
	va_list arguments;
	va_start(arguments, format);
	MUST(vasprintf(&message, format, arguments) >= 0);
	va_end(arguments);
	problems_add(place->problems, "%s: %s.%s %s", place->text, key->section, key->name, message);
	free(message);
}

/* ---- TEXT and FILE ---- */

static void refuse_choice(const struct config_key *key, const char *text, const struct config_place *place)
{
	const char *const *values = config_choices(key);
	size_t count = 0;
	char list[256] = "";
	for (; values[count]; count++) {
		const char *separator = count == 0 ? "" : values[count + 1] ? ", " : " or ";
		strcat(strcat(list, separator), values[count]);
	}
	const char *nearest = nearest_name(text, values, count);
	if (nearest)
		config_refuse(place, key, "is \"%s\"; did you mean \"%s\"? It can be %s", text, nearest, list);
	else
		config_refuse(place, key, "is \"%s\"; it can be %s", text, list);
}

/* Returns the text when it will do, NULL after a complaint. */
static const char *check_text(const struct config_key *key, const json_t *value, const struct config_place *place)
{
	const char *text = json_string_value(value);
	if (!text) {
		config_refuse(place, key, "must be text; write it in double quotes");
		return NULL;
	}
	int64_t size = (int64_t)strlen(text);
	const char *const *values = config_choices(key);
	bool listed = !values;
	for (; values && *values && !listed; values++)
		listed = strcmp(text, *values) == 0;
	if (size < key->minimum)
		config_refuse(place, key, "is empty; write a value, or remove the key to get the default");
	else if (size > key->maximum)
		config_refuse(place, key, "is %" PRId64 " bytes long; at most %" PRId64 " are allowed", size,
			      key->maximum);
	else if (strpbrk(text, "\n\r\t\x1b"))
		config_refuse(place, key, "holds a line end or control character; remove it");
	else if (!listed)
		refuse_choice(key, text, place);
	else
		return text;
	return NULL;
}

static void set_text(void *member, const struct config_key *key, const json_t *value, const struct config_place *place)
{
	const char *text = check_text(key, value, place);
	if (!text)
		return;
	char **old = member;
	free(*old);
	*old = alloc_text(text);
}

static void set_file(void *member, const struct config_key *key, const json_t *value, const struct config_place *place)
{
	const char *text = check_text(key, value, place);
	if (!text)
		return;
	char **old = member;
	free(*old);
	if (*text == '\0' || *text == '/' || !place->folder)
		*old = alloc_text(text);
	else
		MUST(asprintf(old, "%s/%s", place->folder, text) >= 0);
}

static void free_text(void *member)
{
	free(*(char **)member);
}

/* ---- numbers ---- */

static const struct unit *units_of(const struct config_key *key)
{
	return key->type == CONFIG_IS_DURATION ? duration_units : key->type == CONFIG_IS_SIZE ? size_units : no_units;
}

void config_number_text(const struct config_key *key, int64_t number, char *text, size_t size)
{
	const struct unit *unit = units_of(key), *best = unit;
	for (; unit->name; unit++)
		if (number != 0 && number % unit->factor == 0)
			best = unit;
	snprintf(text, size, "%" PRId64 "%s", number / best->factor, best->name);
}

static void store_number(int64_t *member, const struct config_key *key, int64_t number,
			 const struct config_place *place)
{
	char minimum[32], maximum[32], given[32];
	if (number >= key->minimum && number <= key->maximum) {
		*member = number;
		return;
	}
	config_number_text(key, key->minimum, minimum, sizeof(minimum));
	config_number_text(key, key->maximum, maximum, sizeof(maximum));
	config_number_text(key, number, given, sizeof(given));
	config_refuse(place, key, "is %s; write a value from %s to %s", given, minimum, maximum);
}

static void set_integer(void *member, const struct config_key *key, const json_t *value,
			const struct config_place *place)
{
	if (json_is_integer(value))
		store_number(member, key, json_integer_value(value), place);
	else
		config_refuse(place, key, "must be a whole number, such as %" PRId64, key->number);
}

static void set_with_unit(void *member, const struct config_key *key, const json_t *value,
			  const struct config_place *place)
{
	const char *forms = key->type == CONFIG_IS_DURATION ? "\"250ms\", \"30s\", \"5m\" or \"24h\""
							    : "\"512B\", \"64KiB\" or \"1MiB\"";
	const char *kind = key->type == CONFIG_IS_DURATION ? "duration" : "size";
	int64_t number;
	if (json_is_string(value) && unit_parse(json_string_value(value), units_of(key), &number)) {
		store_number(member, key, number, place);
		return;
	}
	char *written = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	config_refuse(place, key, "is %.100s; write a %s as text with a whole number and a unit, such as %s", written,
		      kind, forms);
	free(written);
}

static void set_flag(void *member, const struct config_key *key, const json_t *value, const struct config_place *place)
{
	if (json_is_boolean(value))
		*(bool *)member = json_is_true(value);
	else
		config_refuse(place, key, "must be true or false, without quotes");
}

/* ---- PROPERTIES ---- */

static char *property_text(const json_t *value)
{
	if (json_is_string(value))
		return alloc_text(json_string_value(value));
	if (json_is_number(value) || json_is_boolean(value))
		return json_dumps(value, JSON_ENCODE_ANY);
	return NULL;
}

static void free_properties(void *member)
{
	struct config_properties *properties = member;
	for (size_t i = 0; i < properties->count; i++) {
		free(properties->list[i].name);
		free(properties->list[i].value);
		free(properties->list[i].origin);
	}
	free(properties->list);
	*properties = (struct config_properties){ 0 };
}

/* As librdkafka's are: such a name can stand in a comment of config_dump, too. */
static bool is_property_name(const char *name)
{
	return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

void config_property_set(struct config *config, const struct config_key *key, const char *name, const json_t *value,
			 const struct config_place *place)
{
	struct config_properties *properties = config_member(config, key);
	char *text = property_text(value);
	if (!text || !is_property_name(name)) {
		free(text);
		config_refuse(
			place, key,
			"property \"%s\" must be text, a number, true or false, and have a name of letters, digits, "
			"'.', '_' and '-'",
			name);
		return;
	}
	size_t i = 0;
	while (i < properties->count && strcmp(properties->list[i].name, name) != 0)
		i++;
	if (i == properties->count) {
		properties->list = alloc_resize(properties->list, ++properties->count * sizeof(*properties->list));
		properties->list[i] = (struct config_property){ .name = alloc_text(name) };
	}
	free(properties->list[i].value);
	free(properties->list[i].origin);
	properties->list[i].value = text;
	properties->list[i].origin = alloc_text(place->text);
}

/* ---- types ---- */

/* PROPERTIES are set one by one, by config_property_set. */
static const struct {
	const char *name;
	void (*set)(void *member, const struct config_key *key, const json_t *value, const struct config_place *place);
	void (*free)(void *member);
} types[CONFIG_TYPE_COUNT] = {
	[CONFIG_IS_TEXT] = { "text", set_text, free_text },
	[CONFIG_IS_FILE] = { "file", set_file, free_text },
	[CONFIG_IS_INTEGER] = { "number", set_integer, NULL },
	[CONFIG_IS_FLAG] = { "flag", set_flag, NULL },
	[CONFIG_IS_DURATION] = { "duration", set_with_unit, NULL },
	[CONFIG_IS_SIZE] = { "size", set_with_unit, NULL },
	[CONFIG_IS_PROPERTIES] = { "properties", NULL, free_properties },
};

const char *config_type_name(enum config_type type)
{
	return types[type].name;
}

void config_value_set(struct config *config, const struct config_key *key, const json_t *value,
		      const struct config_place *place)
{
	types[key->type].set(config_member(config, key), key, value, place);
}

void config_value_free(struct config *config, const struct config_key *key)
{
	if (types[key->type].free)
		types[key->type].free(config_member(config, key));
}

void config_value_default(struct config *config, const struct config_key *key)
{
	void *member = config_member(config, key);
	switch (key->type) {
	case CONFIG_IS_TEXT:
	case CONFIG_IS_FILE:
		*(char **)member = alloc_text(key->text);
		break;
	case CONFIG_IS_FLAG:
		*(bool *)member = key->number != 0;
		break;
	case CONFIG_IS_INTEGER:
	case CONFIG_IS_DURATION:
	case CONFIG_IS_SIZE:
		*(int64_t *)member = key->number;
		break;
	default: /* PROPERTIES start empty */
		break;
	}
}

json_t *config_value_from_text(const struct config_key *key, const char *text)
{
	json_t *value = NULL;
	if (key->type == CONFIG_IS_INTEGER || key->type == CONFIG_IS_FLAG)
		value = json_loads(text, JSON_DECODE_ANY, NULL);
	if (!value)
		value = json_string(text); /* NULL when it is not UTF-8 */
	return value ? value : json_null();
}
