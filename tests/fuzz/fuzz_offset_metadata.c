/* SPDX-License-Identifier: Apache-2.0 */
/* Text beside a committed offset, by anybody: what is read as ours is exactly what we would have written; what we write
 * is read. */
#include "fuzz/fuzz_input.h"
#include "offset_metadata.h"

static void check_text(const char *text)
{
	struct offset_metadata metadata;
	char again[OFFSET_METADATA_SIZE];
	if (!offset_metadata_parse(text, &metadata))
		return;
	offset_metadata_format(&metadata, again);
	MUST(strcmp(text, again) == 0);
}

/* -1, or not negative */
static int64_t fuzz_offset(struct fuzz_input *input)
{
	return (int64_t)(fuzz_number(input) >> 1) - 1;
}

static void check_values(struct fuzz_input *input)
{
	static const char hex[] = "0123456789abcdef";
	struct offset_metadata metadata = { 0 }, back;
	char text[OFFSET_METADATA_SIZE];
	for (int i = 0; i < STORE_UUID_SIZE; i++)
		metadata.store_uuid[i] = i == 8 || i == 13 || i == 18 || i == 23 ? '-' : hex[fuzz_byte(input) & 15];
	metadata.stream_time_ms = fuzz_offset(input);
	metadata.ruleset = fuzz_number(input);
	metadata.complete = fuzz_byte(input) & 1;
	for (int i = 0; metadata.complete && i < STREAM_KEY_SIZE; i++)
		metadata.key[i] = fuzz_byte(input);
	if (metadata.complete)
		metadata.anchors = (struct anchors){ .old = { fuzz_offset(input), fuzz_offset(input) },
						     .young = { fuzz_offset(input), fuzz_offset(input) } };
	offset_metadata_format(&metadata, text);
	MUST(offset_metadata_parse(text, &back));
	MUST(memcmp(metadata.store_uuid, back.store_uuid, STORE_UUID_SIZE) == 0);
	MUST(metadata.stream_time_ms == back.stream_time_ms && metadata.ruleset == back.ruleset);
	MUST(metadata.complete == back.complete && memcmp(metadata.key, back.key, STREAM_KEY_SIZE) == 0);
	MUST(memcmp(&metadata.anchors, &back.anchors, sizeof back.anchors) == 0);
}

int FUZZ_FUNCTION(offset_metadata)(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input_of(data, size);
	char *text = malloc(size + 1);
	MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_text(text);
	check_values(&input);
	free(text);
	return 0;
}
