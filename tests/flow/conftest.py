# SPDX-License-Identifier: Apache-2.0
import itertools
import os
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
pytest.register_assert_rewrite("world", "fold")
from events import mixed  # noqa: E402
from world import DAEMON, Stack, World  # noqa: E402

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def stack():
    if not DAEMON.exists():
        pytest.exit(f"{DAEMON} is not built: run make", 2)
    stack = Stack(os.environ.get("FLOW_STACK", "flow"))
    yield stack
    stack.heal()
    stack.order("clean")


@pytest.fixture
def make_world(stack, tmp_path):
    """Makes the test's world, with an empty Redis; options are those of World."""
    worlds = []

    def make(**options):
        stack.heal()
        stack.redis.flushall()
        worlds.append(World(stack, tmp_path, f"t{os.getpid()}-{next(_numbers)}.", **options))
        return worlds[-1]
    yield make
    for world in worlds:
        world.end()


@pytest.fixture
def world(make_world):
    return make_world()


@pytest.fixture
def counted(world):
    """Some thousand events that were counted; the daemon has stopped."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    for event, shape in mixed(random.Random(seed), 3000):
        world.send(event, shape)
    world.flush()
    daemon = world.start()
    world.wait_applied(90)
    assert daemon.stop() in (0, 75)
    return world
