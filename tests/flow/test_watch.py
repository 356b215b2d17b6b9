# SPDX-License-Identifier: Apache-2.0
"""riderwatchctl watch and dlq on a real Kafka."""
import json
import os
import pty
import re
import signal
import subprocess
import time
import unicodedata

import pytest

from ctl import CTL, ctl
from events import BY_CATEGORY, Event, delivery, report
from world import wait_until

EX_USAGE, EX_UNAVAILABLE = 64, 69


@pytest.fixture
def alerted(world):
    """A daemon that has published alerts of every category."""
    world.start()
    for category in ("fire", "food", "emergency"):
        for number, text in enumerate(BY_CATEGORY[category]):
            world.send(report(f"rider-{number}", text, jurisdiction_id="310115" if number else "440305",
                              address_string="上海市浦东新区世纪大道一百号东方明珠广场"))
    world.flush()
    world.wait_committed()
    return world


def watch(world, *words, **more):
    code, out, error = ctl(world, "watch", *words, **more)
    assert code == 0 and not error, error
    return out.splitlines()


def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def test_what_there_is_and_filters(alerted):
    world = alerted
    for partition in range(world.partitions):  # what ends a transaction that brokers left open says nothing
        world.send_raw("alerts_fire", b"rw.sweep", None, partition=partition)
    world.flush()
    everything = [json.loads(line) for line in watch(world, "--since", "start", "--no-follow", "--json")]
    published = [value for _, value in world.alerts()]
    assert sorted(alert["id"] for alert in everything) == sorted(alert["id"] for alert in published)

    def ids(*words):
        return {json.loads(line)["id"] for line in watch(world, "--since", "1h", "--no-follow", "--json", *words)}
    rows = [(["--category", "food"], lambda alert: alert["rwcategory"] == "food"),
            (["--severity", "severe"], lambda alert: alert["data"]["severity"] in ("Severe", "Extreme")),
            (["--jurisdiction", "44"], lambda alert: alert["data"]["area"]["jurisdiction_id"] == "440305"),
            (["--grep", "老鼠"], lambda alert: "老鼠" in alert["data"]["description"]),
            (["--agency", "12315"], lambda alert: any(route["agency"] == "12315" and route["role"] == "primary"
                                                     for route in alert["data"]["routes"]))]
    for words, holds in rows:
        expected = {alert["id"] for alert in published if holds(alert)}
        assert ids(*words) == expected, words
        assert 0 < len(expected) < len(published), words
    assert len(watch(world, "--since", "start", "--no-follow", "--limit", "2")) == 2
    assert watch(world, "--no-follow") == []


def test_columns_are_true_for_chinese_text(alerted):
    lines = watch(alerted, "--since", "start", "--no-follow")
    assert len(lines) > 6
    for line in lines:
        match = re.match(r"(\d\d:\d\d:\d\d)  (\S+ *)  (emergency|fire|food) *  ", line)
        assert match, line
        # Time, severity, category, place, headline, agency: each column begins where the one of the line above does.
        cells = re.split(r"(?<= ) (?=\S)", line)
        assert width(line) <= 160, line
        assert "\033" not in line and len(cells) >= 5
        cut = place = 0
        for cut, character in enumerate(line):
            if place == 31:
                break
            place += width(character)
        assert line[cut:].startswith("上海市浦东新区世纪..  "), line


def follow(world, *words, stdout=subprocess.PIPE):
    path, _ = world.write_config("ctl")
    return subprocess.Popen([str(CTL), "watch", "-c", str(path), *words], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                            text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_follows_and_stops_on_a_signal(world, number):
    world.start()
    with follow(world) as process:
        time.sleep(1.5)
        world.send(report("r1", BY_CATEGORY["fire"][0]))
        world.flush()
        line = process.stdout.readline()
        assert "fire" in line and BY_CATEGORY["fire"][0][:8] in line
        process.send_signal(number)
        assert process.wait(5) == 0 and process.stderr.read() == ""


def test_stops_when_nobody_reads(world):
    world.start()
    with follow(world) as process:
        time.sleep(1.5)
        process.stdout.close()
        process.stdout = None
        for _ in range(2):
            world.send(report("r1", BY_CATEGORY["fire"][0]))
            world.flush()
            time.sleep(0.5)
        assert process.wait(5) == 0 and process.stderr.read() == ""


def test_colours_on_a_terminal(alerted):
    ours, its = pty.openpty()
    with follow(alerted, "--since", "start", "--no-follow", stdout=its) as process:
        assert process.wait(20) == 0
    os.close(its)
    text = os.read(ours, 1 << 20).decode(errors="replace")
    os.close(ours)
    assert "\033[1;37;41mExtreme \033[0m" in text or "\033[1;31mSevere  \033[0m" in text
    assert "\033[" in "\n".join(watch(alerted, "--since", "start", "--no-follow", "--colour"))


def test_what_watch_refuses(world):
    for words in (["--severity", "bad"], ["--since", "yesterday"], ["--limit", "0"], ["--zzz"]):
        assert ctl(world, "watch", *words)[0] == EX_USAGE, words
    code, _, error = ctl(world, "watch", "--no-follow", "-o", "topics.alerts_fire=no.such.topic")
    assert code == EX_UNAVAILABLE and "no.such.topic" in error and "create the topic" in error


# ---- dead letters ----

def letters(world, *words):
    code, out, error = ctl(world, "dlq", "list", "--json", *words)
    assert code == 0, error
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def dead(world):
    """Two dead letters of an event that only lacks its rider, one that is no JSON, and one of another version."""
    world.start()
    without_rider = json.dumps({"id": "e-1", "source": "s", "type": "rider.report.created.v1", "data": {"description": "x"}}).encode()
    world.send_raw("reports", b"rider-1", without_rider, [("traceparent", b"00-1"), ("x", b"y")])
    world.send_raw("deliveries", None, b"\xc3\x28", partition=2)
    newer = Event("rider.delivery.completed.v9", {"rider_id": "rider-2", "order_id": "o-1"}, id="e-2")
    body, headers = newer.shaped("binary")
    world.send_raw("deliveries", b"rider-2", body, headers)
    world.flush()
    world.wait_committed()
    return world


def test_dead_letters_are_listed(dead):
    world = dead
    found = {letter["reason"]: letter for letter in letters(world)}
    assert set(found) == {"missing_field", "invalid_utf8", "unsupported_version"}
    assert found["missing_field"]["field"] == "data.rider_id" and found["missing_field"]["from_topic"] == world.topics["reports"]
    assert found["invalid_utf8"]["value"] == {"hex": "c328"} and found["invalid_utf8"]["from_partition"] == 2
    assert found["invalid_utf8"]["key"] is None
    assert letters(world, "--reason", "unsupported_version") == [found["unsupported_version"]]
    one = found["missing_field"]
    assert letters(world, "--at", f"{one['partition']}:{one['offset']}") == [one]
    assert len(letters(world, "--limit", "2")) == 2 and letters(world, "--since", "1h") == letters(world)
    code, out, _ = ctl(world, "dlq", "list")
    assert code == 0 and "3 dead letters" in out and "unsupported_version" in out and f"{world.topics['reports']} " in out


def input_records(world, kind):
    return [(record.partition, record.key, record.value, record.headers) for record in world.read(kind)]


def test_replay_sends_the_record_as_it_was(dead):
    world = dead
    before = {kind: input_records(world, kind) for kind in ("reports", "deliveries")}
    code, out, _ = ctl(world, "dlq", "replay", "--dry-run")
    assert code == 0 and out.count("would be sent") == 4 and "3 would be sent, 0 left out" in out
    assert {kind: input_records(world, kind) for kind in before} == before
    code, out, error = ctl(world, "dlq", "replay")
    assert code == 0 and "3 sent, 0 left out" in out, error
    for kind, records in before.items():
        after = input_records(world, kind)
        assert sorted(map(repr, after)) == sorted(map(repr, records + records))
    # Still no events: dead letters once more.
    wait_until(lambda: len(letters(world)) == 6, 10, "three more dead letters")


def test_replay_counts_once(dead):
    """What was mended meanwhile is counted, and a second replay counts nothing."""
    world = dead
    good = delivery("rider-3", id="e-9")
    body, headers = good.shaped("binary")
    shard = json.loads(ctl(world, "rider", "--json", "rider-3")[1])["shard"]
    # As a daemon would have refused it that did not know its version yet.
    letter_headers = [*headers, ("rw.error.reason", b"unsupported_version"), ("rw.error.topic", world.topics["deliveries"].encode()),
                        ("rw.error.partition", str(shard).encode()), ("rw.error.offset", b"0"), ("rw.error.timestamp", b"0"), ("rw.error.position", b"0")]
    world.send_raw("dead_letters", b"rider-3", body, letter_headers)
    world.flush()
    mine = [letter for letter in letters(world) if letter["key"] == "rider-3"][0]
    at = f"{mine['partition']}:{mine['offset']}"
    key = f"rw:{{{shard}}}:rider:rider-3"
    for _ in range(3):
        code, out, error = ctl(world, "dlq", "replay", "--at", at)
        assert code == 0 and "1 sent" in out, error
        world.wait_applied()
        assert world.redis.hget(key, "deliveries") == "1"
    metrics = world.daemons[-1].metrics()
    assert metrics[f'riderwatch_events_total{{topic="{world.topics["deliveries"]}",outcome="duplicate"}}'] == 2


def test_what_replay_leaves_out(world):
    rows = [([], "does not say where"), ([("rw.error.topic", b"some.other"), ("rw.error.partition", b"0")], "no input of this"),
            ([("rw.error.topic", world.topics["reports"].encode()), ("rw.error.partition", b"0"), ("rw.error.truncated", b"true")], "too large")]
    for headers, _ in rows:
        world.send_raw("dead_letters", b"k", b"v", headers)
    world.flush()
    code, out, _ = ctl(world, "dlq", "replay")
    assert code == 1 and "0 sent, 3 left out" in out
    for _, words in rows:
        assert words in out, out
    assert world.read("reports") == []
    # A partition that is not there any more.
    world.send_raw("dead_letters", b"k", b"v", [("rw.error.topic", world.topics["reports"].encode()), ("rw.error.partition", b"17"),
                                               ("rw.error.reason", b"far")])
    world.flush()
    code, out, error = ctl(world, "dlq", "replay", "--reason", "far")
    assert code != 0 and "partition" in error.lower(), (out, error)
    assert ctl(world, "dlq", "burn")[0] == EX_USAGE and ctl(world, "dlq", "list", "--at", "7")[0] == EX_USAGE
