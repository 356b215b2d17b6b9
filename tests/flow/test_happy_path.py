# SPDX-License-Identifier: Apache-2.0
"""Every event type in every shape reaches counters and alerts, as the contract says."""
import json
import re
import time
from collections import Counter

import pytest

from events import BY_CATEGORY, SHAPES, TEXTS, delivery, report, review
from fold import alert_id
from world import wait_until

FIRE, FOOD, EMERGENCY, OTHER = (BY_CATEGORY[category][0] for category in ("fire", "food", "emergency", "other"))


def test_every_type_in_every_shape(world):
    world.start()
    for shape in SHAPES:
        for text in TEXTS:
            world.send(report(f"rider-{shape}", text, jurisdiction_id="440305"), shape)
        first = report(f"rider-{shape}", FIRE)
        world.send(first, shape)
        world.send(review(first.rider, first.id, "upheld"), shape)
        world.send(delivery(first.rider, charity=True), shape)
        world.send(delivery(first.rider, charity=False, distance_m=1200, duration_s=900, late=False), shape)
    fold = world.check()
    assert fold.counted == 3 * (len(TEXTS) + 4) and not fold.dead and not fold.duplicates
    assert len(fold.alerts) == 3 * (1 + sum(category != "other" for category in TEXTS.values()))


def test_counters_of_one_rider(world):
    world.start()
    kept = {decision: report("rider-7", EMERGENCY, jurisdiction_id="110101")
            for decision in ("upheld", "rejected", "duplicate", "fraud", "pending")}
    for event in kept.values():
        world.send(event)
    for decision, event in kept.items():
        if decision != "pending":
            world.send(review("rider-7", event.id, "upheld"))
            world.send(review("rider-7", event.id, decision))
    world.send(delivery("rider-7", charity=True))
    world.check()
    key, = world.redis.scan_iter("rw:{*}:rider:rider-7")
    fields = {name: int(value) for name, value in world.redis.hgetall(key).items()}
    severity = {value["data"]["severity"] for _, value in world.alerts()}.pop()
    points, score = {"Severe": (600, 25), "Extreme": (1000, 50)}[severity]
    assert (fields["reports"], fields["reports_emergency"], fields["points"], fields["points_pending"]) == (5, 5, points, points)
    assert fields["score"] == score - 50 + 2
    assert [fields.get(name, 0) for name in ("upheld", "rejected", "duplicates", "deliveries")] == [1, 1, 1, 1]
    totals = world.redis.hgetall(f"{key.split(':rider')[0]}:totals")
    assert (totals["frauds"], totals["110101:reports"]) == ("1", "5")
    assert "110101:deliveries" not in totals


def test_an_alert_tells_what_on_call_needs(world):
    world.start()
    event = report("rider-9", f"{FIRE}，联系电话13812345678，身份证110101199003071234", jurisdiction_id="440305", lat=22.55, long=114.05,
                   crs="GCJ02", address_string="科技园路1号", site={"grid_id": "grid-17", "shop_id": "shop-1"},
                   media=[{"url": "https://photos.example/1.jpg", "sha256": "ab" * 32, "labels": ["corridor"]}],
                   attributes={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "time": "2025-01-02T03:04:05Z"})
    world.send(event, "structured")
    world.flush()
    (record, alert), = wait_until(world.alerts, 10, "an alert")
    data = alert["data"]
    assert record.topic == world.topics["alerts_fire"]
    assert (alert["specversion"], alert["type"], alert["id"]) == ("1.0", "rider.alert.v1", alert_id(event.source, event.id, "fire"))
    assert (data["status"], data["msgType"]) == ("Actual", "Alert")
    assert data["severity"] in ("Extreme", "Severe", "Moderate", "Minor") and data["hazard_code"].startswith("fire.")
    assert data["urgency"] and data["certainty"] and data["headline"] and data["event"]
    assert "13812345678" not in record.value.decode() and "110101199003071234" not in record.value.decode()
    assert "rider-9" not in record.value.decode() and data["reporter_ref"]
    area = data["area"]
    assert abs(area["lat"] - 22.5526) < 0.01 and (area["lat"], area["long"]) != (22.55, 114.05)
    assert (area["crs"], area["jurisdiction_id"], area["grid_id"]) == ("WGS84", "440305", "grid-17")
    assert record.key.decode() == data["dedup_key"]
    assert data["routes"] and data["decision"]["ruleset"] and data["decision"]["rules"] and data["decision"]["spans"]
    assert data["media"][0]["url"] == "https://photos.example/1.jpg"
    assert {name: data["source"][name] for name in ("topic", "offset")} == {"topic": world.topics["reports"], "offset": 0}
    assert dict(record.headers)["traceparent"].startswith(b"00-4bf92f3577b34da6a3ce929d0e0e4736-")


def test_an_urgent_alert_does_not_wait_for_the_batch(world):
    world.start(batch={"idle_after": "10s", "alert_after": "10s"})
    world.send(delivery("rider-1"))
    world.wait_applied()
    start = time.monotonic()
    world.send(report("rider-1", EMERGENCY))
    world.flush()
    consumer = world.consumer()
    wait_until(world.alerts, 5, "an alert")
    assert time.monotonic() - start < 3
    consumer.close()


def test_daily_caps_bound_points_and_never_alerts(world):
    world.start()
    for _ in range(30):
        world.send(report("rider-eager", EMERGENCY))
    for text in BY_CATEGORY["fire"] * 10:
        world.send(report("rider-busy", text))
    fold = world.check()
    assert len(fold.alerts) == 60
    days = {key: int(world.redis.hget(key, "points")) for key in world.redis.scan_iter("rw:{*}:rider:rider-*:2*")}
    assert len(days) in (2, 4) and max(days.values()) <= 5000, days


def test_state_expires_by_stream_time(world):
    world.start()
    world.send(report("rider-1", FIRE))
    world.check()
    days = {kind: world.redis.ttl(next(world.redis.scan_iter(pattern))) / 86400
            for kind, pattern in (("report", "rw:{*}:report:*"), ("day", "rw:{*}:rider:rider-1:*"), ("totals", "rw:{*}:totals:*"))}
    # 120 and 40 days of stream time decide; the keys go some days later.
    assert 120 <= days["report"] < 130
    assert 40 <= days["day"] < 50 and 40 <= days["totals"] < 50
    assert world.redis.ttl(next(world.redis.scan_iter("rw:{*}:rider:rider-1"))) == -1


def test_a_dashboard_reads_sums_over_all_shards(world):
    world.start()
    for number in range(60):
        world.send(delivery(f"rider-{number}", jurisdiction_id="440305"))
        world.send(report(f"rider-{number}", FOOD, jurisdiction_id="440305"))
    world.check()

    def rollup_is_the_sum():
        total = Counter()
        for partition in range(world.partitions):
            for field, value in world.redis.hgetall(f"rw:{{{partition}}}:totals").items():
                total[field] += int(value)
        rollup = {field: int(value) for field, value in world.redis.hgetall("rw:rollup").items() if re.fullmatch("-?[0-9]+", value)}
        return total["deliveries"] == 60 and all(rollup.get(field) == value for field, value in total.items())
    wait_until(rollup_is_the_sum, 5, lambda: world.redis.hgetall("rw:rollup"))


def test_metrics_tell_what_happened(world):
    daemon = world.start()
    event = delivery("rider-1")
    for _ in range(3):
        world.send(event)
    world.send_raw("reports", b"rider-1", b"not json")
    world.check()
    metrics = wait_until(daemon.metrics, 5, "metrics")
    assert any(name.endswith("_build_info") or "_build_info{" in name for name in metrics)
    assert sum(value for name, value in metrics.items() if "not_json" in name) == 1, metrics
    assert sum(value for name, value in metrics.items() if 'outcome="duplicate"' in name) == 2, metrics
    assert sum(value for name, value in metrics.items() if 'outcome="counted"' in name) == 1, metrics


@pytest.mark.parametrize("rider", ["骑手-张三", "rider {7}:totals", "r" * 300, "a b\tc"])
def test_a_rider_id_is_only_ever_data(world, rider):
    world.start()
    world.send(report(rider, OTHER))
    world.send(delivery(rider))
    world.check()
    key, = world.redis.scan_iter("rw:{*}:rider:*")
    assert json.dumps(world.redis.hgetall(key)) and len(key) < 180
