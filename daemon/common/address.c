/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_DIGITS = 5, PORT_MAX = 65535 };

/* 0: it is none. */
static int parse_port(struct slice text)
{
	int port = 0;
	if (text.size < 1 || text.size > PORT_DIGITS)
		return 0;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return 0;
		port = port * 10 + (text.data[i] - '0');
	}
	return port <= PORT_MAX ? port : 0;
}

static bool is_host(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] == '\0' || strchr(" \t,/\"[]", text.data[i]))
			return false;
	return text.size > 0;
}

bool address_parse(struct address *address, struct slice text)
{
	const char *colon = text.size ? memrchr(text.data, ':', text.size) : NULL;
	if (!colon || colon == text.data)
		return false;
	struct slice host = { text.data, (size_t)(colon - text.data) };
	address->port = parse_port((struct slice){ colon + 1, text.size - host.size - 1 });
	if (host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
		host = (struct slice){ host.data + 1, host.size - 2 };
	else if (memchr(host.data, ':', host.size))
		return false;
	if (!address->port || !is_host(host) || host.size >= sizeof(address->host))
		return false;
	memcpy(address->host, host.data, host.size);
	address->host[host.size] = '\0';
	return true;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

char *address_text(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
	bool brackets = strchr(address->host, ':') != NULL;
	snprintf(text, ADDRESS_TEXT_SIZE, brackets ? "[%s]:%d" : "%s:%d", address->host, address->port);
	return text;
}
