/* SPDX-License-Identifier: Apache-2.0 */
#include "geo.h"

#include <math.h>

/* Krasovsky 1940 ellipsoid, on which the GCJ-02 offset is defined. */
#define SEMI_MAJOR 6378245.0
#define ECCENTRICITY_SQUARED 0.00669342162296594323
#define BD_FACTOR (M_PI * 3000.0 / 180.0)

static bool in_china(double lat, double lon)
{
	return lat >= 0.8293 && lat <= 55.8271 && lon >= 72.004 && lon <= 137.8347;
}

/* Sum of the three sine terms that both axes share in form. */
static double waves(double x, double scale1, double scale2, double period1, double period2)
{
	return (scale1 * sin(x / period1 * M_PI) + scale2 * sin(x / period2 * M_PI)) * 2.0 / 3.0;
}

static double common_waves(double x)
{
	return (20.0 * sin(6.0 * x * M_PI) + 20.0 * sin(2.0 * x * M_PI)) * 2.0 / 3.0;
}

/* common: common_waves(x) */
static double offset_lat(double x, double y, double common)
{
	double base = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(fabs(x));
	return base + common + (20.0 * sin(y * M_PI) + 40.0 * sin(y / 3.0 * M_PI)) * 2.0 / 3.0 +
	       waves(y, 160.0, 320.0, 12.0, 30.0);
}

static double offset_lon(double x, double y, double common)
{
	double base = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(fabs(x));
	return base + common + (20.0 * sin(x * M_PI) + 40.0 * sin(x / 3.0 * M_PI)) * 2.0 / 3.0 +
	       waves(x, 150.0, 300.0, 12.0, 30.0);
}

static void wgs84_to_gcj02(double *lat, double *lon)
{
	double x = *lon - 105.0, y = *lat - 35.0, radians = *lat / 180.0 * M_PI;
	double magic = 1.0 - ECCENTRICITY_SQUARED * sin(radians) * sin(radians), common = common_waves(x);
	double meridian = SEMI_MAJOR * (1.0 - ECCENTRICITY_SQUARED) / (magic * sqrt(magic));
	*lat += offset_lat(x, y, common) * 180.0 / (meridian * M_PI);
	*lon += offset_lon(x, y, common) * 180.0 / (SEMI_MAJOR / sqrt(magic) * cos(radians) * M_PI);
}

/* The forward transform is smooth, so a few fixed-point steps invert it to well under a metre. */
static void gcj02_to_wgs84(double *lat, double *lon)
{
	if (!in_china(*lat, *lon))
		return;
	double guess_lat = *lat, guess_lon = *lon;
	for (int step = 0; step < 4; step++) {
		double there_lat = guess_lat, there_lon = guess_lon;
		wgs84_to_gcj02(&there_lat, &there_lon);
		guess_lat += *lat - there_lat;
		guess_lon += *lon - there_lon;
	}
	*lat = guess_lat;
	*lon = guess_lon;
}

static void bd09_to_gcj02(double *lat, double *lon)
{
	double x = *lon - 0.0065, y = *lat - 0.006;
	double radius = sqrt(x * x + y * y) - 0.00002 * sin(y * BD_FACTOR);
	double angle = atan2(y, x) - 0.000003 * cos(x * BD_FACTOR);
	*lon = radius * cos(angle);
	*lat = radius * sin(angle);
}

void geo_to_wgs84(enum crs crs, double *lat, double *lon)
{
	if (crs == CRS_BD09)
		bd09_to_gcj02(lat, lon);
	if (crs == CRS_BD09 || crs == CRS_GCJ02)
		gcj02_to_wgs84(lat, lon);
}
