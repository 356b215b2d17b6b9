/* SPDX-License-Identifier: Apache-2.0 */
/* What publisher.h promises, as scenarios. Those above the line run on the mock cluster too; the others need real
 * brokers. */
#pragma once
#include "publisher.h"
#include "source_scenarios.h"

/* A publisher with the answers it gave. */
struct desk {
	struct reader *member; /* its consumer and group metadata */
	struct publisher *publisher;
	struct config config;
	int64_t published, recreated, offsets, fatals;
	enum publish_result result;
	bool tainted, ok;
	struct offsets_reply reply;
	uint64_t token;
	char group_text[300], shadow_text[300], fatal[1200];
	struct chunk *chunk;
};

void desk_open(struct desk *desk, struct reader *member, const struct kafka_fixture *fixture, const char *instance);
void desk_recreate(struct desk *desk, bool ok);
/* One transaction: count records with this payload to topic, and reports/0 moved to offset with this metadata text. */
enum publish_result desk_publish(struct desk *desk, const char *topic, size_t count, const char *payload,
				 int64_t offset, const char *text);
void desk_read(struct desk *desk, enum input input, int32_t partition);
void desk_close(struct desk *desk);

void scenario_commits(struct kafka_fixture *fixture);
void scenario_unset_offsets(struct kafka_fixture *fixture);
void scenario_publish_without_producer(struct kafka_fixture *fixture);
/* ---- */
void scenario_refused_member(struct kafka_fixture *fixture);
void scenario_fenced(struct kafka_fixture *fixture);
void scenario_unknown_topic(struct kafka_fixture *fixture);
void scenario_record_too_large(struct kafka_fixture *fixture);
void scenario_added_topic(struct kafka_fixture *fixture);
