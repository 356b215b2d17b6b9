/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_fault.h"

#include <string.h>

static const struct redis_fault faults[] = {
	{ "LOADING", REACT_RETRY, "Redis is reading its data; wait" },
	{ "MASTERDOWN", REACT_RETRY, "the replica has lost its primary; wait for the failover" },
	{ "CLUSTERDOWN", REACT_RETRY, "wait for the cluster" },
	{ "TRYAGAIN", REACT_RETRY, "slots are being moved; wait" },
	{ "BUSY", REACT_RETRY, "another script blocks Redis; SCRIPT KILL or FUNCTION KILL ends it" },
	{ "OOM", REACT_RETRY, "Redis is out of memory: raise maxmemory; counters wait until then" },
	{ "MISCONF", REACT_RETRY, "Redis cannot write to its disk: make room, see its log; counters wait until then" },
	{ "NOREPLICAS", REACT_RETRY, "too few replicas (min-replicas-to-write); counters wait until then" },
	{ "READONLY", REACT_RECONNECT,
	  "this is a replica: point redis.host at the primary, or wait for the failover when "
	  "Sentinels name it" },
	{ "ERR max number of clients", REACT_RECONNECT, "raise maxclients of Redis" },
	{ "ERR Function not found", REACT_RELOAD, "the function library is loaded again" },
	{ "NOAUTH", REACT_DIE, "Redis wants a password: set redis.password_file" },
	{ "WRONGPASS", REACT_DIE, "check redis.user and the content of redis.password_file" },
	{ "ERR AUTH", REACT_DIE,
	  "Redis has no password for this user: empty redis.password_file, or set one in Redis" },
	{ "NOPERM", REACT_DIE, "give the user ~rw:* and the commands that pipelines/redis/README.md lists" },
	{ "DENIED", REACT_DIE, "Redis is in protected mode: give it a password or bind it to the local host" },
	{ "MOVED", REACT_DIE, "this is one node of a Redis Cluster; riderwatch needs a single primary" },
	{ "ASK", REACT_DIE, "this is one node of a Redis Cluster; riderwatch needs a single primary" },
	{ "CROSSSLOT", REACT_DIE, "this is one node of a Redis Cluster; riderwatch needs a single primary" },
	{ "WRONGTYPE", REACT_DIE,
	  "a key that riderwatch owns holds something else; delete it, or start with an empty Redis" },
	{ "RWNOTEMPTY", REACT_DIE,
	  "counting the log again would count twice. Stop all instances, delete every key that matches rw:* (FLUSHDB "
	  "when Redis "
	  "holds nothing else), then start with redis.rebuild" },
	{ "RWARGS", REACT_DIE, "daemon and function library do not fit together; please report this" },
};

static const struct redis_fault unknown = { "", REACT_RECONNECT,
					    "this answer is not expected: look at the log of Redis" };

const struct redis_fault *redis_fault_find(const char *text)
{
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		if (strncmp(text, faults[i].prefix, strlen(faults[i].prefix)) == 0)
			return &faults[i];
	}
	return &unknown;
}
