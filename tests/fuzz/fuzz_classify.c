/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a description or as photo labels: no crash, a verdict that keeps what verdict.h promises, and the same
 * one again. */
#include "fuzz/fuzz_checks.h"
#include "fuzz/fuzz_input.h"

static void must_be_same(const struct verdict *a, const struct verdict *b)
{
	MUST(a->category == b->category && a->severity == b->severity && a->also == b->also);
	MUST(a->hazard == b->hazard && a->score == b->score && a->unsure == b->unsure);
	MUST(a->evidence_count == b->evidence_count);
	for (size_t i = 0; i < a->evidence_count; i++)
		MUST(a->evidence[i].from == b->evidence[i].from && a->evidence[i].to == b->evidence[i].to);
}

static void check(const struct report *report)
{
	const struct ruleset *ruleset = shipped_ruleset();
	struct verdict verdict, again;

	memset(&verdict, 0xaa, sizeof verdict);
	memset(&again, 0x55, sizeof again);
	ruleset_classify(ruleset, report, &verdict);
	ruleset_classify(ruleset, report, &again);
	must_be_same(&verdict, &again);
	check_verdict(ruleset, report, &verdict);
}

int FUZZ_FUNCTION(classify)(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy((struct slice){ (const char *)data, size });
	struct report report = { .description = { copy, size } };

	check(&report);
	/* The same bytes as two photo labels. */
	report.description = SLICE("");
	report.labels[0] = (struct slice){ copy, size / 2 };
	report.labels[1] = (struct slice){ copy + size / 2, size - size / 2 };
	report.label_count = 2;
	report.service_code = size > 0 ? (enum service_code)(data[0] % (SERVICE_OTHER + 1)) : SERVICE_NONE;
	check(&report);
	free(copy);
	return 0;
}
