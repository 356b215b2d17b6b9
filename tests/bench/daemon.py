# SPDX-License-Identifier: Apache-2.0
"""One riderwatchd under measurement."""
import json
import os
import re
import signal
import subprocess
import time
import urllib.request

from processes import BUILD, ROOT, WORK, Failed, free_port

LIVE = 3  # of riderwatch_partition_state


class Daemon:
    """Starts at once. settings: sections to merge over the configuration; overrides: section.key=value. connection: to Redis, by "tcp",
    "tls" or "socket"; binary: another build."""

    def __init__(self, topics, group, overrides=(), connection="tcp", environment=None, binary=None, **settings):
        self.listen = f"127.0.0.1:{free_port()}"
        self.path, self.log_path = WORK / f"{group}.json", WORK / f"{group}.log"
        self.path.write_text(json.dumps(self.configuration(topics, group, connection, settings)))
        words = [word for override in overrides for word in ("-o", override)]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([binary or BUILD / "riderwatchd", "-c", self.path, *words], cwd=ROOT, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={**os.environ, **(environment or {})})

    def configuration(self, topics, group, connection, settings):
        sections = {
            "kafka": {"brokers": topics.stack.brokers, "group": group, "instance": group},
            "topics": topics.names,
            "redis": topics.stack.way_to_redis(connection),
            "rules": {"folder": str(ROOT / "pipelines/rules")},
            "http": {"listen": self.listen},
        }
        for section, values in settings.items():
            sections.setdefault(section, {}).update(values)
        return sections

    @property
    def pid(self):
        return self.process.pid

    def metrics(self):
        """{"name{labels}": value}, empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.listen}/metrics", timeout=2) as reply:
                text = reply.read().decode()
        except OSError:
            return {}
        return {name: float(value) for name, value in re.findall(r"^([^#\s].*) (\S+)$", text, re.M)}

    def total(self, name, metrics=None, labels=""):
        """Sum over a metric's labels; negative values (not known yet) count as 0. labels: text that must be among them."""
        metrics = self.metrics() if metrics is None else metrics
        return sum(max(0.0, value) for key, value in metrics.items() if key.split("{")[0] == name and labels in key)

    def wait(self, condition, seconds, what, pause=0.05):
        """Until condition(metrics) holds; returns these metrics."""
        end = time.monotonic() + seconds
        while True:
            metrics = self.metrics()
            if metrics and condition(metrics):
                return metrics
            if self.process.poll() is not None:
                raise Failed(f"the daemon ended with {self.process.returncode}, see {self.log_path}")
            if time.monotonic() > end:
                raise Failed(f"the daemon: not {what} within {seconds:g} s, see {self.log_path}")
            time.sleep(pause)

    def wait_applied(self, events, seconds=900, pause=0.05):
        return self.wait(lambda metrics: self.total("riderwatch_applied_offset", metrics) >= events, seconds, f"{events} events counted", pause)

    def wait_live(self, partitions, seconds=60, pause=0.05):
        def live(metrics):
            return sum(value == LIVE for name, value in metrics.items() if name.startswith("riderwatch_partition_state{")) >= partitions
        return self.wait(live, seconds, f"live on {partitions} partitions", pause)

    def lag(self):
        """{labels: events published and not counted}"""
        metrics = self.metrics()
        return {name: value - metrics.get(name.replace("published", "applied"), 0) for name, value in metrics.items()
                if name.startswith("riderwatch_published_offset{")}

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.signal(signal.SIGTERM)
        if self.process.wait(timeout=60) != 0:
            raise Failed(f"the daemon did not stop cleanly ({self.process.returncode}), see {self.log_path}")
