/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of the daemon and of the libraries that it stands on. */
#pragma once
#include <stddef.h>
#include <stdio.h>

struct version {
	const char *name;
	const char *built;            /* with these headers; NULL: see number */
	unsigned number;              /* librdkafka tells only 0xMMmmrrff */
	const char *(*running)(void); /* NULL: the library does not tell */
};

/* The daemon itself comes first. */
extern const struct version versions[];
extern const size_t version_count;
/* Text in the caller's buffer, or static text. */
const char *version_built(const struct version *version, char text[16]);
const char *version_running(const struct version *version);
/* The program and its libraries, as built and as running. */
void versions_print(const char *program, FILE *out);
