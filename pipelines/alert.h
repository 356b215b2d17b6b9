/* SPDX-License-Identifier: Apache-2.0 */
/* The alert record: CloudEvents 1.0 structured JSON with CAP 1.2 words in data. */
#pragma once
#include "job.h"

/* Adds the alert for one category of the verdict to the job's chunk: one record per topic that its routes name. */
void alert_add(struct job *job, enum category category);
