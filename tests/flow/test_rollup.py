# SPDX-License-Identifier: Apache-2.0
"""What dashboards read (rw:rollup, rw:top) is what the shards hold, also after a crash between any two steps."""
import random
import re
from collections import Counter

import pytest

from events import BY_CATEGORY, delivery, report, review
from test_audit import audit
from test_crashes import Feed
from world import wait_until

FIRE = BY_CATEGORY["fire"][0]
POINTS = ("rollup_read", "rollup_written", "ranking_read", "ranking_written")


def numbers(fields):
    return {field: int(value) for field, value in fields.items()}


def sums(world):
    """{roll-up's key: its fields}, added up from the shards."""
    total = {}
    for key in world.redis.scan_iter("rw:{*}:totals*", count=1000):
        day = re.fullmatch(r"rw:\{\d+\}:totals(:\d{8})?", key)[1] or ""
        total.setdefault(f"rw:rollup{day}", Counter()).update(numbers(world.redis.hgetall(key)))
    return {key: dict(fields) for key, fields in total.items()}


def rollups(world):
    return {key: numbers(world.redis.hgetall(key)) for key in world.redis.scan_iter("rw:rollup*") if key != "rw:rollup:applied"}


def scores(world):
    found = {}
    for key in world.redis.scan_iter("rw:{*}:rider:*", count=1000):
        rider = re.fullmatch(r"rw:\{\d+\}:rider:([^:]+)", key)
        score = rider and world.redis.hget(key, "score")
        if score is not None:
            found[rider[1]] = int(score)
    return found


def ranks(world):
    """The latest month's word on each rider: a test may run while one ends."""
    found = {}
    for key in sorted(world.redis.scan_iter("rw:top:*")):
        found.update({rider: int(score) for rider, score in world.redis.zscan_iter(key)})
    return found


def marks(world):
    return {field: int(value) for field, value in world.redis.hgetall("rw:rollup:applied").items() if not field.endswith(":day")}


def check_rollups(world, timeout=10):
    """For a world at rest."""
    applied = {f"{partition}:{topic}": offset for (topic, partition), offset in world.applied().items()}

    def right():
        return (rollups(world), ranks(world), marks(world)) == (sums(world), scores(world), applied) \
            and not list(world.redis.scan_iter("rw:{*}:unranked"))
    wait_until(right, timeout, lambda: f"{rollups(world)}\n{sums(world)}\n{ranks(world)}\n{scores(world)}\n{marks(world)}\n{applied}")
    assert world.redis.hlen("rw:rollup") > 3 and scores(world)


def send_some(world, riders=30):
    for number in range(riders):
        world.send(delivery(f"骑手-{number}", jurisdiction_id="440305", charity=number % 3 == 0))
        event = report(f"骑手-{number}", FIRE, jurisdiction_id="310115")
        world.send(event)
        if number % 2:
            world.send(review(event.rider, event.id, random.choice(["upheld", "rejected", "fraud"])))
    world.flush()


def test_sums_and_leaderboard_follow(world):
    daemon = world.start()
    for _ in range(3):
        send_some(world)
        world.wait_applied()
        check_rollups(world)
    metrics = wait_until(daemon.metrics, 5, "metrics")
    assert metrics['riderwatch_rollups_total{of="sums",result="ok"}'] >= 3 and metrics["riderwatch_ranked_riders_total"] >= 20
    assert metrics['riderwatch_rollups_total{of="leaderboard",result="failed"}'] == 0
    world.check()


@pytest.mark.parametrize("point", POINTS)
def test_right_again_after_a_kill(world, point):
    daemon = world.launch(environment={"RIDERWATCH_CRASH_AT": f"{point}:2"})
    for _ in range(20):
        send_some(world, 6)
        if not daemon.runs:
            break
        try:
            wait_until(lambda: not daemon.runs, 1.2, "the kill")
        except AssertionError:
            pass
    assert not daemon.runs, "the point was not reached"
    world.start()
    world.wait_applied()
    check_rollups(world)
    world.check()
    audit(world)


def test_right_after_kills_under_load(world):
    feed = Feed(world, random.randrange(1 << 30), per_second=400)
    world.start("riderwatch-0")
    for number in range(4):
        other = world.start("riderwatch-1", redis={"rollup_every": "20ms"})
        seen = sum(world.applied().values())
        wait_until(lambda: sum(world.applied().values()) > seen + 300 * (number + 1), 40, "progress")
        other.kill()
    feed.stop()
    world.check(timeout=60)
    check_rollups(world, 20)
    audit(world)


def test_wrong_sums_do_not_stay(world):
    world.start()
    send_some(world)
    world.wait_applied()
    check_rollups(world)
    world.redis.hset("rw:rollup", "reports", 1)
    send_some(world, 3)
    world.wait_applied()
    check_rollups(world)


def test_counting_does_not_depend_on_them(world):
    world.redis.set("rw:rollup", "text")
    daemon = world.start()
    send_some(world)
    world.check()
    wait_until(lambda: (daemon.metrics() or {}).get('riderwatch_rollups_total{of="sums",result="failed"}', 0) > 0, 10, "a failed round")
    daemon.wait_log("sums over all shards not refreshed")
    world.redis.delete("rw:rollup")
    check_rollups(world)


def test_off(world):
    world.start(redis={"rollup_every": "0s"})
    send_some(world)
    world.check()
    assert not list(world.redis.scan_iter("rw:rollup*")) and not list(world.redis.scan_iter("rw:top*"))
