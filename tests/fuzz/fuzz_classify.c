/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a description: no crash, and a verdict that keeps what verdict.h promises. */
#include <stdint.h>
#include <stdio.h>
#include "must.h"
#include "ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ruleset *ruleset_once(void)
{
	static struct ruleset *ruleset;
	struct problems problems = { 0 };

	if (!ruleset)
		ruleset = ruleset_load("pipelines/rules", &problems);
	MUST(ruleset != NULL); /* to be run in the repository root */
	return ruleset;
}

static void check(const struct ruleset *ruleset, const struct report *report)
{
	struct verdict verdict;
	struct routing routing;

	ruleset_classify(ruleset, report, &verdict);
	MUST(verdict.hazard != NULL && verdict.hazard->category == verdict.category);
	MUST((verdict.category == CATEGORY_OTHER) == (verdict.severity == SEVERITY_NONE));
	MUST((verdict.also & (1u << verdict.category | 1u << CATEGORY_OTHER)) == 0);
	MUST(verdict.category != CATEGORY_OTHER || verdict.also == 0);
	MUST(verdict.evidence_count <= EVIDENCE_MAX);
	for (size_t i = 0; i < verdict.evidence_count; i++) {
		MUST(verdict.evidence[i].from <= verdict.evidence[i].to);
		MUST(verdict.evidence[i].to <= report->description.size);
		MUST(i == 0 || verdict.evidence[i - 1].weight >= verdict.evidence[i].weight);
	}
	MUST(ruleset_points(ruleset, &verdict).points >= 0);
	ruleset_route(ruleset, verdict.category, verdict.severity, verdict.hazard, report->jurisdiction_id, &routing);
	MUST(verdict.category == CATEGORY_OTHER || (routing.count > 0 && routing.rule.size > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ruleset *ruleset = ruleset_once();
	struct report report = { .description = { (const char *)data, size } };

	check(ruleset, &report);
	/* The same bytes as two photo labels. */
	report.description = SLICE("");
	report.labels[0] = (struct slice){ (const char *)data, size / 2 };
	report.labels[1] = (struct slice){ (const char *)data + size / 2, size - size / 2 };
	report.label_count = 2;
	report.service_code = size > 0 ? (enum service_code)(data[0] % (SERVICE_OTHER + 1)) : SERVICE_NONE;
	check(ruleset, &report);
	return 0;
}
