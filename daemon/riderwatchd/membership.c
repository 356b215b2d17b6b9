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

/* Big-endian; false when the bytes end before. */
static bool take_number(struct slice *bytes, size_t size, int32_t *number)
{
	uint32_t value = 0;
	if (bytes->size < size)
		return false;
	for (size_t i = 0; i < size; i++)
		value = value << 8 | (unsigned char)bytes->data[i];
	*bytes = (struct slice){ bytes->data + size, bytes->size - size };
	*number = size == 2 ? (int16_t)value : (int32_t)value;
	return true;
}

static bool take_bytes(struct slice *bytes, size_t size, struct slice *taken)
{
	if (bytes->size < size)
		return false;
	*taken = (struct slice){ bytes->data, size };
	*bytes = (struct slice){ bytes->data + size, bytes->size - size };
	return true;
}

/* version, topics { name, partitions { number } }, user data */
int32_t membership_assigned(struct slice bytes, struct slice topic)
{
	int32_t version, topics, length, partitions, found = 0;
	if (!take_number(&bytes, 2, &version) || version < 0 || !take_number(&bytes, 4, &topics) || topics < 0)
		return -1;
	for (int32_t i = 0; i < topics; i++) {
		struct slice name, numbers;
		if (!take_number(&bytes, 2, &length) || length < 0 || !take_bytes(&bytes, (size_t)length, &name) ||
		    !take_number(&bytes, 4, &partitions) || partitions < 0 ||
		    !take_bytes(&bytes, (size_t)partitions * 4, &numbers))
			return -1;
		if (slice_equal(name, topic))
			found += partitions;
	}
	return found;
}
