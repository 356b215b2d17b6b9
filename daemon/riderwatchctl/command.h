/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of riderwatchctl: "riderwatchctl SUBCOMMAND [options] [operands]". One row of the table in main.c a
 * subcommand, one file each; options are spelt as riderwatchd spells them. */
#pragma once
#include <stdio.h>
#include "config.h"
#include "must.h"
#include "verdict.h"

#define COMMAND_OPTIONS_MAX 12

struct command_option {
	char letter; /* NUL: none */
	const char *name;
	const char *argument; /* NULL: a flag */
	const char *help;
};

struct command_exit {
	int code;
	const char *help;
};

struct command_line;

struct command {
	const char *name;
	const char *operands; /* as in the usage line, "ID"; "" for none */
	size_t operands_min, operands_max;
	const char *summary;                  /* one line, for the list of subcommands */
	const char *details;                  /* paragraphs and examples for --help */
	const struct command_option *options; /* its own, ended by a row without name; NULL: none */
	const struct command_exit *exits;     /* besides 0, 64 and 78, ended by a row without help; NULL: none */
	/* Returns the exit code. The configuration was loaded and checked. */
	int (*run)(const struct command_line *line, const struct config *config);
};

/* What was given. Texts are argv's own. */
struct command_line {
	const struct command *command;
	bool help;
	struct config_sources sources;
	const char *values[COMMAND_OPTIONS_MAX]; /* by row of command->options: NULL not given, "" a flag that was */
	const char *const *operands;
	size_t operand_count;
};

/* argv[0] is the subcommand's name. Returns 0, or EX_USAGE after a message on standard error; command_line_fini in both
 * cases. */
int command_parse(const struct command *command, int argc, char *const argv[], struct command_line *line);
void command_line_fini(struct command_line *line);
void command_help(const struct command *command, FILE *out);
/* By number from 0: those that all commands share, then the command's own; NULL behind the last. */
const struct command_option *command_option_at(const struct command *command, size_t index);
/* Value of the command's own option of that name; NULL when it was not given. An unknown name is a bug. */
const char *command_value(const struct command_line *line, const char *name);

/* Says what is wrong on standard error, as "riderwatchctl NAME: ...", and returns code. */
int command_fail(const struct command_line *line, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Option "severity", in any case; *severity stays when it was not given. EX_OK, or EX_USAGE after command_fail(). */
MUST_CHECK int command_severity(const struct command_line *line, enum severity *severity);
/* Option "limit", a number above 0; *limit is 0 when it was not given. EX_OK, or EX_USAGE after command_fail(). */
MUST_CHECK int command_limit(const struct command_line *line, long *limit);
/* The rule set of rules.folder with one reference, or NULL after every problem was printed (then exit with EX_CONFIG).
 */
struct ruleset *command_ruleset(const struct command_line *line, const struct config *config);
/* Prints every problem and frees the list. Returns EX_CONFIG. */
int command_refuse(const struct command_line *line, struct problems *problems, const char *what);
/* The same, of the folder that the command's option "rules" names, if it was given. */
struct ruleset *command_rules(const struct command_line *line, const struct config *config);
