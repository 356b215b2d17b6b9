/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "alloc.h"
#include "publisher_scenarios.h"

/* ---- the desk ---- */

static void on_published(void *context, enum publish_result result, bool tainted)
{
	struct desk *desk = context;

	desk->result = result;
	desk->tainted = tainted;
	desk->published++;
}

static void on_recreated(void *context, bool ok)
{
	struct desk *desk = context;

	desk->ok = ok;
	desk->recreated++;
}

static void on_offsets(void *context, int slot, uint64_t token, const struct offsets_reply *reply,
		       const char *group_metadata, const char *shadow_metadata)
{
	struct desk *desk = context;

	assert_int_equal(slot, 5);
	desk->token = token;
	desk->reply = *reply;
	snprintf(desk->group_text, sizeof(desk->group_text), "%s", group_metadata);
	snprintf(desk->shadow_text, sizeof(desk->shadow_text), "%s", shadow_metadata);
	desk->offsets++;
}

static void on_fatal(void *context, const char *text)
{
	struct desk *desk = context;

	snprintf(desk->fatal, sizeof(desk->fatal), "%s", text);
	desk->fatals++;
}

static const struct publisher_callbacks callbacks = { on_published, on_recreated, on_offsets, on_fatal };

void desk_open(struct desk *desk, struct reader *member, const struct kafka_fixture *fixture, const char *instance)
{
	char error[512] = "";

	*desk = (struct desk){ .member = member, .config = kafka_fixture_config(fixture, instance) };
	/* The mock checks no membership, and takes three seconds to give one. */
	if (fixture->mock && !member->metadata)
		member->metadata = rd_kafka_consumer_group_metadata_new_with_genid(fixture->group, 1, "member", "one");
	if (!fixture->mock)
		assert_true(reader_until(member, &member->assigned, 1, 20000));
	desk->publisher = publisher_new(member->base, &desk->config, source_handle(member->source), &callbacks, desk,
					error, sizeof(error));
	if (!desk->publisher)
		fail_msg("publisher_new: %s", error);
}

void desk_close(struct desk *desk)
{
	publisher_free(&desk->publisher);
	assert_null(desk->publisher);
}

void desk_recreate(struct desk *desk, bool ok)
{
	publisher_recreate(desk->publisher);
	assert_true(reader_until(desk->member, &desk->recreated, desk->recreated + 1, 60000));
	assert_int_equal(desk->ok, ok);
}

static struct chunk make_chunk(struct output_record *records, size_t count)
{
	struct chunk chunk = { .records = count ? records : NULL, .record_count = count };

	for (size_t i = 0; i + 1 < count; i++)
		records[i].next = &records[i + 1];
	return chunk;
}

static enum publish_result publish_records(struct desk *desk, struct output_record *records, size_t count,
					   const struct publish_offset *offsets, size_t offset_count)
{
	/* Two chunks of one batch, so that the chain is followed. */
	struct chunk empty = { 0 }, chunk = make_chunk(records, count);
	struct protocol_batch batch = { .chunks = &empty.link };
	struct publish_job job = { &batch, offsets, offset_count, desk->member->metadata };

	empty.link.next = &chunk.link;
	publisher_publish(desk->publisher, &job);
	assert_true(reader_until(desk->member, &desk->published, desk->published + 1, 60000));
	return desk->result;
}

enum publish_result desk_publish(struct desk *desk, const char *topic, size_t count, const char *payload,
				 int64_t offset, const char *text)
{
	struct output_record *records = alloc_zeroed(count + 1, sizeof(*records));
	struct publish_offset entry = { INPUT_REPORTS, 0, offset, "" };
	enum publish_result result;

	snprintf(entry.metadata, sizeof(entry.metadata), "%s", text);
	for (size_t i = 0; i < count; i++)
		records[i] = (struct output_record){ .topic = slice_of(topic),
						     .payload = slice_of(payload),
						     .partition = -1 };
	result = publish_records(desk, records, count, &entry, 1);
	free(records);
	return result;
}

void desk_read(struct desk *desk, enum input input, int32_t partition)
{
	static uint64_t token = 100;

	publisher_read_offsets(desk->publisher, 5, ++token, input, partition);
	assert_true(reader_until(desk->member, &desk->offsets, desk->offsets + 1, 30000));
	assert_int_equal(desk->token, token);
}

static void assert_offsets(struct desk *desk, enum input input, int32_t partition, int64_t offset, const char *text)
{
	desk_read(desk, input, partition);
	assert_true(desk->reply.ok);
	assert_int_equal(desk->reply.group.offset, offset);
	assert_int_equal(desk->reply.shadow.offset, offset);
	assert_string_equal(desk->group_text, text);
	assert_string_equal(desk->shadow_text, text);
	assert_false(desk->reply.group.ours || desk->reply.shadow.ours);
}

static void assert_visible(struct kafka_fixture *fixture, const char *topic, size_t count)
{
	static struct kafka_seen seen;

	kafka_fixture_read(fixture, topic, true, count, 500, &seen);
	assert_int_equal(seen.count, count);
}

/* ---- scenarios ---- */

#define METADATA "{\"uuid\":\"5f0c\",\"规则\":\"a\\\"b\",\"t\":1}"

static const struct kafka_seen_record *find(const struct kafka_seen *seen, const char *value)
{
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->records[i].value, value) == 0)
			return &seen->records[i];
	fail_msg("no record \"%s\"", value);
	return NULL;
}

static void assert_emergency_records(struct kafka_fixture *fixture)
{
	static struct kafka_seen seen;
	const struct kafka_seen_record *alert, *letter;

	kafka_fixture_read(fixture, fixture->emergency, true, 2, 300, &seen);
	assert_int_equal(seen.count, 2);
	alert = find(&seen, "电动车起火");
	assert_string_equal(alert->key, "foobar");
	assert_string_equal(alert->header, "traceparent=00-cd");
	assert_int_equal(alert->headers, 2);
	/* murmur2("foobar") of Kafka's own test vectors is -790332482; masked to 31 bits, modulo 3 partitions. */
	assert_int_equal(alert->partition, (-790332482 & 0x7fffffff) % 3);
	letter = find(&seen, "");
	assert_true(letter->null_key && letter->null_value);
	assert_int_equal(letter->partition, 2);
}

/* Records and the offsets of both groups become visible together, metadata byte for byte. */
void scenario_commits(struct kafka_fixture *fixture)
{
	struct reader member = { 0 };
	struct desk desk;
	const struct header headers[] = { { SLICE("traceparent"), SLICE("00-cd") }, { SLICE("none"), { NULL, 0 } } };
	struct output_record records[] = {
		{ .topic = slice_of(fixture->emergency),
		  .key = SLICE("foobar"),
		  .payload = slice_of("电动车起火"),
		  .headers = headers,
		  .header_count = 2,
		  .partition = -1 },
		{ .topic = slice_of(fixture->emergency), .partition = 2 },
	};
	const struct publish_offset offsets[] = { { INPUT_REPORTS, 0, 41, METADATA },
						  { INPUT_DELIVERIES, 3, 7, METADATA } };
	struct publisher_stats stats;

	kafka_fixture_new_group(fixture);
	reader_open(&member, fixture, "one");
	desk_open(&desk, &member, fixture, "one");
	if (!fixture->mock)
		desk_read(&desk, INPUT_REPORTS, 0); /* finds both coordinators before the first transaction */
	desk_recreate(&desk, true);
	assert_int_equal(publish_records(&desk, records, 2, offsets, 2), PUBLISH_COMMITTED);
	assert_false(desk.tainted);
	assert_emergency_records(fixture);
	if (!fixture->mock) /* the mock keeps no offset metadata */
		assert_offsets(&desk, INPUT_REPORTS, 0, 41, METADATA);
	if (!fixture->mock)
		assert_offsets(&desk, INPUT_DELIVERIES, 3, 7, METADATA);
	publisher_stats(desk.publisher, &stats);
	assert_int_equal(stats.committed, 1);
	assert_int_equal(stats.records, 2);
	assert_int_equal(stats.recreated, 1);
	assert_true(stats.commit_us_max > 0 && stats.commit_us_total == stats.commit_us_max);
	/* Offsets alone. */
	assert_int_equal(desk_publish(&desk, fixture->fire, 0, "", 42, "again"), PUBLISH_COMMITTED);
	assert_string_equal(desk.fatal, "");
	desk_close(&desk);
	reader_close(&member);
}

void scenario_unset_offsets(struct kafka_fixture *fixture)
{
	struct reader member = { 0 };
	struct desk desk;

	kafka_fixture_new_group(fixture);
	kafka_fixture_produce(fixture, fixture->deliveries, 1, 0, 3);
	reader_open(&member, fixture, "one");
	/* Offsets are asked for on the connection that a join occupies. */
	assert_true(reader_until(&member, &member.assigned, 1, 20000));
	desk_open(&desk, &member, fixture, "one");
	assert_offsets(&desk, INPUT_DELIVERIES, 1, PROTOCOL_OFFSET_NONE, "");
	assert_int_equal(desk.reply.log_start, 0);
	assert_true(desk.reply.log_end >= 3);
	desk_close(&desk);
	reader_close(&member);
}

void scenario_publish_without_producer(struct kafka_fixture *fixture)
{
	struct reader member = { 0 };
	struct desk desk;

	kafka_fixture_new_group(fixture);
	reader_open(&member, fixture, "one");
	desk_open(&desk, &member, fixture, "one");
	assert_int_equal(desk_publish(&desk, fixture->fire, 1, "x", 1, ""), PUBLISH_ABORTED);
	desk_close(&desk);
	reader_close(&member);
}

/* Metadata of an older generation: aborted for certain, nothing visible, neither group moved, and the producer goes on.
 */
void scenario_refused_member(struct kafka_fixture *fixture)
{
	struct reader member = { 0 };
	struct desk desk;
	rd_kafka_consumer_group_metadata_t *good;

	kafka_fixture_new_group(fixture);
	reader_open(&member, fixture, "one");
	desk_open(&desk, &member, fixture, "one");
	desk_recreate(&desk, true);
	assert_int_equal(desk_publish(&desk, fixture->fire, 1, "first", 10, "ten"), PUBLISH_COMMITTED);
	good = member.metadata;
	member.metadata = rd_kafka_consumer_group_metadata_new_with_genid(fixture->group, 3, "nobody", "one");
	assert_int_equal(desk_publish(&desk, fixture->fire, 3, "never", 20, "twenty"), PUBLISH_ABORTED);
	assert_false(desk.tainted);
	rd_kafka_consumer_group_metadata_destroy(member.metadata);
	member.metadata = good;
	assert_offsets(&desk, INPUT_REPORTS, 0, 10, "ten");
	assert_int_equal(desk_publish(&desk, fixture->fire, 1, "second", 30, "thirty"), PUBLISH_COMMITTED);
	assert_offsets(&desk, INPUT_REPORTS, 0, 30, "thirty");
	assert_visible(fixture, fixture->fire, 2);
	assert_string_equal(desk.fatal, "");
	desk_close(&desk);
	reader_close(&member);
}

/* Another process with the same transactional id: the outcome is unknown, and a new producer goes on. */
void scenario_fenced(struct kafka_fixture *fixture)
{
	struct reader member = { 0 };
	struct desk desk, rival;

	kafka_fixture_new_group(fixture);
	reader_open(&member, fixture, "one");
	desk_open(&desk, &member, fixture, "one");
	desk_open(&rival, &member, fixture, "one");
	desk_recreate(&desk, true);
	desk_recreate(&rival, true);
	assert_int_equal(desk_publish(&desk, fixture->food, 2, "fenced", 5, "no"), PUBLISH_UNKNOWN);
	desk_recreate(&desk, true);
	assert_offsets(&desk, INPUT_REPORTS, 0, PROTOCOL_OFFSET_NONE, "");
	assert_int_equal(desk_publish(&desk, fixture->food, 2, "again", 5, "yes"), PUBLISH_COMMITTED);
	assert_int_equal(desk_publish(&rival, fixture->food, 1, "fenced", 6, "no"), PUBLISH_UNKNOWN);
	assert_offsets(&desk, INPUT_REPORTS, 0, 5, "yes");
	assert_visible(fixture, fixture->food, 2);
	desk_close(&desk);
	desk_close(&rival);
	reader_close(&member);
}

void scenario_unknown_topic(struct kafka_fixture *fixture)
{
	struct reader member = { 0 };
	struct desk desk;

	kafka_fixture_new_group(fixture);
	reader_open(&member, fixture, "one");
	desk_open(&desk, &member, fixture, "one");
	publisher_free(&desk.publisher);
	desk.config.topics_alerts_food = (char *)"no.such.topic";
	desk.publisher = publisher_new(member.base, &desk.config, source_handle(member.source), &callbacks, &desk,
				       desk.fatal, sizeof(desk.fatal));
	assert_non_null(desk.publisher);
	desk_recreate(&desk, false);
	assert_int_equal(desk.fatals, 1);
	assert_non_null(strstr(desk.fatal, "no.such.topic"));
	assert_non_null(strstr(desk.fatal, "create the topic"));
	desk_close(&desk);
	reader_close(&member);
}

/* The topic takes less than the producer: said loudly, nothing visible, and the producer is to be made anew. */
void scenario_record_too_large(struct kafka_fixture *fixture)
{
	struct reader member = { 0 };
	struct desk desk;
	char name[64], payload[5000];

	memset(payload, 'x', sizeof(payload) - 1);
	payload[sizeof(payload) - 1] = '\0';
	kafka_fixture_new_group(fixture);
	snprintf(name, sizeof(name), "%s.small", fixture->run);
	kafka_fixture_create_topic(fixture, name, 3, "max.message.bytes", "1000");
	reader_open(&member, fixture, "one");
	desk_open(&desk, &member, fixture, "one");
	publisher_add_topic(desk.publisher, slice_of(name));
	desk_recreate(&desk, true);
	assert_int_equal(desk_publish(&desk, name, 1, payload, 5, "no"), PUBLISH_ABORTED);
	assert_true(desk.tainted);
	assert_int_equal(desk.fatals, 1);
	assert_non_null(strstr(desk.fatal, name));
	assert_non_null(strstr(desk.fatal, "max.message.bytes"));
	desk_recreate(&desk, true);
	assert_offsets(&desk, INPUT_REPORTS, 0, PROTOCOL_OFFSET_NONE, "");
	assert_int_equal(desk_publish(&desk, name, 1, "small", 5, "yes"), PUBLISH_COMMITTED);
	assert_false(desk.tainted);
	assert_visible(fixture, name, 1);
	desk_close(&desk);
	reader_close(&member);
}

/* A topic that is named after the producer was made is warmed: its first transaction is as quick as the others. */
void scenario_added_topic(struct kafka_fixture *fixture)
{
	struct reader member = { 0 };
	struct publisher_stats stats;
	struct desk desk;
	char name[64];

	kafka_fixture_new_group(fixture);
	snprintf(name, sizeof(name), "%s.added", fixture->run);
	kafka_fixture_create_topic(fixture, name, 3, NULL, NULL);
	reader_open(&member, fixture, "one");
	desk_open(&desk, &member, fixture, "one");
	desk_read(&desk, INPUT_REPORTS, 0);
	desk_recreate(&desk, true);
	publisher_add_topic(desk.publisher, slice_of(name));
	assert_int_equal(desk_publish(&desk, name, 3, "x", 1, ""), PUBLISH_COMMITTED);
	publisher_stats(desk.publisher, &stats);
	assert_true(stats.commit_us_max < 700000);
	publisher_add_topic(desk.publisher, SLICE("no.such.route"));
	assert_true(reader_until(&member, &desk.fatals, 1, 10000));
	assert_non_null(strstr(desk.fatal, "no.such.route"));
	desk_close(&desk);
	reader_close(&member);
}
