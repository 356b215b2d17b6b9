/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "kafka_conf.h"
#include "log.h"
#include "must.h"
#include "versions.h"

#include <string.h>
#include <sysexits.h>

static void print_usage(FILE *out)
{
	fputs("usage: riderwatchctl SUBCOMMAND [options] [operands]\n\n"
	      "Looks at what riderwatchd did, and at what its rules make of events. Only dlq replay changes "
	      "something.\n\n",
	      out);
	for (size_t i = 0; i < command_count; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nriderwatchctl SUBCOMMAND --help says more; riderwatchctl --version prints versions.\n"
	      "Every subcommand takes the daemon's configuration: -c FILE, -o SECTION.KEY=VALUE.\n",
	      out);
}

static int refuse(const char *word)
{
	const char *names[32];
	MUST(command_count <= sizeof(names) / sizeof(*names));
	for (size_t i = 0; i < command_count; i++)
		names[i] = commands[i]->name;
	const char *nearest = nearest_name(word, names, command_count);
	fprintf(stderr, "riderwatchctl: unknown subcommand %s%s%s; riderwatchctl --help lists them\n", word,
		nearest ? ": did you mean " : "", nearest ? nearest : "");
	return EX_USAGE;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int run(const struct command_line *line)
{
	struct problems problems = { 0 };
	struct config *config = config_load(&line->sources, &problems);
	if (config)
		kafka_conf_check(config, &problems);
	if (problems.count) {
		config_free(&config);
		return command_refuse(line, &problems, "configuration");
	}
	/* A person looks on: what the libraries merely remark is left out. */
	log_init(LOG_WARNING, LOG_TEXT, "riderwatchctl");
	int status = line->command->run(line, config);
	config_free(&config);
	return status;
}

static int dispatch(const struct command *command, int argc, char **argv)
{
	struct command_line line;
	int status = command_parse(command, argc, argv, &line);
	if (status == 0 && line.help)
		command_help(command, stdout);
	else if (status == 0)
		status = run(&line);
	command_line_fini(&line);
	return status;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "--help";
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
		print_usage(argc > 1 ? stdout : stderr);
		return argc > 1 ? EX_OK : EX_USAGE;
	}
	if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) {
		versions_print("riderwatchctl", stdout);
		return EX_OK;
	}
	const struct command *command = find(word);
	return command ? dispatch(command, argc - 1, argv + 1) : refuse(word);
}
