/* SPDX-License-Identifier: Apache-2.0 */
/* Where values come from besides files: the environment and the command line. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "alloc.h"
#include "config_table.h"

#define VARIABLE_PREFIX "RIDERWATCH_"

void config_sources_add(struct config_sources *sources, char option, const char *text)
{
	sources->list = alloc_resize(sources->list, (sources->count + 1) * sizeof(*sources->list));
	sources->list[sources->count++] = (struct config_source){ option, text };
}

void config_sources_fini(struct config_sources *sources)
{
	free(sources->list);
	*sources = (struct config_sources){ 0 };
}

/* ---- one assignment ---- */

/* name may be "properties.linger.ms": a property of the key before the first dot. Returns that part, NULL when there is
 * none. */
static char *split_property(const char *section, char *name)
{
	char *dot = strchr(name, '.');
	if (!dot)
		return NULL;
	*dot = '\0';
	const struct config_key *key = config_key_find(section, name);
	if (key && key->type == CONFIG_IS_PROPERTIES)
		return dot + 1;
	*dot = '.';
	return NULL;
}

static void assign(struct config *config, char *section, char *name, const char *text, const struct config_place *place)
{
	char *property = split_property(section, name);
	const struct config_key *key = config_key_find(section, name);
	if (!key) {
		config_report_unknown(section, name, place);
		return;
	}
	if (key->type == CONFIG_IS_PROPERTIES && !property) {
		config_refuse(place, key, "takes one property at a time: write %s.%s.NAME=VALUE", section, name);
		return;
	}
	json_t *value = config_value_from_text(key, text);
	if (property) {
		config_property_set(config, key, property, value, place);
	} else {
		config_set_origin(config, key, place->text);
		config_value_set(config, key, value, place);
	}
	json_decref(value);
}

/* ---- command line ---- */

static void read_override(struct config *config, const char *override, const struct config_place *place)
{
	char *copy = alloc_text(override);
	char *equals = strchr(copy, '='), *dot = strchr(copy, '.');
	if (equals && dot && dot < equals) {
		*equals = *dot = '\0';
		assign(config, copy, dot + 1, equals + 1, place);
	} else {
		problems_add(place->problems,
			     "%s: \"%s\" is not an override; write section.key=value, such as log.level=debug",
			     place->text, override);
	}
	free(copy);
}

static void read_property(struct config *config, const char *text, const struct config_place *place)
{
	char *path;
	if (strchr(text, '=')) {
		MUST(asprintf(&path, "kafka.properties.%s", text) >= 0);
		read_override(config, path, place);
		free(path);
	} else {
		problems_add(place->problems,
			     "%s: \"%s\" is not a librdkafka property; write name=value, such as debug=broker",
			     place->text, text);
	}
}

void config_read_options(struct config *config, const struct config_sources *sources, const char *folder,
			 struct problems *problems)
{
	for (size_t i = 0; i < sources->count; i++) {
		const struct config_source *source = &sources->list[i];
		char origin[] = { '-', source->option, '\0' };
		struct config_place place = { .text = origin, .folder = folder, .problems = problems };
		if (source->option == 'o')
			read_override(config, source->text, &place);
		else if (source->option == 'X')
			read_property(config, source->text, &place);
	}
}

/* ---- environment ---- */

/* "RIDERWATCH_REDIS__PORT=6380" is redis.port. The two underscores keep such names apart from those that Kubernetes
 * makes for a service called riderwatch-redis. */
void config_read_environment(struct config *config, const char *folder, struct problems *problems)
{
	for (char **variable = environ; *variable; variable++) {
		char *copy, *equals, *border;
		if (strncmp(*variable, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) != 0)
			continue;
		copy = alloc_text(*variable);
		equals = strchr(copy, '=');
		*equals = '\0';
		border = strstr(copy, "__");
		if (border) {
			char *origin = alloc_text(copy), *section = copy + strlen(VARIABLE_PREFIX);
			struct config_place place = { .text = origin, .folder = folder, .problems = problems };
			for (char *c = copy; *c; c++)
				*c = (char)tolower((unsigned char)*c);
			*border = '\0';
			assign(config, section, border + 2, equals + 1, &place);
			free(origin);
		}
		free(copy);
	}
}
