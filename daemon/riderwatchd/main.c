/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "config.h"
#include "crash.h"
#include "kafka_conf.h"
#include "lifecycle.h"
#include "log.h"
#include "options.h"
#include "ruleset.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

static int refuse(struct problems *problems, const char *what)
{
	for (size_t i = 0; i < problems->count; i++)
		fprintf(stderr, "%s\n", problems->texts[i]);
	fprintf(stderr, "riderwatchd: %s refused: %zu problem%s, see above\n", what, problems->count,
		problems->count == 1 ? "" : "s");
	problems_fini(problems);
	return EX_CONFIG;
}

static void start_log(const struct config *config)
{
	log_init(LOG_INFO, LOG_TEXT, "riderwatchd");
	log_configure(config->log_level, config->log_format);
	crash_init();
}

static int test(const struct config *config, const struct ruleset *ruleset)
{
	printf("configuration and rules are fine (rule set %.16s from %s)\n", ruleset_id(ruleset).data,
	       config->rules_folder);
	return EX_OK;
}

/* With the configuration loaded: the rules belong to what is tested, not to what is dumped. */
static int run_with(const struct options *options, struct config *config)
{
	if (options->action == OPTIONS_DUMP) {
		config_dump(config, stdout);
		return EX_OK;
	}
	struct problems problems = { 0 };
	struct ruleset *ruleset = ruleset_load(config->rules_folder, &problems);
	if (!ruleset)
		return refuse(&problems, "rules");
	start_log(config);
	int status = options->action == OPTIONS_TEST    ? test(config, ruleset)
		     : options->action == OPTIONS_CHECK ? check_run(config, ruleset, stdout)
							: lifecycle_run(config, &options->sources, ruleset);
	ruleset_unref(&ruleset);
	return status;
}

static int run(const struct options *options)
{
	struct problems problems = { 0 };
	struct config *config = config_load_checked(&options->sources, &problems);
	if (!config)
		return refuse(&problems, "configuration");
	int status = run_with(options, config);
	config_free(&config);
	return status;
}

/* What librdkafka's threads allocate is freed by the loop. Arenas of their own would only keep what lies free in one
 * from the others: with one for all the peak of a catch-up is a fifth lower, and no slower. */
static void share_memory(void)
{
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, 1);
#endif
}

int main(int argc, char **argv)
{
	struct options options;

	share_memory();
	/* Until the loop listens for it: what it asks for, to read the files again, is about to be done. */
	signal(SIGHUP, SIG_IGN);
	int status = options_parse(argc, argv, &options);
	if (status)
		return status;
	if (!options_inform(&options, stdout))
		status = run(&options);
	options_fini(&options);
	return status;
}
