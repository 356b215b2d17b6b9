/* SPDX-License-Identifier: Apache-2.0 */
/* Bugs that the simulator plants to prove that it would find them. Compiled in only with -DPROTOCOL_PLANTED_BUGS, which
 * no program that is installed uses: without it every PLANTED() is the constant false. */
#pragma once
#include <stdbool.h>

enum planted_protocol_bug {
	PLANTED_NONE,
	PLANTED_LOAD_DOES_NOT_WAIT, /* the load of a slot does not wait for the own transaction that holds it */
	PLANTED_UNSENT_KEPT,        /* a load leaves the slot's unsent chunks in the open batch */
	PLANTED_RETRY_GOES_LAST,    /* an aborted batch goes again behind what was decided since */
	PLANTED_VOID_PARTS_STAY,    /* an aborted batch goes again with parts of slots that were lost meanwhile */
	PLANTED_NO_MUTE,            /* everything is published, also below C */
	PLANTED_TAINT_IGNORED,      /* a tainted producer goes on */
	PLANTED_MUTED_START_FROM_C, /* records below C are skipped instead of counted */
	PLANTED_SHADOW_IGNORED,     /* C is the group's offset alone */
	PLANTED_KEPT_SHORT,         /* kept chunks are sent again although they do not reach back to W */
	PLANTED_HEAL_KEEPS_W,       /* going back to W is not remembered */
	PLANTED_CATCH_UP_BEYOND,    /* the second reader goes on to what is not known to be committed */
	PLANTED_LIVE_DROPPED,       /* live state is dropped when Redis does not stand where it must */
	PLANTED_HAND_OVER_EARLY,    /* the live side takes over before its next apply fits */
	PLANTED_BEHIND_APPLIES,     /* the live side's applies are not thrown away while behind */
	PLANTED_ALONE_FROM_GROUP,   /* a start from the log alone takes the group's offset for C */
	PLANTED_ALONE_ASSUMES_W,    /* a start from the log alone takes C for W */
	PLANTED_OFFSETS_BELIEVED,   /* an offset below what is known to be committed is taken for C */
	PLANTED_PROTOCOL_COUNT
};

#ifdef PROTOCOL_PLANTED_BUGS
void protocol_plant(enum planted_protocol_bug bug);
extern enum planted_protocol_bug protocol_planted_bug;
#define PLANTED(bug) (protocol_planted_bug == (bug))
#else
#define PLANTED(bug) false
#endif
