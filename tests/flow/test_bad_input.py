# SPDX-License-Identifier: Apache-2.0
"""What is no event goes to the dead-letter topic as it came, with the reason, and holds up nothing."""
import hashlib
import json

import pytest

from events import BY_CATEGORY, delivery, report

GOOD = {"specversion": "1.0", "id": "e-1", "source": "//tests", "type": "rider.report.created.v1",
        "data": {"rider_id": "rider-1", "description": "x"}}
BINARY = [("content-type", b"application/json"), ("ce_specversion", b"1.0"), ("ce_id", b"e-1"), ("ce_source", b"//tests"),
          ("ce_type", b"rider.report.created.v1")]


def changed(**changes):
    """The good event with envelope members replaced; None removes one."""
    return json.dumps({name: value for name, value in {**GOOD, **changes}.items() if value is not None}).encode()


def changed_data(**changes):
    return changed(data={name: value for name, value in {**GOOD["data"], **changes}.items() if value is not None})


def binary(**changes):
    names = dict(BINARY)
    names.update({f"ce_{name}": value for name, value in changes.items()})
    return [(name, value) for name, value in names.items() if value is not None]


# reason, topic kind, value, headers
CASES = [
    ("empty_value", "reports", b"", []),
    ("byte_order_mark", "reports", b"\xef\xbb\xbf" + changed(), []),
    ("nul_byte", "reports", changed(id="a\0b"), []),
    ("nul_byte", "reports", changed()[:-1] + b"\0}", []),
    ("invalid_utf8", "reports", changed_data(description="QQ").replace(b"QQ", b"\xff\xfe"), []),
    ("invalid_utf8", "reports", changed_data(description="QQ").replace(b"QQ", b"\\ud800"), []),
    ("truncated", "reports", changed()[:-2], []),
    ("truncated", "reports", b'{"id":"e-1', []),
    ("not_json", "reports", b"not json", []),
    ("not_json", "reports", b"[1,2,3]", []),
    ("not_json", "reports", b'"text"', []),
    ("not_json", "reports", changed() + b"x", []),
    ("not_json", "reports", changed().replace(b'"e-1"', b"NaN"), []),
    ("too_deep", "reports", changed_data(note=1).replace(b'"note": 1', b'"note": ' + b"[" * 100 + b"]" * 100), []),
    ("duplicate_key", "reports", changed()[:-1] + b', "id": "e-2"}', []),
    ("missing_field", "reports", changed(id=None), []),
    ("missing_field", "reports", changed(type=None), []),
    ("missing_field", "reports", changed(data=None), []),
    ("missing_field", "reports", changed_data(rider_id=None), []),
    ("missing_field", "reports", changed_data(description=None), []),
    ("missing_field", "reports", changed(type="rider.report.reviewed.v1"), []),
    ("missing_field", "deliveries", changed(type="rider.delivery.completed.v1"), []),
    ("missing_field", "reports", b'{"rider_id": "rider-1", "description": "x"}', binary(id=None)),
    ("wrong_type", "reports", changed_data(description=7), []),
    ("wrong_type", "reports", changed_data(rider_id=["rider-1"]), []),
    ("wrong_type", "reports", changed(data="text"), []),
    ("invalid_value", "reports", changed(id=""), []),
    ("invalid_value", "reports", changed_data(rider_id=""), []),
    ("invalid_value", "reports", changed(type="rider.report.reviewed.v1",
                                         data={"rider_id": "rider-1", "report_id": "r", "decision": "maybe"}), []),
    ("unsupported_type", "reports", changed(type="rider.lunch.eaten.v1"), []),
    ("unsupported_version", "reports", changed(type="rider.report.created.v2"), []),
    ("unsupported_version", "reports", changed(specversion="2.0"), []),
    ("unsupported_format", "reports", b"[]", [("content-type", b"application/cloudevents-batch+json")]),
    ("unsupported_format", "reports", b"\1\2", [("content-type", b"application/cloudevents+avro")]),
]


def test_each_bad_value_has_its_reason_and_comes_back_byte_for_byte(world):
    world.start()
    extra = [("x-trace", b"\x00\xff bytes"), ("x-trace", b"again"), ("x-null", None)]
    for number, (_, kind, value, headers) in enumerate(CASES):
        world.send_raw(kind, f"key-{number}".encode(), value, headers + extra)
    world.send(delivery("rider-after"))
    world.flush()
    world.wait_applied()
    letters = {record.key: record for record in world.read("dead_letters")}
    wrong = []
    for number, (reason, kind, value, headers) in enumerate(CASES):
        letter = letters.pop(f"key-{number}".encode(), None)
        if not letter:
            wrong.append(f"{number} {reason} {value[:60]}: no dead letter")
            continue
        names = dict(letter.headers)
        if names["rw.error.reason"].decode() != reason:
            wrong.append(f"{number} {value[:80]} {headers}: {names['rw.error.reason']}, expected {reason}")
        assert letter.value == value and letter.headers[:len(headers) + 3] == headers + extra, number
        assert names["rw.error.topic"].decode() == world.topics[kind]
        assert int(names["rw.error.partition"]) >= 0 and int(names["rw.error.offset"]) >= 0
        assert int(names["rw.error.timestamp"]) > 1_600_000_000_000 and int(names["rw.error.position"]) <= len(value)
        assert names["rw.error.application"].startswith(b"riderwatchd/") and names["rw.error.group"].decode() == world.group
    assert not wrong, "\n".join(wrong)
    assert not letters, "more dead letters than bad values"
    assert world.redis.hget(next(world.redis.scan_iter("rw:{*}:rider:rider-after")), "deliveries") == "1"


@pytest.mark.parametrize("field, change", [("data.rider_id", {"rider_id": None}), ("data.description", {"description": 1})])
def test_the_field_at_fault_is_named(world, field, change):
    world.start()
    world.send_raw("reports", b"k", changed_data(**change))
    world.flush()
    world.wait_applied()
    letter, = world.read("dead_letters")
    assert dict(letter.headers)["rw.error.field"].decode() == field


def test_a_tombstone_is_skipped(world):
    daemon = world.start()
    world.send_raw("reports", b"k", None)
    world.send_raw("deliveries", b"k", None)
    world.send(report("rider-1", BY_CATEGORY["fire"][0]))
    fold = world.check()
    assert not fold.dead and fold.counted == 1
    assert sum(value for name, value in daemon.metrics().items() if 'outcome="skipped"' in name) == 2


def test_what_is_too_large_is_dead_lettered_whole(world):
    world.start()
    value = changed_data(description="长" * 180000)
    assert len(value) > 1 << 20
    world.send_raw("reports", b"k", value)
    world.send(report("rider-1", BY_CATEGORY["fire"][0]))
    world.flush()
    world.wait_applied()
    letter, = world.read("dead_letters")
    assert dict(letter.headers)["rw.error.reason"] == b"too_large"
    assert letter.value == value and len(world.alerts()) == 1


def test_a_dead_letter_that_would_not_fit_is_cut_and_says_so(world):
    world.start(events={"max_bytes": "1KiB"})
    value = b"not json " * 100000
    headers = [("x-padding", b"p" * 30000)]
    world.send_raw("reports", b"k", value, headers)
    world.send(delivery("rider-1"))
    world.flush()
    world.wait_applied()
    letter, = world.read("dead_letters")
    names = dict(letter.headers)
    assert (names["rw.error.reason"], names["rw.error.truncated"]) == (b"too_large", b"true")
    assert int(names["rw.error.original_size"]) == len(value) and names["rw.error.sha256"].decode() == hashlib.sha256(value).hexdigest()
    assert value.startswith(letter.value) and len(letter.value) < len(value)


def test_nothing_but_bad_input_does_not_hold_up_the_good(world):
    world.start()
    for number in range(2000):
        world.send_raw("reports", f"k{number}".encode(), b"{" * (number % 50))
        if number % 100 == 0:
            world.send(report(f"rider-{number}", BY_CATEGORY["food"][0]))
    fold = world.check()
    assert len(fold.dead) == 2000 and len(fold.alerts) == 20
