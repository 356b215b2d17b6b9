# SPDX-License-Identifier: Apache-2.0
"""A random mix: every few seconds a random subset of the faults, now and then a quiet phase, in the end everything is healed."""
import signal
import time

import redis

from faults import cut_tail
from rows_daemon import POINTS, at
from table import Row

INSTANCES = ("riderwatch-0", "riderwatch-1", "riderwatch-2")


class Mix:
    """Each fault is a method that begins it and returns what ends it (or None)."""

    def __init__(self, run):
        self.run, self.dice = run, run.dice

    def daemon(self):
        running = self.run.running()
        return self.dice.choice(running) if running else None

    def kill(self):
        daemon = self.daemon()
        if daemon:
            self.run.crash(daemon)

    def die_at_a_point(self):
        """The next process of this instance ends itself somewhere."""
        daemon, point = self.daemon(), self.dice.choice(sorted(POINTS))
        if daemon:
            name = self.run.instance_of(daemon)
            self.run.crash(daemon)
            self.run.launch(name, at(point))

    def freeze(self):
        daemon = self.daemon()
        if daemon:
            self.run.freeze(daemon)
            return lambda: self.run.wake(daemon)
        return None

    def term(self):
        daemon = self.daemon()
        if daemon:
            self.run.fault("SIGTERM")
            daemon.signal(self.dice.choice((signal.SIGTERM, signal.SIGINT)))

    def hangup(self):
        for daemon in self.run.running():
            if daemon.log:  # before that it may not have come to its first line, and no program could mind the signal
                self.run.fault("SIGHUP")
                daemon.signal(signal.SIGHUP)

    def one_more(self):
        missing = [name for name in INSTANCES if name not in map(self.run.instance_of, self.run.running())]
        if missing:
            self.run.fault("instance started")
            self.run.launch(self.dice.choice(missing))

    def redis_kill(self):
        self.run.redis("kill")
        return lambda: self.run.stack.order("redis", "start")

    def redis_pause(self):
        self.run.redis("pause")
        return lambda: self.run.stack.order("redis", "resume")

    def redis_tail(self):
        self.run.stack.order("redis", "resume")
        cut_tail(self.run)

    def redis_clients(self):
        self.command("client kill", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def redis_functions(self):
        self.command("functions flushed", "FUNCTION", "FLUSH")

    def redis_memory(self):
        self.command("out of memory", "CONFIG", "SET", "maxmemory", str(1 << 20))
        return lambda: self.command(None, "CONFIG", "SET", "maxmemory", "0")

    def redis_demoted(self):
        self.command("demotion", "REPLICAOF", "127.0.0.1", "1")
        return lambda: self.command(None, "REPLICAOF", "NO", "ONE")

    def kafka_kill(self):
        self.run.kafka("kill")
        return lambda: self.run.stack.order("kafka", "start")

    def kafka_pause(self):
        self.run.kafka("pause")
        return lambda: self.run.stack.order("kafka", "resume")

    def command(self, name, *words):
        """To a Redis that may be gone or stand still just now."""
        host, port = self.run.stack.redis_address.rsplit(":", 1)
        try:
            redis.Redis(host, int(port), socket_timeout=1).execute_command(*words)
        except redis.exceptions.RedisError:
            return
        if name:
            self.run.fault(name)


class MixOfThree(Mix):
    """One broker at a time, and only when all have caught up: two must stay in step."""

    harmed = False

    def harm_one(self, order, back):
        if self.harmed or not self.run.stack.is_whole(20):
            return None
        self.harmed = True
        node = self.dice.choice(self.run.stack.nodes)
        self.run.fault(f"broker {order}")
        self.run.stack.node_order(node, order)

        def end():
            self.run.stack.node_order(node, back)
            self.harmed = False
        return end

    def kafka_kill(self):
        return self.harm_one("kill", "start")

    def kafka_pause(self):
        return self.harm_one("pause", "resume")


# The broker takes longest to come back: rarer than the rest.
FAULTS = ("kill", "kill", "die_at_a_point", "die_at_a_point", "freeze", "freeze", "term", "hangup", "one_more",
          "redis_kill", "redis_pause", "redis_tail", "redis_clients", "redis_functions", "redis_memory", "redis_demoted",
          "kafka_kill", "kafka_pause")


def keep_two_running(run):
    names = set(map(run.instance_of, run.running()))
    for name in INSTANCES[:max(0, 2 - len(names))]:
        if name not in names:
            run.launch(name)


def play(run, seconds, kind):
    mix, until = kind(run), time.monotonic() + seconds
    run.supervised = True
    for name in INSTANCES[:2]:
        run.start(name)
    run.load(per_second=200)
    run.wait_counted(100)
    while time.monotonic() < until:
        ends = []
        if mix.dice.random() > 0.25:
            chosen = mix.dice.sample(FAULTS, mix.dice.choice((1, 1, 2, 2, 3)))
            ends = [getattr(mix, fault)() for fault in chosen]
        else:
            run.fault("quiet")
        run.sleep(1, 8)
        for end in filter(None, reversed(ends)):
            end()
        run.sleep(0, 2)
        keep_two_running(run)
    mix.command(None, "CONFIG", "SET", "maxmemory", "0")
    mix.command(None, "REPLICAOF", "NO", "ONE")
    run.heal()
    keep_two_running(run)
    run.settle(90)


def rows(seconds, seeds, three):
    """One row a seed; three: of that many brokers, else of the only one."""
    kind, stack = (MixOfThree, "three") if three else (Mix, "single")
    return [Row(f"mix_{seed}", lambda run: play(run, seconds, kind), 29, "a random mix", "safety always, progress after the end",
                takes=("committed",), stack=stack) for seed in seeds]
