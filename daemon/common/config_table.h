/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of config_keys.def as data, and what each type of value can do. For config*.c only. */
#pragma once
#include <jansson.h>
#include "config.h"

enum config_type {
	CONFIG_IS_TEXT,
	CONFIG_IS_FILE,
	CONFIG_IS_INTEGER,
	CONFIG_IS_FLAG,
	CONFIG_IS_DURATION,
	CONFIG_IS_SIZE,
	CONFIG_IS_PROPERTIES,
	CONFIG_TYPE_COUNT
};

enum {
	CONFIG_KEY_COUNT = 0
#define CONFIG_KEY(section, name, type, fallback, minimum, maximum, help) +1
#include "config_keys.def"
#undef CONFIG_KEY
};

struct config_key {
	const char *section, *name;
	enum config_type type;
	const char *text; /* default of TEXT and FILE */
	int64_t number;   /* default of the others */
	int64_t minimum, maximum;
	const char *help;
	size_t offset; /* of the member in struct config */
};

extern const struct config_key config_keys[CONFIG_KEY_COUNT];

/* A struct config as config_load makes it: the contract's part and where each value came from. */
struct config_origins {
	struct config config;       /* must be first */
	char *of[CONFIG_KEY_COUNT]; /* "file:line", a variable of the environment, "-o"; NULL: default */
};

/* Where a value comes from while it is being set. */
struct config_place {
	const char *text;   /* "file:line", a variable of the environment, "-o" or "-X" */
	const char *folder; /* relative FILE values start here */
	struct problems *problems;
};

/* NULL when there is none. */
const struct config_key *config_key_find(const char *section, const char *name);
void *config_member(const struct config *config, const struct config_key *key);
const char *config_origin(const struct config *config, const struct config_key *key);

/* origin is copied. */
void config_set_origin(struct config *config, const struct config_key *key, const char *origin);
/* Adds a problem: there is no such section, or no such key in it. */
void config_report_unknown(const char *section, const char *name, const struct config_place *place);
/* Variables RIDERWATCH_SECTION__KEY; then -o and -X, in the order given. Relative FILE values start from folder. */
void config_read_environment(struct config *config, const char *folder, struct problems *problems);
void config_read_options(struct config *config, const struct config_sources *sources, const char *folder,
			 struct problems *problems);
/* Files in $CREDENTIALS_DIRECTORY that have the name of a secret: for the settings that name none. */
void config_take_credentials(struct config *config);

/* Adds "place: section.name message". */
void config_refuse(const struct config_place *place, const struct config_key *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Checks and stores one value; what was there is freed. A value that is refused leaves the member as it was. */
void config_value_set(struct config *config, const struct config_key *key, const json_t *value,
		      const struct config_place *place);
/* Adds or replaces one librdkafka property. */
void config_property_set(struct config *config, const struct config_key *key, const char *name, const json_t *value,
			 const struct config_place *place);
void config_value_default(struct config *config, const struct config_key *key);
void config_value_free(struct config *config, const struct config_key *key);
const char *config_type_name(enum config_type type);
/* Text of a command line override as the JSON value that a file would hold. Never NULL; the caller drops it. */
json_t *config_value_from_text(const struct config_key *key, const char *text);
/* A number as it is written in the file, with its unit: 1m, 64KiB, 7. */
void config_number_text(const struct config_key *key, int64_t number, char *text, size_t size);

/* The closed list of values of a TEXT key, ended by NULL; NULL when any text will do. */
const char *const *config_choices(const struct config_key *key);

/* What must hold between settings, and inside of texts with a form of their own. */
void config_check(const struct config *config, struct problems *problems);
