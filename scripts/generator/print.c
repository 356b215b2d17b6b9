/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* Log time of the first record; records are 10 ms apart. */
#define FIRST_RECORD_MS 1772323200000
#define RECORD_STEP_MS 10

void printer_init(struct printer *printer, FILE *file, const char *const topics[TOPIC_COUNT], uint32_t partitions)
{
	*printer = (struct printer){ .file = file, .partitions = partitions };
	for (int i = 0; i < TOPIC_COUNT; i++)
		printer->topics[i] = topics[i];
	printer->offsets = calloc((size_t)TOPIC_COUNT * partitions, sizeof(*printer->offsets));
	if (!printer->offsets)
		abort();
}

void printer_fini(struct printer *printer)
{
	free(printer->offsets);
	text_free(&printer->line);
}

static void append_base64(struct text *line, const struct text *value)
{
	char *out = text_reserve(line, value->size / 3 * 4 + 5);

	line->size +=
		(size_t)EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)value->data, (int)value->size);
}

static void append_value(struct text *line, const struct event *event)
{
	if (!event->has_value) {
		TEXT_LITERAL(line, ",\"value\":null");
	} else if (event->facts.kind == KIND_MALFORMED) {
		TEXT_LITERAL(line, ",\"value_base64\":\"");
		append_base64(line, &event->value);
		text_append_char(line, '"');
	} else {
		TEXT_LITERAL(line, ",\"value\":");
		text_append_json(line, event->value.data, event->value.size, 0);
	}
}

static void append_headers(struct text *line, const struct event *event)
{
	TEXT_LITERAL(line, ",\"headers\":[");
	for (size_t i = 0; i < event->header_count; i++) {
		const struct header_text *header = &event->headers[i];

		text_append_string(line, i ? ",[" : "[");
		text_append_json(line, header->name, strlen(header->name), 0);
		text_append_char(line, ',');
		text_append_json(line, event->header_values.data + header->from, header->size, 0);
		text_append_char(line, ']');
	}
	text_append_char(line, ']');
}

bool printer_print(struct printer *printer, const struct event *event, struct fold *fold)
{
	struct text *line = &printer->line;
	uint32_t partition = (uint32_t)event->facts.partition;
	int64_t offset = printer->offsets[event->facts.topic * printer->partitions + partition]++;
	int64_t timestamp_ms = FIRST_RECORD_MS + (int64_t)printer->printed++ * RECORD_STEP_MS;

	if (fold)
		fold_delivered(fold, fold_add(fold, event), offset, timestamp_ms);
	text_clear(line);
	TEXT_LITERAL(line, "{\"topic\":");
	text_append_json(line, printer->topics[event->facts.topic], strlen(printer->topics[event->facts.topic]), 0);
	TEXT_LITERAL(line, ",\"partition\":");
	text_append_number(line, partition);
	TEXT_LITERAL(line, ",\"offset\":");
	text_append_number(line, (uint64_t)offset);
	TEXT_LITERAL(line, ",\"timestamp\":");
	text_append_number(line, (uint64_t)timestamp_ms);
	TEXT_LITERAL(line, ",\"key\":");
	if (event->has_key)
		text_append_json(line, event->key.data, event->key.size, 0);
	else
		TEXT_LITERAL(line, "null");
	append_headers(line, event);
	append_value(line, event);
	TEXT_LITERAL(line, "}\n");
	return fwrite(line->data, 1, line->size, printer->file) == line->size;
}
