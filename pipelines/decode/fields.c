/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/fields.h"

static const struct {
	struct slice name;
	enum scope scope;
} rows[FIELD_COUNT] = {
#define FIELD(symbol, name, scope) { { name, sizeof(name) - 1 }, SCOPE_##scope },
#include "decode/fields.def"
#undef FIELD
};

#define NAME_SIZE_MAX 15

/* Where the names of one length begin; lengths without names have none. */
static const uint8_t first_of_size[NAME_SIZE_MAX + 1] = {
	[0] = FIELD_COUNT,
	[1] = FIELD_COUNT,
	[2] = FIELD_ID,
	[3] = FIELD_LAT,
	[4] = FIELD_TYPE,
	[5] = FIELD_MEDIA,
	[6] = FIELD_SOURCE,
	[7] = FIELD_CHARITY,
	[8] = FIELD_RIDER_ID,
	[9] = FIELD_REPORT_ID,
	[10] = FIELD_COUNT,
	[11] = FIELD_DATA_BASE64,
	[12] = FIELD_COMMUNITY_ID,
	[13] = FIELD_COUNT,
	[14] = FIELD_ADDRESS_STRING,
	[15] = FIELD_DATACONTENTTYPE,
};

static uint64_t eight(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static uint32_t four(const char *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* Of two names of that size, which is at least 2: a call of memcmp would cost more than all the rest. Words may
 * overlap. */
static bool same_name(const char *a, const char *b, size_t size)
{
	if (size >= 8)
		return eight(a) == eight(b) && eight(a + size - 8) == eight(b + size - 8);
	if (size >= 4)
		return four(a) == four(b) && four(a + size - 4) == four(b + size - 4);
	return a[0] == b[0] && a[1] == b[1] && a[size - 1] == b[size - 1];
}

enum field field_find(struct slice name, unsigned scopes)
{
	if (name.size > NAME_SIZE_MAX)
		return FIELD_COUNT;
	for (unsigned field = first_of_size[name.size]; field < FIELD_COUNT && rows[field].name.size == name.size;
	     field++)
		if (same_name(rows[field].name.data, name.data, name.size))
			return rows[field].scope & scopes ? (enum field)field : FIELD_COUNT;
	return FIELD_COUNT;
}

static uint64_t bit(enum field field)
{
	return (uint64_t)1 << field;
}

void fields_init(struct fields *fields)
{
	fields->present = 0;
	fields->media_count = 0;
	fields->label_count = 0;
	fields->media_unusable = false;
}

const struct value *fields_get(const struct fields *fields, enum field field)
{
	if (!(fields->present & bit(field)) || fields->values[field].kind == VALUE_NULL)
		return NULL;
	return &fields->values[field];
}

void fields_set(struct fields *fields, enum field field, struct value value)
{
	fields->present |= bit(field);
	fields->values[field] = value;
}

bool fields_have(const struct fields *fields, enum scope scope)
{
	for (enum field field = 0; field < FIELD_COUNT; field++)
		if (rows[field].scope == scope && fields->present & bit(field))
			return true;
	return false;
}

/* Where the members of the object being read go. */
struct target {
	struct document *document;
	struct fields *fields;
	unsigned scopes;
};

static bool on_member(struct scan *scan, const struct scan_key *key, void *context);

static bool on_label(struct scan *scan, void *context)
{
	struct fields *medium = context;
	struct value label;

	if (!scan_value(scan, &label))
		return false;
	if (label.kind != VALUE_STRING)
		medium->media_unusable = true;
	else if (label.text.size > 0 && medium->label_count < LABELS_MAX)
		medium->labels[medium->label_count++] = label.text;
	return true;
}

/* The string, or absent; any other type leaves media unusable in that part. */
static struct slice medium_text(struct fields *medium, enum field field)
{
	const struct value *value = fields_get(medium, field);

	if (value && value->kind != VALUE_STRING)
		medium->media_unusable = true;
	return value && value->kind == VALUE_STRING ? value->text : (struct slice){ NULL, 0 };
}

static void add_medium(struct fields *fields, struct fields *medium)
{
	struct media media = { medium_text(medium, FIELD_URL), medium_text(medium, FIELD_SHA256) };
	const struct value *labels = fields_get(medium, FIELD_LABELS);

	if (fields->media_count == MEDIA_MAX)
		return;
	if (media.url.data || media.sha256.data)
		fields->media[fields->media_count++] = media;
	for (size_t i = 0; i < medium->label_count && fields->label_count < LABELS_MAX; i++)
		fields->labels[fields->label_count++] = medium->labels[i];
	if (medium->media_unusable || (labels && labels->kind != VALUE_ARRAY))
		fields->media_unusable = true;
}

static bool on_medium(struct scan *scan, void *context)
{
	struct target *media = context;
	struct fields medium;
	struct target target = { media->document, &medium, SCOPE_MEDIUM };

	if (scan_peek(scan) != '{') {
		media->fields->media_unusable = true;
		return scan_skip(scan);
	}
	fields_init(&medium);
	if (!scan_object(scan, on_member, &target))
		return false;
	add_medium(media->fields, &medium);
	return true;
}

static bool read_object(struct scan *scan, struct target *outer, enum field field)
{
	struct target site = { outer->document, outer->fields, SCOPE_SITE };
	struct target data = { outer->document, &outer->document->data, SCOPE_DATA };

	return scan_object(scan, on_member, field == FIELD_DATA ? &data : &site);
}

static bool on_member(struct scan *scan, const struct scan_key *key, void *context)
{
	struct target *target = context;
	enum field field = field_find(key->text, target->scopes);
	struct value *value;
	int byte = scan_peek(scan);

	if (field == FIELD_COUNT) {
		scan_add_key(scan, key);
		return scan_skip(scan);
	}
	if (target->fields->present & bit(field)) {
		scan_repeated(scan, key);
		return scan_skip(scan);
	}
	target->fields->present |= bit(field);
	value = &target->fields->values[field];
	value->position = (size_t)(scan->at - scan->start);
	value->text = (struct slice){ NULL, 0 };
	value->kind = byte == '{' ? VALUE_OBJECT : VALUE_ARRAY;
	if (byte == '{' && (field == FIELD_DATA || field == FIELD_SITE))
		return read_object(scan, target, field);
	if (byte == '[' && field == FIELD_MEDIA)
		return scan_array(scan, on_medium, target);
	if (byte == '[' && field == FIELD_LABELS)
		return scan_array(scan, on_label, target->fields);
	return scan_value(scan, value);
}

bool document_read(struct document *document, const char *start, struct slice text, struct arena *arena)
{
	struct target top = { document, &document->top, SCOPE_ENVELOPE | SCOPE_DATA };

	fields_init(&document->top);
	fields_init(&document->data);
	return scan_document(&document->scan, start, text, arena, on_member, &top);
}

bool document_read_data(struct document *document, const char *start, struct slice text, struct arena *arena)
{
	struct target data = { document, &document->data, SCOPE_DATA };

	fields_init(&document->data);
	return scan_document(&document->scan, start, text, arena, on_member, &data);
}
