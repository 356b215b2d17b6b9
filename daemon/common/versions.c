/* SPDX-License-Identifier: Apache-2.0 */
#include "versions.h"
#include <stdio.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <openssl/crypto.h>

#define TEXT_OF(number) #number
#define DOTTED(a, b, c) TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)

static const char *openssl_running(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}

const struct version versions[] = {
	{ "riderwatchd", RIDERWATCH_VERSION, 0, NULL },
	{ "librdkafka", NULL, RD_KAFKA_VERSION, rd_kafka_version_str },
	{ "hiredis", DOTTED(HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH), 0, NULL },
	{ "libevent", LIBEVENT_VERSION, 0, event_get_version },
	{ "jansson", JANSSON_VERSION, 0, jansson_version_str },
	{ "openssl", OPENSSL_VERSION_STR, 0, openssl_running },
};
const size_t version_count = sizeof(versions) / sizeof(*versions);

const char *version_built(const struct version *version, char text[16])
{
	if (version->built)
		return version->built;
	unsigned number = version->number;
	snprintf(text, 16, "%u.%u.%u", number >> 24 & 0xff, number >> 16 & 0xff, number >> 8 & 0xff);
	return text;
}

const char *version_running(const struct version *version)
{
	return version->running ? version->running() : version->built;
}

void versions_print(const char *program, FILE *out)
{
	char built[16];
	fprintf(out, "%s %s\n", program, versions[0].built);
	for (size_t i = 1; i < version_count; i++)
		fprintf(out, "%-10s built with %s, running %s\n", versions[i].name, version_built(&versions[i], built),
			version_running(&versions[i]));
}
