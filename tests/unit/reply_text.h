/* SPDX-License-Identifier: Apache-2.0 */
/* Replies written as nested text: [a b [c]] is an array, a number an integer, 'text' a string, !text or !'text' an
 * error, nil null. */
#pragma once
#include <hiredis/hiredis.h>

/* Fails the test when it is no reply. The caller frees it (freeReplyObject). */
redisReply *reply_of(const char *text);
