# SPDX-License-Identifier: Apache-2.0
"""riderwatchctl as the tests call it."""
import subprocess

import redis

from world import DAEMON

CTL = DAEMON.with_name("riderwatchctl")


def ctl(world, *words):
    """(exit code, standard output, standard error)"""
    path, _ = world.write_config("ctl")
    done = subprocess.run([str(CTL), words[0], "-c", str(path), *words[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120)
    return done.returncode, done.stdout, done.stderr


def log_key(world, kind="deliveries", shard=1):
    return f"rw:{{{shard}}}:log:{world.topics[kind]}"


def raw_redis(world):
    """Without decoding: journals are no text."""
    host, port = world.stack.redis_address.rsplit(":", 1)
    return redis.Redis(host, int(port))
