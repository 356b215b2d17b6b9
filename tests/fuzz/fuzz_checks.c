/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/fuzz_checks.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

bool is_utf8(struct slice text)
{
	json_t *string = json_stringn(text.data ? text.data : "", text.size);
	json_decref(string);
	return string != NULL;
}

void check_problems(const struct problems *problems, const char *const *prefixes, size_t prefix_count)
{
	for (size_t i = 0; i < problems->count; i++) {
		const char *text = problems->texts[i];
		bool named = false;
		for (size_t j = 0; j < prefix_count; j++)
			named |= strncmp(text, prefixes[j], strlen(prefixes[j])) == 0;
		if (!named)
			fprintf(stderr, "names no place: %s\n", text);
		MUST(named);
		for (; *text; text++)
			MUST((unsigned char)*text >= ' ' && *text != 0x7f);
	}
}

json_t *check_json(struct slice text)
{
	json_error_t error;
	json_t *value = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	if (!value)
		fprintf(stderr, "%s at %d: %.*s\n", error.text, error.position, (int)text.size, text.data);
	MUST(value && json_is_object(value));
	return value;
}

static bool on_border(struct slice text, size_t at)
{
	return at == text.size || ((unsigned char)text.data[at] & 0xc0) != 0x80;
}

static void check_evidence(const struct report *report, const struct verdict *verdict, size_t i)
{
	const struct evidence *evidence = &verdict->evidence[i];
	MUST(evidence->rule.size > 0);
	MUST(evidence->from <= evidence->to && evidence->to <= report->description.size);
	/* Largest first; what is left of the score stands last. */
	if (slice_equal(evidence->rule, SLICE("rest")))
		MUST(i == verdict->evidence_count - 1);
	else
		MUST(i == 0 || verdict->evidence[i - 1].weight >= evidence->weight);
	if (is_utf8(report->description))
		MUST(on_border(report->description, evidence->from) && on_border(report->description, evidence->to));
}

void check_verdict(const struct ruleset *ruleset, const struct report *report, const struct verdict *verdict)
{
	struct routing routing;

	MUST(verdict->hazard != NULL && verdict->hazard->category == verdict->category);
	MUST((verdict->category == CATEGORY_OTHER) == (verdict->severity == SEVERITY_NONE));
	MUST((verdict->also & (1u << verdict->category | 1u << CATEGORY_OTHER)) == 0);
	MUST(verdict->category != CATEGORY_OTHER || verdict->also == 0);
	MUST(verdict->evidence_count <= EVIDENCE_MAX);
	int32_t sum = 0;
	for (size_t i = 0; i < verdict->evidence_count; i++) {
		check_evidence(report, verdict, i);
		sum += verdict->evidence[i].weight;
	}
	MUST(sum == verdict->score);
	MUST(ruleset_points(ruleset, verdict).points >= 0);
	MUST(ruleset_points(ruleset, verdict).points <= ruleset_points_limits(ruleset).points_per_report_max);
	if (verdict->category == CATEGORY_OTHER)
		return;
	ruleset_route(ruleset, verdict->category, verdict->severity, verdict->hazard, report->jurisdiction_id, &routing);
	MUST(routing.rule.size > 0 && routing.count > 0 && routing.count <= ROUTES_MAX);
	for (size_t i = 0; i < routing.count; i++)
		MUST(routing.routes[i].agency.size > 0 && routing.routes[i].role.size > 0);
}

struct ruleset *shipped_ruleset(void)
{
	static struct ruleset *ruleset;
	struct problems problems = { 0 };

	if (!ruleset)
		ruleset = ruleset_load("pipelines/rules", &problems);
	MUST(ruleset != NULL); /* to be run in the repository root */
	return ruleset;
}

/* ---- RESP ---- */

int64_t check_integer(struct slice text)
{
	char copy[24], again[24];

	MUST(text.size > 0 && text.size < sizeof copy);
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	long long number = strtoll(copy, NULL, 10);
	snprintf(again, sizeof again, "%lld", number);
	MUST(strcmp(copy, again) == 0);
	return number;
}

/* "*12\r\n" */
static size_t take_count(struct slice *rest, char kind)
{
	MUST(rest->size >= 4 && rest->data[0] == kind);
	const char *end = memchr(rest->data, '\r', rest->size);
	MUST(end && end + 1 < rest->data + rest->size && end[1] == '\n');
	int64_t count = check_integer((struct slice){ rest->data + 1, (size_t)(end - rest->data - 1) });
	MUST(count >= 0);
	*rest = (struct slice){ end + 2, rest->size - (size_t)(end + 2 - rest->data) };
	return (size_t)count;
}

struct resp check_resp(struct slice bytes)
{
	struct resp resp = { .count = take_count(&bytes, '*') };

	MUST(resp.count <= bytes.size);
	resp.arguments = calloc(resp.count + 1, sizeof *resp.arguments);
	MUST(resp.arguments);
	for (size_t i = 0; i < resp.count; i++) {
		size_t size = take_count(&bytes, '$');
		MUST(bytes.size >= size + 2 && memcmp(bytes.data + size, "\r\n", 2) == 0);
		resp.arguments[i] = (struct slice){ bytes.data, size };
		bytes = (struct slice){ bytes.data + size + 2, bytes.size - size - 2 };
	}
	MUST(bytes.size == 0);
	return resp;
}
