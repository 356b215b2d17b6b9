/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_conf.h"

#include <inttypes.h>
#include <string.h>
#include "kafka_threads.h"
#include "log.h"
#include "secret_file.h"

#define IN(role) (1u << (role))
#define CONSUMER IN(KAFKA_CONSUMER)
#define SHADOW IN(KAFKA_SHADOW)
#define READER IN(KAFKA_READER)
#define UNCOMMITTED IN(KAFKA_UNCOMMITTED)
#define PRODUCER IN(KAFKA_PRODUCER)
#define COMMITTED (CONSUMER | SHADOW | READER)
#define READERS (COMMITTED | UNCOMMITTED)
#define PROBE IN(KAFKA_PROBE)
#define WRITER IN(KAFKA_WRITER)
#define ALL (READERS | PRODUCER | WRITER | PROBE)

/* Defaults that the operator's properties may replace. */
static const struct setting {
	const char *name, *value;
	unsigned roles;
	bool optional; /* not known to every librdkafka */
} settings[] = {
	{ "client.id", "riderwatch", ALL },
	{ "reconnect.backoff.ms", "50", ALL },
	/* The default of 10 s finds a broker that came back too late for the open transaction. */
	{ "reconnect.backoff.max.ms", "500", ALL },
	{ "socket.nagle.disable", "true", ALL },
	{ "log.connection.close", "false", ALL },
	{ "enable.metrics.push", "false", ALL, true },
	{ "heartbeat.interval.ms", "1000", CONSUMER },
	{ "fetch.min.bytes", "1", CONSUMER },
	/* One partition at a time is read, as fast as it goes. */
	{ "fetch.message.max.bytes", "8388608", READER | UNCOMMITTED },
	/* A broker answers as soon as there is a record. Until then an outstanding fetch holds up a newly assigned
	 * partition for up to this long; each broker is asked so often while nothing happens. */
	{ "fetch.wait.max.ms", "200", CONSUMER },
	{ "fetch.wait.max.ms", "50", READER | UNCOMMITTED },
	/* A full local queue stops fetching for a second, so that these two are rates: bound memory by bytes only. */
	{ "queued.min.messages", "1000000", CONSUMER | READER | UNCOMMITTED },
	{ "queued.max.messages.kbytes", "65536", CONSUMER | READER | UNCOMMITTED },
	/* The queue may be exceeded by one answer, which stays in memory until its last record was read. */
	{ "fetch.max.bytes", "8388608", CONSUMER },
	/* A broker that froze answers nothing, so nothing else tells that another one leads its partitions by now; the
	 * default is five minutes. */
	{ "topic.metadata.refresh.interval.ms", "3000", ALL },
	/* How long alerts wait behind a connection that has fallen silent; the default is a minute. At most half of the
	 * shortest session, so that a heartbeat on a new connection still saves it. Of the producer it bounds
	 * send_offsets_to_transaction(), and is what taints it. */
	{ "socket.timeout.ms", "3000", ALL },
	/* Ends the wait of librdkafka for a group coordinator that it otherwise never asks again. */
	{ "connections.max.idle.ms", "10000", PRODUCER },
	/* A transaction that begins while the one before is still being ended is asked to wait this long; the default
	   is 100. */
	{ "retry.backoff.ms", "5", PRODUCER },
	/* Commit flushes at once whatever this says; it lets the records of a large batch share requests. */
	{ "linger.ms", "5", PRODUCER },
	/* Alerts repeat themselves: a quarter of their bytes is left, which costs us less than it saves the broker. */
	{ "compression.type", "lz4", PRODUCER },
};

/* Properties that belong to the daemon, with the value it sets (NULL: derived below, or left alone) and what to do
 * instead. */
static const struct owned {
	const char *name, *value;
	unsigned roles;
	const char *reason;
} owned[] = {
	{ "bootstrap.servers", NULL, 0, "set kafka.brokers instead" },
	{ "metadata.broker.list", NULL, 0, "set kafka.brokers instead" },
	{ "group.id", NULL, 0, "set kafka.group instead" },
	{ "group.instance.id", NULL, 0, "set kafka.instance instead" },
	{ "transactional.id", NULL, 0, "it follows from kafka.group and kafka.instance" },
	{ "session.timeout.ms", NULL, 0, "set kafka.session_timeout instead" },
	{ "transaction.timeout.ms", NULL, 0, "set kafka.transaction_timeout instead" },
	{ "isolation.level", "read_committed", COMMITTED,
	  "aborted records must stay unseen, and offsets must be read only when no commit is pending" },
	{ "isolation.level", "read_uncommitted", UNCOMMITTED, "it looks for what is not committed" },
	{ "enable.auto.commit", "false", READERS, "offsets are committed in the transaction of their alerts" },
	{ "auto.commit.enable", NULL, 0, "offsets are committed in the transaction of their alerts" },
	{ "auto.commit.interval.ms", NULL, 0, "offsets are committed in the transaction of their alerts" },
	{ "enable.auto.offset.store", "false", READERS, "offsets are committed in the transaction of their alerts" },
	{ "offset.store.method", NULL, 0, "offsets are committed in the transaction of their alerts" },
	{ "auto.offset.reset", "error", READERS,
	  "a position is never guessed; set kafka.start_offset for the first start" },
	{ "partition.assignment.strategy", "range", CONSUMER,
	  "partition p of both input topics must be read by the same process" },
	{ "group.protocol", NULL, 0, "the daemon is written for the classic group protocol" },
	{ "enable.partition.eof", "false", CONSUMER | SHADOW, "the daemon does not use it" },
	{ "enable.partition.eof", "true", READER | UNCOMMITTED, "a reader must know where a partition ends" },
	{ "check.crcs", "true", CONSUMER | READER | UNCOMMITTED, "a damaged batch must be noticed" },
	{ "enable.idempotence", "true", PRODUCER | WRITER, "transactions need it" },
	{ "acks", NULL, 0, "transactions need all" },
	{ "request.required.acks", NULL, 0, "transactions need all" },
	{ "partitioner", "murmur2_random", PRODUCER | WRITER,
	  "keys must land where the other producers of Kafka put them" },
	{ "delivery.report.only.error", NULL, 0, "every delivery is accounted for" },
	{ "statistics.interval.ms", "10000", CONSUMER | PRODUCER, "the daemon makes its metrics of them" },
	{ "statistics.interval.ms", "0", SHADOW | READER | UNCOMMITTED | WRITER | PROBE,
	  "the daemon makes its metrics of them" },
	{ "log.queue", NULL, 0, "messages go to the daemon's log" },
	{ "plugin.library.paths", NULL, 0, "foreign code in this process voids the guarantee" },
	{ "interceptors", NULL, 0, "foreign code in this process voids the guarantee" },
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

void kafka_conf_shadow_group(const struct config *config, char *text, size_t size)
{
	snprintf(text, size, "%s.shadow", config->kafka_group);
}

void kafka_conf_transactional_id(const struct config *config, char *text, size_t size)
{
	snprintf(text, size, "%s-%s", config->kafka_group, config->kafka_instance);
}

/* librdkafka calls this from its own threads. Facilities share a few sites, so that a flapping connection cannot hide
 * the rest. */
static void on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
	static struct log_site sites[16];
	unsigned site = 0;

	for (const char *at = facility; *at; at++)
		site = site * 31 + (unsigned char)*at;
	log_write(level <= 3   ? LOG_ERROR
		  : level == 4 ? LOG_WARNING
		  : level <= 6 ? LOG_INFO
			       : LOG_DEBUG,
		  &sites[site % COUNT(sites)], "librdkafka says", "client=%s facility=%s text=%s",
		  rd_kafka_name(handle), facility, text);
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, char *error, size_t error_size)
{
	return rd_kafka_conf_set(conf, name, value, error, error_size) == RD_KAFKA_CONF_OK;
}

static bool set_number(rd_kafka_conf_t *conf, const char *name, int64_t value, char *error, size_t error_size)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return set(conf, name, text, error, error_size);
}

static bool set_defaults(rd_kafka_conf_t *conf, enum kafka_role role, char *error, size_t error_size)
{
	for (size_t i = 0; i < COUNT(settings); i++) {
		const struct setting *row = &settings[i];
		rd_kafka_conf_res_t result;

		if (!(row->roles & IN(role)))
			continue;
		result = rd_kafka_conf_set(conf, row->name, row->value, error, error_size);
		if (result != RD_KAFKA_CONF_OK && !(row->optional && result == RD_KAFKA_CONF_UNKNOWN))
			return false;
	}
	return true;
}

static const struct owned *owner_of(const char *name)
{
	for (size_t i = 0; i < COUNT(owned); i++)
		if (strcmp(owned[i].name, name) == 0)
			return &owned[i];
	return NULL;
}

static bool set_properties(rd_kafka_conf_t *conf, const char *section, const struct config_properties *properties,
			   char *error, size_t error_size)
{
	for (size_t i = 0; i < properties->count; i++) {
		const struct config_property *property = &properties->list[i];
		const struct owned *row = owner_of(property->name);
		const char *origin = property->origin ? property->origin : "", *colon = *origin ? ": " : "";
		char text[256];

		if (row) {
			snprintf(error, error_size, "%s%s%s: %s belongs to the daemon: %s", origin, colon, section,
				 property->name, row->reason);
			return false;
		}
		if (!set(conf, property->name, property->value, text, sizeof(text))) {
			snprintf(error, error_size, "%s%s%s: %s: librdkafka %s refuses it: %s", origin, colon, section,
				 property->name, rd_kafka_version_str(), text);
			return false;
		}
	}
	return true;
}

/* The password may also stand among the properties; a file keeps it out of the configuration. */
static bool set_password(rd_kafka_conf_t *conf, const struct config *config, char *error, size_t error_size)
{
	char password[SECRET_SIZE], text[384];
	bool done;

	if (!config->kafka_password_file || !*config->kafka_password_file)
		return true;
	if (!secret_file_read(config->kafka_password_file, 1, password, text, sizeof(text))) {
		snprintf(error, error_size, "kafka.password_file %s", text);
		return false;
	}
	done = set(conf, "sasl.password", password, error, error_size);
	explicit_bzero(password, sizeof(password));
	return done;
}

static bool set_owned(rd_kafka_conf_t *conf, enum kafka_role role, char *error, size_t error_size)
{
	for (size_t i = 0; i < COUNT(owned); i++)
		if (owned[i].value && owned[i].roles & IN(role) &&
		    !set(conf, owned[i].name, owned[i].value, error, error_size))
			return false;
	return true;
}

static bool set_consumer(rd_kafka_conf_t *conf, const struct config *config, char *error, size_t error_size)
{
	return set(conf, "group.id", config->kafka_group, error, error_size) &&
	       set(conf, "group.instance.id", config->kafka_instance, error, error_size) &&
	       set_number(conf, "session.timeout.ms", config->kafka_session_timeout, error, error_size);
}

static bool set_shadow(rd_kafka_conf_t *conf, const struct config *config, char *error, size_t error_size)
{
	char group[300];

	kafka_conf_shadow_group(config, group, sizeof(group));
	/* It never joins, but max.poll.interval.ms is compared with its session, too. */
	return set(conf, "group.id", group, error, error_size) &&
	       set_number(conf, "session.timeout.ms", config->kafka_session_timeout, error, error_size);
}

/* Nothing of its own; see set_shadow. */
static bool set_reader(rd_kafka_conf_t *conf, const struct config *config, char *error, size_t error_size)
{
	return set_number(conf, "session.timeout.ms", config->kafka_session_timeout, error, error_size);
}

static bool set_producer(rd_kafka_conf_t *conf, const struct config *config, char *error, size_t error_size)
{
	char id[500];

	kafka_conf_transactional_id(config, id, sizeof(id));
	return set(conf, "transactional.id", id, error, error_size) &&
	       set_number(conf, "transaction.timeout.ms", config->kafka_transaction_timeout, error, error_size);
}

/* A person waits for it. */
static bool set_writer(rd_kafka_conf_t *conf, const struct config *config, char *error, size_t error_size)
{
	(void)config;
	return set(conf, "message.timeout.ms", "30000", error, error_size);
}

/* Brokers look at rights first, and then refuse these acks: nothing is ever written. */
static bool set_probe(rd_kafka_conf_t *conf, const struct config *config, char *error, size_t error_size)
{
	(void)config;
	return set(conf, "request.required.acks", "2", error, error_size) &&
	       /* A broker that hangs up is all that tells of a wrong protocol. */
	       set(conf, "log.connection.close", "true", error, error_size) &&
	       set(conf, "message.timeout.ms", "5000", error, error_size) &&
	       set(conf, "socket.timeout.ms", "3000", error, error_size) &&
	       set(conf, "allow.auto.create.topics", "false", error, error_size);
}

/* A dead letter carries its record whole; the operator may still lower this to what the brokers take. */
static bool set_record_limit(rd_kafka_conf_t *conf, const struct config *config, char *error, size_t error_size)
{
	int64_t limit = config->events_max_bytes + KAFKA_RECORD_OVERHEAD;

	return set_number(conf, "message.max.bytes", limit > 1000000 ? limit : 1000000, error, error_size);
}

static const struct {
	bool (*derive)(rd_kafka_conf_t *conf, const struct config *config, char *error, size_t error_size);
	const char *section;
	size_t properties; /* where in struct config */
} roles[KAFKA_ROLE_COUNT] = {
	[KAFKA_CONSUMER] = { set_consumer, "kafka.consumer_properties",
			     offsetof(struct config, kafka_consumer_properties) },
	[KAFKA_SHADOW] = { set_shadow, "kafka.consumer_properties",
			   offsetof(struct config, kafka_consumer_properties) },
	[KAFKA_READER] = { set_reader, "kafka.consumer_properties",
			   offsetof(struct config, kafka_consumer_properties) },
	[KAFKA_UNCOMMITTED] = { set_reader, "kafka.consumer_properties",
				offsetof(struct config, kafka_consumer_properties) },
	[KAFKA_PRODUCER] = { set_producer, "kafka.producer_properties",
			     offsetof(struct config, kafka_producer_properties) },
	[KAFKA_WRITER] = { set_writer, "kafka.producer_properties",
			   offsetof(struct config, kafka_producer_properties) },
	[KAFKA_PROBE] = { set_probe, "kafka.producer_properties", offsetof(struct config, kafka_producer_properties) },
};

rd_kafka_conf_t *kafka_conf_new(const struct config *config, enum kafka_role role, char *error, size_t error_size)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	const struct config_properties *own = (const void *)((const char *)config + roles[role].properties);

	if (set_defaults(conf, role, error, error_size) &&
	    ((role != KAFKA_PRODUCER && role != KAFKA_WRITER) || set_record_limit(conf, config, error, error_size)) &&
	    set_properties(conf, "kafka.properties", &config->kafka_properties, error, error_size) &&
	    set_properties(conf, roles[role].section, own, error, error_size) &&
	    set_password(conf, config, error, error_size) && set_owned(conf, role, error, error_size) &&
	    set(conf, "bootstrap.servers", config->kafka_brokers, error, error_size) &&
	    roles[role].derive(conf, config, error, error_size)) {
		rd_kafka_conf_set_log_cb(conf, on_log);
		kafka_threads_be_lenient(conf);
		return conf;
	}
	rd_kafka_conf_destroy(conf);
	return NULL;
}

void kafka_conf_check(const struct config *config, struct problems *problems)
{
	char error[512], last[512] = "";

	for (int role = 0; role < KAFKA_ROLE_COUNT; role++) {
		rd_kafka_conf_t *conf = kafka_conf_new(config, role, error, sizeof(error));

		if (conf) {
			rd_kafka_conf_destroy(conf);
		} else if (strcmp(error, last) != 0) {
			problems_add(problems, "%s", error);
			memcpy(last, error, sizeof(last));
		}
	}
}

struct config *config_load_checked(const struct config_sources *sources, struct problems *problems)
{
	size_t before = problems->count;
	struct config *config = config_load(sources, problems);

	if (config)
		config_check_secrets(config, problems);
	if (config && problems->count == before)
		kafka_conf_check(config, problems);
	if (problems->count > before)
		config_free(&config);
	return config;
}
