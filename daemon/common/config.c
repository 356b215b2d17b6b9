/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults, then files; then config_sources.c. */
#include "config.h"
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "config_table.h"

#define DEFAULT_TEXT(value) .text = value
#define DEFAULT_FILE(value) .text = value
#define DEFAULT_INTEGER(value) .number = value
#define DEFAULT_FLAG(value) .number = value
#define DEFAULT_DURATION(value) .number = value
#define DEFAULT_SIZE(value) .number = value
#define DEFAULT_PROPERTIES(value) .text = value

const struct config_key config_keys[CONFIG_KEY_COUNT] = {
#define CONFIG_KEY(section_, name_, type_, fallback, minimum_, maximum_, help_)                                        \
	{ .section = #section_,                                                                                        \
	  .name = #name_,                                                                                              \
	  .type = CONFIG_IS_##type_,                                                                                   \
	  DEFAULT_##type_(fallback),                                                                                   \
	  .minimum = minimum_,                                                                                         \
	  .maximum = maximum_,                                                                                         \
	  .help = help_,                                                                                               \
	  .offset = offsetof(struct config, section_##_##name_) },
#include "config_keys.def"
#undef CONFIG_KEY
};

static const char origin_default[] = "default";

const struct config_key *config_key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
		if (strcmp(config_keys[i].section, section) == 0 && strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

void *config_member(const struct config *config, const struct config_key *key)
{
	return (char *)config + key->offset;
}

const char *config_origin(const struct config *config, const struct config_key *key)
{
	const char *origin = ((const struct config_origins *)config)->of[key - config_keys];
	return origin ? origin : origin_default;
}

void config_set_origin(struct config *config, const struct config_key *key, const char *origin)
{
	char **of = &((struct config_origins *)config)->of[key - config_keys];
	free(*of);
	*of = alloc_text(origin);
}

/* ---- unknown names ---- */

/* Names of all sections (section NULL) or of one section's keys; returns how many. */
static size_t list_names(const char *section, const char *names[CONFIG_KEY_COUNT])
{
	size_t count = 0;
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		if (section && strcmp(key->section, section) == 0)
			names[count++] = key->name;
		else if (!section && (count == 0 || strcmp(names[count - 1], key->section) != 0))
			names[count++] = key->section;
	}
	return count;
}

static bool is_section(const char *name)
{
	const char *names[CONFIG_KEY_COUNT];
	return list_names(name, names) > 0;
}

void config_report_unknown(const char *section, const char *name, const struct config_place *place)
{
	if (!is_section(section)) {
		name = section;
		section = NULL;
	}
	const char *names[CONFIG_KEY_COUNT];
	size_t count = list_names(section, names);
	const char *nearest = nearest_name(name, names, count);
	const char *kind = section ? "key" : "section", *dot = section ? "." : "";
	section = section ? section : "";
	if (nearest)
		problems_add(place->problems, "%s: unknown %s %s%s%s; did you mean \"%s\"?", place->text, kind, section,
			     dot, name, nearest);
	else
		problems_add(place->problems, "%s: unknown %s %s%s%s; riderwatchd --describe lists what there is",
			     place->text, kind, section, dot, name);
}

/* ---- the file ---- */

struct file_walk {
	const struct json_file *file;
	struct config *config;
	char *folder;
	struct problems *problems;
};

/* Place of a path in the file; text must hold until the place is used. */
static struct config_place place_of(const struct file_walk *walk, const char *path, char text[PATH_MAX + 32])
{
	snprintf(text, PATH_MAX + 32, "%s:%d", json_file_path(walk->file), json_file_line(walk->file, path));
	return (struct config_place){ .text = text, .folder = walk->folder, .problems = walk->problems };
}

static char *join(const char *section, const char *name)
{
	char *path;
	MUST(asprintf(&path, "%s.%s", section, name) >= 0);
	return path;
}

static void read_properties(const struct file_walk *walk, const struct config_key *key, json_t *value,
			    const struct config_place *place)
{
	if (!json_is_object(value)) {
		config_refuse(place, key,
			      "must be an object of librdkafka properties, such as { \"client.id\": \"rw\" }");
		return;
	}
	const char *name;
	json_t *property;
	char *key_path = join(key->section, key->name);
	json_object_foreach(value, name, property)
	{
		char *path = join(key_path, name), text[PATH_MAX + 32];
		struct config_place property_place = place_of(walk, path, text);
		config_property_set(walk->config, key, name, property, &property_place);
		free(path);
	}
	free(key_path);
}

static void read_key(const struct file_walk *walk, const char *section, const char *name, json_t *value)
{
	char *path = join(section, name), text[PATH_MAX + 32];
	struct config_place place = place_of(walk, path, text);
	const struct config_key *key = config_key_find(section, name);
	free(path);
	if (!key) {
		config_report_unknown(section, name, &place);
		return;
	}
	config_set_origin(walk->config, key, place.text);
	if (key->type == CONFIG_IS_PROPERTIES)
		read_properties(walk, key, value, &place);
	else
		config_value_set(walk->config, key, value, &place);
}

static void read_section(const struct file_walk *walk, const char *section, json_t *value)
{
	char text[PATH_MAX + 32];
	struct config_place place = place_of(walk, section, text);
	if (!is_section(section)) {
		config_report_unknown(section, NULL, &place);
		return;
	}
	if (!json_is_object(value)) {
		problems_add(walk->problems, "%s: section %s must be an object; write \"%s\": { ... }", place.text,
			     section, section);
		return;
	}
	const char *name;
	json_t *member;
	json_object_foreach(value, name, member)
	{
		read_key(walk, section, name, member);
	}
}

/* Absolute, so that what config_dump writes means the same elsewhere. NULL when it cannot be had. */
static char *folder_of(const char *path)
{
	char *copy = alloc_text(path);
	char *folder = realpath(dirname(copy), NULL);
	free(copy);
	return folder;
}

static void read_file(struct config *config, const char *path, struct problems *problems)
{
	struct json_file *file = json_file_load(path, problems);
	if (!file)
		return;
	struct file_walk walk = { .file = file, .config = config, .folder = folder_of(path), .problems = problems };
	json_t *root = json_file_root(file);
	if (!json_is_object(root)) {
		char text[PATH_MAX + 32];
		problems_add(problems, "%s: must be an object of sections; write { \"kafka\": { ... }, ... }",
			     place_of(&walk, "", text).text);
	}
	const char *name;
	json_t *section;
	json_object_foreach(root, name, section)
	{
		read_section(&walk, name, section);
	}
	free(walk.folder);
	json_file_free(&file);
}

/* ---- contract ---- */

struct config *config_load(const struct config_sources *sources, struct problems *problems)
{
	size_t problems_before = problems->count;
	struct config_origins *origins = alloc_zeroed(1, sizeof(*origins));
	struct config *config = &origins->config;
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
		config_value_default(config, &config_keys[i]);
	config_take_credentials(config);
	for (size_t i = 0; i < sources->count; i++)
		if (sources->list[i].option == 'c')
			read_file(config, sources->list[i].text, problems);
	char *working_folder = realpath(".", NULL);
	config_read_environment(config, working_folder, problems);
	config_read_options(config, sources, working_folder, problems);
	free(working_folder);
	/* Checks between values would only confuse while single values are wrong. */
	if (problems->count == problems_before)
		config_check(config, problems);
	if (problems->count > problems_before)
		config_free(&config);
	return config;
}

void config_free(struct config **config)
{
	if (!*config)
		return;
	struct config_origins *origins = (struct config_origins *)*config;
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		config_value_free(*config, &config_keys[i]);
		free(origins->of[i]);
	}
	free(origins);
	*config = NULL;
}
