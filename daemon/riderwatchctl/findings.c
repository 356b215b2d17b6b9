/* SPDX-License-Identifier: Apache-2.0 */
#include "findings.h"

#include <stdarg.h>
#include <stdlib.h>
#include "alloc.h"
#include "columns.h"
#include "must.h"

void findings_fini(struct findings *findings)
{
	for (size_t i = 0; i < findings->note_count; i++)
		free(findings->notes[i]);
	free(findings->notes);
	free(findings->differences);
	arena_fini(&findings->arena);
	*findings = (struct findings){ 0 };
}

static struct slice copy(struct findings *findings, const char *text)
{
	return arena_copy(&findings->arena, slice_of(text));
}

static bool is_repeated(const struct findings *findings, struct slice key, const char *field)
{
	const struct difference *last = findings->count ? &findings->differences[findings->count - 1] : NULL;
	return last && slice_equal(last->key, key) && slice_equal(last->field, slice_of(field));
}

void findings_differ(struct findings *findings, struct slice key, const char *field, const char *is, const char *must)
{
	if (is_repeated(findings, key, field))
		return;
	if (findings->count == findings->room) {
		findings->room = findings->room ? 2 * findings->room : 64;
		findings->differences =
			alloc_resize(findings->differences, findings->room * sizeof(*findings->differences));
	}
	findings->differences[findings->count++] =
		(struct difference){ arena_copy(&findings->arena, key), copy(findings, field), copy(findings, is),
				     copy(findings, must) };
}

void findings_differ_number(struct findings *findings, struct slice key, const char *field, int64_t is, int64_t must)
{
	char found[24], wanted[24];
	snprintf(found, sizeof(found), "%lld", (long long)is);
	snprintf(wanted, sizeof(wanted), "%lld", (long long)must);
	findings_differ(findings, key, field, found, wanted);
}

void findings_note(struct findings *findings, bool incomplete, const char *format, ...)
{
	va_list arguments;
	char *text;
	va_start(arguments, format);
	MUST(vasprintf(&text, format, arguments) >= 0);
	va_end(arguments);
	findings->notes = alloc_resize(findings->notes, (findings->note_count + 1) * sizeof(*findings->notes));
	findings->notes[findings->note_count++] = text;
	findings->incomplete |= incomplete;
}

void findings_rewind(struct findings *findings, size_t count)
{
	MUST(count <= findings->count);
	findings->count = count;
}

/* ---- output ---- */

static void print_differences(const struct findings *findings, FILE *out)
{
	static const char *const headers[] = { "key", "field", "is", "must be", NULL };
	struct columns *columns = columns_new(headers);
	for (size_t i = 0; i < findings->count; i++) {
		const struct difference *row = &findings->differences[i];
		columns_format(columns, "%.*s", (int)row->key.size, row->key.data);
		columns_format(columns, "%.*s", (int)row->field.size, row->field.data);
		columns_format(columns, "%.*s", (int)row->is.size, row->is.data);
		columns_format(columns, "%.*s", (int)row->must.size, row->must.data);
	}
	fprintf(out, "\nDifferences\n");
	columns_print(columns, out);
	columns_free(&columns);
}

void findings_print(const struct findings *findings, FILE *out)
{
	if (findings->count)
		print_differences(findings, out);
	if (findings->note_count)
		fprintf(out, "\nNot checked\n");
	for (size_t i = 0; i < findings->note_count; i++)
		fprintf(out, "  %s\n", findings->notes[i]);
}

/* Bytes that are not UTF-8 cannot stand in JSON. */
static json_t *json_text(struct slice text)
{
	json_t *value = json_stringn(text.data, text.size);
	return value ? value : json_string("(not UTF-8)");
}

void findings_to_json(const struct findings *findings, json_t *object)
{
	json_t *differences = json_array(), *notes = json_array();
	for (size_t i = 0; i < findings->count; i++) {
		const struct difference *row = &findings->differences[i];
		json_t *item = json_object();
		json_object_set_new(item, "key", json_text(row->key));
		json_object_set_new(item, "field", json_text(row->field));
		json_object_set_new(item, "is", json_text(row->is));
		json_object_set_new(item, "must_be", json_text(row->must));
		json_array_append_new(differences, item);
	}
	for (size_t i = 0; i < findings->note_count; i++)
		json_array_append_new(notes, json_string(findings->notes[i]));
	json_object_set_new(object, "differences", differences);
	json_object_set_new(object, "not_checked", notes);
}
