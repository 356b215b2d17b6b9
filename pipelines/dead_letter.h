/* SPDX-License-Identifier: Apache-2.0 */
/* A record that is not an event goes to the dead-letter topic as it came, with headers that say why. */
#pragma once
#include "job.h"

/* Adds the dead letter to the job's chunk: original key, value and headers, then rw.error.*. What would be larger than the topic
 * takes is cut, and carries the original's size and SHA-256. */
void dead_letter_add(struct job *job, const struct fault *fault);
