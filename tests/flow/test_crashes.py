# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost or doubled when daemon, Redis or broker go away at a bad moment."""
import random
import shutil
import signal
import threading
import time
from collections import Counter

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from events import BY_CATEGORY, delivery, mixed, report
from world import ALERT_KINDS, ROOT, is_sweep, wait_until

FIRE = BY_CATEGORY["fire"][0]


class Feed(threading.Thread):
    """Sends a mixed stream at a steady pace until stopped; the seed is printed by a failing test."""

    def __init__(self, world, seed, per_second=300, poison=True):
        super().__init__(daemon=True)
        self.world, self.per_second, self.poison, self.over = world, per_second, poison, threading.Event()
        self.random = random.Random(seed)
        print("seed", seed)
        self.start()

    def run(self):
        for number, (event, shape) in enumerate(mixed(self.random, 1_000_000)):
            if self.over.wait(1 / self.per_second):
                return
            self.world.send(event, shape)
            if self.poison and number % 50 == 7:
                self.world.send_raw("reports", b"poison", b'{"id": ' + str(number).encode())
            self.world.producer.poll(0)

    def stop(self):
        self.over.set()
        self.join()


class Watcher(threading.Thread):
    """A read_committed reader that looks on all the time: what it saw must be what a later reader sees."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.over, self.seen = threading.Event(), Counter()
        self.slots = [TopicPartition(world.topics[kind], partition, OFFSET_BEGINNING)
                      for kind in (*ALERT_KINDS, "dead_letters") for partition in range(world.partitions)]
        self.world = world
        self.start()

    def run(self):
        consumer = self.world.consumer(**{"group.id": f"{self.world.prefix}watcher"})
        consumer.assign(self.slots)
        while not self.over.is_set():
            message = consumer.poll(0.1)
            if message is not None and not message.error() and not is_sweep(message):
                self.seen[message.topic(), message.partition(), message.offset()] += 1
        consumer.close()

    def compare(self):
        final = {record[:3] for record in self.world.read(*ALERT_KINDS, "dead_letters")}
        try:
            wait_until(lambda: set(self.seen) == final, 10,
                       lambda: f"{len(final - set(self.seen))} never seen, {len(set(self.seen) - final)} gone again")
        finally:
            self.over.set()
            self.join()


def test_sigkill_at_random_moments(world):
    seed = random.randrange(1 << 30)
    feed, watcher, dice = Feed(world, seed), Watcher(world), random.Random(seed)
    for _ in range(10):
        daemon = world.launch(batch={"idle_after": "100ms", "chunk_events": 7})
        if dice.random() < 0.7:
            daemon.wait_ready()
        time.sleep(dice.random() * 1.5)
        daemon.kill()
    feed.stop()
    world.start()
    fold = world.check()
    assert fold.counted > 500 and fold.duplicates and fold.dead and fold.alerts
    watcher.compare()


def test_alerts_do_not_wait_for_redis(world):
    daemon = world.start()
    world.send(delivery("rider-1"))
    world.send(report("rider-1", FIRE))
    world.check()
    world.stack.order("redis", "stop")
    for number in range(200):
        world.send(report(f"rider-{number % 7}", BY_CATEGORY["emergency"][0]))
        world.send(delivery(f"rider-{number % 7}"))
    world.flush()
    wait_until(lambda: len(world.alerts()) == 201, 10, lambda: f"{len(world.alerts())} alerts\n{daemon.log[-2000:]}")
    world.stack.order("redis", "start")
    fold = world.check()
    assert daemon.runs and len(fold.alerts) == 201


def test_redis_killed_under_load(world):
    daemon, feed = world.start(batch={"chunk_events": 20}), Feed(world, random.randrange(1 << 30))
    for pause in (0.7, 1.1):
        time.sleep(pause)
        world.stack.order("redis", "kill")
        time.sleep(0.5)
        world.stack.order("redis", "start")
    time.sleep(0.5)
    feed.stop()
    world.check()
    assert daemon.runs


def lose_latest_writes(world, **sections):
    daemon, feed = world.start(batch={"chunk_events": 20}, **sections), Feed(world, random.randrange(1 << 30))
    data = ROOT / "build/stack" / world.stack.name / "redis/data"
    wait_until(lambda: len(world.applied()) == 2 * world.partitions, 20, "every partition is counted")
    time.sleep(1)
    shutil.copytree(data, world.folder / "older")
    time.sleep(1.5)
    world.stack.order("redis", "kill")
    shutil.rmtree(data)
    shutil.copytree(world.folder / "older", data)
    world.stack.order("redis", "start")
    time.sleep(0.5)
    feed.stop()
    world.check()
    assert daemon.runs
    return daemon.metrics()


def never_dropped(metrics):
    return not metrics['riderwatch_loads_total{cause="went_back"}'] and not metrics['riderwatch_loads_total{cause="refused"}']


def behind_events(daemon):
    return sum(value for name, value in daemon.metrics().items() if name.startswith("riderwatch_behind_events{"))


def test_redis_comes_back_without_its_latest_writes(world):
    metrics = lose_latest_writes(world, redis={"keep": "0s"})
    assert metrics['riderwatch_notices_total{notice="behind"}'] > 0 and metrics["riderwatch_catch_up_events_total"] > 0
    assert metrics['riderwatch_notices_total{notice="caught_up"}'] == metrics['riderwatch_notices_total{notice="behind"}']
    assert never_dropped(metrics) and metrics["riderwatch_partitions_behind"] == 0


def test_latest_writes_are_sent_again(world):
    metrics = lose_latest_writes(world, redis={"keep": "30s"})
    assert metrics['riderwatch_notices_total{notice="store_healed"}'] > 0
    assert never_dropped(metrics) and not metrics['riderwatch_notices_total{notice="behind"}']


def test_more_waits_for_redis_than_the_queue_holds(world):
    daemon, feed = world.start(redis={"queue_max": 1000}), Feed(world, random.randrange(1 << 30), per_second=1500)
    wait_until(lambda: len(world.applied()) == 2 * world.partitions, 20, "every partition is counted")
    world.stack.order("redis", "stop")
    wait_until(lambda: daemon.metrics()["riderwatch_partitions_behind"] > 0, 20, "behind")
    committed = sum(world.committed().values())
    wait_until(lambda: sum(world.committed().values()) > committed + 500, 10, "publishing goes on")
    wait_until(lambda: behind_events(daemon) > 1500, 30, "more is missing than the queue holds")
    world.stack.order("redis", "start")
    time.sleep(2)
    feed.stop()
    fold = world.check(timeout=60)
    metrics = daemon.metrics()
    assert never_dropped(metrics) and metrics["riderwatch_catch_up_events_total"] > 1000 and fold.alerts


def test_sigkill_while_catching_up(world):
    seed = random.randrange(1 << 30)
    feed, dice = Feed(world, seed, per_second=1500), random.Random(seed)
    for _ in range(3):
        daemon = world.start(redis={"queue_max": 1000})
        wait_until(lambda: len(world.applied()) == 2 * world.partitions, 20, "every partition is counted")
        wait_until(lambda: daemon.metrics()["riderwatch_chunks_applied_total"] > 10, 20, "live again")
        world.stack.order("redis", "stop")
        wait_until(lambda: daemon.metrics()["riderwatch_partitions_behind"] > 0, 20, "behind")
        world.stack.order("redis", "start")
        time.sleep(dice.random())
        daemon.kill()
    feed.stop()
    world.start()
    world.check(timeout=60)


def test_redis_hangs(world):
    daemon = world.start(redis={"timeout": "500ms"})
    feed = Feed(world, random.randrange(1 << 30))
    time.sleep(0.5)
    world.stack.order("redis", "pause")
    time.sleep(2)
    world.stack.order("redis", "resume")
    feed.stop()
    world.check()
    assert daemon.runs


# Longer than a start of the broker on a slow machine. A coordinator that is silent for a whole session can take a member's return for
# that of another process, and then the daemon ends for a supervisor to start it again; so does the watchdog when a call waits for too long.
PATIENT = {"kafka": {"session_timeout": "45s"}, "watchdog": {"timeout": "60s"}}


def test_broker_stopped_and_started(world):
    daemon, feed = world.start(**PATIENT), Feed(world, random.randrange(1 << 30))
    watcher = Watcher(world)
    time.sleep(1)
    world.stack.order("kafka", "stop")
    time.sleep(0.5)
    world.stack.order("kafka", "start")
    time.sleep(1)
    feed.stop()
    world.check(timeout=60)
    watcher.compare()
    assert daemon.runs, daemon.log[-2000:]


def test_broker_killed(world):
    daemon, feed = world.start(**PATIENT), Feed(world, random.randrange(1 << 30))
    time.sleep(1)
    world.stack.order("kafka", "kill")
    world.stack.order("kafka", "start")
    time.sleep(1)
    feed.stop()
    world.check(timeout=60)
    assert daemon.runs, daemon.log[-2000:]


def test_daemon_frozen_beyond_its_session_while_another_takes_over(world):
    first, feed = world.start("riderwatch-0"), Feed(world, random.randrange(1 << 30))
    time.sleep(1)
    first.signal(signal.SIGSTOP)
    world.start("riderwatch-1")
    time.sleep(8)
    first.signal(signal.SIGCONT)
    time.sleep(2)
    feed.stop()
    fold = world.check(timeout=60)
    assert fold.alerts


def test_two_instances_share_and_take_over(world):
    first, second = world.start("riderwatch-0"), world.start("riderwatch-1")
    feed = Feed(world, random.randrange(1 << 30))
    live = {}

    def both_count():
        for daemon in (first, second):
            live[daemon.listen] = sum(value for name, value in daemon.metrics().items() if 'outcome="counted"' in name)
        return all(live.values())
    wait_until(both_count, 20, lambda: f"events counted by each: {live}")
    second.kill()
    time.sleep(1)
    feed.stop()
    world.check(timeout=40)
    assert first.runs
