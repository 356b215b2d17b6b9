/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"
#include <errno.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ALL JURISDICTION_COUNT

static FILE *open_file(const char *folder, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file)
		fprintf(stderr, "generate: cannot write %s: %s\n", path, strerror(errno));
	return file;
}

/* A full disk shows when the file is closed. */
static bool close_file(FILE *file, const char *folder, const char *name)
{
	bool failed = ferror(file) != 0;

	if (fclose(file) == 0 && !failed)
		return true;
	fprintf(stderr, "generate: cannot write %s/%s: %s\n", folder, name, strerror(errno));
	return false;
}

static void print_counter_names(FILE *file)
{
	for (int i = 0; i < COUNTER_COUNT; i++)
		fprintf(file, "\t%s", counter_names[i]);
}

static void print_counters(FILE *file, const int64_t counters[COUNTER_COUNT])
{
	for (int i = 0; i < COUNTER_COUNT; i++)
		fprintf(file, "\t%" PRId64, counters[i]);
}

static void print_hex(FILE *file, const unsigned char *bytes, int count)
{
	for (int i = 0; i < count; i++)
		fprintf(file, "%02x", bytes[i]);
}

static void print_riders(const struct fold *fold, const char *const topics[], FILE *file)
{
	struct text key = { 0 };

	(void)topics;
	fputs("partition\trider", file);
	print_counter_names(file);
	fputs("\tlast_ms\n", file);
	for (size_t i = 0; i < fold->riders.count; i++) {
		const struct fold_rider *rider = &fold->riders.items[i];

		text_clear(&key);
		rider_key_append(&key, fold->source->riders.riders[rider->rider].id);
		fprintf(file, "%d\t%.*s", rider->partition, (int)key.size, key.data);
		print_counters(file, rider->counters);
		fprintf(file, "\t%" PRId64 "\n", rider->last_ms);
	}
	text_free(&key);
}

static void print_totals(const struct fold *fold, const char *const topics[], FILE *file)
{
	(void)topics;
	fputs("partition\tday\tjurisdiction", file);
	print_counter_names(file);
	fputs("\treviews_unmatched\n", file);
	for (uint32_t p = 0; p < fold->partitions; p++) {
		const struct fold_shard *shard = &fold->shards[p];

		for (size_t d = 0; d < shard->day_count; d++)
			for (int j = 0; j <= ALL; j++) {
				fprintf(file, "%u\t%d\t%s", p, shard->days[d].day,
					j == ALL ? "-" : jurisdiction_codes[j]);
				print_counters(file, shard->days[d].counters[j]);
				fprintf(file, "\t%" PRId64 "\n", d == 0 && j == ALL ? shard->reviews_unmatched : 0);
			}
	}
}

static void alert_id(const struct fold *fold, const struct facts *facts, const char *category, struct text *words,
		     unsigned char hash[SHA256_DIGEST_LENGTH])
{
	text_clear(words);
	text_append_string(words, source_names[facts->source]);
	text_append_char(words, '\n');
	body_append_id(&fold->source->body, words, facts->report);
	text_append_char(words, '\n');
	text_append_string(words, category);
	SHA256((const unsigned char *)words->data, words->size, hash);
}

static void print_alerts(const struct fold *fold, const char *const topics[], FILE *file)
{
	struct text words = { 0 };

	fputs("alert_id\tcategory\tseverity\tsource\tid\thazard_code\ttopic\tpartition\toffset\n", file);
	for (size_t i = 0; i < fold->alerts.count; i++) {
		const struct fold_record *record = &fold->records.items[fold->alerts.items[i].record];
		const struct phrase *phrase = &fold->source->phrases.phrases[record->facts.phrase];
		const char *category = category_names[fold->alerts.items[i].category];
		unsigned char hash[SHA256_DIGEST_LENGTH];

		alert_id(fold, &record->facts, category, &words, hash);
		print_hex(file, hash, 16);
		text_clear(&words);
		body_append_id(&fold->source->body, &words, record->facts.report);
		fprintf(file, "\t%s\t%s\t%s\t%.*s\t%s\t%s\t%d\t%" PRId64 "\n", category,
			severity_names[phrase->severity], source_names[record->facts.source], (int)words.size,
			words.data, phrase->hazard_code, topics[record->facts.topic], record->facts.partition,
			record->offset);
	}
	text_free(&words);
}

static void print_dead_letters(const struct fold *fold, const char *const topics[], FILE *file)
{
	fputs("topic\tpartition\toffset\treason\tvalue_sha256\tenvelope_sha256\n", file);
	for (size_t i = 0; i < fold->dead_letters.count; i++) {
		const struct fold_record *record = &fold->records.items[fold->dead_letters.items[i]];
		const struct fold_malformed *malformed = &fold->malformed.items[record->malformed];

		fprintf(file, "%s\t%d\t%" PRId64 "\t%s\t", topics[record->facts.topic], record->facts.partition,
			record->offset, record->facts.reason);
		print_hex(file, malformed->value_sha256, 32);
		fputc('\t', file);
		print_hex(file, malformed->envelope_sha256, 32);
		fputc('\n', file);
	}
}

static void print_ends(const struct fold *fold, const char *const topics[], FILE *file)
{
	fputs("topic\tpartition\tend\ttime_ms\n", file);
	for (uint32_t i = 0; i < TOPIC_COUNT * fold->partitions; i++)
		fprintf(file, "%s\t%u\t%" PRId64 "\t%" PRId64 "\n", topics[i / fold->partitions], i % fold->partitions,
			fold->ends[i].offset < 0 ? 0 : fold->ends[i].offset, fold->ends[i].time_ms);
}

static const struct {
	const char *name;
	void (*print)(const struct fold *, const char *const[], FILE *);
} files[] = {
	{ "riders.tsv", print_riders }, { "totals.tsv", print_totals },
	{ "alerts.tsv", print_alerts }, { "dead_letters.tsv", print_dead_letters },
	{ "ends.tsv", print_ends },
};

bool fold_write(const struct fold *fold, const char *folder, const char *const topics[TOPIC_COUNT])
{
	if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
		fprintf(stderr, "generate: cannot make folder %s: %s\n", folder, strerror(errno));
		return false;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *file = open_file(folder, files[i].name);

		if (!file)
			return false;
		files[i].print(fold, topics, file);
		if (!close_file(file, folder, files[i].name))
			return false;
	}
	return true;
}
