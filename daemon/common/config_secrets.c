/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that name files with secrets: found among the service manager's credentials, and tried before anything
 * starts. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "alloc.h"
#include "config_table.h"
#include "redis_tls.h"
#include "secret_file.h"

static const struct {
	const char *section, *name;
	const char *credential; /* its file in $CREDENTIALS_DIRECTORY */
	size_t minimum;         /* bytes; 0: another form, which redis_tls_try() knows */
	bool daemon;            /* read by riderwatchd */
} secrets[] = {
	{ "kafka", "password_file", "kafka-password", 1, true },
	{ "redis", "password_file", "redis-password", 1, true },
	{ "redis", "sentinel_password_file", "sentinel-password", 1, true },
	{ "redis", "tls_key_file", "redis-tls-key", 0, true },
	{ "privacy", "pseudonym_key_file", "pseudonym-key", 16, true },
	{ "http", "token_file", "http-token", 16, true },
	{ "board", "token_file", "board-token", 16, false },
	{ "board", "redis_password_file", "board-redis-password", 1, false },
};
#define COUNT (sizeof(secrets) / sizeof(*secrets))

/* LoadCredential names a file as it likes; of a whole folder, loaded as "secret", each file's name begins so. */
static char *find_credential(const char *folder, const char *name)
{
	static const char *const beginnings[] = { "", "secret_" };
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++) {
		char *path;
		MUST(asprintf(&path, "%s/%s%s", folder, beginnings[i], name) >= 0);
		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

void config_take_credentials(struct config *config)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	for (size_t i = 0; folder && *folder && i < COUNT; i++) {
		const struct config_key *key = config_key_find(secrets[i].section, secrets[i].name);
		char *path = find_credential(folder, secrets[i].credential), **member = config_member(config, key);

		if (path) {
			free(*member);
			*member = path;
			config_set_origin(config, key, "$CREDENTIALS_DIRECTORY");
		}
	}
}

static void check_redis_tls(const struct config *config, struct problems *problems)
{
	const char *setting;
	char error[REDIS_TLS_ERROR_SIZE];

	if (config->redis_tls && !redis_tls_try(config, &setting, error))
		problems_add(problems, "%s: redis.%s %s", config_origin(config, config_key_find("redis", setting)),
			     setting, error);
}

void config_check_secrets(const struct config *config, struct problems *problems)
{
	char secret[SECRET_SIZE], error[512];

	for (size_t i = 0; i < COUNT; i++) {
		const struct config_key *key = config_key_find(secrets[i].section, secrets[i].name);
		const char *path = *(char **)config_member(config, key);

		if (secrets[i].daemon && *path && secrets[i].minimum &&
		    !secret_file_read(path, secrets[i].minimum, secret, error, sizeof(error)))
			problems_add(problems, "%s: %s.%s %s", config_origin(config, key), key->section, key->name,
				     error);
	}
	explicit_bzero(secret, sizeof(secret));
	check_redis_tls(config, problems);
}

const char *config_open_secret(const struct config *config, size_t number)
{
	for (size_t i = 0; i < COUNT; i++) {
		const struct config_key *key = config_key_find(secrets[i].section, secrets[i].name);
		const char *path = *(char **)config_member(config, key);

		if (secrets[i].daemon && *path && secret_file_is_open(path) && number-- == 0)
			return path;
	}
	return NULL;
}
