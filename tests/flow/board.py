# SPDX-License-Identifier: Apache-2.0
"""riderwatch-board in a test's world: the program, its API, its stream; and alerts put into Kafka by hand."""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from world import ROOT, wait_until

BOARD = pathlib.Path(os.environ.get("RIDERWATCH_BOARD", ROOT / "build/release/riderwatch-board"))


class Board:
    """One riderwatch-board process."""

    def __init__(self, world, name="board", **sections):
        path, listen = world.write_config(name, **sections)
        settings = json.loads(path.read_text())
        settings.setdefault("board", {})["listen"] = listen
        path.write_text(json.dumps(settings, ensure_ascii=False))
        self.path, self.listen, self.log_path = path, listen, world.folder / f"{name}.log"
        self.start()

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(BOARD), "-c", str(self.path)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    @property
    def runs(self):
        return self.process.poll() is None

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_ready(self, timeout=20):
        wait_until(lambda: not self.runs or self.ask("/readyz")[0] == 200, timeout, lambda: "ready\n" + self.log[-3000:])
        assert self.runs, f"exit code {self.process.returncode}\n{self.log[-3000:]}"
        return self

    def ask(self, path, headers=None, method="GET", **query):
        """(status, body, headers); status 0 while nobody answers."""
        address = f"http://{self.listen}{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        request = urllib.request.Request(address, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers
        except OSError:
            return 0, "", {}

    def json(self, path, status=200, **query):
        got, body, _ = self.ask(path, **query)
        assert got == status, f"{path} {query}: {got} {body}\n{self.log[-2000:]}"
        return json.loads(body)

    def alerts(self, **query):
        return self.json("/api/alerts", **query)

    def stop(self):
        if self.runs:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        assert code == 0, f"exit code {code}\n{self.log[-4000:]}"

    def kill(self):
        self.process.kill()
        self.process.wait()


class Stream:
    """A live stream, read by a thread: events as (seen at, id, event, data)."""

    def __init__(self, board, headers=None, **query):
        host, port = board.listen.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=30)
        self.connection.request("GET", "/api/alerts/stream?" + urllib.parse.urlencode(query), headers=headers or {})
        self.answer = self.connection.getresponse()
        self.events, self.ended = [], False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        event = {}
        try:
            for line in self.answer:
                line = line.decode().rstrip("\n")
                if not line and event.get("data"):
                    self.events.append((time.time(), event.get("id"), event.get("event"), json.loads(event["data"])))
                if not line:
                    event = {}
                elif not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    event[name] = value
        except (OSError, http.client.HTTPException, ValueError):
            pass
        self.ended = True

    def of(self, event):
        return [entry for entry in list(self.events) if entry[2] == event]

    def wait(self, event, count=1, timeout=10):
        wait_until(lambda: len(self.of(event)) >= count, timeout, lambda: f"{count} x {event}: {self.events[-3:]}")
        return self.of(event)

    def close(self):
        self.connection.sock.shutdown(socket.SHUT_RDWR)


def alert(number, category="fire", severity="Severe", agency="96119", text="楼道里堆满了纸箱", key=None, area="440305", **data):
    """An alert as the daemon writes it."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    return {"specversion": "1.0", "type": "rider.alert.v1", "source": "/riderwatch", "id": f"alert-{number}", "rwcategory": category,
            "data": {"identifier": f"alert-{number}", "severity": severity, "hazard_code": "fire.clutter", "event": "楼道堆物",
                     "headline": f"楼道堆物 · 科技园路{number}号", "description": text, "urgency": "Future", "certainty": "Likely",
                     "area": {"areaDesc": f"科技园路{number}号", "lat": 22.55 + number % 97 / 1000, "long": 114.05 + number % 89 / 1000,
                              "crs": "WGS84", "jurisdiction_id": area},
                     "sent": now, "dedup_key": key or f"fire.clutter@shop:{number}",
                     "routes": [{"agency": agency, "topic": "t", "role": "primary", "rule": "routes#1"}],
                     "decision": {"ruleset": "0" * 16, "rules": ["fire.clutter#1"], "score": 321, "margin": 120, "severity_margin": 40,
                                  "category": category, "unsure": False,
                                  "spans": [{"rule": "fire.clutter#1", "from": 0, "to": 6, "weight": 250, "text": "楼道"},
                                            {"rule": "label", "from": 0, "to": 0, "weight": 71}]},
                     "reporter_ref": "ab" * 16, "media": [], "source": {"topic": "none", "partition": 0, "offset": 0}, **data}}


def put(world, *alerts):
    """Into the topics of their categories, past the daemon."""
    for value in alerts:
        world.producer.produce(world.topics[f"alerts_{value['rwcategory']}"], json.dumps(value, ensure_ascii=False).encode(),
                               value["data"]["dedup_key"].encode())
    world.flush()
