/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#ifdef PROTOCOL_PLANTED_BUGS
enum planted_protocol_bug protocol_planted_bug;

void protocol_plant(enum planted_protocol_bug bug)
{
	protocol_planted_bug = bug;
}
#else
/* An empty file is no C. */
extern const char planted_nothing;
#endif
