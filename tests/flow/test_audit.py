# SPDX-License-Identifier: Apache-2.0
"""riderwatchctl audit agrees with what the daemon did, through kills and under load, and names exactly what somebody changed."""
import json
import random
import shutil
import subprocess
import time

import pytest
import redis

from ctl import ctl, log_key, raw_redis
from events import BY_CATEGORY, delivery, report, review
from servers import java
from test_crashes import Feed
from test_load import generate
from world import ROOT, wait_until

AGREES, DIFFERS, INCOMPLETE, USAGE, UNAVAILABLE = 0, 1, 2, 64, 69


def audit(world, *words, expect=AGREES):
    code, out, error = ctl(world, "audit", "--json", "--quiet", *words)
    assert code == expect, f"exit code {code}\n{out[-3000:]}{error}"
    return json.loads(out)


def found(result):
    """{(key, field): (is, must be)}"""
    return {(row["key"], row["field"]): (row["is"], row["must_be"]) for row in result["differences"]}


def test_agrees_after_kills(world):
    generate(world, "--count", "60000", "--riders", "3000", "--deliveries", "80", "--malformed", "1")
    for kill in range(3):
        daemon = world.start(batch={"events_max": 2000})
        wait_until(lambda: sum(world.applied().values()) > 60000 * kill / 4, 30, "progress")
        time.sleep(0.3)
        daemon.kill()
    # A transaction may be left open: the audit waits for the broker to end it.
    before = sum(world.applied().values())
    result = audit(world)
    after = sum(world.applied().values())  # Redis may still have had a command to run
    assert before <= result["records"] <= after
    daemon = world.start()
    world.wait_applied(90)
    assert daemon.stop() in (0, 75)
    result = audit(world)
    assert (result["result"], result["records"], result["differences"]) == ("agrees", 60000, [])
    assert result["riders"] > 1000 and result["reports"] > 1000 and result["buckets"] >= 3
    shards = [audit(world, "--shard", str(shard)) for shard in range(world.partitions)]
    assert sum(shard["records"] for shard in shards) == 60000
    assert sum(shard["riders"] for shard in shards) == result["riders"]


def test_agrees_while_the_daemon_works(world):
    feed = Feed(world, random.randrange(1 << 30), per_second=1000)
    daemon = world.start(batch={"alert_after": "50ms", "idle_after": "50ms", "chunk_events": 20})
    wait_until(lambda: sum(world.applied().values()) > 500, 30, "progress")
    for _ in range(4):
        before = sum(world.applied().values())
        result = audit(world)
        after = sum(world.applied().values())
        assert before < after, "W stood still"
        assert before <= result["records"] <= after
    # What is wrong stays wrong by the same number, however the counter moves on.
    key = rider_key(world)
    world.redis.hincrby(key, "deliveries", 1000)
    before = sum(world.applied().values())
    differences = found(audit(world, expect=DIFFERS))
    assert sum(world.applied().values()) > before, "W stood still"
    assert set(differences) == {(key, "deliveries")}
    is_, must_be = differences[key, "deliveries"]
    assert int(is_) - (0 if must_be == "absent" else int(must_be)) == 1000
    world.redis.hincrby(key, "deliveries", -1000)
    feed.stop()
    world.flush()
    world.wait_applied(60)
    assert audit(world)["records"] == sum(world.applied().values())
    assert daemon.stop() in (0, 75)


RIDER = "rw:{0}:rider:"


def some(world, pattern, field=None):
    """A key that matches; with field: one that has it."""
    keys = sorted(world.redis.scan_iter(match=pattern, count=1000))
    return next(key for key in keys if field is None or world.redis.hexists(key, field))


def rider_key(world):
    return next(key for key in sorted(world.redis.scan_iter(match="rw:{*}:rider:*")) if key.count(":") == 3)


def plant_counter(world):
    key = rider_key(world)
    before = int(world.redis.hget(key, "deliveries") or 0)
    world.redis.hincrby(key, "deliveries", 1)
    return {(key, "deliveries"): (str(before + 1), str(before))}


def plant_small_points(world):
    key = next(key for key in sorted(world.redis.scan_iter(match="rw:{*}:rider:*")) if world.redis.hget(key, "points_pending") not in (None, "0"))
    before = world.redis.hget(key, "points_pending")
    world.redis.hdel(key, "points_pending")
    return {(key, "points_pending"): ("absent", before)}


def plant_last_ms(world):
    key = rider_key(world)
    before = world.redis.hget(key, "last_ms")
    world.redis.hset(key, "last_ms", int(before) - 1)
    return {(key, "last_ms"): (str(int(before) - 1), before)}


def plant_text(world):
    key = rider_key(world)
    before = world.redis.hget(key, "last_ms")
    world.redis.hset(key, "last_ms", "早上")
    return {(key, "last_ms"): ("早上", before)}


def plant_state(world):
    key = next(key for key in world.redis.scan_iter(match="rw:{*}:report:*") if world.redis.hget(key, "state") == "pending")
    world.redis.hset(key, "state", "upheld")
    return {(key, "state"): ("upheld", "pending")}


def plant_report_gone(world):
    key = some(world, "rw:{*}:report:*")
    world.redis.delete(key)
    return {(key, "key"): ("absent", "present")}


def plant_day(world):
    key = next(key for key in world.redis.scan_iter(match="rw:{*}:rider:*:*") if key.count(":") == 4)
    before = world.redis.hget(key, "paid")
    world.redis.hincrby(key, "paid", -1)
    return {(key, "paid"): (str(int(before) - 1), before)}


def plant_totals(world):
    key = some(world, "rw:{*}:totals", "440305:deliveries")
    before = int(world.redis.hget(key, "440305:deliveries"))
    world.redis.hincrby(key, "440305:deliveries", 5)
    return {(key, "440305:deliveries"): (str(before + 5), str(before))}


def plant_daily_totals(world):
    key = some(world, "rw:{*}:totals:*", "deliveries")
    before = int(world.redis.hget(key, "deliveries"))
    world.redis.hincrby(key, "deliveries", -2)
    return {(key, "deliveries"): (str(before - 2), str(before))}


def plant_strange_field(world):
    key = some(world, "rw:{*}:totals")
    world.redis.hset(key, "999999:deliveries", 3)
    return {(key, "999999:deliveries"): ("3", "0")}


def plant_ghosts(world):
    world.redis.hset(RIDER + "ghost", "deliveries", 1)
    world.redis.hset("rw:{1}:report:00000000deadbeef", "state", "pending")
    world.redis.set("rw:{1}:what is this", "x")
    return {(key, "key"): ("present", "absent") for key in (RIDER + "ghost", "rw:{1}:report:00000000deadbeef", "rw:{1}:what is this")}


def plant_other_type(world):
    key = rider_key(world)
    world.redis.delete(key)
    world.redis.set(key, "text")
    return {(key, "type"): ("another", "hash")}


def plant_journal_cut(world):
    key = max(world.redis.scan_iter(match="rw:{*}:seen:*"), key=world.redis.strlen)
    size = world.redis.strlen(key)
    raw = raw_redis(world)
    whole = raw.get(key)
    raw.set(key, whole[:-8])
    return {(key, "bytes"): (str(size - 8), str(size))}


def plant_journal_changed(world):
    key = max(world.redis.scan_iter(match="rw:{*}:seen:*"), key=world.redis.strlen)
    raw = raw_redis(world)
    whole = raw.get(key)
    raw.set(key, whole[8:16] + whole[:8] + whole[16:])
    return {(key, "ids"): ("others", "those of the log, in its order")}


def plant_w_back(world):
    before = int(world.redis.hget(log_key(world), "applied"))
    world.redis.hset(log_key(world), "applied", before - 3)
    return {(log_key(world), "applied (W): all else fits C"): (str(before - 3), str(before))}


def plant_w_ahead(world):
    before = int(world.redis.hget(log_key(world), "applied"))
    world.redis.hset(log_key(world), "applied", before + 3)
    groups = (world.group, world.group + ".shadow")
    return {(log_key(world), "applied (W), at most C"): (str(before + 3), str(before)),
            **{(f"group {group}, {world.topics['deliveries']} [1]", "committed (C), at least W"): (str(before), str(before + 3))
               for group in groups}}


def plant_time(world):
    before = world.redis.hget(log_key(world), "time")
    world.redis.hset(log_key(world), "time", int(before) + 1)
    return {(log_key(world), "time (T)"): (str(int(before) + 1), before)}


def plant_store(world):
    other = "00000000-0000-4000-8000-000000000000"
    before = world.redis.hget(log_key(world), "store")
    world.redis.hset(log_key(world), "store", other)
    groups = (world.group, world.group + ".shadow")
    return {("rw:{1}:feeds", world.topics["deliveries"]): (before, other),
            **{(f"group {group}, {world.topics['deliveries']} [1]", "store uuid"): (before, other) for group in groups}}


PLANTS = [plant_counter, plant_small_points, plant_last_ms, plant_text, plant_state, plant_report_gone, plant_day, plant_totals,
          plant_daily_totals, plant_strange_field, plant_ghosts, plant_other_type, plant_journal_cut, plant_journal_changed, plant_w_back,
          plant_w_ahead, plant_time, plant_store]


def test_names_what_was_changed(counted):
    """Each planted fault alone: exactly it, and nothing else."""
    world = counted
    assert audit(world)["differences"] == []
    raw = raw_redis(world)
    before = {key: (raw.dump(key), raw.pttl(key)) for key in raw.scan_iter(count=1000)}
    wrong = []
    for plant in PLANTS:
        expected = plant(world)
        result = audit(world, expect=DIFFERS)
        if found(result) != expected:
            wrong.append((plant.__name__, expected, found(result)))
        raw.flushall()
        for key, (value, ttl) in before.items():
            raw.restore(key, max(ttl, 0), value)
    assert not wrong, wrong
    assert audit(world)["differences"] == []


def test_one_rider(counted):
    world = counted
    rider = "rider-7"
    result = audit(world, "--rider", rider)
    assert result["riders"] == 1 and result["reports"] > 0
    key = some(world, f"rw:{{*}}:rider:{rider}")
    world.redis.hincrby(key, "deliveries", 1)
    assert set(found(audit(world, "--rider", rider, expect=DIFFERS))) == {(key, "deliveries")}
    assert audit(world, "--rider", "rider-8")["differences"] == []
    code, out, _ = ctl(world, "audit", "--rider", rider, "-q")
    assert code == DIFFERS and key in out and "deliveries" in out and "must be" in out


def cut_log(world, topic, partition, offset):
    """Deletes the records below offset."""
    order = world.folder / "cut.json"
    order.write_text(json.dumps({"version": 1, "partitions": [{"topic": topic, "partition": partition, "offset": offset}]}))
    subprocess.run(java("org.apache.kafka.tools.DeleteRecordsCommand", "--bootstrap-server", world.stack.brokers, "--offset-json-file",
                        str(order)), check=True, stdin=subprocess.DEVNULL, capture_output=True)


def test_says_what_it_could_not_check(counted):
    world = counted
    topic = world.topics["reports"]
    cut_log(world, topic, 0, 10)
    result = audit(world, expect=INCOMPLETE)
    assert result["differences"] == []
    assert len(result["not_checked"]) == 1
    assert f"shard 0: {topic} begins at offset 10, counting began at 0" in result["not_checked"][0]
    # What does not depend on the lost events is still compared.
    key = next(key for key in sorted(world.redis.scan_iter(match="rw:{0}:rider:*")) if key.count(":") == 3)
    world.redis.hincrby(key, "deliveries", 1)
    assert set(found(audit(world, expect=DIFFERS))) == {(key, "deliveries")}
    world.redis.hincrby(key, "deliveries", -1)
    world.redis.hincrby(key, "reports", 1)
    audit(world, "--shard", "0", expect=INCOMPLETE)
    audit(world, "--shard", "1")


def test_log_that_holds_nothing_more(counted):
    """A quiet topic whose records are all past their retention."""
    world = counted
    topic, end = world.topics["deliveries"], world.applied()[world.topics["deliveries"], 1]
    cut_log(world, topic, 1, end)
    result = audit(world, "--shard", "1", expect=INCOMPLETE)
    assert result["differences"] == [] and f"{topic} begins at offset {end}" in result["not_checked"][0]
    # And Redis had not counted all of them.
    world.redis.hset(log_key(world), "applied", end - 1)
    differences = found(audit(world, "--shard", "1", expect=DIFFERS))
    assert differences[log_key(world), "the log's begin, at most W"] == (str(end), str(end - 1))


def test_other_rules(counted, tmp_path):
    """Decided with one rule set, audited with another: no false alarm about categories, and it says so."""
    world = counted
    shutil.copytree(ROOT / "pipelines/rules", tmp_path / "rules")
    points = tmp_path / "rules/points.json"
    text = points.read_text()
    assert "100," in text
    points.write_text(text.replace("100,", "110,", 1))
    other = ("-o", f"rules.folder={tmp_path / 'rules'}")
    result = audit(world, *other, expect=INCOMPLETE)
    assert result["differences"] == []
    assert all("another rule set" in note for note in result["not_checked"])
    assert all("--without-rules" in note for note in audit(world, "--without-rules", expect=INCOMPLETE)["not_checked"])
    world.redis.hincrby(rider_key(world), "points", 1)
    audit(world, "--without-rules", expect=INCOMPLETE)
    audit(world, expect=DIFFERS)
    world.redis.hincrby(rider_key(world), "deliveries", 1)
    audit(world, *other, expect=DIFFERS)


@pytest.fixture
def second_redis(tmp_path):
    socket = tmp_path / "redis.sock"
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(tmp_path)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_until(socket.exists, 10, "the second Redis")
    yield redis.Redis(unix_socket_path=str(socket)), f"redis.socket={socket}"
    server.terminate()
    server.wait()


def test_wrong_redis(counted, second_redis):
    world, (second, setting) = counted, second_redis
    differences = found(audit(world, "-o", setting, expect=DIFFERS))
    assert {key for key, _ in differences} == {log_key(world, kind, shard) for kind in ("reports", "deliveries")
                                               for shard in range(world.partitions)}
    # One that another daemon counted into, as far as anybody can tell.
    raw, other = raw_redis(world), "00000000-0000-4000-8000-000000000000"
    for key in raw.scan_iter(count=1000):
        second.restore(key, max(raw.pttl(key), 0), raw.dump(key))
    for shard in range(world.partitions):
        for kind in ("reports", "deliveries"):
            second.hset(log_key(world, kind, shard), "store", other)
            second.hset(f"rw:{{{shard}}}:feeds", world.topics[kind], other)
    second.hincrby(rider_key(world), "deliveries", 1)
    result = audit(world, "-o", setting, expect=DIFFERS)
    assert {(field, must_be) for (_, field), (_, must_be) in found(result).items()} == {("store uuid", other)}
    assert all("does section redis name the right server?" in note for note in result["not_checked"])
    assert len(result["not_checked"]) == world.partitions


def test_reviews_and_caps(world):
    fire = BY_CATEGORY["fire"][0]
    for number in range(30):
        world.send(report("王骑手", fire, id=f"r{number}", jurisdiction_id="440305"))
    for number, decision in enumerate(["upheld", "rejected", "duplicate", "fraud", "upheld"]):
        world.send(review("王骑手", f"r{number}", decision))
    world.send(review("王骑手", "r4", "fraud"))
    world.send(review("别人", "r5", "upheld"))
    world.send(delivery("王骑手", charity=True, jurisdiction_id="440305"))
    world.flush()
    daemon = world.start()
    world.check()
    assert daemon.stop() in (0, 75)
    result = audit(world)
    assert (result["riders"], result["reports"], result["days"]) == (2, 30, 1)


def test_exit_codes(world):
    code, _, error = ctl(world, "audit", "--shard", "99")
    assert code == USAGE and "--shard 99" in error
    code, _, error = ctl(world, "audit", "-o", "redis.port=1")
    assert code == UNAVAILABLE and "Redis" in error and "check section redis" in error
    code, _, error = ctl(world, "audit", "-o", "kafka.brokers=127.0.0.1:1")
    assert code == UNAVAILABLE and "kafka.brokers" in error
    code, _, error = ctl(world, "audit", "-o", "rules.folder=/nonexistent")
    assert code == 78
    assert ctl(world, "audit")[0] == AGREES  # nothing was counted yet
