/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from an error reply. */
#include "store_internal.h"
#include "log.h"

bool store_error_handle(struct store *store, const char *doing, const redisReply *reply)
{
	const char *text = reply->type == REDIS_REPLY_ERROR ? reply->str : "a reply of another shape";
	const struct redis_fault *fault = redis_fault_find(text);
	if (fault->reaction == REACT_DIE) {
		store_die(store, doing, text, fault->advice);
		return false;
	}
	log_limited(LOG_ERROR, "redis refuses", "doing=\"%s\" answer=\"%s\" advice=\"%s\"", doing, text, fault->advice);
	if (fault->reaction == REACT_RECONNECT) {
		store_lose(store, text);
		return false;
	}
	if (fault->reaction == REACT_RELOAD)
		store_reload_library(store);
	return true;
}
