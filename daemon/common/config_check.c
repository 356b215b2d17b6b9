/* SPDX-License-Identifier: Apache-2.0 */
/* What a single row of config_keys.def cannot say: forms of addresses and topic names, and how settings fit together.
 */
#include "config_table.h"
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include "address.h"
#include "redis_sentinel.h"

static const char *text_of(const struct config *config, const struct config_key *key)
{
	return *(char **)config_member(config, key);
}

static void refuse(const struct config *config, const char *section, const char *name, struct problems *problems,
		   const char *message)
{
	const struct config_key *key = config_key_find(section, name);
	struct config_place place = { .text = config_origin(config, key), .problems = problems };
	config_refuse(&place, key, "is \"%s\"; %s", text_of(config, key), message);
}

static bool is_address(const char *text, size_t size)
{
	struct address address;
	return address_parse(&address, (struct slice){ text, size });
}

static void check_addresses(const struct config *config, struct problems *problems)
{
	for (const char *broker = config->kafka_brokers;; broker++) {
		broker += strspn(broker, " ");
		const char *scheme = strstr(broker, "://");
		size_t size = strcspn(broker, ",");
		if (scheme && scheme < broker + size) {
			size -= (size_t)(scheme + 3 - broker);
			broker = scheme + 3;
		}
		if (!is_address(broker, size)) {
			refuse(config, "kafka", "brokers", problems,
			       "write host:port, several of them with commas between, such as kafka1:9092,kafka2:9092");
			break;
		}
		broker += size;
		if (*broker == '\0')
			break;
	}
	if (*config->http_listen && !is_address(config->http_listen, strlen(config->http_listen)))
		refuse(config, "http", "listen", problems,
		       "write address:port, such as 127.0.0.1:9464 or [::1]:9464, or \"\" to switch it off");
	if (!is_address(config->board_listen, strlen(config->board_listen)))
		refuse(config, "board", "listen", problems, "write address:port, such as 127.0.0.1:9465 or [::1]:9465");
}

static void check_topic_names(const struct config *config, struct problems *problems)
{
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		if (strcmp(key->section, "topics") != 0)
			continue;
		const char *name = text_of(config, key);
		bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
		for (; isalnum((unsigned char)*name) || (*name && strchr("._-", *name)); name++)
			;
		if (*name || dots)
			refuse(config, key->section, key->name, problems,
			       "a topic name holds only letters, digits, '.', '_' and '-'");
	}
}

/* What is read must not be written: it would be read again for ever. */
static void check_topics_differ(const struct config *config, struct problems *problems)
{
	const struct config_key *inputs[] = { config_key_find("topics", "reports"),
					      config_key_find("topics", "deliveries") };
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		if (strcmp(key->section, "topics") != 0 || key == inputs[0])
			continue;
		const struct config_key *same = NULL;
		for (size_t j = 0; j < 2; j++)
			if (inputs[j] != key && strcmp(text_of(config, inputs[j]), text_of(config, key)) == 0)
				same = inputs[j];
		if (!same)
			continue;
		char message[128];
		snprintf(message, sizeof(message),
			 "that is topics.%s, too: an input topic must differ from every other one", same->name);
		refuse(config, key->section, key->name, problems, message);
	}
}

/* Rows that must not decrease from left to right. */
static void check_order(const struct config *config, struct problems *problems)
{
	static const char *const names[] = { "urgent_after", "alert_after", "idle_after" };
	for (size_t i = 0; i + 1 < sizeof(names) / sizeof(*names); i++) {
		const struct config_key *shorter = config_key_find("batch", names[i]);
		const struct config_key *longer = config_key_find("batch", names[i + 1]);
		int64_t low = *(int64_t *)config_member(config, shorter),
			high = *(int64_t *)config_member(config, longer);
		if (low <= high)
			continue;
		char low_text[32], high_text[32];
		config_number_text(shorter, low, low_text, sizeof(low_text));
		config_number_text(longer, high, high_text, sizeof(high_text));
		struct config_place place = { .text = config_origin(config, shorter), .problems = problems };
		config_refuse(&place, shorter,
			      "is %s, above batch.%s, which is %s (%s); lower the first or raise the second", low_text,
			      longer->name, high_text, config_origin(config, longer));
	}
}

/* ---- Sentinels ---- */

static bool is_default(const struct config *config, const struct config_key *key)
{
	if (key->type == CONFIG_IS_INTEGER)
		return *(int64_t *)config_member(config, key) == key->number;
	return strcmp(text_of(config, key), key->text) == 0;
}

/* The sample and the dump write defaults down, too: what counts is a value of one's own. */
static void check_one_way_to_redis(const struct config *config, struct problems *problems)
{
	static const char *const names[] = { "host", "port", "socket" };
	const struct config_key *sentinels = config_key_find("redis", "sentinels");
	for (size_t i = 0; *config->redis_sentinels && i < sizeof(names) / sizeof(*names); i++) {
		const struct config_key *key = config_key_find("redis", names[i]);
		struct config_place place = { .text = config_origin(config, key), .problems = problems };
		if (!is_default(config, key))
			config_refuse(&place, key,
				      "and redis.sentinels (%s) both say where Redis is; remove one of the two",
				      config_origin(config, sentinels));
	}
}

static void check_sentinels(const struct config *config, struct problems *problems)
{
	struct redis_sentinels list;
	bool given = *config->redis_sentinels;
	if (given && !redis_sentinels_parse(&list, config->redis_sentinels))
		refuse(config, "redis", "sentinels", problems,
		       "write host:port, several of them (16 at most) with commas between, such as "
		       "sentinel-1:26379,sentinel-2:26379");
	if (given && !*config->redis_sentinel_master)
		refuse(config, "redis", "sentinels", problems,
		       "name the master that they watch in redis.sentinel_master, as sentinel.conf does: sentinel "
		       "monitor NAME ...");
	if (!given && *config->redis_sentinel_master)
		refuse(config, "redis", "sentinel_master", problems,
		       "write in redis.sentinels whom to ask for it, such as sentinel-1:26379,sentinel-2:26379");
	if (*config->redis_sentinel_user && !*config->redis_sentinel_password_file)
		refuse(config, "redis", "sentinel_user", problems, "set redis.sentinel_password_file, too");
	check_one_way_to_redis(config, problems);
}

/* ---- TLS ---- */

static void check_redis_tls(const struct config *config, struct problems *problems)
{
	static const char *const names[] = { "tls_ca_file", "tls_certificate_file", "tls_key_file", "tls_server_name" };
	for (size_t i = 0; !config->redis_tls && i < sizeof(names) / sizeof(*names); i++)
		if (*text_of(config, config_key_find("redis", names[i])))
			refuse(config, "redis", names[i], problems, "set redis.tls to true, too, or remove it");
	if (config->redis_tls && *config->redis_socket)
		refuse(config, "redis", "socket", problems,
		       "Redis speaks no TLS at a socket and needs none: remove redis.tls, or name host and port");
	if (*config->redis_tls_key_file && !*config->redis_tls_certificate_file)
		refuse(config, "redis", "tls_key_file", problems, "set redis.tls_certificate_file, too");
}

void config_check(const struct config *config, struct problems *problems)
{
	static void (*const checks[])(const struct config *config, struct problems *problems) = {
		check_addresses, check_topic_names, check_topics_differ, check_order, check_sentinels, check_redis_tls,
	};
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		checks[i](config, problems);
}
