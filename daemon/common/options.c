/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "json_file.h"
#include "versions.h"

static const struct option {
	char letter; /* NUL: none */
	const char *name;
	const char *argument;       /* NULL: takes none */
	enum options_action action; /* of an option without argument */
	const char *help;
} table[] = {
	{ 'c', "config", "FILE", 0, "configuration (JSON, comments allowed); again: the later one wins, key by key" },
	{ 'o', "override", "SECTION.KEY=VALUE", 0, "set one key, after the file; may be given again" },
	{ 'X', "property", "NAME=VALUE", 0,
	  "set one librdkafka property, as below kafka.properties; may be given again" },
	{ 't', "test", NULL, OPTIONS_TEST, "check configuration and rules without a network, and exit" },
	{ '\0', "check", NULL, OPTIONS_CHECK,
	  "the same, and ask Kafka and Redis whether they are as they should be; one line a finding" },
	{ 'T', "dump-config", NULL, OPTIONS_DUMP,
	  "print the effective configuration with each value's origin, and exit" },
	{ '\0', "describe", NULL, OPTIONS_DESCRIBE,
	  "print every configuration key with type, default and range, and exit" },
	{ 'V', "version", NULL, OPTIONS_VERSION, "print versions, libraries included, and exit" },
	{ 'h', "help", NULL, OPTIONS_HELP, "print this text, and exit" },
};
enum { OPTION_COUNT = sizeof(table) / sizeof(*table) };

static const struct options_program daemon_program = {
	.name = "riderwatchd",
	.about = "Reads rider reports and deliveries from Kafka, counts them in Redis and publishes alerts, each "
		 "exactly "
		 "once.\n",
	.checks = true,
	.signals = "TERM and INT publish and count what was read, then stop (a second one: at once); HUP loads "
		   "configuration and rules again",
};
static const struct options_program *program = &daemon_program;

static const struct {
	int code;
	const char *help;
} exits[] = {
	{ EX_OK, "stopped as told, or nothing wrong" },
	{ EX_USAGE, "wrong usage" },
	{ EX_DATAERR,
	  "Redis and the log do not fit together: nothing was counted or published; the message says what to do" },
	{ EX_UNAVAILABLE, "Kafka or Redis cannot be used as configured" },
	{ EX_NOPERM, "Kafka or Redis does not let this user in, or do what it must" },
	{ EX_SOFTWARE, "internal, or a Kafka call that never returned (watchdog): restart" },
	{ EX_OSERR, "operating system, such as a port that is taken" },
	{ EX_TEMPFAIL, "stopped before everything was applied; the next start replays it" },
	{ EX_CONFIG, "configuration or rules" },
};

/* ---- parsing ---- */

struct parser {
	int argc, next;
	char *const *argv;
	struct options *options;
};

/* --check is the daemon's alone. */
static bool is_offered(const struct option *option)
{
	return option->action != OPTIONS_CHECK || program->checks;
}

static const struct option *find_name(const char *name, size_t size)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (is_offered(&table[i]) && strlen(table[i].name) == size && memcmp(table[i].name, name, size) == 0)
			return &table[i];
	return NULL;
}

static const struct option *find_letter(char letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (letter && table[i].letter == letter)
			return &table[i];
	return NULL;
}

static int refuse(const char *format, const char *word, const char *hint)
{
	fprintf(stderr, "%s: ", program->name);
	fprintf(stderr, format, word, hint);
	fprintf(stderr, "; %s --help lists the options\n", program->name);
	return EX_USAGE;
}

static int refuse_name(const char *word, size_t size)
{
	const char *names[OPTION_COUNT];
	for (size_t i = 0; i < OPTION_COUNT; i++)
		names[i] = table[i].name;
	char *name = strndup(word + 2, size);
	const char *nearest = name ? nearest_name(name, names, OPTION_COUNT) : NULL;
	free(name);
	return nearest ? refuse("unknown option %s; did you mean --%s?", word, nearest)
		       : refuse("unknown option %s%s", word, "");
}

static void take(struct options *options, const struct option *option, const char *argument)
{
	if (!argument) {
		if (option->action > options->action)
			options->action = option->action;
	} else {
		config_sources_add(&options->sources, option->letter, argument);
	}
}

/* attached: what followed the option in the same word, NULL when nothing did. */
static int take_with_argument(struct parser *parser, const struct option *option, const char *word,
			      const char *attached)
{
	if (!option->argument && attached)
		return refuse("option --%s takes no value%s", option->name, "");
	if (option->argument && !attached) {
		if (parser->next == parser->argc)
			return refuse("option %s needs a value: %s", word, option->argument);
		attached = parser->argv[parser->next++];
	}
	take(parser->options, option, attached);
	return 0;
}

static int parse_long(struct parser *parser, const char *word)
{
	size_t size = strcspn(word + 2, "=");
	const struct option *option = find_name(word + 2, size);
	if (!option)
		return refuse_name(word, size);
	return take_with_argument(parser, option, word, word[2 + size] ? word + 3 + size : NULL);
}

/* Letters may be joined: -tT, -cFILE. */
static int parse_letters(struct parser *parser, const char *word)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option *option = find_letter(*letter);
		if (!option)
			return refuse("unknown option %s%s", word, "");
		if (option->argument)
			return take_with_argument(parser, option, word, letter[1] ? letter + 1 : NULL);
		take(parser->options, option, NULL);
	}
	return 0;
}

int options_parse(int argc, char *const argv[], struct options *options)
{
	*options = (struct options){ 0 };
	struct parser parser = { .argc = argc, .next = 1, .argv = argv, .options = options };
	int status = 0;
	while (status == 0 && parser.next < argc) {
		const char *word = argv[parser.next++];
		if (strncmp(word, "--", 2) == 0 && word[2])
			status = parse_long(&parser, word);
		else if (word[0] == '-' && word[1] && word[1] != '-')
			status = parse_letters(&parser, word);
		else
			status = refuse("\"%s\" is not an option%s", word, "");
	}
	if (status)
		options_fini(options);
	return status;
}

void options_fini(struct options *options)
{
	config_sources_fini(&options->sources);
	*options = (struct options){ 0 };
}

/* ---- texts ---- */

static void print_option(FILE *out, const struct option *option)
{
	char left[64];
	snprintf(left, sizeof(left), "%c%c%c --%s %s", option->letter ? '-' : ' ',
		 option->letter ? option->letter : ' ', option->letter ? ',' : ' ', option->name,
		 option->argument ? option->argument : "");
	fprintf(out, "  %-36s %s\n", left, option->help);
}

void options_set_program(const struct options_program *other)
{
	program = other ? other : &daemon_program;
}

static void print_examples(FILE *out)
{
	static const char *const examples[] = {
		"-c /etc/riderwatch/riderwatch.json -t",
		"-c /etc/riderwatch/riderwatch.json",
		"-c riderwatch.json -c site.json -o log.level=debug -X debug=cgrp",
		"-c riderwatch.json -T > effective.json",
	};
	fputs("\nexamples:\n", out);
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		fprintf(out, "  %s %s\n", program->name, examples[i]);
}

void options_help(FILE *out)
{
	fprintf(out,
		"usage: %s [-c FILE]... [-o SECTION.KEY=VALUE]... [-X NAME=VALUE]... [-t |%s -T | --describe | -V | "
		"-h]\n\n",
		program->name, program->checks ? " --check |" : "");
	fprintf(out, "%sStays in the foreground and logs to standard error.\n\n", program->about);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (is_offered(&table[i]))
			print_option(out, &table[i]);
	print_examples(out);
	fputs("\nenvironment: RIDERWATCH_SECTION__KEY=VALUE sets one key, as in RIDERWATCH_REDIS__PORT=6380; after the "
	      "files, "
	      "before\n-o and -X. Secrets that $CREDENTIALS_DIRECTORY holds (systemd's LoadCredential) need no "
	      "setting.\n",
	      out);
	fprintf(out, "\nsignals: %s\n\nexit codes:\n", program->signals);
	for (size_t i = 0; i < sizeof(exits) / sizeof(*exits); i++)
		fprintf(out, "  %-3d %s\n", exits[i].code, exits[i].help);
}

bool options_word_at(size_t index, struct options_word *word)
{
	if (index >= OPTION_COUNT)
		return false;
	*word = (struct options_word){ table[index].letter, table[index].name, table[index].argument,
				       table[index].help };
	return true;
}

void options_version(FILE *out)
{
	versions_print(program->name, out);
}

bool options_inform(const struct options *options, FILE *out)
{
	switch (options->action) {
	case OPTIONS_HELP:
		options_help(out);
		return true;
	case OPTIONS_VERSION:
		options_version(out);
		return true;
	case OPTIONS_DESCRIBE:
		config_describe(out);
		return true;
	case OPTIONS_RUN:
	case OPTIONS_TEST:
	case OPTIONS_CHECK:
	case OPTIONS_DUMP:
		break;
	}
	return false;
}
