# SPDX-License-Identifier: Apache-2.0
"""riderwatch-board beside the daemon, on a real Kafka and a real Redis: what its API says, and to whom."""
import csv
import io
import json
import os
import re
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from board import BOARD, Board, Stream, alert, put
from events import BY_CATEGORY, delivery, report
from world import wait_until

CAPS = {"paid": "paid_reports_per_day", "points": "points_per_day"}
FIRE, FOOD, EMERGENCY = (BY_CATEGORY[category][0] for category in ("fire", "food", "emergency"))


@pytest.fixture
def make_board(world):
    boards = []

    def make(name="board", **sections):
        boards.append(Board(world, name, **sections))
        return boards[-1].wait_ready()
    yield make
    for board in boards:
        if board.runs:
            board.stop()


def ids(listing):
    return [row["id"] for row in listing["alerts"]]


def test_alerts_of_the_daemon_appear_with_what_led_to_them(world, make_board):
    world.start()
    board = make_board(board={"show_riders": True})
    stream = Stream(board)
    event = report("骑手-9", f"{FIRE}，电话13812345678", jurisdiction_id="440305", lat=22.55, long=114.05, crs="GCJ02")
    world.send(event)
    world.send(delivery("骑手-9", charity=True))
    world.flush()
    (seen, _, _, summary), = stream.wait("alert")
    row, = board.alerts()["alerts"]
    assert {**row, "repeats": None, "sequence": None} == {**summary, "repeats": None, "sequence": None}
    assert (row["category"], row["area"]["jurisdiction_id"], row["repeats"]) == ("fire", "440305", 1) and row["agencies"]
    assert "13812345678" not in json.dumps(row)
    whole = board.json(f"/api/alerts/{row['id']}")
    (record, value), = world.alerts()
    assert whole["event"] == value and whole["record"]["offset"] == record.offset
    kcat = subprocess.run(whole["kcat_report"], shell=True, stdout=subprocess.PIPE, timeout=20, check=True).stdout
    assert json.loads(kcat)["id"] == event.id
    kcat = subprocess.run(whole["kcat_alert"], shell=True, stdout=subprocess.PIPE, timeout=20, check=True).stdout
    assert json.loads(kcat) == value
    raw = board.json(f"/api/alerts/{row['id']}/raw")
    assert raw["value"]["data"]["rider_id"] == "骑手-9" and "13812345678" in raw["value"]["data"]["description"]
    world.wait_applied()
    rider = board.json(f"/api/alerts/{row['id']}/rider")
    assert rider["rider"] == "骑手-9" and rider["counters"]["deliveries_charity"] == 1 and rider["today"]["paid"] == 1
    assert [entry["id"] for entry in rider["recent"]] == [row["id"]] and rider["reporter_ref"] == row["reporter_ref"]
    same = board.json("/api/riders/%E9%AA%91%E6%89%8B-9")
    assert same == rider


def test_riders_are_pseudonyms_unless_allowed(world, make_board):
    world.start()
    board = make_board()
    world.send(report("rider-secret-4711", FIRE))
    world.flush()
    row, = wait_until(lambda: board.alerts()["alerts"], 10, "an alert")
    world.wait_applied()
    for path in (f"/api/alerts/{row['id']}/rider", "/api/riders/rider-secret-4711", f"/api/alerts/{row['id']}", "/api/alerts"):
        assert "4711" not in json.dumps(board.json(path)), path
    assert board.json("/api/riders/rider-secret-4711")["counters"]["reports"] == 1
    assert board.json("/api/riders/rider-secret-4711")["reporter_ref"] == row["reporter_ref"]
    assert "show_riders" in board.json(f"/api/alerts/{row['id']}/raw", status=403)["error"]
    world.redis.zadd("rw:top:202611", {"rider-secret-4711": 70, "rider-8": 90})
    top = board.json("/api/top", month="202611")
    assert [entry["score"] for entry in top["riders"]] == [90, 70] and "4711" not in json.dumps(top)
    assert top["riders"][1]["reporter_ref"] == row["reporter_ref"]
    assert board.json("/api/top", month="202501")["riders"] == []


def test_filters_pages_and_folding(world, make_board):
    put(world, *[alert(n, key=f"fire.clutter@shop:{n % 3}", severity="Extreme" if n == 5 else "Minor") for n in range(1, 8)],
        alert(20, category="food", agency="12315", text="后厨有老鼠", area="110101"))
    board = make_board()
    assert board.alerts()["matches"] == 8
    folded = board.alerts(category="fire")["alerts"]
    assert sorted(row["repeats"] for row in folded) == [2, 2, 3]
    assert len(board.alerts(category="fire", fold=0)["alerts"]) == 7
    assert ids(board.alerts(severity="Extreme")) == ["alert-5"]
    assert ids(board.alerts(area="11")) == ids(board.alerts(agency="12315")) == ids(board.alerts(text="老鼠")) == ["alert-20"]
    assert board.alerts(since="2020-01-01T00:00:00Z")["matches"] == 8
    assert board.alerts(since=int(time.time() * 1000) + 60000)["matches"] == 0
    pages, before = [], 0
    while before is not None:
        page = board.alerts(fold=0, limit=3, before=before)
        pages += ids(page)
        before = page["next"]
    assert pages == ids(board.alerts(fold=0)) and len(set(pages)) == 8
    for query in ({"severity": "Loud"}, {"colour": "red"}, {"limit": "many"}, {"limit": 501}, {"since": "now"}):
        assert board.json("/api/alerts", status=400, **query)["error"]
    assert board.json("/api/alerts/unknown", status=404)["error"]


def test_csv(world, make_board):
    put(world, alert(1, text='=HYPERLINK("x")'), alert(2, category="food"))
    board = make_board()
    status, body, headers = board.ask("/api/alerts.csv", category="fire")
    assert status == 200 and "attachment" in headers["Content-Disposition"]
    row, = csv.DictReader(io.StringIO(body.lstrip("\ufeff")))
    assert (row["id"], row["description"], row["decision.score"]) == ("alert-1", '\'=HYPERLINK("x")', "321")


def test_a_stream_goes_on_where_it_was_left(world, make_board):
    board = make_board()
    put(world, alert(1))
    wait_until(lambda: board.alerts()["matches"] == 1, 10, "the first alert")
    first = Stream(board)
    put(world, alert(2), alert(3, category="food"))
    last = first.wait("alert", 2)[-1]
    first.close()
    put(world, alert(4), alert(5, category="food"))
    wait_until(lambda: board.alerts()["matches"] == 5, 10, "five alerts")
    again = Stream(board, headers={"Last-Event-ID": last[1]})
    assert sorted(entry[3]["id"] for entry in again.wait("alert", 2)) == ["alert-4", "alert-5"]
    only = Stream(board, after=last[1], category="food")
    assert [entry[3]["id"] for entry in only.wait("alert")] == ["alert-5"]
    # Another run numbers anew: the client is told to ask for the list again.
    assert Stream(board, after="0-1").wait("reset")
    board.stop()
    board.start().wait_ready()
    assert Stream(board, after=last[1]).wait("reset")
    assert board.alerts()["matches"] == 5


def test_a_stalled_client_is_dropped_and_others_do_not_notice(world, make_board):
    board = make_board(board={"client_buffer": "1MiB"})
    reader = Stream(board)
    host, port = board.listen.rsplit(":", 1)
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect((host, int(port)))
        stalled.sendall(b"GET /api/alerts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: "riderwatch_board_streams 2" in board.ask("/metrics")[1], 5, "two streams")
        sent = 0
        while "riderwatch_board_streams_dropped_total 1" not in board.ask("/metrics")[1]:
            put(world, *[alert(n, text="火" * 2000) for n in range(sent + 1, sent + 501)])
            sent += 500
            assert sent <= 20000
            reader.wait("alert", sent, 20)
    assert len({entry[3]["id"] for entry in reader.of("alert")}) == sent and not reader.ended
    assert board.json("/api/status")["clients"] == 1


def test_clients_are_limited(world, make_board):
    board = make_board(board={"clients_max": 2})
    streams = [Stream(board), Stream(board)]
    assert "clients_max" in board.json("/api/alerts/stream", status=503)["error"]
    streams[0].close()
    wait_until(lambda: "riderwatch_board_streams 1\n" in board.ask("/metrics")[1], 40, "the first one to be gone")
    assert Stream(board).answer.status == 200


def resident_mib(board):
    with open(f"/proc/{board.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


def read_streams(streams, counts, stop):
    """Counts the alerts that come over each socket, until told to stop."""
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream, selectors.EVENT_READ)
        rests = dict.fromkeys(streams, b"")
        while not stop.is_set():
            for key, _ in selector.select(0.2):
                data = rests[key.fileobj] + key.fileobj.recv(1 << 16)
                counts[key.fileobj] += data.count(b"event: alert")
                rests[key.fileobj] = data[-11:]


def test_two_hundred_pages(world, make_board):
    pages, rate, seconds = 200, 100, 10
    board = make_board()
    host, port = board.listen.rsplit(":", 1)
    streams = [socket.create_connection((host, int(port))) for _ in range(pages)]
    for stream in streams:
        stream.sendall(b"GET /api/alerts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_until(lambda: f"riderwatch_board_streams {pages}\n" in board.ask("/metrics")[1], 10, "all pages")
    before, counts, stop = resident_mib(board), dict.fromkeys(streams, 0), threading.Event()
    reader = threading.Thread(target=read_streams, args=(streams, counts, stop))
    reader.start()
    watcher, start = Stream(board), time.monotonic()
    for number in range(rate * seconds):
        put(world, alert(number)) if number % 10 == 0 else world.producer.produce(
            world.topics["alerts_food"], json.dumps(alert(number, category="food")).encode())
        time.sleep(max(0, start + number / rate - time.monotonic()))
    world.flush()
    watcher.wait("alert", rate * seconds, 20)
    wait_until(lambda: set(counts.values()) == {rate * seconds}, 20, lambda: sorted(counts.values())[:5])
    stop.set()
    reader.join()
    print(f"{pages} pages, {rate} alerts/s: {before:.0f} MiB before, {resident_mib(board):.0f} MiB after")
    assert "riderwatch_board_streams_dropped_total 0" in board.ask("/metrics")[1]
    # A sanitizer keeps what was freed.
    assert resident_mib(board) < before + 150 or "RIDERWATCH_BOARD" in os.environ
    for stream in streams:
        stream.close()


def test_totals_of_riders_areas_and_days(world, make_board):
    world.start()
    board = make_board()
    for rider in range(6):
        world.send(report(f"rider-{rider}", FIRE, jurisdiction_id="440305"))
        world.send(delivery(f"rider-{rider}"))
    world.flush()
    world.wait_applied()
    shards = make_board("without", redis={"rollup_every": "0s"}).json("/api/totals", days=2)
    assert shards["source"] == "shards" and (shards["all"]["reports_fire"], shards["all"]["440305:reports"]) == (6, 6)
    assert shards["days"][0]["fields"]["deliveries"] == 6 and shards["days"][1]["fields"] == {} and len(shards["days"]) == 2
    totals = wait_until(lambda: (lambda got: (got["source"], got["all"]) == ("rollup", shards["all"]) and got)(board.json("/api/totals", days=2)), 10,
                        lambda: board.json("/api/totals"))
    assert totals["days"] == shards["days"]
    for (topic, partition), offset in world.applied().items():
        assert totals["applied"][f"{partition}:{topic}"] == offset


def test_the_leaderboard_follows_the_riders(world, make_board):
    world.start()
    board, open_board = make_board(), make_board("open", board={"show_riders": True})
    for rider, meals in (("骑手-9", 2), ("rider-8", 3), ("r" * 200, 1), ("rider-0", 0)):
        for _ in range(meals):
            world.send(delivery(rider, charity=True))
        world.send(delivery(rider))
    world.flush()
    rows = wait_until(lambda: (lambda all: len(all) == 3 and all)(open_board.json("/api/top")["riders"]), 10, lambda: open_board.json("/api/top"))
    assert [(row.get("rider"), row["score"]) for row in rows] == [("rider-8", 6), ("骑手-9", 4), (None, 2)]
    assert rows[2]["key"].startswith("~") and rows[2]["reporter_ref"] == ""
    assert rows[1]["reporter_ref"] == board.json("/api/riders/%E9%AA%91%E6%89%8B-9")["reporter_ref"]
    assert [(row["reporter_ref"], set(row)) for row in board.json("/api/top")["riders"]] == \
        [(row["reporter_ref"], {"score", "reporter_ref"}) for row in rows]


def test_caps_are_those_of_the_rules(world, make_board):
    rules = world.folder / "rules"
    shutil.copytree(world.settings("")["rules"]["folder"], rules)
    points = (rules / "points.json").read_text()
    limits = json.loads(re.sub(r"(?m)^\s*//.*$|,(?=\s*[}\]])", "", points))["limits"]
    board = make_board(rules={"folder": str(rules)})
    assert board.json("/api/riders/rider-1")["caps"] == {name: limits[key] for name, key in CAPS.items()}
    changed = re.sub(r'("paid_reports_per_day":\s*)\d+', r"\g<1>7", points)
    assert changed != points
    (rules / "points.json").write_text(changed)
    board.process.send_signal(signal.SIGHUP)
    wait_until(lambda: board.json("/api/riders/rider-1")["caps"]["paid"] == 7, 10, "the new cap")
    (rules / "points.json").write_text("{")
    board.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "rules.folder cannot be read" in board.log, 10, lambda: board.log)
    assert board.json("/api/riders/rider-1")["caps"]["paid"] == 7
    assert "caps" not in make_board("alone", rules={"folder": str(world.folder)}).json("/api/riders/rider-1")


def test_status_follows_kafka_and_redis(world, make_board):
    daemon = world.start()
    board = make_board(redis={"timeout": "500ms"})
    world.send_raw("reports", b"rider-1", b"not json")
    world.send(report("rider-1", EMERGENCY))
    world.flush()
    world.wait_applied()

    def status(**expected):
        got = board.json("/api/status")
        return all(got[name] == value for name, value in expected.items()) and got["kafka"]["up"] and got["redis"]["up"]
    wait_until(lambda: status(lag=0, dead_letters_hour=1), 15, lambda: board.json("/api/status"))
    assert 0 <= board.json("/api/status")["event_age_ms"] < 30000
    daemon.stop()
    for n in range(5):
        world.send(delivery(f"rider-{n}"))
    world.flush()
    wait_until(lambda: status(lag=5), 15, lambda: board.json("/api/status"))
    world.stack.order("redis", "pause")
    wait_until(lambda: not board.json("/api/status")["redis"]["up"], 15, "Redis to be seen as down")
    assert "redis" in board.json("/api/riders/rider-1", status=502)["error"].lower()
    world.stack.order("redis", "resume")
    wait_until(lambda: status(lag=5), 15, lambda: board.json("/api/status"))


def test_who_may_ask(world, make_board):
    token = "correct-horse-battery-staple"
    (world.folder / "token").write_text(token + "\n")
    board = make_board(board={"token_file": "token", "hosts": "board.example"})
    host, _ = board.listen.rsplit(":", 1)
    assert board.ask("/api/alerts")[0] == board.ask("/metrics")[0] == 401
    assert board.ask("/api/alerts", {"Authorization": "Bearer wrong-horse-battery-staple"})[0] == 401
    assert board.ask("/api/alerts", {"Authorization": f"Bearer {token}"})[0] == 200
    assert board.ask("/", {"Host": "board.example"})[0] == board.ask("/healthz", {"Host": "10.1.2.3"})[0] == 200
    assert board.ask("/", {"Host": "evil.example"})[0] == 421
    assert board.ask("/api/alerts", {"Authorization": f"Bearer {token}", "Host": "evil.example"})[0] == 421
    assert board.ask("/api/alerts", {"Authorization": f"Bearer {token}"}, method="DELETE")[0] == 501
    _, _, headers = board.ask("/")
    assert "default-src 'none'" in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff"
    assert "unsafe" not in headers["Content-Security-Policy"] and not headers["Access-Control-Allow-Origin"]
    path, _ = world.write_config("open", board={"listen": "0.0.0.0:1"})
    refused = subprocess.run([str(BOARD), "-c", str(path), "-t"], stdout=subprocess.PIPE, text=True)
    assert refused.returncode == 78 and "board.token_file" in refused.stdout


def test_a_user_who_only_reads_is_enough(world, make_board):
    world.start()
    world.send(report("rider-1", FIRE))
    world.flush()
    world.wait_applied()
    world.redis.execute_command("ACL", "SETUSER", "board", "reset", "on", ">board-password", "%R~rw:*", "resetchannels", "-@all",
                                "+hgetall", "+hget", "+exists", "+zrevrange", "+ping")
    (world.folder / "redis-password").write_text("board-password\n")
    try:
        board = make_board(board={"redis_user": "board", "redis_password_file": "redis-password"})
        assert board.json("/api/riders/rider-1")["counters"]["reports"] == 1
        assert board.json("/api/totals")["all"]["reports"] == 1 and board.json("/api/top")["riders"] == []
        wait_until(lambda: board.json("/api/status")["lag"] == 0, 15, lambda: board.json("/api/status"))
    finally:
        world.redis.execute_command("ACL", "DELUSER", "board")


def test_memory_is_bounded(world, make_board):
    board = make_board(board={"alerts_max": 50})
    put(world, *[alert(n) for n in range(1, 201)])
    wait_until(lambda: "riderwatch_board_alerts_total 200\n" in board.ask("/metrics")[1], 15, "200 alerts")
    listing = board.alerts(limit=500)
    assert listing["matches"] == 50
    assert board.json("/api/alerts/" + listing["alerts"][0]["id"])["repeats"] == 1


def conforms(value, schema, document):
    """The part of JSON Schema that the API's description uses."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    python = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
    assert not types or any(isinstance(value, python[name]) for name in types), (value, schema)
    assert value in schema.get("enum", [value]), (value, schema)
    if isinstance(value, dict):
        assert set(schema.get("required", [])) <= set(value), (value, schema)
        unknown = set(value) - set(schema["properties"]) if "properties" in schema else set()
        assert not unknown, f"{unknown} is not described"
        for name, part in value.items():
            conforms(part, schema.get("properties", {}).get(name, schema.get("additionalProperties", {})), document)
    for part in value if isinstance(value, list) else []:
        conforms(part, schema.get("items", {}), document)


def test_the_api_is_as_described(world, make_board):
    world.start()
    board = make_board(board={"show_riders": True})
    world.send(report("rider-1", FIRE, jurisdiction_id="440305"))
    world.flush()
    row, = wait_until(lambda: board.alerts()["alerts"], 10, "an alert")
    world.redis.zadd(time.strftime("rw:top:%Y%m", time.gmtime(time.time() + 8 * 3600)), {"rider-1": 7})
    document = board.json("/api/openapi.json")
    for path, operations in document["paths"].items():
        if path == "/api/alerts/stream":
            continue
        responses = operations["get"]["responses"]
        asked = path.replace("{id}", "rider-1" if "riders" in path else row["id"])
        status, body, headers = board.ask(asked)
        assert status == 200, (path, status, body)
        (media, content), = responses["200"]["content"].items()
        assert headers["Content-Type"].split(";")[0] == media, path
        conforms(json.loads(body) if media.endswith("json") else body, content["schema"], document)
        for parameter in operations["get"].get("parameters", []):
            assert board.ask(asked, **{parameter["name"]: ""})[0] in (200,) or parameter["in"] == "path", (path, parameter)
    stream = Stream(board, after="0-0")
    for _, _, event, data in stream.wait("status") + stream.wait("reset"):
        if event == "status":
            conforms(data, {"$ref": "#/components/schemas/Status"}, document)
    world.send(report("rider-2", FOOD))
    world.flush()
    conforms(stream.wait("alert")[0][3], {"$ref": "#/components/schemas/Alert"}, document)
    for path, status in (("/api/alerts/x", 404), ("/api/alerts?limit=x", 400), ("/api/top?month=x", 400)):
        got, body, _ = board.ask(path)
        assert got == status
        conforms(json.loads(body), {"$ref": "#/components/schemas/Error"}, document)
