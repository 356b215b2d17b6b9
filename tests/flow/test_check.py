# SPDX-License-Identifier: Apache-2.0
"""riderwatchd --check on a broker with access control lists: what it finds, and that it leaves no trace."""
import re
import subprocess

import pytest
from confluent_kafka import libversion

from guarded import TOPICS, make_topics, settings_for
from servers import OwnRedis
from world import INPUTS, NAMES, OUTPUTS, ROOT

EX_OK, EX_UNAVAILABLE, EX_NOPERM = 0, 69, 77


def errors(lines):
    return [line for line in lines if line.startswith("error: ")]


def test_all_is_well_and_nothing_was_written(world, check):
    code, lines = check()
    assert code == EX_OK and not errors(lines), lines
    assert [line for line in lines if "one broker only" in line]
    assert set(world.ends(*INPUTS, *OUTPUTS).values()) == {0}, "the check wrote records"
    assert world.committed() == {} and list(world.redis.scan_iter()) == []


def test_beside_a_running_daemon(world, check):
    daemon = world.start()
    world.wait_applied()
    code, lines = check(http={"listen": daemon.listen})
    assert code == EX_OK and not errors(lines), lines
    assert any('a process named "riderwatch-0" is in group' in line for line in lines), lines
    assert any("it may be its own" in line for line in lines), lines
    assert daemon.runs and daemon.stop() == 0


@pytest.mark.parametrize("listener, user", [("sasl", "full"), ("sasl_tls", "full"), ("mutual", "mtls-user")])
def test_rights_that_suffice(guarded, check, tmp_path, listener, user):
    code, lines = check(kafka=settings_for(guarded, user, tmp_path, listener), topics=TOPICS)
    assert code == EX_OK and not errors(lines), lines
    assert any("DescribeConfigs" in line for line in lines), lines
    assert not any("__transaction_state" in line for line in lines), lines


def test_rights_that_are_missing(guarded, check, tmp_path):
    code, lines = check(kafka=settings_for(guarded, "reader", tmp_path), topics=TOPICS)
    assert code == EX_NOPERM, lines
    found = errors(lines)
    assert len([line for line in found if "write to g.rider" in line and "Write and Describe" in line]) == 4, found
    assert any("take up the transactional id g.group-riderwatch-0" in line for line in found), found
    assert len(found) == 5, found
    code, lines = check(kafka=settings_for(guarded, "stranger", tmp_path), topics=TOPICS)
    found = errors(lines)
    assert code == EX_NOPERM
    assert len([line for line in lines if line.startswith("warning: ") and "grant Read on __transaction_state" in line]) >= 1, lines
    assert len([line for line in found if "Topic authorization failed" in line and "grant this user" in line]) == 6, found
    assert len([line for line in found if "Group authorization failed" in line and "<group>.shadow" in line]) == 2, found


def test_how_topics_are_set_up(world, check):
    prefix = world.prefix + "odd."
    make_topics(world.stack.brokers, prefix, "--timestamp-type", "CreateTime", "--set", "reports.retention.ms=3600000", "--set",
                "deliveries.cleanup.policy=compact", "--set", "dead_letters.max.message.bytes=1000000", "--set",
                "alerts_fire.cleanup.policy=compact", "--set", "deliveries.retention.bytes=1000000")
    code, lines = check(topics={kind: prefix + name for kind, name in NAMES.items()})
    assert code == EX_UNAVAILABLE
    found = {tuple(line.split(";")[0].split(" has ")) for line in lines if " has " in line}
    assert found == {(f"{level}: kafka: topic {prefix}{NAMES[kind]}", setting) for level, kind, setting in (
        ("error", "reports", "message.timestamp.type=CreateTime"), ("error", "deliveries", "message.timestamp.type=CreateTime"),
        ("warning", "reports", "retention.ms=3600000"), ("error", "deliveries", "cleanup.policy=compact"),
        ("warning", "deliveries", "retention.bytes=1000000"), ("error", "dead_letters", "max.message.bytes=1000000"),
        ("warning", "alerts_fire", "cleanup.policy=compact"))}


RIGHTS = ("+fcall +function|load +function|list +get +set +getrange +strlen +hget +hmget +hset +hincrby +sadd +del +unlink +expireat "
          "+append +time +multi +discard +info")


@pytest.mark.parametrize("change, level, words", [
    ("", "warning", "+fcall_ro +hgetall"),
    ("-hincrby -sadd", "error", "ACL SETUSER rw +hincrby +sadd"),
    ("resetkeys ~other:*", "error", "~rw:*"),
    ("-multi", "note", "+multi"),
])
def test_rights_in_redis(check, tmp_path, change, level, words):
    redis = OwnRedis()
    try:
        redis.client.execute_command("ACL", "SETUSER", "rw", "on", ">word", "~rw:*", "-@all", *RIGHTS.split(), *change.split())
        (tmp_path / "redis-password").write_text("word\n")
        code, lines = check(redis={"socket": redis.socket, "user": "rw", "password_file": "redis-password"})
        found = [line for line in lines if line.startswith(f"{level}: redis: ") and words in line]
        assert len(found) == 1, lines
        assert code == (EX_NOPERM if level == "error" else EX_OK), lines
        assert any("redis-password holds a secret and every user can read it" in line for line in lines)
        assert redis.client.keys() == []
    finally:
        redis.end()


def test_a_redis_that_forgets_and_one_of_another_release(check):
    redis = OwnRedis("--appendonly", "no", "--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru")
    try:
        redis.client.set("rw:schema", "2")
        code, lines = check(redis={"socket": redis.socket})
        assert code == EX_UNAVAILABLE
        for words in ("error: redis: 7", "noeviction", "rw:schema is 2 and this release needs 1", "appendonly yes"):
            assert any(words in line for line in lines), (words, lines)
    finally:
        redis.end()


def test_partition_counts_that_differ(world, check):
    make_topics(world.stack.brokers, world.prefix + "one.")
    code, lines = check(topics={"deliveries": f"{world.prefix}one.{NAMES['deliveries']}"})
    assert code == EX_UNAVAILABLE and len(errors(lines)) == 1, lines
    assert "has 3 partitions and" in lines[0] + lines[1] and "same number" in lines[0] + lines[1]


def test_a_routed_topic_that_is_missing(world, check, tmp_path):
    rules = tmp_path / "rules"
    subprocess.run(["cp", "-r", str(ROOT / "pipelines/rules"), str(rules)], check=True)
    routes = (rules / "routes.json").read_text()
    assert '"role": "primary"' in routes
    (rules / "routes.json").write_text(routes.replace('"role": "primary"', '"role": "primary", "topic": "nobody.made.this"', 1))
    code, lines = check(rules={"folder": str(rules)})
    assert code == EX_UNAVAILABLE and len(errors(lines)) == 1, lines
    assert "topic nobody.made.this (routes.json)" in errors(lines)[0] and "create" in errors(lines)[0]


def test_scram(guarded, check, tmp_path):
    """Brokers from 4.0 on refuse what librdkafka before 2.6.1 answers; then the finding says so."""
    code, lines = check(kafka=settings_for(guarded, "full", tmp_path, "sasl_tls", "SCRAM-SHA-256"), topics=TOPICS)
    if libversion()[1] >= 0x020601ff:
        assert code == EX_OK and not errors(lines), lines
    else:
        assert code == EX_NOPERM and len(errors(lines)) == 1 and "2.6.1" in errors(lines)[0], lines


@pytest.fixture
def wall_clock(tmp_path):
    """A function that gives the environment in which the wall clock is so many milliseconds ahead."""
    subprocess.run(["make", "-s", "build/release/wall_clock.so"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    def ahead(ms):
        (tmp_path / "ahead").write_text(str(ms))
        return {"LD_PRELOAD": str(ROOT / "build/release/wall_clock.so"), "WALL_CLOCK_FILE": str(tmp_path / "ahead")}
    return ahead


def test_clocks_that_differ(world, check, wall_clock):
    world.send_raw("reports", b"r", b"{}")
    world.flush()
    code, lines = check(environment=wall_clock(-60000))
    assert code == EX_OK
    found = [line for line in lines if "the clock" in line]
    assert len(found) == 2 and re.search(r"a broker is (4\d|5\d|60) s", found[0]) and "Redis is 60.0 s ahead of" in found[1], lines
    assert all("NTP" in line for line in found)
    assert not [line for line in check()[1] if "the clock" in line]
