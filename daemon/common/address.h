/* SPDX-License-Identifier: Apache-2.0 */
/* "host:port", read and written; an IPv6 address stands in brackets. */
#pragma once
#include <stdbool.h>
#include "must.h"
#include "slice.h"

enum { ADDRESS_TEXT_SIZE = 272 };

struct address {
	char host[254]; /* a name or an IP address, without brackets */
	int port;
};

/* False when text has another form; blanks are not allowed. */
MUST_CHECK bool address_parse(struct address *address, struct slice text);
bool address_equal(const struct address *a, const struct address *b);
/* Returns text. */
char *address_text(const struct address *address, char text[ADDRESS_TEXT_SIZE]);
