/* SPDX-License-Identifier: Apache-2.0 */
/* The settings in words: what is in force, and what there is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "config_table.h"

static void print_text(FILE *out, const char *text)
{
	json_t *value = json_string(text);
	char *quoted = json_dumps(value, JSON_ENCODE_ANY);
	fputs(quoted, out);
	free(quoted);
	json_decref(value);
}

/* Passwords, keys and tokens in librdkafka properties. */
static bool is_secret(const char *property)
{
	static const char *const words[] = { "password", "secret", "jaas", "key.pem", "oauthbearer.config", "token" };
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasestr(property, words[i]))
			return true;
	return false;
}

/* A comment must stay one line, whatever the file is called. */
static void print_origin(FILE *out, const char *origin)
{
	fputs(" // ", out);
	for (; *origin; origin++)
		fputc((unsigned char)*origin < 0x20 ? '?' : *origin, out);
	fputs("\n", out);
}

/* One to a line, since each has an origin of its own. */
static void print_properties(FILE *out, const struct config_properties *properties)
{
	fputs("{\n", out);
	for (size_t i = 0; i < properties->count; i++) {
		const struct config_property *property = &properties->list[i];
		fputs("\t\t\t", out);
		if (is_secret(property->name)) {
			fprintf(out, " // %s is set, and not shown:", property->name);
		} else {
			print_text(out, property->name);
			fputs(": ", out);
			print_text(out, property->value);
			fputs(",", out);
		}
		print_origin(out, property->origin);
	}
	fputs("\t\t}", out);
}

static void print_value(FILE *out, const struct config_key *key, const void *member)
{
	char text[32];
	switch (key->type) {
	case CONFIG_IS_TEXT:
	case CONFIG_IS_FILE:
		print_text(out, *(char *const *)member);
		break;
	case CONFIG_IS_FLAG:
		fputs(*(const bool *)member ? "true" : "false", out);
		break;
	case CONFIG_IS_INTEGER:
		fprintf(out, "%" PRId64, *(const int64_t *)member);
		break;
	case CONFIG_IS_PROPERTIES:
		if (((const struct config_properties *)member)->count)
			print_properties(out, member);
		else
			fputs("{}", out);
		break;
	default:
		config_number_text(key, *(const int64_t *)member, text, sizeof(text));
		fprintf(out, "\"%s\"", text);
	}
}

static void print_key(FILE *out, const struct config *config, const struct config_key *key, bool last)
{
	const void *member = config_member(config, key);
	bool properties = key->type == CONFIG_IS_PROPERTIES && ((const struct config_properties *)member)->count;
	fprintf(out, "\t\t\"%s\": ", key->name);
	print_value(out, key, member);
	fputs(last ? "" : ",", out);
	if (properties)
		fputs("\n", out);
	else
		print_origin(out, config_origin(config, key));
}

void config_dump(const struct config *config, FILE *out)
{
	fputs("{\n", out);
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		bool opens = i == 0 || strcmp(key->section, key[-1].section) != 0;
		bool closes = i + 1 == CONFIG_KEY_COUNT || strcmp(key->section, key[1].section) != 0;
		if (opens)
			fprintf(out, "\t\"%s\": {\n", key->section);
		print_key(out, config, key, closes);
		if (closes)
			fprintf(out, "\t}%s\n", i + 1 == CONFIG_KEY_COUNT ? "" : ",");
	}
	fputs("}\n", out);
}

static void print_range(FILE *out, const struct config_key *key)
{
	char range[80] = "-", minimum[32], maximum[32];
	const char *const *choices = config_choices(key);
	if (choices) {
		range[0] = '\0';
		for (; *choices; choices++)
			strcat(strcat(range, *range ? "|" : ""), *choices);
	} else if (key->type == CONFIG_IS_INTEGER || key->type == CONFIG_IS_DURATION || key->type == CONFIG_IS_SIZE) {
		config_number_text(key, key->minimum, minimum, sizeof(minimum));
		config_number_text(key, key->maximum, maximum, sizeof(maximum));
		snprintf(range, sizeof(range), "%s..%s", minimum, maximum);
	} else if (key->type == CONFIG_IS_FLAG) {
		strcpy(range, "true|false");
	}
	fprintf(out, " %-26s", range);
}

bool config_name_at(size_t index, char *name, size_t size)
{
	if (index >= CONFIG_KEY_COUNT)
		return false;
	snprintf(name, size, "%s.%s", config_keys[index].section, config_keys[index].name);
	return true;
}

void config_describe(FILE *out)
{
	fprintf(out, "%-30s %-10s %-32s %-26s %s\n", "KEY", "TYPE", "DEFAULT", "RANGE", "WHAT");
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		int width = fprintf(out, "%s.%s", key->section, key->name);
		fprintf(out, "%*s %-10s ", width < 30 ? 30 - width : 0, "", config_type_name(key->type));
		char number[32];
		config_number_text(key, key->number, number, sizeof(number));
		const char *fallback = key->type == CONFIG_IS_FLAG ? (key->number ? "true" : "false")
				       : key->text && *key->text   ? key->text
				       : key->text                 ? "(empty)"
								   : number;
		fprintf(out, "%-32s", fallback);
		print_range(out, key);
		fprintf(out, " %s\n", key->help);
	}
}
