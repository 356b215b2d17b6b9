# SPDX-License-Identifier: Apache-2.0
"""What operators do wrong most often: each mistake gives one message, which names the cause and what to do about it."""
import json
import os
import subprocess
from collections import namedtuple

import pytest

from guarded import TOPICS, make_topics, settings_for
from servers import OwnRedis
from world import DAEMON, NAMES, ROOT, Daemon, wait_until

EX_USAGE, EX_DATAERR, EX_UNAVAILABLE, EX_OSERR, EX_NOPERM, EX_CONFIG = 64, 65, 69, 71, 77, 78
NOBODY = 65534

Case = namedtuple("Case", "world folder guarded redis daemons")


def own_redis(case, *options, **sections):
    case.redis.append(OwnRedis(*options))
    return {"redis": {"socket": case.redis[-1].socket, **sections}}


def own_topics(case, *options, **more):
    prefix = case.world.prefix + "own."
    make_topics(case.world.stack.brokers, prefix, *options)
    return {"topics": {**{kind: prefix + name for kind, name in NAMES.items()}, **more}}


def own_rules(case, file, change):
    """A copy of the rules with one file changed; None: removed."""
    rules = case.folder / "rules"
    subprocess.run(["cp", "-r", str(ROOT / "pipelines/rules"), str(rules)], check=True)
    text = change((rules / file).read_text())
    (rules / file).unlink() if text is None else (rules / file).write_text(text)
    return {"rules": {"folder": str(rules)}}


def file_of_root(case, name):
    """A file that only root may read, in a folder that everybody may enter."""
    case.folder.parent.chmod(0o755)
    case.folder.parent.parent.chmod(0o755)
    case.folder.chmod(0o755)
    (case.folder / name).write_text("a secret of root\n")
    (case.folder / name).chmod(0o600)
    return name


def wrong_redis_password(case):
    (case.folder / "word").write_text("wrong\n")
    (case.folder / "word").chmod(0o600)
    return own_redis(case, "--requirepass", "right", password_file="word")


def no_redis_password(case):
    return own_redis(case, "--requirepass", "right")


def redis_user_without_rights(case):
    sections = own_redis(case, user="rw", password_file="word")
    case.redis[-1].client.execute_command("ACL", "SETUSER", "rw", "on", ">word", "%R~rw:*", "+@all")
    (case.folder / "word").write_text("word")
    (case.folder / "word").chmod(0o600)
    return sections


def redis_for_a_sentinel(case):
    own_redis(case)
    return {"redis": {"host": "127.0.0.1", "port": 6379, "sentinels": f"127.0.0.1:{case.redis[-1].port}", "sentinel_master": "riders"}}


def taken_port(case):
    """The port of a daemon that runs as another instance."""
    case.daemons.append(case.world.start(instance="first"))
    return {"kafka": {"instance": "second"}, "http": {"listen": case.daemons[-1].listen}}


def another_partition_count(case):
    topics = own_topics(case)["topics"]
    return {"topics": {"reports": case.world.topics["reports"], "deliveries": topics["deliveries"]}}


CHECK, TEST, START = ["--check"], ["-t"], []
Mistake = namedtuple("Mistake", "name words make code message")
TABLE = [
    # name, words behind "-c FILE", sections of the configuration that make the mistake, exit code, what the message holds
    Mistake("wrong broker", CHECK, lambda case: {"kafka": {"brokers": "127.0.0.1:1"}}, EX_UNAVAILABLE,
            ["127.0.0.1:1", "Connection refused", "correct kafka.brokers"]),
    Mistake("unknown host", CHECK, lambda case: {"kafka": {"brokers": "kafka.invalid:9092"}}, EX_UNAVAILABLE,
            ["kafka.invalid:9092", "resolve", "correct the host name"]),
    Mistake("wrong Kafka password", CHECK,
            lambda case: {"kafka": settings_for(case.guarded, "full", case.folder, password="not this"), "topics": TOPICS}, EX_NOPERM,
            ["Authentication failed", "kafka.password_file"]),
    Mistake("no Kafka password", CHECK,
            lambda case: {"kafka": {"brokers": case.guarded.address("sasl"), "group": "g.group"}, "topics": TOPICS}, EX_UNAVAILABLE,
            ["another protocol", "security.protocol"]),
    Mistake("plain Kafka client to a TLS port", CHECK,
            lambda case: {"kafka": {"brokers": case.guarded.address("mutual"), "group": "g.group"}, "topics": TOPICS}, EX_UNAVAILABLE,
            ["another protocol", "security.protocol"]),
    Mistake("TLS to a plain port", CHECK,
            lambda case: {"kafka": {"brokers": case.guarded.address("plain"), "properties": {"security.protocol": "ssl"}}},
            EX_UNAVAILABLE, ["speaks no TLS", "TLS port"]),
    Mistake("unknown authority", CHECK,
            lambda case: {"kafka": {"brokers": case.guarded.address("sasl_tls"), "properties": {"security.protocol": "ssl"}}}, EX_NOPERM,
            ["certificate", "ssl.ca.location"]),
    Mistake("missing topic", CHECK, lambda case: {"topics": {"alerts_food": "rider.alerts.fodo.v1"}}, EX_UNAVAILABLE,
            ["rider.alerts.fodo.v1", "topics.alerts_food", "Unknown topic", "create the topic"]),
    Mistake("missing input topic at the start", START, lambda case: {"topics": {"reports": "rider.reprots.v1"}}, EX_UNAVAILABLE,
            ["rider.reprots.v1", "Unknown topic", "create the topic"]),
    Mistake("missing ACL", CHECK,
            lambda case: {"kafka": settings_for(case.guarded, "full", case.folder), "topics": {**TOPICS, "alerts_fire": "g.secret"}},
            EX_NOPERM, ["g.secret", "authorization failed", "grant this user"]),
    Mistake("partition counts differ", CHECK, another_partition_count, EX_UNAVAILABLE, ["partitions", "same number"]),
    Mistake("senders' clocks", CHECK, lambda case: own_topics(case, "--set", "reports.message.timestamp.type=CreateTime"), EX_UNAVAILABLE, ["message.timestamp.type=CreateTime", "LogAppendTime"]),
    Mistake("Redis elsewhere", CHECK, lambda case: {"redis": {"port": 1}}, EX_UNAVAILABLE,
            ["127.0.0.1:1", "Connection refused", "section redis"]),
    Mistake("wrong Redis password", CHECK, wrong_redis_password, EX_NOPERM, ["WRONGPASS", "redis.password_file"]),
    Mistake("no Redis password", CHECK, no_redis_password, EX_NOPERM, ["NOAUTH", "set redis.password_file"]),
    Mistake("wrong Redis password at the start", START, wrong_redis_password, EX_UNAVAILABLE, ["WRONGPASS", "redis.password_file"]),
    Mistake("Redis user who only reads", CHECK, redis_user_without_rights, EX_NOPERM, ["~rw:*", "ACL SETUSER rw"]),
    Mistake("Redis that evicts", CHECK, lambda case: own_redis(case, "--appendonly", "yes", "--maxmemory", "1gb", "--maxmemory-policy",
                                                               "volatile-lru"), EX_UNAVAILABLE, ["evict", "noeviction"]),
    Mistake("Redis that evicts at the start", START, lambda case: own_redis(case, "--appendonly", "yes", "--maxmemory", "1gb",
                                                                            "--maxmemory-policy", "volatile-lru"), EX_UNAVAILABLE,
            ["evict", "noeviction"]),
    Mistake("Redis that is a replica", CHECK, lambda case: own_redis(case, "--appendonly", "yes", "--replicaof", "127.0.0.1 1",
                                                                     "--replica-serve-stale-data", "yes"), EX_UNAVAILABLE,
            ["replica", "master"]),
    Mistake("Sentinels elsewhere", CHECK, lambda case: {"redis": {"host": "127.0.0.1", "port": 6379, "sentinels": "127.0.0.1:1",
                                                                  "sentinel_master": "riders"}}, EX_UNAVAILABLE,
            ["no Sentinel answers", "127.0.0.1:1", "Connection refused", "check redis.sentinels"]),
    Mistake("Redis in the place of a Sentinel", CHECK, redis_for_a_sentinel, EX_UNAVAILABLE,
            ["unknown command", "this is no Sentinel", "correct redis.sentinels"]),
    Mistake("Sentinels and a port", TEST, lambda case: {"redis": {"port": 6380, "sentinels": "127.0.0.1:1", "sentinel_master": "riders"}},
            EX_CONFIG, ["file:", "redis.port and redis.sentinels", "remove one of the two"]),
    Mistake("typo in a key", TEST, lambda case: {"kafka": {"borkers": "x:1"}}, EX_CONFIG, ["file:", "kafka.borkers", 'did you mean "brokers"']),
    Mistake("wrong type", TEST, lambda case: {"redis": {"port": "6379"}}, EX_CONFIG, ["file:", "redis.port", "whole number"]),
    Mistake("value out of range", TEST, lambda case: {"batch": {"events_max": 0}}, EX_CONFIG, ["file:", "batch.events_max", "from 1 to"]),
    Mistake("number without a unit", TEST, lambda case: {"batch": {"idle_after": 500}}, EX_CONFIG, ["file:", "batch.idle_after", "unit"]),
    Mistake("Kafka property of the daemon's", TEST, lambda case: {"kafka": {"properties": {"acks": "1"}}}, EX_CONFIG,
            ["kafka.properties", "acks", "belongs to the daemon"]),
    Mistake("unknown Kafka property", TEST, lambda case: {"kafka": {"properties": {"sasl.pasword": "x"}}}, EX_CONFIG,
            ["kafka.properties", "sasl.pasword", "No such configuration property"]),
    Mistake("input is an output", TEST, lambda case: {"topics": {"dead_letters": case.world.topics["reports"]}}, EX_CONFIG,
            ["topics.dead_letters", "input topic must differ"]),
    Mistake("missing rules file", TEST, lambda case: own_rules(case, "points.json", lambda text: None), EX_CONFIG,
            ["points.json", "No such file"]),
    Mistake("broken rules file", TEST, lambda case: own_rules(case, "routes.json", lambda text: text.replace('"primary"', '"primray"', 1)),
            EX_CONFIG, ["routes.json:", "primray", "primary"]),
    Mistake("rules elsewhere", TEST, lambda case: {"rules": {"folder": "/nowhere/rules"}}, EX_CONFIG, ["/nowhere/rules", "No such file", "correct rules.folder"]),
    Mistake("secret that is missing", TEST, lambda case: {"redis": {"password_file": "/nowhere/word"}}, EX_CONFIG,
            ["redis.password_file", "/nowhere/word", "No such file", "correct its path"]),
    Mistake("no permission on a secret", TEST, lambda case: {"redis": {"password_file": file_of_root(case, "word")}}, EX_CONFIG,
            ["redis.password_file", "Permission denied", "let user 65534 read it"]),
    Mistake("unknown option", ["--chekc"], lambda case: {}, EX_USAGE, ["--chekc", "did you mean --check"]),
    Mistake("option without its value", ["-o"], lambda case: {}, EX_USAGE, ["-o", "SECTION.KEY=VALUE"]),
    Mistake("file that is no JSON", TEST, lambda case: "{ \"kafka\": { \"group\": \"a\" \n \"instance\": \"b\" } }", EX_CONFIG, ["file:2"]),
    Mistake("port that is taken", START, taken_port, EX_OSERR, ["already in use", "http.listen"]),
]


@pytest.fixture
def case(world, tmp_path, guarded):
    made = Case(world, tmp_path, guarded, [], [])
    yield made
    for redis in made.redis:
        redis.end()


def write_config(case, sections):
    path = case.folder / "file"
    if isinstance(sections, str):
        path.write_text(sections)
        return path
    listen = case.world.write_config("other")[1]
    settings = case.world.settings(listen, **sections)
    (case.folder / "pseudonym.key").chmod(0o600)
    path.write_text(json.dumps(settings, indent=2, ensure_ascii=False))
    return path


def messages_of(mistake, done):
    """The lines that blame: errors of --check, problems of the configuration, error lines of the log."""
    if mistake.words == CHECK:
        return [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    lines = done.stderr.splitlines()
    if mistake.words == START:
        return [line for line in lines if "level=error" in line and "librdkafka says" not in line]
    return [line for line in lines if "refused: " not in line]


@pytest.mark.parametrize("mistake", TABLE, ids=lambda mistake: mistake.name)
def test_mistake(case, mistake):
    path = write_config(case, mistake.make(case))
    user = []
    if "permission" in mistake.name:
        if os.geteuid() != 0:
            pytest.skip("only root can make a file that this user may not read")
        del (settings := json.loads(path.read_text()))["privacy"]
        path.write_text(json.dumps(settings))
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    done = subprocess.run([*user, str(DAEMON), "-c", str(path), *mistake.words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60)
    messages = messages_of(mistake, done)
    assert len(messages) == 1, done.stdout + done.stderr
    for word in mistake.message:
        assert word in messages[0], (word, messages[0])
    assert mistake.code is None or done.returncode == mistake.code, (done.returncode, messages)


def test_two_of_one_name(world):
    """One of the two ends, whichever it is, and says why."""
    twins = [world.start(instance="twin")]
    path, listen = world.write_config("other", kafka={"instance": "twin"})
    twins.append(Daemon(path, world.folder / "other.log", listen))
    world.daemons.append(twins[1])
    wait_until(lambda: not all(twin.runs for twin in twins), 40, "one of two processes with one name ends")
    ended = next(twin for twin in twins if not twin.runs)
    messages = [line for line in ended.log.splitlines() if "level=error" in line and "librdkafka says" not in line]
    assert len(messages) == 1 and "kafka.instance" in messages[0] and "its own name" in messages[0], ended.log
    assert ended.process.returncode in (EX_DATAERR, EX_UNAVAILABLE)


def test_a_redis_without_append_only_file_is_warned_of(check):
    redis = OwnRedis("--appendonly", "no")
    try:
        code, lines = check(redis={"socket": redis.socket})
        found = [line for line in lines if line.startswith("warning: redis: ")]
        assert code == 0 and len(found) == 1 and "append-only" in found[0] and "set appendonly yes" in found[0], lines
    finally:
        redis.end()
