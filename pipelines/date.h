/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar days of times since 1970. */
#pragma once
#include <stdint.h>

struct date {
	int64_t year;
	int month, day;
};

/* The day that lies so many days behind 1970-01-01, or before it. */
struct date date_of(int64_t days);

/* Days of riders and sums end at midnight in UTC+8. */
#define CHINA_HOURS 8
/* The one that holds this hour since 1970, as 20261125. */
uint32_t china_day(uint32_t hour);
