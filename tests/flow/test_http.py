# SPDX-License-Identifier: Apache-2.0
"""The daemon's HTTP server and clients that mean no good: they get no more than their share, and nothing else waits."""
import json
import random
import socket
import time

import pytest

from events import mixed
from world import wait_until

TOKEN = "a-token-of-some-length"


def connect(listen):
    host, port = listen.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10)


def ask(listen, path="/metrics", headers=("Host: localhost",), method="GET", body=b""):
    """(code, body) of one request on a connection of its own."""
    with connect(listen) as client:
        client.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Connection: close", *headers, "", ""]).encode() + body)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    head, _, rest = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else None, rest


def is_closed(client):
    """Did the server end this connection?"""
    client.settimeout(0.05)
    try:
        return client.recv(65536) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_ready_only_while_it_works(world):
    daemon = world.launch()
    daemon.wait_ready()
    wait_until(lambda: ask(daemon.listen, "/readyz", headers=())[0] == 200, 15, "ready")
    world.stack.order("redis", "stop")
    wait_until(lambda: ask(daemon.listen, "/readyz")[0] == 503, 10, "not ready without Redis")
    assert "Redis is not connected" in json.loads(ask(daemon.listen, "/readyz")[1])["reasons"]
    assert ask(daemon.listen, "/healthz")[0] == 200
    world.stack.order("redis", "start")
    wait_until(lambda: ask(daemon.listen, "/readyz")[0] == 200, 15, lambda: str(ask(daemon.listen, "/readyz")) + daemon.log[-2000:])


def test_what_it_serves(world):
    daemon = world.start(kafka={"properties": {"sasl.password": "hunter2"}})
    versions = json.loads(ask(daemon.listen, "/version")[1])
    assert {"riderwatchd", "librdkafka", "hiredis", "libevent", "jansson", "openssl"} <= set(versions)
    code, text = ask(daemon.listen, "/config")
    assert code == 200 and world.group.encode() in text and b"hunter2" not in text and b"// default" in text
    assert ask(daemon.listen, "/metrics", headers=["Host: evil.example"])[0] == 421
    assert ask(daemon.listen, "/metrics", headers=[])[0] == 421
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
        assert ask(daemon.listen, "/metrics", method=method, headers=["Host: localhost", "Content-Length: 0"])[0] in (501, 405, 400), method


def test_a_token_where_others_can_reach_it(world):
    (world.folder / "token").write_text(TOKEN + "\n")
    path, listen = world.write_config("probe")
    port = listen.rsplit(":", 1)[1]
    daemon = world.launch(http={"listen": f"0.0.0.0:{port}", "token_file": "token"})
    daemon.listen = f"127.0.0.1:{port}"
    wait_until(lambda: not daemon.runs or _answers(daemon.listen), 20, lambda: daemon.log[-2000:])
    assert ask(daemon.listen, "/healthz", headers=())[0] == 200
    assert ask(daemon.listen, "/metrics")[0] == 401
    assert ask(daemon.listen, "/metrics", headers=["Host: 10.1.2.3", f"Authorization: Bearer {TOKEN}"])[0] == 200
    assert TOKEN not in daemon.log
    without = world.launch(instance="other", http={"listen": f"0.0.0.0:{port}"})
    assert without.wait(20) == 71 and "set http.token_file" in without.log


def _answers(listen):
    try:
        return ask(listen, "/healthz")[0] == 200
    except OSError:
        return False


HOSTILE = [
    ("a header without end", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000),
    ("headers without end", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 20_000),
    ("a path without end", b"GET /" + b"a" * 100_000),
    ("a large body", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n" + b"a" * 5000),
    ("a chunked body", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n" + b"a" * 5000),
    ("a negative length", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"),
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 40),
    ("many requests at once", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000),
    ("NUL bytes", b"\0" * 20_000),
]


@pytest.fixture
def watched(world):
    """A daemon with events to count, and a check that they were, and that it grew by no more than so many bytes."""
    daemon = world.start()
    before = daemon.metrics()["process_resident_memory_bytes"]
    for event, shape in mixed(random.Random(3), 500):
        world.send(event, shape)
    yield daemon
    assert ask(daemon.listen, "/healthz")[0] == 200
    world.check()
    # What the events themselves need is some megabytes.
    assert daemon.metrics()["process_resident_memory_bytes"] - before < 40e6
    assert daemon.stop() == 0


def test_senseless_requests(watched):
    for name, request in HOSTILE:
        with connect(watched.listen) as client:
            try:
                client.sendall(request)
            except OSError:
                pass  # closed on us before it took all
            assert ask(watched.listen, "/healthz")[0] == 200, name


def test_slow_clients_are_ended_however_they_drip(watched):
    """A byte now and then keeps a connection for as long as a request may take, and no longer."""
    slow = [connect(watched.listen) for _ in range(20)]
    began = time.monotonic()
    for client in slow:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")
    gone = 0
    while gone < len(slow) and time.monotonic() - began < 35:
        time.sleep(1)
        gone = sum(client.fileno() < 0 or is_closed(client) for client in slow)
        for client in slow:
            try:
                client.sendall(b"X")
            except OSError:
                client.close()
        assert ask(watched.listen, "/healthz")[0] == 200
    assert gone == len(slow) and 15 < time.monotonic() - began < 35, (gone, time.monotonic() - began)


def test_a_thousand_connections(watched):
    clients = []
    for _ in range(1000):
        try:
            clients.append(connect(watched.listen))
        except OSError:
            break
    assert len(clients) > 900
    time.sleep(1)
    left = sum(not is_closed(client) for client in clients)
    assert left <= 64, f"{left} connections are open"
    assert watched.metrics() == {} or watched.metrics()["process_open_fds"] < 200
    # Those that do nothing go after ten seconds, and then there is room again.
    wait_until(lambda: _answers(watched.listen), 20, "an answer")
    for client in clients:
        client.close()
    wait_until(lambda: watched.metrics().get("process_open_fds", 999) < 100, 20, "all are closed")


def test_who_reads_slowly_holds_up_nobody(watched):
    with connect(watched.listen) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        for _ in range(200):
            try:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            except OSError:
                break
            began = time.monotonic()
            assert ask(watched.listen, "/healthz")[0] == 200 and time.monotonic() - began < 1


def test_metrics_of_a_working_daemon(world):
    daemon = world.start()
    for event, shape in mixed(random.Random(5), 600):
        world.send(event, shape)
    world.check()
    sent = sum(world.ends("reports", "deliveries").values())
    metrics = daemon.metrics()
    lags = [value for name, value in metrics.items() if name.startswith("riderwatch_lag_events{")]
    assert len(lags) == 6 and set(lags) == {0}
    assert metrics["riderwatch_events_applied_total"] == sent
    assert 0 < metrics["riderwatch_decide_seconds_count"] <= sent / 64 + 1 and 0 < metrics["riderwatch_decide_seconds_sum"] < 1
    assert metrics["riderwatch_transaction_duration_seconds_count"] == sum(
        value for name, value in metrics.items() if name.startswith("riderwatch_transactions_total"))
    assert 0 < metrics["riderwatch_redis_apply_max_seconds"] <= metrics["riderwatch_redis_apply_seconds_total"]
    # librdkafka tells every ten seconds.
    for client in ("consumer", "producer"):
        wait_until(lambda: daemon.metrics().get(f'riderwatch_kafka_connects_total{{client="{client}"}}', 0) > 0, 25, f"statistics of the {client}")
    metrics = daemon.metrics()
    assert metrics["riderwatch_kafka_assigned_partitions"] == 6 and metrics["riderwatch_kafka_rebalances_total"] >= 1
    assert metrics['riderwatch_kafka_round_trip_seconds{client="consumer"}'] > 0
    # Nobody's id stands in a label.
    assert not [name for name in metrics if "rider-" in name]
