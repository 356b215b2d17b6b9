# SPDX-License-Identifier: Apache-2.0
import itertools
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
pytest.register_assert_rewrite("world", "fold")
from events import mixed  # noqa: E402
from guarded import start_guarded  # noqa: E402
from world import DAEMON, ROOT, Stack, World, end_by_term  # noqa: E402

_numbers = itertools.count(1)


def pytest_configure():
    end_by_term()


_package_build = None


def pytest_collection_finish(session):
    """The package is built, with the time that is left, while other tests run that mostly wait."""
    global _package_build
    if not session.config.option.collectonly and any("package_build" in getattr(item, "fixturenames", ()) for item in session.items) \
            and shutil.which("dh"):
        _package_build = subprocess.Popen(["nice", str(ROOT / "scripts/build-deb")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.STDOUT, text=True, start_new_session=True)


def pytest_sessionfinish():
    if _package_build and _package_build.poll() is None:
        os.killpg(_package_build.pid, signal.SIGTERM)


@pytest.fixture(scope="session")
def package_build():
    """scripts/build-deb, under way since the session began."""
    return _package_build


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
        world.delete_topics()


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


@pytest.fixture(scope="session")
def guarded():
    """A broker with access control lists; see guarded.py."""
    kafka = start_guarded()
    yield kafka
    kafka.end()


@pytest.fixture
def check(world):
    """(exit code, findings) of riderwatchd --check in the test's world, with sections merged over its settings."""
    def run(*words, environment=None, **sections):
        path, _ = world.write_config("check", **sections)
        done = subprocess.run([str(DAEMON), "-c", str(path), "--check", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, env={**os.environ, **(environment or {})})
        assert not done.stderr, done.stderr
        lines = done.stdout.splitlines()
        assert lines[-1].startswith("checked "), done.stdout
        return done.returncode, lines[:-1]
    return run
