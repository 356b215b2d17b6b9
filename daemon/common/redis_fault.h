/* SPDX-License-Identifier: Apache-2.0 */
/* Error replies of Redis: what follows from each, and what a person has to do. */
#pragma once

enum redis_reaction {
	REACT_RETRY,     /* nothing was done; the same may work in a moment */
	REACT_RECONNECT, /* nothing was done; this connection is of no use */
	REACT_RELOAD,    /* the function library has gone */
	REACT_DIE,       /* an operator has to act */
};
struct redis_fault {
	const char *prefix;
	enum redis_reaction reaction;
	const char *advice;
};
/* The row for an error reply; never NULL. */
const struct redis_fault *redis_fault_find(const char *text);
