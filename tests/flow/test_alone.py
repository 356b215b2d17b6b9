# SPDX-License-Identifier: Apache-2.0
"""Redis is away when the daemon starts: reports go on from Kafka's log alone, counters follow when it is back."""
import shutil
import time

import pytest

from events import BY_CATEGORY, delivery, report
from world import ALERT_KINDS, ROOT, wait_until

FIRE, EMERGENCY = BY_CATEGORY["fire"][0], BY_CATEGORY["emergency"][0]
HOUR = 3600 * 1000
SOON = {"start_without_after": "500ms"}
LOADS, CAUGHT_UP = 'riderwatch_loads_total{cause="log"}', 'riderwatch_notices_total{notice="caught_up"}'


def emergencies(count, first=0):
    return [report(f"rider-{number % 30}", EMERGENCY) for number in range(first, first + count)]


def send_all(world, events):
    for event in events:
        world.send(event)
    world.flush()


@pytest.fixture
def away(world):
    """Redis can be stopped and comes back."""
    yield lambda: world.stack.order("redis", "stop")
    world.stack.heal()


def test_emergencies_do_not_wait_for_redis_at_the_start(world, away):
    first = world.start()
    old = emergencies(60)
    send_all(world, old)
    world.check()
    assert first.stop() == 0
    away()
    begin = time.monotonic()
    daemon = world.launch()
    send_all(world, old[:30] + emergencies(40) + [delivery("rider-1")])
    wait_until(lambda: len(world.alerts()) >= 100, 30, lambda: f"100 alerts\n{daemon.log[-3000:]}")
    print(f"alerts {time.monotonic() - begin:.1f} s after the start")
    metrics = daemon.metrics()
    assert metrics[LOADS] == world.partitions and metrics["riderwatch_redis_up"] == 0
    time.sleep(1)
    assert len(world.alerts()) == 100
    world.stack.order("redis", "start")
    fold = world.check()
    assert fold.duplicates == 30 and len(fold.alerts) == 100
    assert daemon.metrics()[CAUGHT_UP] == world.partitions and daemon.stop() == 0


def test_nothing_is_known_of_w(world, away):
    """Redis lacks what was published, and several daemons start without it, killed one after the other."""
    daemon = world.start()
    old = emergencies(30)
    send_all(world, old)
    world.wait_applied()
    away()
    for number in range(3):
        more = emergencies(20)
        send_all(world, more + old[::2])
        old += more
        wait_until(lambda: len(world.alerts()) >= len(old), 30, lambda: f"{len(old)} alerts\n{daemon.log[-3000:]}")
        daemon.kill()
        daemon = world.launch(redis=SOON)
    world.stack.order("redis", "start")
    fold = world.check()
    assert len(fold.alerts) == 90


def test_redis_comes_back_as_another_one(world, away):
    first = world.start()
    send_all(world, emergencies(20))
    world.check()
    assert first.stop() == 0
    away()
    shutil.rmtree(ROOT / "build/stack" / world.stack.name / "redis/data")
    daemon = world.launch(redis=SOON)
    send_all(world, emergencies(20))
    wait_until(lambda: len(world.alerts()) == 40, 30, "40 alerts")
    world.stack.order("redis", "start")
    assert daemon.wait(30) == 65 and "Redis lost its data or is another one" in daemon.log
    daemon = world.start(redis={"rebuild": True})
    assert len(world.check().alerts) == 40


def test_first_start_waits_and_says_why(world, away):
    away()
    daemon = world.launch(redis=SOON)
    send_all(world, emergencies(10))
    daemon.wait_log("alerts of this partition wait.*why=\"no committed offset of ours", 20)
    world.stack.order("redis", "start")
    assert len(world.check().alerts) == 10


def test_told_to_wait_it_waits(world, away):
    first = world.start()
    send_all(world, emergencies(10))
    world.check()
    assert first.stop() == 0
    away()
    daemon = world.launch(redis={"start_without_after": "0s"})
    send_all(world, emergencies(10))
    time.sleep(6)
    assert len(world.alerts()) == 10 and daemon.metrics()[LOADS] == 0
    world.stack.order("redis", "start")
    assert len(world.check().alerts) == 20


def test_the_window_is_that_of_stream_time(make_world):
    """Days of stream time, with gaps over which it lags behind the records, and a start without Redis after each of them."""
    world = make_world(timestamp_type="CreateTime", partitions=1)
    now = int(time.time() * 1000) // HOUR * HOUR
    event, daemon = report("rider-1", FIRE), world.start()
    sightings, gaps = (200, 176, 152, 127, 101, 60, 30, 5), {140, 139, 138, 80, 79, 78, 77, 20, 19}
    for hours_ago in range(200, 0, -1):
        if hours_ago in sightings:
            world.send(event, timestamp=now - hours_ago * HOUR)
        elif hours_ago not in gaps:
            world.send(report("rider-1", EMERGENCY), timestamp=now - hours_ago * HOUR)
        if hours_ago % 30 == 29:
            world.flush()
            ends = {slot: end for slot, end in world.ends("reports").items() if end}
            wait_until(lambda: all(world.committed().get(slot) == end for slot, end in ends.items()), 20,
                       lambda: f"all published\n{daemon.log[-3000:]}")
            daemon.kill()
            world.stack.order("redis", "stop")
            daemon = world.launch(redis=SOON)
            wait_until(lambda: daemon.metrics().get(LOADS) == 1, 20, lambda: f"started alone\n{daemon.log[-3000:]}")
            if hours_ago % 60 == 29:
                world.stack.order("redis", "start")
    world.stack.heal()
    fold = world.check()
    assert fold.duplicates >= 2 and len(ALERT_KINDS) == 3
