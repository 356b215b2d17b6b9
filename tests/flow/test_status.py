# SPDX-License-Identifier: Apache-2.0
"""riderwatchctl status and rider say how things stand."""
import json

from ctl import ctl, log_key
from events import delivery

FINE, TROUBLE, UNAVAILABLE = 0, 1, 69


def status(world, expect=FINE):
    code, out, error = ctl(world, "status", "--json")
    assert code == expect, f"exit code {code}\n{out[-3000:]}{error}"
    return json.loads(out)


def rows(world, expect=FINE):
    return {(row["topic"], row["shard"]): row for row in status(world, expect)["partitions"]}


def test_up_to_date_and_behind(counted):
    world = counted
    found = rows(world)
    assert {slot: row["applied"] for slot, row in found.items()} == world.applied()
    assert {slot: row["published"] for slot, row in found.items()} == world.committed()
    assert {slot: row["log_end"] for slot, row in found.items()} == world.ends("reports", "deliveries")
    assert {slot: row["store"] for slot, row in found.items()} == {slot: world.redis.hget(log_key(world, kind, slot[1]), "store")
                                                                   for kind in ("reports", "deliveries")
                                                                   for slot in found if slot[0] == world.topics[kind]}
    assert {row["state"] for row in found.values()} == {"up to date"}
    code, out, _ = ctl(world, "status")
    assert code == FINE and "counted (W)" in out and "To count  0" in out and "Trouble" not in out
    assert "noeviction" in out and f"group {world.group}" in out
    world.send(delivery("rider-1"))
    world.flush()
    assert sorted((row["to_count"], row["state"]) for row in rows(world).values())[-1] == (1, "behind")
    assert "To count  1" in ctl(world, "status")[1]


def test_partitions_in_trouble(counted):
    world, slot = counted, (counted.topics["deliveries"], 1)
    applied = int(world.redis.hget(log_key(world), "applied"))
    for value, state in ((applied - 1, "counting"), (applied + 5, "log short"), ("many", "garbled")):
        world.redis.hset(log_key(world), "applied", value)
        row = rows(world, FINE if state == "counting" else TROUBLE)[slot]
        assert row["state"] == state and (row["trouble"] is None) == (state == "counting")
    world.redis.hset(log_key(world), mapping={"applied": applied, "store": "00000000-0000-4000-8000-000000000000"})
    assert rows(world, TROUBLE)[slot]["state"] == "other store"
    world.redis.delete(log_key(world))
    assert rows(world, TROUBLE)[slot]["state"] == "no state"
    code, out, _ = ctl(world, "status")
    assert code == TROUBLE and f"{slot[0]} [1]: Redis has no state" in out and "restore Redis" in out


def test_redis_in_trouble(world):
    policy = world.redis.config_get("maxmemory*")
    try:
        world.redis.config_set("maxmemory", "1gb")
        assert status(world)["redis_trouble"] == []
        world.redis.config_set("maxmemory-policy", "allkeys-lru")
        found = status(world, TROUBLE)
        assert len(found["redis_trouble"]) == 1 and "noeviction" in found["redis_trouble"][0]
        assert (found["redis"]["max_bytes"], found["redis"]["policy"]) == (1 << 30, "allkeys-lru")
        code, out, _ = ctl(world, "status")
        assert code == TROUBLE and "Redis may evict counters" in out and "at most 1024.0 MiB" in out and "not started" in out
    finally:
        for name in ("maxmemory", "maxmemory-policy"):
            world.redis.config_set(name, policy[name])


def test_many_partitions_fit_on_a_screen(make_world):
    world = make_world(partitions=20)
    assert len(rows(world)) == 40
    code, out, _ = ctl(world, "status")
    assert code == FINE and "and 8 more" in out and len(out.splitlines()) < 42
    assert len(ctl(world, "status", "--all")[1].splitlines()) > 42


def test_nobody_answers(world):
    code, _, error = ctl(world, "status", "-o", "redis.port=1")
    assert code == UNAVAILABLE and "Redis" in error


def test_rider(counted):
    world = counted
    key = next(world.redis.scan_iter(match="rw:{*}:rider:rider-7", count=1000))
    code, out, _ = ctl(world, "rider", "rider-7")
    assert code == 0 and key in out
    code, out, _ = ctl(world, "rider", "--json", "rider-7")
    shards = json.loads(out)["shards"]
    assert [shard["key"] for shard in shards] == [key] and shards[0]["home"]
    assert {field: int(value) for field, value in world.redis.hgetall(key).items()} == shards[0]["counters"]
    code, out, _ = ctl(world, "rider", "没有这个骑手")
    assert code == 1 and "没有这个骑手" in out and "nothing was counted" in out
    code, out, _ = ctl(world, "rider", "--partitions", "3", "rider-7", "-o", "kafka.brokers=127.0.0.1:1")
    assert code == 0 and key in out
