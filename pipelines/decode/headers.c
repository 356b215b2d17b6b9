/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/headers.h"
#include "decode/text_forms.h"

const struct header *headers_find(struct header_list headers, struct slice name)
{
	for (size_t i = headers.count; i-- > 0;) {
		const struct header *header = &headers.items[i];

		if (equal_any_case(header->name, name))
			return header->value.data ? header : NULL;
	}
	return NULL;
}

struct slice headers_value(struct header_list headers, struct slice name)
{
	const struct header *header = headers_find(headers, name);

	return header ? header->value : (struct slice){ NULL, 0 };
}
