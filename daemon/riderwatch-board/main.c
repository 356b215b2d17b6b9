/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"
#include "board.h"
#include "kafka_conf.h"
#include "log.h"
#include "options.h"

#include <sysexits.h>

static const struct options_program program = {
	.name = "riderwatch-board",
	.about = "Shows alerts to people on call as they come: a page and a JSON API on board.listen. Reads Kafka and "
		 "Redis,\n"
		 "changes nothing in either, and is not in the way of riderwatchd.\n",
	.signals = "TERM and INT stop it; HUP reads the caps of points.json again",
};

static int refuse(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		fprintf(stderr, "%s\n", problems->texts[i]);
	fprintf(stderr, "riderwatch-board: configuration refused: %zu problem%s, see above\n", problems->count,
		problems->count == 1 ? "" : "s");
	problems_fini(problems);
	return EX_CONFIG;
}

static int test(const struct config *config)
{
	char error[512];
	struct access *access = access_new(config, ACCESS_BOARD, error, sizeof error);
	puts(access ? "configuration is fine" : error);
	int status = access ? EX_OK : EX_CONFIG;
	access_free(&access);
	return status;
}

static int run_with(const struct options *options, const struct config *config)
{
	enum log_level level;
	enum log_format format;
	if (options->action == OPTIONS_DUMP) {
		config_dump(config, stdout);
		return EX_OK;
	}
	/* Both were checked with the configuration. */
	MUST(log_level_parse(config->log_level, &level) == 0 && log_format_parse(config->log_format, &format) == 0);
	log_init(level, format, program.name);
	return options->action == OPTIONS_TEST ? test(config) : board_run(config);
}

static int run(const struct options *options)
{
	struct problems problems = { 0 };
	struct config *config = config_load(&options->sources, &problems);
	if (config)
		kafka_conf_check(config, &problems);
	if (problems.count) {
		config_free(&config);
		return refuse(&problems);
	}
	int status = run_with(options, config);
	config_free(&config);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	options_set_program(&program);
	int status = options_parse(argc, argv, &options);
	if (status)
		return status;
	if (!options_inform(&options, stdout))
		status = run(&options);
	options_fini(&options);
	return status;
}
