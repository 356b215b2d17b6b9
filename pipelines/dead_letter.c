/* SPDX-License-Identifier: Apache-2.0 */
#include "dead_letter.h"
#include "buffer.h"
#include "digest.h"
#include "must.h"

/* Parts that remain of a record that is too large to be kept whole. */
#define CUT_VALUE 65536
#define CUT_KEY 1024
#define CUT_HEADERS 32768
#define ERROR_HEADERS_MAX 12
#define ERROR_HEADERS_SIZE 2048
#define RECORD_MIN (CUT_KEY + CUT_HEADERS + ERROR_HEADERS_SIZE)

struct draft {
	struct arena *arena;
	struct header *headers;
	size_t count;
};

static void add_header(struct draft *draft, struct slice name, struct slice value)
{
	draft->headers[draft->count++] = (struct header){ name, value };
}

static void add_number(struct draft *draft, struct slice name, int64_t number)
{
	struct buffer text;
	buffer_init(&text, draft->arena, 24);
	buffer_append_int(&text, number);
	add_header(draft, name, buffer_slice(&text));
}

static size_t headers_size(struct header_list headers)
{
	size_t size = 0;
	for (size_t i = 0; i < headers.count; i++)
		size += headers.items[i].name.size + headers.items[i].value.size + 16;
	return size;
}

static struct slice cut(struct slice bytes, size_t size)
{
	return (struct slice){ bytes.data, bytes.size < size ? bytes.size : size };
}

/* Keeps what fits: headers and key are only dropped or cut when they are the problem. */
static void keep_original(struct draft *draft, const struct input_record *record, size_t bound,
			  struct output_record *out)
{
	MUST(bound >= RECORD_MIN);
	struct header_list headers = input_record_headers(record);
	size_t around = headers_size(headers), room = bound - ERROR_HEADERS_SIZE;
	bool whole = record->key.size + record->value.size + around <= room;
	out->key = arena_copy(draft->arena, whole ? record->key : cut(record->key, CUT_KEY));
	size_t kept = whole || around <= CUT_HEADERS ? headers.count : 0;
	room -= out->key.size + (kept ? around : 0);
	out->payload = arena_copy(draft->arena,
				  whole ? record->value : cut(record->value, room < CUT_VALUE ? room : CUT_VALUE));
	draft->headers = arena_alloc(draft->arena, (kept + ERROR_HEADERS_MAX) * sizeof *draft->headers);
	for (size_t i = 0; i < kept; i++)
		add_header(draft, arena_copy(draft->arena, headers.items[i].name),
			   arena_copy(draft->arena, headers.items[i].value));
	if (!whole) {
		add_header(draft, SLICE("rw.error.truncated"), SLICE("true"));
		add_number(draft, SLICE("rw.error.original_size"), (int64_t)record->value.size);
		add_header(draft, SLICE("rw.error.sha256"),
			   digest_parts(&record->value, 1, DIGEST_HEX_SIZE, draft->arena));
	}
}

void dead_letter_add(struct job *job, const struct fault *fault)
{
	const struct pipeline_settings *settings = job->settings;
	const struct input_record *record = job->record;
	struct output_record *out = chunk_add_record(job->chunk);
	struct draft draft = { .arena = &job->chunk->arena };
	out->topic = slice_of(settings->dead_letter_topic);
	keep_original(&draft, record, settings->max_record_bytes, out);
	add_header(&draft, SLICE("rw.error.reason"), slice_of(reason_text(fault->reason)));
	add_header(&draft, SLICE("rw.error.topic"), slice_of(settings->input_topics[record->input]));
	add_number(&draft, SLICE("rw.error.partition"), record->partition);
	add_number(&draft, SLICE("rw.error.offset"), record->offset);
	add_number(&draft, SLICE("rw.error.timestamp"), record->timestamp_ms);
	if (fault->field)
		add_header(&draft, SLICE("rw.error.field"), slice_of(fault->field));
	add_number(&draft, SLICE("rw.error.position"), (int64_t)fault->position);
	add_header(&draft, SLICE("rw.error.application"), slice_of(settings->application));
	add_header(&draft, SLICE("rw.error.group"), slice_of(settings->group));
	out->headers = draft.headers;
	out->header_count = draft.count;
}
