/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#ifdef PROTOCOL_PLANTED_BUGS
/* A whole program may be built with one bug from its start. */
#ifndef PROTOCOL_PLANTED_BUG
#define PROTOCOL_PLANTED_BUG PLANTED_NONE
#endif
enum planted_protocol_bug protocol_planted_bug = PROTOCOL_PLANTED_BUG;

void protocol_plant(enum planted_protocol_bug bug)
{
	protocol_planted_bug = bug;
}
#else
/* An empty file is no C. */
extern const char planted_nothing;
#endif
