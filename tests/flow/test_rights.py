# SPDX-License-Identifier: Apache-2.0
"""deploy/redis/riderwatch.acl and deploy/kafka/acls.tsv give what is needed, and nothing that is not."""
import importlib.machinery
import importlib.util
import os
import re
import shlex
import subprocess

import pytest

from board import Board
from ctl import CTL
from events import BY_CATEGORY, delivery, report, review
from secured import Broker, Redis
from world import ROOT, World, wait_until

LINES = [line for line in (ROOT / "deploy/redis/riderwatch.acl").read_text().splitlines() if line]
RULES = {line.split()[1]: line.split()[2:] for line in LINES}
# Everything the daemon does in Redis is done within its first seconds when it counts each type of event.
EVENTS = [report("rider-1", BY_CATEGORY["fire"][0], id="r-1", jurisdiction_id="440305"), review("rider-1", "r-1", "upheld"),
          report("rider-2", BY_CATEGORY["food"][0]), report("rider-3", BY_CATEGORY["emergency"][0]), delivery("rider-2", charity=True)]


def load_acls():
    loader = importlib.machinery.SourceFileLoader("acls", str(ROOT / "deploy/kafka/acls"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("acls", loader))
    loader.exec_module(module)
    return module


ACLS = load_acls()
DAEMON_ROWS, BOARD_ROWS = ([row for row in ACLS.rows() if row[0] == role] for role in ("riderwatchd", "riderwatch-board"))


def user_line(name, without=None):
    """The user's line, without one right, with a password that is known."""
    return " ".join(["user", name, *(">pw" if word.startswith(">") else word for word in RULES[name] if word != without)])


def write_password(world):
    path = world.folder / "redis.password"
    if not path.exists():  # never while a daemon reads it
        path.write_text("pw\n")
    return {"user": "riderwatchd", "password_file": "redis.password"}


@pytest.fixture(scope="module")
def filled(stack, tmp_path_factory):
    """A world whose topics hold one event of each kind; its daemons count them in Redis servers of their own."""
    world = World(stack, tmp_path_factory.mktemp("rights"), "rights.", partitions=1)
    for event in EVENTS:
        world.send(event)
    world.flush()
    yield world
    world.end()


class Trial:
    """One daemon on a Redis of its own, with these users."""

    def __init__(self, world, name, acl):
        self.redis = Redis(world.folder / name, acl)
        self.daemon = world.launch(name, kafka={"group": name}, batch={"idle_after": "100ms"},
                                   redis={"host": "127.0.0.1", "port": self.redis.port, "rollup_every": "100ms", **write_password(world)})

    def end(self):
        if self.daemon.runs:
            self.daemon.kill()
        self.redis.end()


def test_the_daemon_works_with_its_line(filled):
    trial = Trial(filled, "all-rights", [user_line("riderwatchd")])
    try:
        wait_until(lambda: trial.redis.client.hget("rw:rollup", "deliveries_charity"), 20, lambda: trial.daemon.log[-2000:])
        wait_until(lambda: any(trial.redis.client.scan_iter("rw:top:*")), 10, lambda: trial.daemon.log[-2000:])
        assert "NOPERM" not in trial.daemon.log and "level=error" not in trial.daemon.log
    finally:
        trial.end()


ENDS, GOES_ON, WAITS = 69, None, -1
SUMS, LEADERBOARD = "sums over all shards not refreshed; counting goes on", "leaderboard not refreshed; counting goes on"
# One right less: how it ends, and what the log says. "{}" is the command.
REDIS_TABLE = {
    "+info": (GOES_ON, "redis INFO is not allowed: version and eviction policy are not checked"),
    "+bgrewriteaof": (GOES_ON, "the append-only file of Redis is not written anew after its start"),
    "+get": (ENDS, "NOPERM this user has no permissions to run the '{}' command; give the user ~rw:"),
    "+set": (ENDS, "NOPERM this user has no permissions to run the '{}' command; give the user ~rw:"),
    "+fcall": (ENDS, "NOPERM this user has no permissions to run the '{}' command"),
    "+function|list": (ENDS, "NOPERM this user has no permissions to run the '{}' command"),
    "+function|load": (ENDS, "NOPERM this user has no permissions to run the '{}' command"),
    **{f"+{name}": (ENDS, "NOPERM this user may not run {} ") for name in (
        "getrange", "strlen", "append", "hget", "hmget", "hset", "hincrby", "sadd", "del", "unlink", "expireat", "time")},
    **{f"+{name}": (GOES_ON, SUMS) for name in ("hgetall", "multi", "exec")},
    **{f"+{name}": (GOES_ON, LEADERBOARD) for name in ("srem", "scard", "srandmember", "zadd", "expire", "fcall_ro")},
    "~rw:*": (ENDS, "NOPERM this user has no permissions to access one of the keys"),
}
# Without it one hint is missing: that Redis keeps long hashes as lists.
HINT = ("+config|get", "redis searches totals of many areas slowly")


def chosen(rows):
    """All with RIGHTS=all (make rights); otherwise one of each kind: input, output, transactional id."""
    rows = list(rows)
    return rows if os.environ.get("RIGHTS") == "all" else rows[::4] + rows[-1:]


def batches(things, size):
    things = list(things)
    return [things[start:start + size] for start in range(0, len(things), size)]


def trial_without(world, right):
    return Trial(world, "without-" + re.sub(r"[^a-z]", "-", right), [user_line("riderwatchd", right)])


def check_right(trial, right):
    end, message = REDIS_TABLE[right]
    wanted = re.compile(re.escape(message.format(right[1:])), re.I)
    wait_until(lambda: wanted.search(trial.daemon.log), 60, lambda: f"{right}: {message}\n{trial.daemon.log[-1500:]}")
    if end == GOES_ON:
        wait_until(lambda: trial.redis.client.hget("rw:{0}:rider:rider-1", "upheld"), 10, lambda: f"{right}: counters")
        assert trial.daemon.runs, right
    else:
        assert trial.daemon.wait(10) == end, right


def test_each_right_less_in_redis_is_told(filled):
    rights = [word for word in RULES["riderwatchd"] if word[0] in "+~"]
    assert {*rights} == {*REDIS_TABLE, HINT[0]}
    for batch in batches(REDIS_TABLE, 8):
        trials = [(right, trial_without(filled, right)) for right in batch]
        try:
            for right, trial in trials:
                check_right(trial, right)
        finally:
            for _, trial in trials:
                trial.end()


def test_the_right_that_only_hints(filled):
    for right, hinted in ((HINT[0], False), (None, True)):
        trial = Trial(filled, f"hint-{hinted}".lower(), [user_line("riderwatchd", right)])
        try:
            wait_until(lambda: trial.redis.client.hget("rw:{0}:rider:rider-1", "upheld"), 20, lambda: trial.daemon.log[-2000:])
            assert (HINT[1] in trial.daemon.log) == hinted
        finally:
            trial.end()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    users = ["riderwatchd", "riderwatch-board", *(f"daemon{i}" for i in range(len(DAEMON_ROWS))), *(f"board{i}" for i in range(len(BOARD_ROWS)))]
    broker = Broker(tmp_path_factory.mktemp("broker"), users)
    yield broker
    broker.end()


def names_of(world):
    return {"{group}": world.group, **{f"{{topics.{kind}}}": name for kind, name in world.topics.items()}}


def name_of(row, names):
    name = row[2]
    for word, value in names.items():
        name = name.replace(word, value)
    return name


@pytest.fixture(scope="module")
def secured(broker, tmp_path_factory):
    """A world behind ACLs: user daemonN has all rows but the N-th, and so has board N. One Redis for all of them."""
    world = World(broker, tmp_path_factory.mktemp("secured"), "", partitions=1)
    world.group = "riderwatch"
    names = names_of(world)
    broker.grant([(f"User:{user}", row[1], name_of(row, names), *row[3:]) for rows, prefix, role in (
        (DAEMON_ROWS, "daemon", "riderwatchd"), (BOARD_ROWS, "board", "riderwatch-board")) for row in rows
        for user in (role, *(f"{prefix}{i}" for i, other in enumerate(rows) if row != other))])
    world.server = Redis(world.folder / "redis", [user_line(name) for name in ("riderwatchd", "riderwatch-board", "riderwatch-audit")])
    yield world
    world.end()
    world.server.end()


def send_one_of_each(world):
    for category in ("fire", "food", "emergency"):
        world.send(report("rider-1", BY_CATEGORY[category][0]))
    world.send(delivery("rider-1"))
    world.send_raw("reports", b"k", b"not json")
    world.flush()


def settings(world, user):
    kafka = {"brokers": world.stack.secured, "properties": world.stack.properties(user), "group": world.group}
    return {"kafka": kafka, "redis": {"host": "127.0.0.1", "port": world.server.port, **write_password(world)}}


TOPIC = "TOPIC_AUTHORIZATION_FAILED: grant this user Read and Describe on the input topics, Write and Describe on the output topics"
# One row of acls.tsv less: how it ends, and what the daemon says.
DAEMON_TABLE = {
    "{topics.reports}": (ENDS, "input topic rider.reports.v1: Broker: Topic authorization failed"),
    "{topics.deliveries}": (ENDS, "input topic rider.deliveries.v1: Broker: Topic authorization failed"),
    "{topics.alerts_emergency}": (ENDS, f"rider.alerts.emergency.v1: {TOPIC}"),
    "{topics.alerts_fire}": (ENDS, f"rider.alerts.fire.v1: {TOPIC}"),
    "{topics.alerts_food}": (ENDS, f"rider.alerts.food.v1: {TOPIC}"),
    "{topics.dead_letters}": (ENDS, f"rider.dlq.v1: {TOPIC}"),
    "{group}": (ENDS, "GROUP_AUTHORIZATION_FAILED (FindCoordinator response error: Group authorization failed.): grant this user Read on"),
    "{group}.shadow": (WAITS, "if _TIMED_OUT lasts for a minute, grant Read on the group and on <group>.shadow"),
    "{group}-": (ENDS, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED: grant this user Write and Describe on the transactional id"),
    "__transaction_state": (GOES_ON, "how transactions ended cannot be read, so what brokers forgot to end would be aborted"),
    "__consumer_offsets": (GOES_ON, "offsets that brokers forgot to end cannot be found: grant Describe on the topic"),
}
# Asked for only when brokers forgot to end a transaction.
DAEMON_AFTER_CRASHES = ["{group}.sweep"]
# What the board says, which goes on and tries again: in its log, or where it shows its state.
BOARD_TABLE = {
    "{topics.reports}": "topic=rider.reports.v1 error=TOPIC_AUTHORIZATION_FAILED",
    "{topics.deliveries}": "rider.deliveries.v1, partition 0: ",
    "{topics.alerts_emergency}": "topic=rider.alerts.emergency.v1 error=TOPIC_AUTHORIZATION_FAILED",
    "{topics.alerts_fire}": "topic=rider.alerts.fire.v1 error=TOPIC_AUTHORIZATION_FAILED",
    "{topics.alerts_food}": "topic=rider.alerts.food.v1 error=TOPIC_AUTHORIZATION_FAILED",
    "{topics.dead_letters}": "topic=rider.dlq.v1 error=TOPIC_AUTHORIZATION_FAILED",
}


def test_each_right_less_in_kafka_is_told_and_nothing_is_lost(secured):
    world, rounds = secured, 0
    assert [row[2] for row in DAEMON_ROWS] == [*DAEMON_TABLE, *DAEMON_AFTER_CRASHES]
    published = 0
    for index, (name, (end, message)) in chosen(enumerate(DAEMON_TABLE.items())):
        send_one_of_each(world)
        rounds += 1
        daemon = world.launch(**settings(world, f"daemon{index}"))
        if end == GOES_ON:
            published = rounds
            wait_until(lambda: len(world.alerts()) == 3 * rounds, 30, lambda: f"{name}: {daemon.log[-2000:]}")
            assert daemon.stop() in (0, 75)
        elif end == WAITS:
            daemon.wait_log(re.escape(message), 40)
            daemon.kill()
        else:
            assert daemon.wait(60) == end, name
        assert message in daemon.log, f"{name}: {daemon.log[-1500:]}"
        assert len(world.alerts()) == 3 * published
    daemon = world.launch(**settings(world, "riderwatchd"))
    wait_until(lambda: len(world.alerts()) >= 3 * rounds and len(world.read("dead_letters")) >= rounds, 30, lambda: daemon.log[-2000:])
    assert len(world.alerts()) == 3 * rounds and len(world.read("dead_letters")) == rounds
    wait_until(lambda: world.server.client.hget("rw:{0}:rider:rider-1", "deliveries") == str(rounds), 20, lambda: daemon.log[-2000:])
    assert "forgot to end" not in daemon.log and "how transactions ended" not in daemon.log and daemon.stop() == 0
    check_audit(world)


def check_audit(world):
    """riderwatchctl needs the daemon's rights in Kafka, and only reads in Redis."""
    path, _ = world.write_config("audit", **settings(world, "riderwatchd"))
    for command in (["status"], ["audit"], ["rider"]):
        words = [str(CTL), *command, "-c", str(path), "-o", "redis.user=riderwatch-audit", *(["rider-1"] if command == ["rider"] else [])]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stdout[-1500:]}{done.stderr}"


def test_each_right_less_of_the_board_in_kafka_is_told(secured):
    assert [row[2] for row in BOARD_ROWS] == [*BOARD_TABLE]
    for index, name in [*enumerate(BOARD_TABLE), (None, None)]:
        user = "riderwatch-board" if index is None else f"board{index}"
        board_user = {"board": {"redis_user": "riderwatch-board", "redis_password_file": "redis.password"}}
        board = Board(secured, name=user, **settings(secured, user), **board_user)
        try:
            if index is None:
                board.wait_ready()
                wait_until(lambda: board.json("/api/status")["lag"] is not None, 30, lambda: board.ask("/api/status"))
                assert board.json("/api/totals") and board.json("/api/top") is not None and "NOPERM" not in board.log
            else:
                wait_until(lambda: BOARD_TABLE[name] in board.log + board.ask("/api/status")[1], 20, lambda: f"{name}: {board.log[-1500:]}")
        finally:
            board.kill()


def test_what_the_script_prints_is_what_kafka_takes(broker):
    printed = subprocess.run([str(ROOT / "deploy/kafka/acls"), "--bootstrap-server", broker.brokers, "--group", "other", "--topic",
                              "reports=other.reports", "--user", "riderwatchd=User:CN=daemon"], check=True, capture_output=True, text=True).stdout
    commands = [shlex.split(line) for line in printed.splitlines()]
    assert len(commands) == len(ACLS.rows())
    told = {command[command.index("--add") + 2] for command in commands}
    assert {"other.reports", "other", "other.shadow", "other.sweep", "other-", "rider.dlq.v1"} <= told
    broker.run_acls(commands[0])
    broker.run_acls(next(command for command in commands if "prefixed" in command))


def test_the_board_and_the_dashboard_only_read(filled, tmp_path):
    server = Redis(tmp_path / "redis", [user_line(name) for name in ("riderwatch-board", "riderwatch-audit", "dashboard")])
    try:
        for user in ("riderwatch-board", "riderwatch-audit", "dashboard"):
            for words in (["HSET", "rw:rollup", "a", "1"], ["DEL", "rw:rollup"], ["FCALL", "rw_load_v1", "0"], ["FLUSHALL"], ["GET", "other"]):
                answer = server.client.execute_command("ACL", "DRYRUN", user, *words)
                assert answer != "OK", f"{user} may {words}"
        assert server.client.execute_command("ACL", "DRYRUN", "dashboard", "HGETALL", "rw:{0}:totals") != "OK"
        assert server.client.execute_command("ACL", "DRYRUN", "dashboard", "HGETALL", "rw:rollup") == "OK"
    finally:
        server.end()
