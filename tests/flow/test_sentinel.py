# SPDX-License-Identifier: Apache-2.0
"""Redis behind real Sentinels: found, followed through failovers, and told of by --check."""
import random
import time

import pytest

from board import Board
from ctl import ctl
from servers import MASTER, Sentinels
from test_crashes import Feed
from world import wait_until

EX_OK, EX_UNAVAILABLE, EX_NOPERM = 0, 69, 77
RIGHTS = ("+sentinel|get-master-addr-by-name", "+sentinel|master")


@pytest.fixture(scope="module")
def servers():
    """Those that kill or move a master stand last in this file."""
    made = Sentinels()
    yield made
    made.end()


@pytest.fixture
def world(make_world, servers):
    """A world on their master, which is empty."""
    servers.wait_whole()
    made = make_world()
    made.redis = servers.master().client
    made.redis.flushall()
    return made


def findings(lines, level):
    return [line for line in lines if line.startswith(f"{level}: redis: ")]


def options(settings):
    return [word for name, value in settings.items() for word in ("-o", f"redis.{name}={value}")]


def follow(servers, world, before, timeout=20):
    """Until all Sentinels name another master than before; the test reads from that one then."""
    wait_until(lambda: servers.master() not in (None, before), timeout, lambda: f"another master: {servers.states()}")
    world.redis = servers.master().client


# ---- what --check says ----

def test_they_agree(servers, world, check):
    _, lines = check(redis=servers.settings())
    assert not findings(lines, "error"), lines
    notes = findings(lines, "note")
    assert any(f"3 of 3 Sentinels name 127.0.0.1:{servers.master().port} the master of {MASTER}" in line for line in notes), lines
    assert any("min-replicas-to-write is 0" in line for line in notes), lines
    assert not [line for line in lines if "Sentinel 127" in line or "+role" in line], lines


def test_some_are_silent(servers, world, check):
    ports = servers.ports
    _, lines = check(redis=servers.settings(sentinels=f"127.0.0.1:1,127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}"))
    assert not findings(lines, "error") and any("2 of 3 Sentinels name" in line for line in findings(lines, "note")), lines
    assert [line for line in findings(lines, "warning") if "Sentinel 127.0.0.1:1: Connection refused" in line], lines
    _, lines = check(redis=servers.settings(sentinels=f"127.0.0.1:1,127.0.0.1:{ports[0]}"))
    assert any("1 of 2 Sentinels name" in line and "no majority" in line for line in findings(lines, "warning")), lines


def test_a_replica_that_is_called_the_master(servers, world, check):
    replica = next(server for server in servers.redis if server is not servers.master())
    for client in servers.clients:
        client.execute_command("SENTINEL", "MONITOR", "upside-down", "127.0.0.1", replica.port, 9)
    try:
        settings = servers.settings(sentinel_master="upside-down")
        code, lines = check(redis=settings)
        errors = findings(lines, "error")
        assert code == EX_UNAVAILABLE and len(errors) == 1, lines
        assert f"127.0.0.1:{replica.port}: it is a replica, though Sentinels call it the master" in errors[0]
        code, _, error = ctl(world, "status", *options(settings))
        assert code == EX_UNAVAILABLE and "it is a replica" in error, error
        daemon = world.launch(redis=settings)
        daemon.wait_log("redis not reached.*it is a replica that was the master, or that Sentinel still calls so")
        daemon.kill()
    finally:
        for client in servers.clients:
            client.execute_command("SENTINEL", "REMOVE", "upside-down")


def test_a_name_that_none_of_them_knows(servers, world, check):
    settings = servers.settings(sentinel_master="ridres")
    code, lines = check(redis=settings)
    errors = findings(lines, "error")
    assert code == EX_UNAVAILABLE and len(errors) == 1, lines
    assert 'it knows no master "ridres"' in errors[0] and "correct redis.sentinel_master" in errors[0]
    daemon = world.launch(redis=settings)
    assert daemon.wait(15) == EX_UNAVAILABLE
    errors = [line for line in daemon.log.splitlines() if "level=error" in line]
    assert len(errors) == 1 and "ridres" in errors[0] and "correct redis.sentinel_master" in errors[0], daemon.log
    code, _, error = ctl(world, "status", *options(settings))
    assert code == EX_UNAVAILABLE and "ridres" in error and len(error.strip().splitlines()) == 1, error


def test_none_of_them_answers(servers, world):
    """As with a Redis that is down at the start: it waits, and says what for."""
    daemon = world.launch(redis=servers.settings(sentinels="127.0.0.1:1,127.0.0.1:2"))
    daemon.wait_log("redis not reached.*no Sentinel answers, of 2 asked the last was 127.0.0.1:.: Connection refused.*check redis.sentinels")
    assert daemon.runs and "level=error" not in daemon.log, daemon.log
    daemon.kill()


# ---- logins ----

def test_logins(servers, world, check):
    """Of the Sentinels with no more rights than the manual asks for; of Redis without the right to ask for its role."""
    for client in servers.clients:
        client.execute_command("ACL", "SETUSER", "asker", "on", ">asked", "-@all", *RIGHTS)
    world.redis.execute_command("ACL", "SETUSER", "rw", "on", ">word", "~*", "&*", "+@all", "-role")
    words = {"asker.word": "asked\n", "wrong.word": "guessed\n", "redis.word": "word\n"}
    for name, text in words.items():
        (world.folder / name).write_text(text)
        (world.folder / name).chmod(0o600)
    login = {"sentinel_user": "asker", "sentinel_password_file": "asker.word"}
    _, lines = check(redis=servers.settings(**login, user="rw", password_file="redis.word"))
    assert not findings(lines, "error") and any("3 of 3 Sentinels" in line for line in lines), lines
    assert len(findings(lines, "warning")) == 1 and "grant +role" in findings(lines, "warning")[0], lines
    daemon = world.start(redis=servers.settings(**login))
    wait_until(lambda: daemon.metrics().get("riderwatch_redis_up") == 1, 10, lambda: daemon.log)
    daemon.kill()
    code, lines = check(redis=servers.settings(**{**login, "sentinel_password_file": "wrong.word"}))
    assert code == EX_NOPERM and "WRONGPASS" in findings(lines, "error")[0], lines
    assert "check redis.sentinel_user and the content of redis.sentinel_password_file" in findings(lines, "error")[0]
    for client in servers.clients:
        client.execute_command("ACL", "SETUSER", "asker", f"-{RIGHTS[1][1:]}")
    _, lines = check(redis=servers.settings(**login))
    assert not findings(lines, "error") and len([line for line in findings(lines, "warning") if "grant +sentinel|master" in line]) == 3, lines
    for client in servers.clients:
        client.execute_command("ACL", "SETUSER", "asker", f"-{RIGHTS[0][1:]}")
    code, lines = check(redis=servers.settings(**login))
    assert code == EX_NOPERM and RIGHTS[0] in findings(lines, "error")[0], lines


# ---- failovers ----

def test_ordered_failover_while_events_flow(servers, world):
    """The former master stays one for some seconds, and takes writes: the daemon leaves it all the same."""
    before = servers.master()
    servers.hurry(publish_ms=2000)
    daemon = world.start(redis=servers.settings())
    board = Board(world, redis=servers.settings()).wait_ready()
    feed = Feed(world, random.randrange(1 << 30))
    try:
        assert f"address=127.0.0.1:{before.port}" in daemon.wait_log("redis master named by Sentinel.*")[0]
        wait_until(lambda: any(world.applied().values()), 20, "events are counted")
        assert board.ask("/api/totals")[0] == 200
        servers.clients[0].execute_command("SENTINEL", "FAILOVER", MASTER)
        daemon.wait_log("redis lost.*Sentinels have made another one the master", 15)
        daemon.wait_log(rf"redis master has changed.*before=127.0.0.1:{before.port}")
        follow(servers, world, before)
        time.sleep(1)
    finally:
        feed.stop()
        servers.hurry()
    world.check()
    assert daemon.metrics()["riderwatch_redis_up"] == 1 and board.ask("/api/totals")[0] == 200
    code, out, error = ctl(world, "status", *options(servers.settings()))
    assert code == EX_OK and f"127.0.0.1:{servers.master().port}" in out, out + error
    board.stop()
    assert daemon.stop() == 0


def test_killed_master_while_events_flow(servers, world):
    before = servers.master()
    daemon = world.start(redis=servers.settings())
    feed = Feed(world, random.randrange(1 << 30))
    try:
        wait_until(lambda: any(world.applied().values()), 20, "events are counted")
        before.process.kill()
        daemon.wait_log("redis lost")
        follow(servers, world, before)
        daemon.wait_log(rf"redis master has changed.*before=127.0.0.1:{before.port}", 15)
        time.sleep(1)
    finally:
        feed.stop()
    world.check()
    assert daemon.stop() == 0
