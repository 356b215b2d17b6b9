# SPDX-License-Identifier: Apache-2.0
"""What the stream notices of riderwatch-board with many open pages: alert age at a steady rate without it and with it, alternating."""
import selectors
import socket
import subprocess
import threading
import time
import urllib.request

from daemon import Daemon
from processes import BUILD, ROOT, WORK, Failed, cpu_seconds, free_port, peak_mib, say
from stack import ALERTS, PARTITIONS
from steady import AlertReader, describe, put_load

WITHOUT, WITH = "without the board", "with the board"
REQUEST = "GET /api/alerts/stream HTTP/1.1\r\nHost: {}\r\n\r\n"
PIECE = 1 << 18


class Pages(threading.Thread):
    """Open live streams, read as fast as they come and forgotten. Without pages it does nothing."""

    def __init__(self, listen, count):
        super().__init__(daemon=True)
        self.selector, self.bytes, self.lost, self.ends = selectors.DefaultSelector(), 0, 0, False
        host, port = listen.rsplit(":", 1)
        for _ in range(count):
            stream = socket.create_connection((host, int(port)), timeout=10)
            stream.sendall(REQUEST.format(listen).encode())
            self.selector.register(stream, selectors.EVENT_READ)
        self.start()

    def run(self):
        while not self.ends:
            for key, _ in self.selector.select(0.2):
                try:
                    piece = key.fileobj.recv(PIECE)
                except OSError:  # reset: dropped, too
                    piece = b""
                self.bytes += len(piece)
                if not piece:
                    self.lost += 1
                    self.selector.unregister(key.fileobj)

    def stop(self):
        self.ends = True
        self.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


class Board:
    """riderwatch-board on a daemon's configuration."""

    def __init__(self, daemon, listen):
        self.listen, self.log_path = listen, WORK / "board.log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([BUILD / "riderwatch-board", "-c", daemon.path], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)

    def wait_ready(self, seconds=30):
        end = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(f"http://{self.listen}/readyz", timeout=2):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise Failed(f"the board is not ready, see {self.log_path}") from None
                time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def measure(session, rate, seconds, pages):
    """One round; pages: 0 without the board."""
    topics = session.topics("pages.")
    topics.stack.reset_redis(False)
    listen, board, crowd = f"127.0.0.1:{free_port()}", None, None
    process = Daemon(topics, session.new_group(), session.overrides, board={"listen": listen})
    try:
        process.wait_live(2 * PARTITIONS)
        if pages:
            board = Board(process, listen)
            board.wait_ready()
            crowd = Pages(listen, pages)
        return watch(topics, process, board, crowd, rate, seconds)
    finally:
        process.process.kill()
        if crowd:
            crowd.stop()
        if board:
            board.stop()


def watch(topics, process, board, crowd, rate, seconds):
    before, began = cpu_seconds(board.process.pid) if board else 0, time.monotonic()
    load = put_load(topics, process, AlertReader(topics, ALERTS), rate, seconds)
    round_ = {"delays": [delay for delay, _ in load["delays"]], "core": load["core"], "alerts": process.total("riderwatch_alerts_total")}
    if board:
        round_.update(board=(cpu_seconds(board.process.pid) - before) / (time.monotonic() - began), peak=peak_mib(board.process.pid),
                      bytes=crowd.bytes, lost=crowd.lost)
    return round_


def run(session, rate=600, seconds=20, pages=200):
    seconds = session.seconds or seconds
    rounds = {WITHOUT: [], WITH: []}
    for number in range(session.pairs):
        for name in ([WITHOUT, WITH], [WITH, WITHOUT])[number % 2]:
            rounds[name].append(measure(session, rate, seconds, pages if name == WITH else 0))
            say(f"  round {number + 1} of {session.pairs}: {name}: {describe(rounds[name][-1]['delays'])}")
    session.delete_topics()
    boards = rounds[WITH]
    return {"pages": pages, "rate": rate, "seconds": seconds, "rounds": session.pairs,
            "ages": {name: describe([delay for one in some for delay in one["delays"]]) for name, some in rounds.items()},
            "daemon": {name: sum(one["core"] for one in some) / len(some) for name, some in rounds.items()},
            "board": sum(one["board"] for one in boards) / len(boards), "peak": max(one["peak"] for one in boards),
            "bytes": sum(one["bytes"] for one in boards) / len(boards) / seconds, "lost": sum(one["lost"] for one in boards),
            "alerts": sum(one["alerts"] for one in boards) / len(boards) / seconds}
