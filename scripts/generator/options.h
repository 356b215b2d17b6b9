/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. */
#pragma once
#include "source.h"

struct options {
	struct source_settings source;
	uint64_t riders, partitions; /* as given; checked copies are in source */
	uint64_t count;
	uint64_t rate;       /* events a second; 0: as fast as it goes */
	uint64_t texts;      /* print that many labelled texts instead of events */
	const char *brokers; /* NULL: print */
	const char *expect;  /* folder, NULL: none */
	const char *compression;
	const char *prefix, *topic_list;
	char topics[TOPIC_COUNT][256]; /* from the two above */
	uint64_t quiet;
};

/* Reads the arguments into options; ends the program for --help and for mistakes (exit code 2). */
void options_read(struct options *options, int argc, char **argv);
