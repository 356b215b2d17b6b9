/* SPDX-License-Identifier: Apache-2.0 */
/* What the pipeline takes from the configuration. */
#pragma once
#include "config.h"
#include "pipeline.h"

/* Texts are the configuration's. application names the program and its version; one partition and no pseudonym key,
 * until the caller sets them. */
struct pipeline_settings config_pipeline(const struct config *config, const char *application);
