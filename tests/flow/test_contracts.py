# SPDX-License-Identifier: Apache-2.0
"""deploy/schemas say what the daemon takes and gives: compared with what it does."""
import base64
import json
import random
from collections import Counter

import jsonschema
import pytest

import schemas
from events import mixed
from test_bad_input import CASES as BAD_VALUES
from test_load import generate
from world import ALERT_KINDS

KIND = {"rider.report.created.v1": "reports", "rider.report.reviewed.v1": "reports", "rider.delivery.completed.v1": "deliveries"}
DATA = {"rider_id": "rider-1", "description": "x"}
REPORT = {"specversion": "1.0", "id": "e-1", "source": "//tests", "type": "rider.report.created.v1", "data": DATA}


def shapes(value):
    """(name, value, headers) of one event in each mode."""
    envelope = {name: member for name, member in value.items() if name not in ("data", "specversion")}
    coded = base64.b64encode(json.dumps(value["data"]).encode()).decode()
    headers = [(f"ce_{name}", member.encode()) for name, member in {**envelope, "specversion": "1.0"}.items() if member is not None]
    return [("structured", value, []), ("bare", {**envelope, **value["data"]}, []), ("wrapped", {**envelope, "data": value["data"]}, []),
            ("base64", {**envelope, "specversion": "1.0", "data_base64": coded}, []),
            ("binary", value["data"], [header for header in headers if header[0] != "ce_datacontenttype"])]


def send(world, key, value, headers=()):
    text = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    kind = value.get("type") if isinstance(value, dict) else None
    world.send_raw(KIND.get(kind if isinstance(kind, str) else None, "reports"), key.encode(), text, list(headers))


def outcome(world, daemon):
    """(keys of dead letters, number of counted events, {field: dropped})"""
    world.flush()
    world.wait_committed()
    metrics = daemon.metrics()
    counted = sum(value for name, value in metrics.items() if name.startswith("riderwatch_events_total") and 'outcome="counted"' in name)
    dropped = {name.split('"')[1]: value for name, value in metrics.items() if name.startswith("riderwatch_fields_dropped_total")}
    return {record.key.decode() for record in world.read("dead_letters")}, counted, dropped


def test_what_the_schemas_allow_is_counted_in_every_shape(world):
    daemon, seed = world.start(), random.randrange(1 << 30)
    print("seed", seed)
    dice, sent = random.Random(seed), 0
    for name in schemas.EVENTS:
        maker, data_checks = schemas.Maker(name), schemas.validators(name, "/$defs/data")
        for number in range(120):
            event = maker.structured(dice, number)
            for shape, value, headers in shapes({**event, "source": f"{event['source']}/{name}"}):
                value = {**value, "id": f"{number}/{shape}"} if not headers else value
                assert schemas.is_valid(data_checks if headers else maker.checks, value), (shape, value)
                world.send_raw(KIND[name], f"{name} {number} {shape}".encode(), json.dumps(value, ensure_ascii=False).encode(), headers)
                sent += 1
    dead, counted, dropped = outcome(world, daemon)
    assert not dead, f"refused although a schema allows it: {sorted(dead)[:5]}"
    assert counted == sent and not sum(dropped.values()), dropped


def test_what_the_schemas_refuse_has_the_fate_that_they_name(world):
    daemon = world.start()
    dice = random.Random(1)
    cases = [case for start, name in enumerate(schemas.EVENTS) for case in schemas.Maker(name).spoiled(dice, start * 100000)]
    fates = Counter(case.fate for case in cases)
    assert fates["dead"] > 150 and fates["counted"] > 150 and len(fates) == 2 + 9, fates
    for case in cases:
        send(world, case.name, case.value)
    dead, counted, dropped = outcome(world, daemon)
    expected = {case.name for case in cases if case.fate == "dead"}
    assert dead == expected, f"refused {sorted(dead - expected)[:9]}, taken {sorted(expected - dead)[:9]}"
    assert counted == len(cases) - len(dead)
    assert dropped == {field: fates[field] for field in dropped}, fates


# Where a schema cannot see what the daemon sees. Each is named in deploy/schemas/README.md.
LOOSER = {
    "a whole number with a fraction": (json.dumps({**REPORT, "data": {**DATA, "rider_id": 7.0}}), "wrong_type"),
    "NUL in a text": (json.dumps({**REPORT, "data": {**DATA, "description": "a\0b"}}), "nul_byte"),
    "a lone surrogate": (json.dumps({**REPORT, "data": {**DATA, "description": "\ud800"}}), "invalid_utf8"),
    "more than 64 levels": (json.dumps({**REPORT, "x": 1})[:-2] + "[" * 64 + "]" * 64 + "}", "too_deep"),
    "a key twice": (json.dumps(REPORT)[:-1] + ', "id": "e-2"}', "duplicate_key"),
    "base64 of something else": (json.dumps({**REPORT, "data": None, "data_base64": "AAEC"}), "invalid_value"),
    "more than events.max_bytes": (json.dumps({**REPORT, "x": "x" * (1 << 20)}), "too_large"),
}
# Where the daemon takes what a schema refuses, beside members that are dropped or ignored.
STRICTER = {
    "letter case of datacontenttype": json.dumps({**REPORT, "id": "case", "datacontenttype": "Application/JSON"}),
}


def test_where_the_schemas_and_the_daemon_differ(world):
    daemon, checks = world.start(), schemas.validators(REPORT["type"])
    for name, (text, _) in LOOSER.items():
        assert schemas.is_valid(checks, json.loads(text)), name
        send(world, name, text.encode())
    for name, text in STRICTER.items():
        assert not schemas.is_valid(checks, json.loads(text)), name
        send(world, name, text.encode())
    dead, counted, _ = outcome(world, daemon)
    reasons = {record.key.decode(): dict(record.headers)["rw.error.reason"].decode() for record in world.read("dead_letters")}
    assert reasons == {name: reason for name, (_, reason) in LOOSER.items()} and counted == len(STRICTER)
    readme = (schemas.FOLDER / "README.md").read_text()
    missing = [name for name in (*LOOSER, *STRICTER) if f"- {name}" not in readme]
    assert not missing, f"deploy/schemas/README.md does not say: {missing}"


def check_alerts(world):
    open_checks, headers = schemas.validators("rider.alert.v1"), schemas.validators("rider.alert.v1", "/$defs/headers")
    strict = jsonschema.Draft202012Validator(schemas.closed(schemas.load("rider.alert.v1")))
    alerts = world.alerts()
    for record, value in alerts:
        assert schemas.is_valid(open_checks, value), schemas.problems(open_checks[0], value)
        assert not schemas.problems(strict, value), "not in the schema"
        assert schemas.is_valid(headers, {name: text.decode() for name, text in record.headers})
        assert record.key.decode() == value["data"]["dedup_key"]
    return alerts


def check_dead_letters(world):
    checks, letters = schemas.validators("rider.dead_letter.v1"), world.read("dead_letters")
    known = set(schemas.load("rider.dead_letter.v1")["properties"])
    for record in letters:
        texts = {name: text.decode() for name, text in record.headers if name.startswith("rw.error.")}
        assert schemas.is_valid(checks, texts), schemas.problems(checks[0], texts)
        assert set(texts) <= known
    return letters


def test_all_that_the_daemon_emits_fits_the_schemas(world):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    world.start()
    generate(world, "--count", "8000", "--seed", str(seed), "--riders", "500", "--deliveries", "60", "--malformed", "3")
    for event, shape in mixed(random.Random(seed), 500):
        world.send(event, shape)
    maker = schemas.Maker(REPORT["type"])
    for number in range(200):
        send(world, f"made {number}", maker.structured(random.Random(seed + number), number))
    for number, (_, kind, value, headers) in enumerate(BAD_VALUES):
        world.send_raw(kind, f"key-{number}".encode(), value, headers)
    world.send_raw("reports", b"k", b"not json " * 200000)
    world.flush()
    world.wait_committed(60)
    alerts, letters = check_alerts(world), check_dead_letters(world)
    assert {record.topic for record, _ in alerts} == {world.topics[kind] for kind in ALERT_KINDS}
    assert len(alerts) > 300 and len({dict(record.headers)["rw.error.reason"] for record in letters}) >= 14


# What an alert may not be: member, change. A schema that lets these pass says nothing.
NO_ALERT = [
    ("specversion", "0.3"), ("type", "rider.alert.v2"), ("id", "short"), ("id", None), ("rwcategory", "other"), ("data", None),
    ("data.severity", "High"), ("data.severity", None), ("data.hazard_code", "Fire"), ("data.urgency", "soon"),
    ("data.category", "fire"), ("data.certainty", "Sure"), ("data.headline", ""), ("data.sent", "yesterday"),
    ("data.reporter_ref", "rider-1"), ("data.area", {}), ("data.area.lat", "22.5"), ("data.area.crs", None), ("data.area.crs", "GCJ02"),
    ("data.area.jurisdiction_id", "44"), ("data.routes", [{"agency": "119"}]), ("data.decision.unsure", 0), ("data.decision.spans", [{}]),
    ("data.media", [{}]), ("data.source.partition", -1), ("data.source", None), ("data.report.id", ""), ("data.dedup_key", "x"),
    ("data.response", {"rule": "r"}), ("data.response", {"rule": "r", "check_within": "soon"}),
]


@pytest.mark.parametrize("member, change", NO_ALERT, ids=lambda part: str(part))
def test_the_alert_schema_refuses(member, change):
    checks, path = schemas.validators("rider.alert.v1"), member.split(".")
    good = {"specversion": "1.0", "type": "rider.alert.v1", "source": "/riderwatch", "id": "ab" * 16, "subject": "fire.clutter",
            "datacontenttype": "application/json", "rwcategory": "fire",
            "data": {"identifier": "ab" * 16, "status": "Actual", "msgType": "Alert", "scope": "Restricted", "category": "Fire",
                     "event": "楼道堆物", "hazard_code": "fire.clutter", "urgency": "Future", "severity": "Moderate", "certainty": "Likely",
                     "headline": "楼道堆物", "description": "", "dedup_key": "fire.clutter@shop:1", "routes": [], "media": [],
                     "area": {"areaDesc": "", "lat": 1.5, "long": 2.5, "crs": "WGS84"},
                     "decision": {"ruleset": "ab" * 8, "rules": [], "spans": [], "score": 1, "margin": 1, "severity_margin": 1,
                                  "category": "fire", "unsure": False},
                     "source": {"topic": "t", "partition": 0, "offset": 0}, "report": {"source": "", "id": "e"}}}
    assert schemas.is_valid(checks, good), schemas.problems(checks[0], good)
    bad = schemas.without(good, path) if change is None else schemas.replaced(good, path, change)
    assert not schemas.is_valid(checks, bad)
