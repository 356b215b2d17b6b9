# SPDX-License-Identifier: Apache-2.0
"""A larger stream from the generator, compared with what the generator itself says must come of it."""
import random
import subprocess
import time

import pytest

from world import DAEMON, ROOT

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


@pytest.mark.parametrize("kills", [0, 4])
def test_every_event_is_accounted_for(world, kills):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    generate(world, "--count", "150000", "--seed", str(seed), "--riders", "5000", "--deliveries", "85", "--malformed", "1")
    for _ in range(kills):
        daemon = world.start()
        time.sleep(random.random())
        daemon.kill()
    daemon = world.start()
    recount(world)
    assert daemon.stop() == 0
