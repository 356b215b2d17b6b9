/* SPDX-License-Identifier: Apache-2.0 */
/* Chinese map datums. Phones report GCJ-02 or BD-09, which lie 100 to 700 m off; alerts carry WGS 84. */
#pragma once
#include "rider_event.h"

/* Converts degrees in crs to WGS 84 in place. Outside China GCJ-02 equals WGS 84. CRS_UNKNOWN is left as it is: the alert says so. */
void geo_to_wgs84(enum crs crs, double *lat, double *lon);
