/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include "alloc.h"
#include "must.h"
#include "ruleset.h"

/* Every subcommand has these. */
static const struct command_option shared[] = {
	{ 'c', "config", "FILE", "configuration of the daemon (JSON); may be given again; without it: defaults" },
	{ 'o', "override", "SECTION.KEY=VALUE", "set one key, after the file; may be given again" },
	{ 'X', "property", "NAME=VALUE", "set one librdkafka property; may be given again" },
	{ 'h', "help", NULL, "print this text, and exit" },
};
enum { SHARED_COUNT = sizeof(shared) / sizeof(*shared), NAMES_MAX = SHARED_COUNT + COMMAND_OPTIONS_MAX };

static const struct command_exit shared_exits[] = {
	{ EX_OK, "done" },
	{ EX_USAGE, "wrong usage" },
	{ EX_CONFIG, "configuration or rules" },
};

int command_fail(const struct command_line *line, int code, const char *format, ...)
{
	va_list arguments;
	fprintf(stderr, "riderwatchctl %s: ", line->command->name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return code;
}

int command_severity(const struct command_line *line, enum severity *severity)
{
	const char *text = command_value(line, "severity");

	for (int i = SEVERITY_MINOR; text && i < SEVERITY_COUNT; i++) {
		if (strcasecmp(text, severity_name((enum severity)i)) == 0) {
			*severity = (enum severity)i;
			return EX_OK;
		}
	}
	return text ? command_fail(line, EX_USAGE, "--severity %s: must be Minor, Moderate, Severe or Extreme", text)
		    : EX_OK;
}

int command_limit(const struct command_line *line, long *limit)
{
	const char *text = command_value(line, "limit");

	*limit = text ? atol(text) : 0;
	return text && *limit <= 0 ? command_fail(line, EX_USAGE, "--limit %s: must be a number above 0", text) : EX_OK;
}

/* ---- parsing ---- */

struct parser {
	int argc, next;
	char *const *argv;
	struct command_line *line;
};

static size_t own_count(const struct command *command)
{
	size_t count = 0;
	while (command->options && command->options[count].name)
		count++;
	MUST(count <= COMMAND_OPTIONS_MAX);
	return count;
}

const struct command_option *command_option_at(const struct command *command, size_t index)
{
	if (index < SHARED_COUNT)
		return &shared[index];
	return index < SHARED_COUNT + own_count(command) ? &command->options[index - SHARED_COUNT] : NULL;
}

static const struct command_option *find_name(const struct command *command, const char *name, size_t size)
{
	const struct command_option *option;
	for (size_t i = 0; (option = command_option_at(command, i)); i++)
		if (strlen(option->name) == size && memcmp(option->name, name, size) == 0)
			return option;
	return NULL;
}

static const struct command_option *find_letter(const struct command *command, char letter)
{
	const struct command_option *option;
	for (size_t i = 0; (option = command_option_at(command, i)); i++)
		if (option->letter == letter)
			return option;
	return NULL;
}

static int refuse_usage(const struct parser *parser, const char *what, const char *word, const char *hint)
{
	const char *name = parser->line->command->name;
	return command_fail(parser->line, EX_USAGE, "%s %s%s%s; riderwatchctl %s --help lists the options", what, word,
			    hint ? ": did you mean --" : "", hint ? hint : "", name);
}

static int refuse_unknown(const struct parser *parser, const char *word)
{
	const char *names[NAMES_MAX];
	size_t count = 0;
	for (const struct command_option *option; (option = command_option_at(parser->line->command, count)); count++)
		names[count] = option->name;
	const char *plain = word + strspn(word, "-");
	return refuse_usage(parser, "unknown option", word, word[1] == '-' ? nearest_name(plain, names, count) : NULL);
}

static void append(const char *const **list, size_t *count, const char *text)
{
	const char **grown = alloc_resize((void *)*list, (*count + 1) * sizeof(*grown));
	grown[(*count)++] = text;
	*list = grown;
}

static void take(struct command_line *line, const struct command_option *option, const char *value)
{
	if (option < shared || option >= shared + SHARED_COUNT)
		line->values[option - line->command->options] = value ? value : "";
	else if (option->argument)
		config_sources_add(&line->sources, option->letter, value);
	else
		line->help = true;
}

/* attached: what followed the option in the same word, NULL when nothing did. */
static int take_option(struct parser *parser, const struct command_option *option, const char *word,
		       const char *attached)
{
	if (!option->argument && attached)
		return refuse_usage(parser, "this option takes no value:", word, NULL);
	if (option->argument && !attached) {
		if (parser->next == parser->argc)
			return refuse_usage(parser, "this option needs a value:", word, NULL);
		attached = parser->argv[parser->next++];
	}
	take(parser->line, option, attached);
	return 0;
}

static int parse_long(struct parser *parser, const char *word)
{
	size_t size = strcspn(word + 2, "=");
	const struct command_option *option = find_name(parser->line->command, word + 2, size);
	if (!option)
		return refuse_unknown(parser, word);
	return take_option(parser, option, word, word[2 + size] ? word + 3 + size : NULL);
}

/* Letters may be joined: -vcFILE. */
static int parse_letters(struct parser *parser, const char *word)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct command_option *option = find_letter(parser->line->command, *letter);
		if (!option)
			return refuse_unknown(parser, word);
		if (option->argument)
			return take_option(parser, option, word, letter[1] ? letter + 1 : NULL);
		take(parser->line, option, NULL);
	}
	return 0;
}

static int parse_word(struct parser *parser, const char *word, bool *only_operands)
{
	if (!*only_operands && strcmp(word, "--") == 0) {
		*only_operands = true;
		return 0;
	}
	if (!*only_operands && strncmp(word, "--", 2) == 0)
		return parse_long(parser, word);
	if (!*only_operands && word[0] == '-' && word[1])
		return parse_letters(parser, word);
	append(&parser->line->operands, &parser->line->operand_count, word);
	return 0;
}

static int check_operands(const struct parser *parser)
{
	const struct command_line *line = parser->line;
	const struct command *command = line->command;
	if (line->help)
		return 0;
	if (line->operand_count < command->operands_min)
		return refuse_usage(parser, "missing operand:", command->operands, NULL);
	if (line->operand_count > command->operands_max)
		return refuse_usage(parser, "unexpected word:", line->operands[command->operands_max], NULL);
	return 0;
}

int command_parse(const struct command *command, int argc, char *const argv[], struct command_line *line)
{
	*line = (struct command_line){ .command = command };
	struct parser parser = { .argc = argc, .next = 1, .argv = argv, .line = line };
	bool only_operands = false;
	int status = 0;
	while (status == 0 && parser.next < argc)
		status = parse_word(&parser, argv[parser.next++], &only_operands);
	return status ? status : check_operands(&parser);
}

void command_line_fini(struct command_line *line)
{
	config_sources_fini(&line->sources);
	free((void *)line->operands);
	*line = (struct command_line){ 0 };
}

const char *command_value(const struct command_line *line, const char *name)
{
	const struct command_option *option = find_name(line->command, name, strlen(name));
	MUST(option && line->command->options && option >= line->command->options &&
	     option < line->command->options + COMMAND_OPTIONS_MAX);
	return line->values[option - line->command->options];
}

/* ---- texts ---- */

static void print_option(FILE *out, const struct command_option *option)
{
	char left[64], short_form[4] = "    ";
	if (option->letter)
		snprintf(short_form, sizeof(short_form), "-%c,", option->letter);
	snprintf(left, sizeof(left), "%-3s --%s %s", option->letter ? short_form : "", option->name,
		 option->argument ? option->argument : "");
	fprintf(out, "  %-36s %s\n", left, option->help);
}

void command_help(const struct command *command, FILE *out)
{
	fprintf(out, "usage: riderwatchctl %s [options]%s%s\n\n%s\n\n", command->name, *command->operands ? " " : "",
		command->operands, command->details ? command->details : command->summary);
	for (size_t i = 0, count = own_count(command); i < count; i++)
		print_option(out, &command->options[i]);
	for (size_t i = 0; i < SHARED_COUNT; i++)
		print_option(out, &shared[i]);
	fputs("\nexit codes:\n", out);
	for (size_t i = 0; i < sizeof(shared_exits) / sizeof(*shared_exits); i++)
		fprintf(out, "  %-3d %s\n", shared_exits[i].code, shared_exits[i].help);
	for (const struct command_exit *row = command->exits; row && row->help; row++)
		fprintf(out, "  %-3d %s\n", row->code, row->help);
}

/* ---- what commands need ---- */

int command_refuse(const struct command_line *line, struct problems *problems, const char *what)
{
	for (size_t i = 0; i < problems->count; i++)
		fprintf(stderr, "%s\n", problems->texts[i]);
	command_fail(line, EX_CONFIG, "%s refused: %zu problem%s, see above", what, problems->count,
		     problems->count == 1 ? "" : "s");
	problems_fini(problems);
	return EX_CONFIG;
}

static struct ruleset *load_rules(const struct command_line *line, const char *folder)
{
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load(folder, &problems);
	if (!ruleset)
		command_refuse(line, &problems, "rules");
	return ruleset;
}

struct ruleset *command_ruleset(const struct command_line *line, const struct config *config)
{
	return load_rules(line, config->rules_folder);
}

struct ruleset *command_rules(const struct command_line *line, const struct config *config)
{
	const char *folder = command_value(line, "rules");
	return load_rules(line, folder ? folder : config->rules_folder);
}
