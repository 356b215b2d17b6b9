/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl rider: where a rider's counters are, and what they say. */
#include "commands.h"

#include <jansson.h>
#include <stdlib.h>
#include <sysexits.h>
#include "buffer.h"
#include "columns.h"
#include "effects.h"
#include "kafka_link.h"
#include "pipeline.h"
#include "redis_link.h"

#define PARTITIONS_MAX 1000000
#define KEY_SIZE 192 /* a rider key has 128 bytes at most */

struct rider {
	const struct command_line *line;
	const char *id;
	struct slice key; /* in arena */
	struct arena arena;
	int32_t partitions, home; /* home: the shard that the id hashes to */
	struct redis_link redis;
	json_t *shards; /* what was found, as --json prints it */
};

/* The partition count is Kafka's; --partitions spares the question. */
static int count_partitions(struct rider *rider, const struct config *config)
{
	const char *given = command_value(rider->line, "partitions");
	struct kafka_link kafka;
	if (given) {
		rider->partitions = (int32_t)strtol(given, NULL, 10);
		if (rider->partitions < 1 || rider->partitions > PARTITIONS_MAX)
			return command_fail(rider->line, EX_USAGE, "--partitions %s: must be a number from 1", given);
		return 0;
	}
	bool ok = kafka_link_open(&kafka, config);
	rider->partitions = kafka.partitions;
	int status = ok ? 0 : command_fail(rider->line, EX_UNAVAILABLE, "%s (or give --partitions)", kafka.error);
	kafka_link_close(&kafka);
	return status;
}

/* A rider key holds no byte that a Redis command line would need quoted. */
static const char *shard_key(const struct rider *rider, int32_t shard, char key[KEY_SIZE])
{
	snprintf(key, KEY_SIZE, "rw:{%d}:rider:%.*s", shard, (int)rider->key.size, rider->key.data);
	return key;
}

static int64_t number_of(const redisReply *value)
{
	return value->type == REDIS_REPLY_STRING ? strtoll(value->str, NULL, 10) : 0;
}

static json_t *read_fields(const redisReply *reply)
{
	json_t *fields = json_object();
	for (size_t i = 0; i + 1 < reply->elements; i += 2)
		json_object_set_new(fields, reply->element[i]->str, json_integer(number_of(reply->element[i + 1])));
	return fields;
}

static void add_shard(struct rider *rider, int32_t shard, const redisReply *reply)
{
	json_t *found = json_object();
	char key[KEY_SIZE];
	json_object_set_new(found, "shard", json_integer(shard));
	json_object_set_new(found, "key", json_string(shard_key(rider, shard, key)));
	json_object_set_new(found, "home", json_boolean(shard == rider->home));
	json_object_set_new(found, "counters", read_fields(reply));
	json_array_append_new(rider->shards, found);
}

/* Asks every shard: a record with a foreign key counts where it came. */
static int ask(struct rider *rider)
{
	char key[KEY_SIZE];
	int status = 0;
	for (int32_t shard = 0; shard < rider->partitions; shard++)
		redis_link_send(&rider->redis, "HGETALL %s", shard_key(rider, shard, key));
	for (int32_t shard = 0; shard < rider->partitions && status == 0; shard++) {
		redisReply *reply = redis_link_receive(&rider->redis);
		if (!reply)
			return command_fail(rider->line, EX_UNAVAILABLE, "%s", rider->redis.error);
		if (reply->elements || shard == rider->home)
			add_shard(rider, shard, reply);
		freeReplyObject(reply);
	}
	return status;
}

/* ---- output ---- */

static int64_t counter_of(const json_t *shard, const char *field)
{
	return json_integer_value(json_object_get(json_object_get(shard, "counters"), field));
}

static void print_time(const json_t *shard)
{
	int64_t ms = counter_of(shard, "last_ms");
	struct arena arena;
	struct buffer text;
	if (!ms)
		return;
	arena_init(&arena);
	buffer_init(&text, &arena, 32);
	buffer_append_time(&text, ms);
	printf("last heard of at %.*s (stream time)\n", (int)text.size, text.data);
	arena_fini(&arena);
}

static void print_shard(const json_t *shard)
{
	static const char *const headers[] = { "counter", "value", "meaning", NULL };
	static const char *const helps[] = {
#define COUNTER(symbol, field, who, help) help,
#include "counters.def"
#undef COUNTER
	};
	struct columns *columns = columns_new(headers);
	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++) {
		columns_text(columns, counter_field(counter));
		columns_number(columns, counter_of(shard, counter_field(counter)));
		columns_text(columns, helps[counter]);
	}
	printf("\n%s%s\n", json_string_value(json_object_get(shard, "key")),
	       json_is_true(json_object_get(shard, "home")) ? ""
							    : "  (records of this rider came here with a foreign key)");
	columns_print(columns, stdout);
	print_time(shard);
	columns_free(&columns);
}

static bool is_known(const struct rider *rider)
{
	size_t i;
	json_t *shard;
	json_array_foreach(rider->shards, i, shard)
	{
		if (json_object_size(json_object_get(shard, "counters")))
			return true;
	}
	return false;
}

static void print_text(const struct rider *rider)
{
	size_t i;
	json_t *shard;
	printf("rider %s: shard %d of %d\n", rider->id, rider->home, rider->partitions);
	json_array_foreach(rider->shards, i, shard)
	{
		if (json_object_size(json_object_get(shard, "counters")))
			print_shard(shard);
		else
			printf("\n%s: there is no such key: nothing was counted yet\n",
			       json_string_value(json_object_get(shard, "key")));
	}
}

static void print_json(const struct rider *rider)
{
	json_t *all = json_object();
	json_object_set_new(all, "rider", json_string(rider->id));
	json_object_set_new(all, "shard", json_integer(rider->home));
	json_object_set_new(all, "partitions", json_integer(rider->partitions));
	json_object_set(all, "shards", rider->shards);
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

/* ---- the command ---- */

static int look_up(struct rider *rider, const struct config *config)
{
	int status = count_partitions(rider, config);
	if (status)
		return status;
	struct slice id = slice_of(rider->id);
	rider->key = rider_key(id, &rider->arena);
	rider->home = (int32_t)((murmur2(id) & 0x7fffffff) % (uint32_t)rider->partitions);
	bool open = redis_link_open(&rider->redis, config);
	status = open ? ask(rider) : command_fail(rider->line, EX_UNAVAILABLE, "%s", rider->redis.error);
	redis_link_close(&rider->redis);
	return status;
}

static int run(const struct command_line *line, const struct config *config)
{
	struct rider rider = { .line = line, .id = line->operands[0], .shards = json_array() };
	arena_init(&rider.arena);
	int status = look_up(&rider, config);
	if (status == 0) {
		command_value(line, "json") ? print_json(&rider) : print_text(&rider);
		status = is_known(&rider) ? EX_OK : 1;
	}
	json_decref(rider.shards);
	arena_fini(&rider.arena);
	return status;
}

static const struct command_option options[] = {
	{ 0, "json", NULL, "for machines" },
	{ 0, "partitions", "N", "partitions of an input topic, instead of asking Kafka" },
	{ 0, NULL, NULL, NULL },
};
static const struct command_exit exits[] = {
	{ 1, "no shard knows this rider" },
	{ EX_UNAVAILABLE, "Kafka or Redis does not answer" },
	{ 0, NULL },
};

const struct command command_rider = {
	.name = "rider",
	.operands = "ID",
	.operands_min = 1,
	.operands_max = 1,
	.summary = "a rider's key, shard and counters",
	.details = "Prints the Redis key and the shard of a rider, and the counters as they stand.\n\n"
		   "  riderwatchctl rider 骑手-17\n"
		   "  riderwatchctl rider -c /etc/riderwatch/riderwatch.json --json 4711",
	.options = options,
	.exits = exits,
	.run = run,
};
