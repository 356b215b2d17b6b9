/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that go on until they are told to stop: INT and TERM end them in order, and so does a reader that has gone
 * (head, less). */
#pragma once
#include <stdbool.h>

/* From now on INT and TERM set the mark, and writing into a closed pipe is an error instead of a signal. */
void stop_listen(void);
bool stop_asked(void);
/* Writes standard output through. False: nobody reads it any more, or it cannot be written. */
bool stop_flush(void);
