/* SPDX-License-Identifier: Apache-2.0 */
/* Effective configuration: config_keys.def decides what there is. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "json_file.h"

struct config_property {
	char *name, *value;
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

/* Defaults, then the file (path NULL: none), then overrides "section.key=value" from the command line ("kafka.properties.NAME=value"
 * for one property). Relative FILE values are taken from the config file's folder, those on the command line from the working
 * folder; both are made absolute. Reports every problem with file:line, and the nearest known name for an unknown key.
 * Returns NULL when there was any. config_free and config_dump take only what this made. */
struct config *config_load(const char *path, const char *const *overrides, size_t override_count, struct problems *problems);
/* Tries every file with a secret that riderwatchd reads, and adds a problem for each that cannot be used. */
void config_check_secrets(const struct config *config, struct problems *problems);
/* Files with secrets that every user of this host can read, by number from 0; NULL behind the last. */
const char *config_open_secret(const struct config *config, size_t number);
void config_free(struct config **config);
/* Writes the effective configuration as JSON that config_load reads back to the same values; a comment names each key's origin
 * (default, file:line, command line). Secrets among the librdkafka properties are named there, but left out. */
void config_dump(const struct config *config, FILE *out);
/* Each key with type, default, range and help, for --help and the manual. */
void config_describe(FILE *out);
