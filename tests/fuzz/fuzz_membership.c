/* SPDX-License-Identifier: Apache-2.0 */
/* Serialised group metadata of some other librdkafka: read only when group and member id are there and end. */
#include "fuzz/fuzz_input.h"
#include "membership.h"

/* Written from the other end: walks field by field. */
static bool model(struct slice bytes, int32_t *generation, bool *has_member)
{
	size_t at = 11, ends = 0, member = 0;
	if (bytes.size < 11 || memcmp(bytes.data, "CGMDv2:", 7) != 0)
		return false;
	for (; at < bytes.size && ends < 2; at++) {
		member += ends == 1 && bytes.data[at] != '\0';
		ends += bytes.data[at] == '\0';
	}
	memcpy(generation, bytes.data + 7, sizeof *generation);
	*has_member = member > 0;
	return ends == 2;
}

static void check(struct slice bytes)
{
	int32_t generation = -7, expected_generation = -7;
	bool member = false, expected_member = false;
	char *copy = fuzz_copy(bytes);
	int32_t held = membership_assigned((struct slice){ copy, bytes.size }, SLICE("t"));
	MUST(held >= -1 && held <= (int64_t)bytes.size / 4);
	bool parsed = membership_parse((struct slice){ copy, bytes.size }, &generation, &member);
	MUST(parsed == model(bytes, &expected_generation, &expected_member));
	MUST(parsed ? generation == expected_generation && member == expected_member : generation == -7);
	free(copy);
}

int FUZZ_FUNCTION(membership)(const uint8_t *data, size_t size)
{
	struct slice bytes = { (const char *)data, size };
	char *framed = malloc(size + 7);
	MUST(framed);
	check(bytes);
	memcpy(framed, "CGMDv2:", 7);
	if (size)
		memcpy(framed + 7, data, size);
	check((struct slice){ framed, size + 7 });
	free(framed);
	return 0;
}
