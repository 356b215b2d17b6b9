/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a value holds, its log line is one line of valid UTF-8 without control characters; as JSON it is valid,
 * with one member for each pair of its format. */
#include "fuzz/fuzz_checks.h"
#include "fuzz/fuzz_input.h"
#include "log_line.h"

static void check_line(const struct log_line *line, bool json, size_t pairs)
{
	MUST(line->size > 0 && line->size <= sizeof line->data && line->data[line->size - 1] == '\n');
	struct slice text = { line->data, line->size - 1 };
	MUST(is_utf8(text));
	for (size_t i = 0; i < text.size; i++)
		MUST((unsigned char)text.data[i] >= ' ' && text.data[i] != 0x7f);
	if (json) {
		json_t *value = json_loadb(text.data, text.size, 0, NULL);
		MUST(value && json_object_size(value) == pairs);
		json_decref(value);
	}
}

/* A text value comes out of a JSON line as it went in, up to where it was cut and but for bytes that are no text. */
static void check_value(const struct log_line *line, const char *value)
{
	json_t *object = json_loadb(line->data, line->size, 0, NULL);
	const char *found = json_string_value(json_object_get(object, "value"));
	MUST(found);
	if (is_utf8(slice_of(value)))
		MUST(strncmp(found, value, strlen(found)) == 0 &&
		     (strlen(found) == strlen(value) || line->size > 30000));
	json_decref(object);
}

static void check(const char *value, const char *fields, bool json)
{
	static const char *const formats[] = { "topic=%s partition=%d text=\"%s\"", "%s", "a=%s b=%s", "count=%d" };
	static const size_t pairs[] = { 3, 1, 2, 1 };
	struct log_line line;
	log_line_start(&line, json, '\0');
	log_line_text(&line, "value", value);
	log_line_number(&line, "number", -5);
	log_line_end(&line);
	check_line(&line, json, 2);
	if (json)
		check_value(&line, value);
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		char marked[128], *filled;
		log_fields_mark(formats[i], marked, sizeof marked);
		/* Literal formats of this file, marked. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
		if (i == 0)
			MUST(asprintf(&filled, marked, value, 7, fields) >= 0);
		else if (i == 3)
			MUST(asprintf(&filled, marked, 7) >= 0);
		else
			MUST(asprintf(&filled, marked, value, fields) >= 0);
#pragma GCC diagnostic pop
		log_line_start(&line, json, '\0');
		log_line_fields(&line, marked, filled);
		log_line_end(&line);
		check_line(&line, json, pairs[i]);
		free(filled);
	}
}

int FUZZ_FUNCTION(log)(const uint8_t *data, size_t size)
{
	char *value = fuzz_copy_text((struct slice){ (const char *)data, size / 2 });
	char *fields = fuzz_copy_text((struct slice){ (const char *)data + size / 2, size - size / 2 });
	check(value, fields, true);
	check(value, fields, false);
	free(value);
	free(fields);
	return 0;
}
