# SPDX-License-Identifier: Apache-2.0
"""Redis over TLS: all three programs, what goes wrong, and certificates that are renewed."""
import json
import random
import subprocess

import pytest

from board import Board
from ctl import CTL
from events import mixed
from servers import OwnRedis
from test_crashes import Feed
from tls import Certificates, TlsRedis
from world import DAEMON, wait_until

EX_OK, EX_UNAVAILABLE, EX_CONFIG = 0, 69, 78


@pytest.fixture(scope="module")
def certificates():
    made = Certificates()
    made.sign("redis")
    made.sign("rider")
    yield made
    made.end()


@pytest.fixture
def make_redis(certificates):
    made = []

    def make(*options, **more):
        made.append(TlsRedis(certificates, *options, **more))
        return made[-1]
    yield make
    for server in made:
        server.end()


@pytest.fixture
def tls_world(make_world):
    """The test's world on a Redis of its own."""
    def make(server):
        world = make_world()
        world.redis = server.client
        return world
    return make


def send(world, count):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    for event, shape in mixed(random.Random(seed), count):
        world.send(event, shape)


def ctl(world, command, *words, **sections):
    path, _ = world.write_config("ctl", **sections)
    done = subprocess.run([str(CTL), command, "-c", str(path), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


# ---- all is well ----

def test_counts_exactly_and_all_programs_read(make_redis, tls_world):
    server = make_redis()
    world, settings = tls_world(server), server.settings()
    send(world, 3000)
    daemon = world.start(redis=settings)
    world.check(timeout=90)
    riders = sorted(key for key in server.client.scan_iter("rw:{*}:rider:*") if key.count(":") == 3)
    code, text = ctl(world, "rider", riders[0].split(":")[3], redis=settings)
    assert code == 0 and riders[0] in text, text
    code, text = ctl(world, "status", redis=settings)
    assert code == 0, text
    code, text = ctl(world, "audit", redis=settings)
    assert code == 0, text
    board = Board(world, redis=settings)
    try:
        board.wait_ready()
        status, body, _ = board.ask("/api/totals")
        assert status == 200 and json.loads(body)["all"]["reports"], body
    finally:
        board.process.kill()
        board.process.wait()
    assert {client["laddr"].rsplit(":", 1)[1] for client in server.client.client_list() if client["addr"].startswith("127.")} \
        == {str(server.tls_port)}, "somebody connected without TLS"
    assert daemon.stop() == 0
