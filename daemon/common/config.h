/* SPDX-License-Identifier: Apache-2.0 */
/* Effective configuration: config_keys.def decides what there is. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "json_file.h"

struct config_property {
	char *name, *value;
	char *origin; /* "file:line", "-o" or "-X" */
};
struct config_properties {
	struct config_property *list;
	size_t count;
};

#define CONFIG_TYPE_TEXT char *
#define CONFIG_TYPE_FILE char *
#define CONFIG_TYPE_INTEGER int64_t
#define CONFIG_TYPE_FLAG bool
#define CONFIG_TYPE_DURATION int64_t
#define CONFIG_TYPE_SIZE int64_t
#define CONFIG_TYPE_PROPERTIES struct config_properties

/* One member per key: config->kafka_brokers, config->batch_idle_after (milliseconds), ... */
struct config {
#define CONFIG_KEY(section, name, type, fallback, minimum, maximum, help) CONFIG_TYPE_##type section##_##name;
#include "config_keys.def"
#undef CONFIG_KEY
};

/* What the command line says about the configuration, in the order given. Texts are borrowed. */
struct config_source {
	char option; /* c: a file; o: "section.key=value"; X: "name=value", a librdkafka property */
	const char *text;
};
struct config_sources {
	struct config_source *list;
	size_t count;
};
void config_sources_add(struct config_sources *sources, char option, const char *text);
void config_sources_fini(struct config_sources *sources);

/* Defaults, then credentials of the service manager, then the files in their order, then the environment
 * (RIDERWATCH_SECTION__KEY), then -o and -X in their order; the last one wins, property by property. Relative FILE
 * values of a file start from its folder, others from the working folder; all are made absolute. Reports every problem
 * with file:line, and the nearest known name for an unknown key. Returns NULL when there was any. config_free and
 * config_dump take only what this made. */
struct config *config_load(const struct config_sources *sources, struct problems *problems);
/* Tries every file with a secret, key or certificate that riderwatchd reads, and adds a problem for each that cannot be
 * used. */
void config_check_secrets(const struct config *config, struct problems *problems);
/* Files with secrets that every user of this host can read, by number from 0; NULL behind the last. */
const char *config_open_secret(const struct config *config, size_t number);
/* Takes over from fresh, by exchange, what may change while the daemon runs, and tells of every key that differs,
 * whether it was taken over or needs a restart. Both were loaded by config_load; fresh is the caller's to free. */
typedef void config_change_f(void *context, const char *key, bool taken);
void config_adopt(struct config *live, struct config *fresh, config_change_f *on_change, void *context);
void config_free(struct config **config);
/* Writes the effective configuration as JSON that config_load reads back to the same values; a comment names each key's
 * origin (default, file:line, variable of the environment, -o, -X). Secrets among the librdkafka properties are named
 * there, but left out. */
void config_dump(const struct config *config, FILE *out);
/* "section.key" by number from 0; false behind the last. */
bool config_name_at(size_t index, char *name, size_t size);
/* Each key with type, default, range and help, for --help and the manual. */
void config_describe(FILE *out);
