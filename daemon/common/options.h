/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of a program that runs until it is told to stop. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "config.h"

enum options_action {
	OPTIONS_RUN,
	OPTIONS_TEST,     /* check configuration and rules, say so, exit */
	OPTIONS_CHECK,    /* the same, and whether Kafka and Redis are as they should be */
	OPTIONS_DUMP,     /* config_dump on standard output, exit */
	OPTIONS_DESCRIBE, /* config_describe on standard output, exit */
	OPTIONS_VERSION,  /* options_version on standard output, exit */
	OPTIONS_HELP,     /* options_help on standard output, exit */
};

struct options {
	enum options_action action;
	struct config_sources sources;
};

/* What the texts say of the program; riderwatchd (NULL) unless another one says so first. */
struct options_program {
	const char *name, *about, *signals;
	bool checks; /* has --check */
};
void options_set_program(const struct options_program *program);
/* Returns 0, or EX_USAGE (64) after a message on standard error. Texts in options are argv's own; sources are freed by
 * options_fini. When several actions are asked for, help comes before version before describe before dump before check
 * before test.
 */
int options_parse(int argc, char *const argv[], struct options *options);
void options_fini(struct options *options);
void options_help(FILE *out);
/* By number from 0, for completion; false behind the last. */
struct options_word {
	char letter;                        /* NUL: none */
	const char *name, *argument, *help; /* argument NULL: takes none */
};
bool options_word_at(size_t index, struct options_word *word);
/* Daemon and libraries, as built and as running. */
void options_version(FILE *out);
/* Prints what help, version or describe ask for. False: something else was asked for, and nothing is printed. */
bool options_inform(const struct options *options, FILE *out);
