/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include <stdio.h>
#include <sysexits.h>

int rules_check(const struct command_line *line, const struct config *config)
{
	const char *folder = command_value(line, "rules") ?: config->rules_folder;
	struct ruleset *ruleset = command_rules(line, config);
	struct problems remarks = { 0 };

	if (!ruleset)
		return EX_CONFIG;
	ruleset_lint(ruleset, folder, &remarks);
	for (size_t i = 0; i < remarks.count; i++)
		printf("%s\n", remarks.texts[i]);
	printf("rule set %.16s loads; %zu remark%s\n", ruleset_id(ruleset).data, remarks.count,
	       remarks.count == 1 ? "" : "s");
	int status = remarks.count && command_value(line, "strict") ? 1 : EX_OK;
	problems_fini(&remarks);
	ruleset_unref(&ruleset);
	return status;
}
