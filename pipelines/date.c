/* SPDX-License-Identifier: Apache-2.0 */
#include "date.h"

/* Proleptic Gregorian calendar; years run from March inside, so that a leap day is the last day. */
struct date date_of(int64_t days)
{
	int64_t shifted = days + 719468; /* from 0000-03-01 */
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int day_of_era = (int)(shifted - era * 146097);
	int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month = (5 * day_of_year + 2) / 153; /* 0 = March */

	return (struct date){
		.year = year_of_era + era * 400 + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = day_of_year - (153 * month + 2) / 5 + 1,
	};
}

uint32_t china_day(uint32_t hour)
{
	struct date date = date_of(((int64_t)hour + CHINA_HOURS) / 24);
	return (uint32_t)date.year * 10000 + (uint32_t)date.month * 100 + (uint32_t)date.day;
}
