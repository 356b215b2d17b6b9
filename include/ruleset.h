/* SPDX-License-Identifier: Apache-2.0 */
/* The rules as data: loaded from a folder of JSON files, immutable, shared by reference count, swapped on reload. */
#pragma once
#include "json_file.h"
#include "rider_event.h"
#include "verdict.h"

#define ROUTE_TOPICS_MAX 64
#define ROUTES_MAX 4

struct hazard {
	struct slice code;         /* "fire.lane_blocked" */
	enum category category;
	enum severity severity;    /* default severity */
	struct slice cap_category; /* CAP: Fire, Health, Safety, Rescue, Transport, Infra, Security */
	struct slice event;        /* short headline kind, Chinese */
	struct slice urgency;      /* CAP: Immediate, Expected, Future */
};

/* One agency to tell: "role" is primary or copy. topic absent = the category's default topic. */
struct route {
	struct slice agency, role, topic;
};

/* Whom to tell, how soon they are to act, and which rows of routes.json said so. */
struct routing {
	struct route routes[ROUTES_MAX];
	size_t count;
	struct slice rule;                             /* "routes#7": the seventh row */
	struct slice acknowledge_within, check_within; /* "15 min", "3 workdays"; absent: no limit */
	struct slice response_rule;                    /* "response#2"; absent: no row matches */
};

struct points {
	int64_t points; /* at stake when created, 0 .. points_per_report_max */
	int64_t score;  /* added when upheld */
};

struct points_limits {
	int64_t points_per_report_max, paid_reports_per_day, points_per_day;
	int64_t charity_score;  /* added by a charity delivery */
	int64_t fraud_score;    /* negative: added by a review that says fraud */
};

struct ruleset;

/* Reads hazards, phrases, scopes, routes, points (.json), weights and reviews (.tsv) below folder. Returns a rule set with one reference, or NULL
 * with every problem (file:line) added to problems. Any thread may load. */
struct ruleset *ruleset_load(const char *folder, struct problems *problems);
/* Remarks "file:line: ..." on a folder that loaded as this rule set: words that can never add anything, concepts that no rule
 * names, rules whose weight and training contradict each other. */
void ruleset_lint(const struct ruleset *ruleset, const char *folder, struct problems *remarks);
struct ruleset *ruleset_ref(struct ruleset *ruleset);
/* Drops the caller's reference and nulls it; NULL is accepted. */
void ruleset_unref(struct ruleset **ruleset);
/* Sixteen hex digits over engine version and all rule bytes: same id, same verdicts. */
struct slice ruleset_id(const struct ruleset *ruleset);
/* The same as a number. */
uint64_t ruleset_number(const struct ruleset *ruleset);

/* Verdict on a report; a pure function of report and rule set, no allocation. */
void ruleset_classify(const struct ruleset *ruleset, const struct report *report, struct verdict *verdict);
/* First row that matches (category, severity, hazard, jurisdiction prefix) wins, for routes and for response times. */
void ruleset_route(const struct ruleset *ruleset, enum category category, enum severity severity, const struct hazard *hazard,
		   struct slice jurisdiction_id, struct routing *routing);
/* Every topic that a route names, each once; returns how many. */
size_t ruleset_topics(const struct ruleset *ruleset, struct slice topics[ROUTE_TOPICS_MAX]);
struct points ruleset_points(const struct ruleset *ruleset, const struct verdict *verdict);
struct points_limits ruleset_points_limits(const struct ruleset *ruleset);
