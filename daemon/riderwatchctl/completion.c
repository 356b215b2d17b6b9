/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl completion: what a shell has to know, from the tables that the programs parse with. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "options.h"

/* ---- words of the tables ---- */

/* Each option of a subcommand, or of a daemon (command NULL). */
typedef void option_f(const struct command_option *option);

static void each_option(const struct command *command, option_f *on_option)
{
	struct options_word word;

	if (command)
		for (size_t i = 0; command_option_at(command, i); i++)
			on_option(command_option_at(command, i));
	for (size_t i = 0; !command && options_word_at(i, &word); i++)
		on_option(&(struct command_option){ word.letter, word.name, word.argument, word.help });
}

/* "list|replay" of "list|replay [OPERANDS]": words that an operand can be; "" when it can be anything. */
static void operand_words(const struct command *command, char words[128])
{
	snprintf(words, 128, "%.*s", (int)strcspn(command->operands, " "), command->operands);
	if (!strchr(words, '|'))
		words[0] = '\0';
	for (char *bar; (bar = strchr(words, '|'));)
		*bar = ' ';
}

static bool is_file(const char *argument)
{
	return argument && (strcmp(argument, "FILE") == 0 || strcmp(argument, "FOLDER") == 0);
}

static bool is_key(const char *argument)
{
	return argument && strcmp(argument, "SECTION.KEY=VALUE") == 0;
}

static void print_keys(void)
{
	char name[128];
	for (size_t i = 0; config_name_at(i, name, sizeof(name)); i++)
		printf("%s%s=", i ? " " : "", name);
}

/* ---- bash ---- */

static void print_bash_option(const struct command_option *option)
{
	if (option->letter)
		printf(" -%c", option->letter);
	printf(" --%s", option->name);
}

static void print_bash_case(const char *name, const struct command *command)
{
	char words[128] = "";

	if (command)
		operand_words(command, words);
	printf("\t%s) words=\"%s", name, words);
	each_option(command, print_bash_option);
	fputs("\" ;;\n", stdout);
}

static void print_bash(void)
{
	fputs("# bash completion of riderwatchctl, riderwatchd and riderwatch-board: written by riderwatchctl "
	      "completion "
	      "bash\n_riderwatch() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words "
	      "name=${1##*/}\n\tif [ \"$name\" = riderwatchctl ]; then\n\t\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	      "\t\t\tCOMPREPLY=($(compgen -W \"",
	      stdout);
	for (size_t i = 0; i < command_count; i++)
		printf("%s ", commands[i]->name);
	fputs("--help --version\" -- \"$word\"))\n\t\t\treturn\n\t\tfi\n\t\tname=${COMP_WORDS[1]}\n\tfi\n"
	      "\tcase $before in\n\t-c|--config|--rules) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
	      "\t-o|--override) compopt -o nospace; COMPREPLY=($(compgen -W \"",
	      stdout);
	print_keys();
	fputs("\" -- \"$word\")); return ;;\n\tesac\n\tcase $name in\n", stdout);
	for (size_t i = 0; i < command_count; i++)
		print_bash_case(commands[i]->name, commands[i]);
	print_bash_case("riderwatchd|riderwatch-board", NULL);
	fputs("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	      "\t[ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\"))\n}\n"
	      "complete -o filenames -F _riderwatch riderwatchctl riderwatchd riderwatch-board\n",
	      stdout);
}

/* ---- zsh ---- */

/* Between single quotes, inside of brackets and behind colons. */
static void print_zsh_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			printf("%s%c", strchr("[]:\\", *text) ? "\\" : "", *text);
	}
}

static void print_zsh_option(const struct command_option *option)
{
	const char *what = is_file(option->argument)  ? ":file:_files"
			   : is_key(option->argument) ? ":setting:_riderwatch_settings"
			   : option->argument         ? ":value: "
						      : "";

	fputs(" \\\n\t\t\t", stdout);
	if (option->letter)
		printf("'*'{-%c,--%s}'[", option->letter, option->name);
	else
		printf("'--%s[", option->name);
	print_zsh_text(option->help);
	printf("]%s'", what);
}

static void print_zsh_case(const char *name, const struct command *command)
{
	char words[128] = "";

	if (command)
		operand_words(command, words);
	printf("\t%s) _arguments -s", name);
	each_option(command, print_zsh_option);
	if (words[0])
		printf(" \\\n\t\t\t'1:action:(%s)'", words);
	fputs(" \\\n\t\t\t'*:file:_files' ;;\n", stdout);
}

static void print_zsh(void)
{
	fputs("#compdef riderwatchctl riderwatchd riderwatch-board\n# zsh completion: written by riderwatchctl "
	      "completion "
	      "zsh\n_riderwatch_settings() {\n\tlocal -a settings=(",
	      stdout);
	print_keys();
	fputs(")\n\tcompadd -S '' -a settings\n}\n_riderwatch() {\n\tlocal name=$service\n\tlocal -a subcommands=(\n",
	      stdout);
	for (size_t i = 0; i < command_count; i++) {
		printf("\t\t'%s:", commands[i]->name);
		print_zsh_text(commands[i]->summary);
		fputs("'\n", stdout);
	}
	fputs("\t)\n\tif [[ $service = riderwatchctl ]]; then\n\t\tif (( CURRENT == 2 )); then\n"
	      "\t\t\t_describe subcommand subcommands\n\t\t\treturn\n\t\tfi\n\t\tname=$words[2]\n\t\tshift words\n"
	      "\t\t(( CURRENT-- ))\n\tfi\n\tcase $name in\n",
	      stdout);
	for (size_t i = 0; i < command_count; i++)
		print_zsh_case(commands[i]->name, commands[i]);
	print_zsh_case("riderwatchd|riderwatch-board", NULL);
	fputs("\tesac\n}\n_riderwatch \"$@\"\n", stdout);
}

/* ---- the command ---- */

static const struct {
	const char *name;
	void (*print)(void);
} shells[] = { { "bash", print_bash }, { "zsh", print_zsh } };

static int run(const struct command_line *line, const struct config *config)
{
	(void)config;
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(shells[i].name, line->operands[0]) == 0) {
			shells[i].print();
			return EX_OK;
		}
	}
	return command_fail(line, EX_USAGE, "unknown shell %s: bash or zsh", line->operands[0]);
}

const struct command command_completion = {
	.name = "completion",
	.operands = "bash|zsh",
	.operands_min = 1,
	.operands_max = 1,
	.summary = "what bash or zsh needs to complete subcommands, options and settings",
	.details = "Also of riderwatchd and riderwatch-board.\n\n"
		   "  riderwatchctl completion bash > /usr/share/bash-completion/completions/riderwatchctl\n"
		   "  riderwatchctl completion zsh > /usr/share/zsh/vendor-completions/_riderwatchctl",
	.run = run,
};
