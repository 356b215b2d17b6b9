# SPDX-License-Identifier: Apache-2.0
"""A daemon that has to say who it is, and secrets that nobody else sees."""
import pathlib
import random
import subprocess

import pytest

from ctl import CTL
from events import mixed
from guarded import PASSWORDS, TOPICS, rights, settings_for
from servers import OwnRedis
from world import DAEMON, INPUTS, World, wait_until

KEY = "0123456789abcdef-the-pseudonym-key"


class GuardedStack:
    """The guarded broker and a Redis with a password, in place of the session's stack. The tests themselves come by the broker's plain
    listener and by Redis' socket."""

    def __init__(self, kafka, redis):
        self.brokers, self.redis, self.redis_address = kafka.address("plain"), redis.client, f"127.0.0.1:{redis.port}"

    def order(self, *_):
        pass


@pytest.fixture
def guarded_world(guarded, tmp_path):
    redis = OwnRedis("--appendonly", "yes")
    redis.client.execute_command("ACL", "SETUSER", "rw", "on", ">the-redis-password", "~rw:*", "&*", "+@all")
    redis.client.execute_command("ACL", "SETUSER", "default", "resetpass", ">only-for-tests")
    world = World(GuardedStack(guarded, redis), tmp_path, f"g.own{random.randrange(1 << 30)}.", partitions=2)
    yield world
    world.end()
    redis.end()


def grant(kafka, world, user):
    inputs, outputs = [world.topics[kind] for kind in INPUTS], [world.topics[kind] for kind in world.topics if kind not in INPUTS]
    kafka.grant(rights([user], "topic", inputs, ["Read", "Describe"]) + rights([user], "topic", outputs, ["Write", "Describe"]) +
                rights([user], "group", [world.group], ["Read"], "prefixed") +
                rights([user], "transactional-id", [world.group], ["Write", "Describe"], "prefixed"))


def secret_settings(world, kafka, user, listener):
    for name, text in (("redis-password", "the-redis-password"), ("pseudonym.key", KEY)):
        (world.folder / name).write_text(text + "\n")
        (world.folder / name).chmod(0o600)
    sections = {"kafka": settings_for(kafka, user, world.folder, listener), "redis": {"user": "rw", "password_file": "redis-password"},
                "log": {"level": "debug"}}
    sections["kafka"]["group"] = world.group
    return sections


def no_secret_in(text, where):
    for secret in ("the-redis-password", PASSWORDS["full"], KEY):
        assert secret not in text, f"{secret} stands in {where}"


@pytest.mark.parametrize("listener, user", [("sasl_tls", "full"), ("mutual", "mtls-user")])
def test_counts_exactly_with_rights_that_just_suffice(guarded, guarded_world, listener, user):
    world = guarded_world
    grant(guarded, world, user)
    for event, shape in mixed(random.Random(7), 400):
        world.send(event, shape)
    sections = secret_settings(world, guarded, user, listener)
    # What somebody switches on who looks for a mistake in passwords.
    sections["kafka"]["properties"]["debug"] = "security,conf"
    daemon = world.start(**sections)
    assert world.check().alerts
    process = pathlib.Path(f"/proc/{daemon.process.pid}")
    no_secret_in((process / "cmdline").read_bytes().decode(), "the command line")
    no_secret_in((process / "environ").read_bytes().decode(), "the environment")
    path = world.folder / "riderwatch-0.json"
    for words in ([str(DAEMON), "-c", str(path), "-T"], [str(DAEMON), "-c", str(path), "--check"], [str(DAEMON), "-c", str(path), "-t"],
                  [str(CTL), "status", "-c", str(path)], [str(CTL), "audit", "-c", str(path)]):
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (words, done.stdout[-1000:], done.stderr[-1000:])
        no_secret_in(done.stdout + done.stderr, " ".join(words))
    assert daemon.stop() == 0
    no_secret_in(daemon.log, "the log")


def test_a_changed_redis_password_needs_no_restart(guarded, guarded_world):
    world = guarded_world
    grant(guarded, world, "full")
    daemon = world.start(**secret_settings(world, guarded, "full", "sasl_tls"))
    for event, shape in mixed(random.Random(8), 100):
        world.send(event, shape)
    world.check()
    (world.folder / "redis-password").write_text("another-password\n")
    world.redis.execute_command("ACL", "SETUSER", "rw", "resetpass", ">another-password")
    world.redis.execute_command("CLIENT", "KILL", "USER", "rw")
    wait_until(lambda: daemon.metrics().get("riderwatch_redis_connects_total", 0) >= 2, 10, "the daemon is connected again")
    for event, shape in mixed(random.Random(9), 100):
        world.send(event, shape)
    world.check()
    assert daemon.runs


def test_a_right_that_is_taken_away_ends_the_daemon_with_advice(guarded, guarded_world):
    world = guarded_world
    daemon = world.launch(**secret_settings(world, guarded, "full", "sasl"), topics={"reports": TOPICS["reports"]})
    assert daemon.wait(40) in (69, 77)
    assert "authorization failed" in daemon.log and "grant this user" in daemon.log, daemon.log[-2000:]
