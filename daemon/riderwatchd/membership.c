/* SPDX-License-Identifier: Apache-2.0 */
#include "membership.h"

/* 7 bytes of magic, generation (int32, host order), group and member id, each ended by NUL, and more. */
static const struct slice magic = { "CGMDv2:", 7 };

bool membership_parse(struct slice bytes, int32_t *generation, bool *has_member)
{
	size_t head = magic.size + sizeof(*generation);
	if (bytes.size <= head || !slice_starts_with(bytes, magic))
		return false;
	const char *end = bytes.data + bytes.size;
	const char *group_end = memchr(bytes.data + head, '\0', bytes.size - head);
	if (!group_end || !memchr(group_end + 1, '\0', (size_t)(end - group_end - 1)))
		return false;
	memcpy(generation, bytes.data + magic.size, sizeof(*generation));
	*has_member = group_end[1] != '\0';
	return true;
}
