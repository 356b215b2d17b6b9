# SPDX-License-Identifier: Apache-2.0
"""Clients of the daemon's HTTP that mean it no good, while events flow."""
import re
import socket
import threading
import time

from table import row
from world import wait_until

SECONDS, JUNK_SENDERS, SLOW_CLIENTS = 20, 8, 100
BYTES_PER_SECOND = 100_000_000 // 8
JUNK = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"\xe7\x81\xab" * 20000
BUCKET = re.compile(r'riderwatch_event_age_seconds_bucket\{le="(\S+)"\}')


def connect(listen):
    host, port = listen.rsplit(":", 1)
    return socket.create_connection((host, int(port)), 5)


class Flood:
    """Junk at 100 Mbit/s, over connections that are opened again whenever the daemon closes them, and clients that send a byte a second."""

    def __init__(self, listen):
        self.listen, self.over, self.sent, self.closed = listen, threading.Event(), 0, 0
        self.threads = [threading.Thread(target=self.send_junk, daemon=True) for _ in range(JUNK_SENDERS)]
        self.threads.append(threading.Thread(target=self.dawdle, daemon=True))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def send_junk(self):
        began, sent = time.monotonic(), 0
        while not self.over.is_set():
            try:
                with connect(self.listen) as peer:
                    while not self.over.is_set():
                        peer.sendall(JUNK)
                        sent += len(JUNK)
                        self.sent += len(JUNK)
                        time.sleep(max(0, began + sent * JUNK_SENDERS / BYTES_PER_SECOND - time.monotonic()))
            except OSError:
                self.closed += 1

    def dawdle(self):
        peers = []
        while not self.over.wait(1):
            for peer in list(peers):
                try:
                    peer.send(b"G")
                except OSError:
                    peers.remove(peer)
            try:
                peers += [connect(self.listen) for _ in range(SLOW_CLIENTS - len(peers))]
            except OSError:
                continue
        for peer in peers:
            peer.close()


def buckets(daemon):
    """[(upper bound in seconds, count)] of the age of events; asked again while nobody answers."""
    metrics = wait_until(daemon.metrics, 20, "metrics")
    return sorted((float(BUCKET.fullmatch(name)[1]), value) for name, value in metrics.items() if BUCKET.fullmatch(name))


def p99_ms(before, after):
    """Upper bound of the bucket that holds it, by linear interpolation within."""
    counts = [(bound, new - old) for (bound, new), (_, old) in zip(after, before)]
    wanted, below, low = counts[-1][1] * 0.99, 0, 0.0
    for bound, count in counts:
        if count >= wanted and count > below:
            return round(1000 * (low + (bound - low) * (wanted - below) / (count - below)))
        below, low = count, bound
    return 0


@row(30, "events are as young as without it; probes are answered afterwards", ["http flood"])
def hostile_http(run):
    """100 Mbit/s of junk and 100 clients that send a byte a second, on the daemon's HTTP port, for 20 s; before that 20 s without."""
    daemon = run.start()
    run.load()
    run.wait_counted(500)
    first = buckets(daemon)
    time.sleep(SECONDS)
    second = buckets(daemon)
    with Flood(daemon.listen) as flood:
        time.sleep(SECONDS)
    run.fault("http flood", flood.closed)
    third = buckets(daemon)
    run.notes |= {"age_p99_ms": p99_ms(first, second), "age_p99_flooded_ms": p99_ms(second, third),
                  "mbit_per_s": round(flood.sent * 8 / SECONDS / 1e6)}
    run.require(flood.sent > BYTES_PER_SECOND * SECONDS / 2, f"void: only {flood.sent} bytes of junk were sent")
