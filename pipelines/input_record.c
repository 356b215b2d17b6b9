/* SPDX-License-Identifier: Apache-2.0 */
#include "input_record.h"

struct header_list input_record_headers(const struct input_record *record)
{
	if (record->read_headers)
		return record->read_headers(record->origin);
	return (struct header_list){ record->headers, record->header_count };
}
