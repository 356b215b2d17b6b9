# SPDX-License-Identifier: Apache-2.0
"""A larger stream from the generator, compared with what the generator itself says must come of it."""
import json
import random
import subprocess
import time

import pytest

from world import DAEMON, ROOT, wait_until

GENERATE = DAEMON.with_name("generate")


def generate(world, *options):
    done = subprocess.run([str(GENERATE), "--brokers", world.stack.brokers, "--prefix", world.prefix, "--expect",
                           str(world.folder / "expect"), "--quiet", *options], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def recount(world):
    done = subprocess.run([str(ROOT / "scripts/recount"), "--expect", str(world.folder / "expect"), "--brokers", world.stack.brokers,
                           "--redis", world.stack.redis_address, "--prefix", world.prefix, "--group", world.group, "--wait", "60"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize("kills", [0, 10])
def test_every_event_is_accounted_for(world, kills):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    generate(world, "--count", "200000", "--seed", str(seed), "--riders", "5000", "--deliveries", "85", "--malformed", "1")
    reached = []
    for kill in range(kills):
        daemon = world.start(batch={"events_max": 2000})
        # Anywhere in the work, but each time with some of it done.
        wait_until(lambda: sum(world.applied().values()) > 200000 * kill / (kills + 1), 30, "progress")
        time.sleep(0.3 * random.random())
        daemon.kill()
        reached.append(sum(world.applied().values()))
    print("applied at each kill", reached)
    assert len(set(reached)) >= kills / 2, "kills did not come in the middle of the work"
    daemon = world.start()
    recount(world)
    assert daemon.stop() == 0


def test_plain_events():
    """What the generator gives to readers who know one shape only."""
    done = subprocess.run([str(GENERATE), "--count", "3000", "--deliveries", "50", "--reviews", "0", "--structured", "100", "--complete",
                           "--malformed", "0"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    events = [json.loads(json.loads(line)["value"]) for line in done.stdout.splitlines()]
    assert {event["type"] for event in events} == {"rider.report.created.v1", "rider.delivery.completed.v1"}
    assert all(("lat" if "report" in event["type"] else "charity") in event["data"] for event in events)
