# SPDX-License-Identifier: Apache-2.0
"""A larger stream from the generator, compared with what the generator itself says must come of it."""
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
