/* SPDX-License-Identifier: Apache-2.0 */
#include "geo.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* Tiananmen in the three datums, as map services give them; agreement within two metres. */
static void test_converts_known_places(void **state)
{
	(void)state;
	static const struct {
		enum crs crs;
		double lat, lon, want_lat, want_lon, tolerance;
	} rows[] = {
		{ CRS_WGS84, 39.9087, 116.3975, 39.9087, 116.3975, 1e-12 },
		{ CRS_UNKNOWN, 39.9087, 116.3975, 39.9087, 116.3975, 1e-12 },
		{ CRS_GCJ02, 39.9101, 116.4037, 39.9087, 116.3975, 2e-4 },
		{ CRS_BD09, 39.9161, 116.4101, 39.9087, 116.3975, 4e-4 },
		{ CRS_GCJ02, 48.8584, 2.2945, 48.8584, 2.2945, 1e-12 }, /* outside China the datums agree */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double lat = rows[i].lat, lon = rows[i].lon;
		geo_to_wgs84(rows[i].crs, &lat, &lon);
		if (fabs(lat - rows[i].want_lat) > rows[i].tolerance || fabs(lon - rows[i].want_lon) > rows[i].tolerance)
			fail_msg("row %zu: got %.6f %.6f", i, lat, lon);
	}
}

/* The offset is some hundred metres everywhere in China and changes smoothly. */
static void test_offset_is_plausible_all_over_china(void **state)
{
	(void)state;
	for (double lat = 19; lat < 50; lat += 0.5) {
		for (double lon = 76; lon < 134; lon += 0.5) {
			double to_lat = lat, to_lon = lon;
			geo_to_wgs84(CRS_GCJ02, &to_lat, &to_lon);
			double north = (to_lat - lat) * 111.0, east = (to_lon - lon) * 111.0 * cos(lat * M_PI / 180);
			double kilometres = sqrt(north * north + east * east);
			assert_true(kilometres > 0.005 && kilometres < 1.0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_converts_known_places),
		cmocka_unit_test(test_offset_is_plausible_all_over_china),
	};
	return cmocka_run_group_tests_name("geo", tests, NULL, NULL);
}
