# SPDX-License-Identifier: Apache-2.0
"""Start, stop, reload, and what the daemon refuses to do."""
import json
import pathlib
import random
import re
import shutil
import signal
import time
import urllib.request

import pytest
from confluent_kafka import KafkaException, TopicPartition

from events import BY_CATEGORY, delivery, mixed, report
from world import INPUTS, ROOT, Daemon, wait_until

FIRE = BY_CATEGORY["fire"][0]
EX_TEMPFAIL, EX_CONFIG = 75, 78


def fill(world, count, seed=1):
    for event, shape in mixed(random.Random(seed), count):
        world.send(event, shape)
    world.flush()


@pytest.fixture
def rules(tmp_path):
    """A copy of the shipped rules to edit."""
    return shutil.copytree(ROOT / "pipelines/rules", tmp_path / "rules")


def test_term_drains(world):
    fill(world, 3000)
    daemon = world.start(batch={"events_max": 100})
    daemon.wait_log("msg=reading")  # a stop before that cannot know whether all is counted
    wait_until(world.applied, 10, "something applied")
    assert daemon.stop() == 0, daemon.log[-2000:]
    applied = world.applied()
    assert applied and all(world.committed().get(slot, 0) == offset for slot, offset in applied.items())
    world.start()
    world.check()


def test_interrupt_drains_too(world):
    daemon = world.start()
    world.send(delivery("rider-1"))
    world.check()
    daemon.signal(signal.SIGINT)
    assert daemon.wait(10) == 0


def test_a_second_term_leaves_at_once(world):
    daemon = world.start()
    fill(world, 100)
    world.wait_applied()
    world.stack.order("redis", "pause")
    fill(world, 100, seed=2)
    wait_until(lambda: world.committed() and sum(world.committed().values()) > 150, 10, "something published")
    daemon.signal(signal.SIGTERM)
    time.sleep(1)
    assert daemon.runs, "it should still wait for Redis"
    daemon.signal(signal.SIGTERM)
    assert daemon.wait(2) == EX_TEMPFAIL
    world.stack.order("redis", "resume")
    world.start()
    world.check()


def test_shutdown_is_bounded(world):
    daemon = world.start(shutdown={"timeout": "2s"})
    fill(world, 100)
    world.wait_applied()
    world.stack.order("redis", "pause")
    fill(world, 100, seed=2)
    wait_until(lambda: world.committed() and sum(world.committed().values()) > 150, 10, "something published")
    start = time.monotonic()
    assert daemon.stop(10) == EX_TEMPFAIL and time.monotonic() - start < 5
    world.stack.order("redis", "resume")
    world.start()
    world.check()


def test_hangups_while_it_starts(world):
    """As soon as it is its own program; what the signal asks for is about to be done."""
    daemon = world.launch()

    def minds_hangups():
        masks = re.findall(r"^Sig(?:Ign|Cgt):\s*(\w+)", pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text(), re.M)
        return any(int(mask, 16) & 1 << (signal.SIGHUP - 1) for mask in masks)
    wait_until(minds_hangups, 10, "SIGHUP is minded")
    while daemon.runs and not daemon.metrics():
        daemon.signal(signal.SIGHUP)
    daemon.wait_ready()


def test_good_rules_are_swapped_in(world, rules):
    daemon = world.start(rules={"folder": str(rules)})
    world.send(report("rider-1", FIRE))
    world.flush()
    (_, before), = wait_until(world.alerts, 10, "an alert")
    with open(rules / "points.json", "a") as points:
        points.write("\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("reloaded")
    world.send(report("rider-1", FIRE))
    world.flush()
    alerts = wait_until(lambda: len(found := world.alerts()) == 2 and found, 10, "a second alert")
    # They may lie on different partitions: their order says nothing.
    (after,) = (value for _, value in alerts if value["id"] != before["id"])
    assert before in [value for _, value in alerts]
    assert after["data"]["decision"]["ruleset"] != before["data"]["decision"]["ruleset"]
    world.check()


@pytest.mark.parametrize("name, text", [("points.json", "{ not json"), ("hazards.json", "[]"), ("routes.json", '{"routes": 7}'),
                                        ("phrases.json", None)])
def test_bad_rules_keep_the_old_ones(world, rules, name, text):
    daemon = world.start(rules={"folder": str(rules)})
    world.send(report("rider-1", FIRE))
    world.flush()
    wait_until(world.alerts, 10, "an alert")
    (rules / name).write_text(text) if text else (rules / name).unlink()
    daemon.signal(signal.SIGHUP)
    daemon.wait_log(name.replace(".", r"\."))
    daemon.wait_log("(?i)error.*reload")
    world.send(report("rider-1", FIRE))
    world.flush()
    alerts = wait_until(lambda: len(found := world.alerts()) == 2 and found, 10, "a second alert")
    assert len({value["data"]["decision"]["ruleset"] for _, value in alerts}) == 1
    world.check()


def change_config(daemon, world, change):
    path = world.folder / "riderwatch-0.json"
    settings = json.loads(path.read_text())
    change(settings)
    path.write_text(json.dumps(settings, indent=1))
    daemon.signal(signal.SIGHUP)


def test_a_changed_configuration_is_taken_over_or_told_to_need_a_restart(world):
    daemon = world.start()

    def change(settings):
        settings["log"] = {"level": "debug", "format": "json"}
        settings["batch"] = {"idle_after": "300ms"}
        settings["redis"]["port"] += 1
    change_config(daemon, world, change)
    daemon.wait_log('"msg":"rules reloaded"')
    for key in ("log.level", "log.format", "batch.idle_after"):
        assert re.search(f"setting changed.*{key}", daemon.log), daemon.log[-2000:]
    assert re.search("needs a restart.*redis.port", daemon.log)
    metrics = daemon.metrics()
    assert (metrics["riderwatch_settings_waiting_for_restart"], metrics["riderwatch_reload_last_successful"]) == (1, 1)
    fill(world, 200)
    world.check()
    with urllib.request.urlopen(f"http://{daemon.listen}/config") as answer:
        text = answer.read().decode()
    assert re.search(r'"level": "debug", // .*riderwatch-0.json:\d+', text) and '"idle_after": "300ms"' in text
    change_config(daemon, world, lambda settings: settings["redis"].update(port=settings["redis"]["port"] - 1))
    wait_until(lambda: daemon.metrics()["riderwatch_settings_waiting_for_restart"] == 0, 10, "nothing waits for a restart")


def test_a_mistake_in_the_configuration_keeps_what_is_in_use(world):
    daemon = world.start()
    change_config(daemon, world, lambda settings: settings.update(log={"level": "debug"}, batch={"idle_after": 7}))
    daemon.wait_log("reload failed")
    assert re.search(r"riderwatch-0.json:\d+: batch.idle_after is 7", daemon.log)
    assert "setting changed" not in daemon.log and "level=debug" not in daemon.log
    assert daemon.metrics()["riderwatch_reload_last_successful"] == 0
    fill(world, 200)
    world.check()


@pytest.mark.parametrize("name, text", [("points.json", "{\n not json"), ("hazards.json", "{}"), ("routes.json", "[\n1,\n"),
                                        ("phrases.json", "{\n7\n}")])
def test_bad_rules_at_start(world, rules, name, text):
    (rules / name).write_text(text)
    daemon = world.launch(rules={"folder": str(rules)})
    assert daemon.wait(10) == EX_CONFIG
    assert any(f"{name}:{line}" in daemon.log for line in range(1, 4)), daemon.log


BAD_CONFIGS = [
    ('{\n  "kafka": {"borkers": "x"}\n}', 2, "brokers"),
    ('{\n  "batch": {\n    "idle_after": 7\n  }\n}', 3, "idle_after"),
    ('{\n  "batch": {\n    "idle_after": "7 parsecs"\n  }\n}', 3, "idle_after"),
    ('{\n  "redis": {\n\n    "port": 70000\n  }\n}', 4, "port"),
    ('{\n  "kafka": {\n', 3, ""),
    ('{\n  "kafka": {"group": "a",\n "group": "b"}\n}', 3, "group"),
    ('{\n  "log": {\n "level": "loud"}\n}', 3, "level"),
]


@pytest.mark.parametrize("text, line, word", BAD_CONFIGS)
def test_bad_config_at_start(tmp_path, text, line, word):
    (tmp_path / "bad.json").write_text(text)
    daemon = Daemon(tmp_path / "bad.json", tmp_path / "log", "")
    assert daemon.wait(10) == EX_CONFIG
    assert f"bad.json:{line}" in daemon.log and word in daemon.log, daemon.log


def test_the_same_log_gives_the_same_bytes_in_any_batches(world):
    fill(world, 2000)
    first = world.start(batch={"events_max": 20000, "chunk_events": 500})
    world.check()
    assert first.stop() == 0
    alerts, ends = world.alerts(), world.ends("alerts_fire", "alerts_food", "alerts_emergency")
    hashes = {key: world.redis.hgetall(key) for pattern in ("rw:{*}:rider:*", "rw:{*}:totals*", "rw:{*}:report:*")
              for key in world.redis.scan_iter(pattern)}
    world.redis.flushall()
    second = world.start(kafka={"group": world.group + "-again"}, batch={"events_max": 37, "chunk_events": 3, "urgent_after": "0ms", "alert_after": "1ms"})
    world.wait_applied()
    assert second.stop() == 0
    again = world.alerts(start=ends)

    def content(found):
        return sorted((record.topic, record.partition, record.key, record.value, record.headers) for record, _ in found)
    assert alerts and content(alerts) == content(again)
    assert hashes == {key: world.redis.hgetall(key) for pattern in ("rw:{*}:rider:*", "rw:{*}:totals*", "rw:{*}:report:*")
                      for key in world.redis.scan_iter(pattern)}


def test_an_emptied_redis_is_refused_while_running(world):
    daemon = world.start()
    fill(world, 300)
    world.check()
    world.redis.flushall()
    code = daemon.wait(15)
    assert code not in (0, EX_TEMPFAIL), daemon.log[-2000:]
    assert "redis.rebuild" in daemon.log or "rebuild" in daemon.log, daemon.log[-2000:]
    before = world.committed()
    fill(world, 50, seed=3)
    again = world.launch()
    assert again.wait(15) != 0
    assert world.committed() == before and not list(world.redis.scan_iter("rw:{*}:rider:*"))


def test_an_emptied_redis_is_rebuilt_on_order(world):
    daemon = world.start()
    fill(world, 300)
    world.check()
    assert daemon.stop() == 0
    world.redis.flushall()
    world.start(redis={"rebuild": True})
    fill(world, 100, seed=4)
    world.check()


def test_offsets_moved_back_by_an_operator_publish_nothing_twice(world):
    daemon = world.start()
    fill(world, 500)
    world.check()
    ends = world.ends(*INPUTS)
    assert daemon.stop() == 0

    def moved():
        consumer = world.consumer(**{"group.id": world.group})
        try:
            return consumer.commit(offsets=[TopicPartition(*slot, 0) for slot in ends], asynchronous=False)
        except KafkaException:
            return None
        finally:
            consumer.close()
    wait_until(moved, 15, "the group still has its static member")
    assert set(world.committed().values()) == {0}
    world.start()
    fill(world, 100, seed=5)
    world.check()


def test_missing_topics_are_named(world):
    daemon = world.launch(topics={"reports": f"{world.prefix}nowhere"})
    assert daemon.wait(30) != 0
    assert f"{world.prefix}nowhere" in daemon.log
