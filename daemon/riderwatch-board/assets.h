/* SPDX-License-Identifier: Apache-2.0 */
/* The page's files, part of the program since it was built. */
#pragma once
#include "slice.h"

struct asset {
	const char *path, *content_type;
	struct slice bytes;
};

/* NULL when there is none at that path. */
const struct asset *asset_find(const char *path);
