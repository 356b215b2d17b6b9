# SPDX-License-Identifier: Apache-2.0
"""What can work through loaded topics: the daemon, its baselines, and a peer. Each is a function(topics, session) -> trial."""
import json
import os
import re
import signal
import struct
import subprocess
import time

from daemon import Daemon
from processes import BUILD, ROOT, WORK, Failed, cpu_by_part, cpu_seconds, peak_mib, run, session_members
from stack import ALERTS, PARTITIONS
from trials import Meter, make_trial

PEER_BOUND_S = 900
WORDS = WORK / "words.txt"
TALLY = struct.Struct("4Q")  # of count_allocations.c: calls of the main and the other threads, bytes of both


# ---- the daemon ----

def daemon(topics, session, append_only=False, connection="tcp", riders=0, binary=None):
    """riders: so many have counters in Redis already. binary: another build."""
    topics.stack.reset_redis(append_only)
    if riders:
        run(BUILD / "floor", "fill", topics.stack.brokers, topics.stack.redis, riders, PARTITIONS)
    meter = Meter(topics.stack)
    process = Daemon(topics, session.new_group(), session.overrides, connection, binary=binary)
    try:
        metrics = process.wait_applied(topics.events)
        read = meter.read()
        parts, peak = cpu_by_part(process.pid), peak_mib(process.pid)
        process.stop()
    finally:
        process.process.kill()
    published = int(process.total("riderwatch_records_published_total", metrics))
    note_alerts(topics, published)
    return make_trial(topics.events, parts, read, peak, published=published,
                      transactions=int(process.total("riderwatch_transactions_total", metrics)),
                      keys=int(topics.stack.ask_redis("dbsize")))


def note_alerts(topics, published):
    """The floor is to produce as many records, of the same size."""
    topics.alert_count = published
    if not topics.alert_size:
        topics.alert_size = topics.stack.mean_size([topics.names[kind] for kind in ALERTS])


def allocations(topics, session):
    """Allocations and bytes per event, of the loop thread and of all others, from 10 % of the events on: a run of its own."""
    topics.stack.reset_redis(False)
    path = WORK / "allocations"
    process = Daemon(topics, session.new_group(), session.overrides,
                     environment={"LD_PRELOAD": str(BUILD / "count_allocations.so"), "ALLOCATIONS": str(path)})
    try:
        metrics = process.wait_applied(topics.events / 10, pause=0.01)
        first, before = process.total("riderwatch_applied_offset", metrics), TALLY.unpack(path.read_bytes())
        process.wait_applied(topics.events, pause=0.01)
        after = TALLY.unpack(path.read_bytes())
        process.stop()
    finally:
        process.process.kill()
    if first >= topics.events:  # so few events that they went in one
        first, before = 0, (0, 0, 0, 0)
    names = ("loop", "others", "loop_bytes", "others_bytes")
    return {name: (b - a) / (topics.events - first) for name, a, b in zip(names, before, after)}


# ---- baselines ----

def run_floor(mode, words, topics):
    meter = Meter(topics.stack)
    told = json.loads(run(BUILD / "floor", mode, topics.stack.brokers, *words, *topics.inputs))
    read = meter.read()
    if told["records"] != topics.events:
        raise Failed(f"floor {mode} read {told['records']} records, there are {topics.events}")
    return told, read


def consume(topics, session):
    told, read = run_floor("consume", [], topics)
    return make_trial(topics.events, {"consume": told["cpu"]}, read, told["peak_mib"])


def write_words():
    """The phrases of the rules that are Chinese, one a line: what the floor looks for."""
    text = (ROOT / "pipelines/rules/phrases.json").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    words = {word for line in lines for word in re.findall(r'"([^"\\]+)"', line) if re.search(r"[\u4e00-\u9fff]", word)}
    WORDS.write_text("\n".join(sorted(words)) + "\n")


def floor(topics, session):
    """Consume, scan, match, produce: the parts that nobody can do without."""
    if not WORDS.exists():
        write_words()
    told, read = run_floor("parts", [WORDS, topics.floor, topics.alert_count, topics.alert_size], topics)
    if told["produced"] != topics.alert_count:
        raise Failed(f"the floor produced {told['produced']} records instead of {topics.alert_count}")
    parts = {part: told[part] for part in ("consume", "scan", "match", "produce")}
    parts["librdkafka"] = max(0.0, told["cpu"] - sum(parts.values()))
    return make_trial(topics.events, parts, read, told["peak_mib"], texts=told["texts"])


def counters(topics, session):
    """Three HINCRBYs an event, pipelined; what counts is Redis' share."""
    topics.stack.reset_redis(False)
    told, read = run_floor("counters", [topics.stack.redis], topics)
    return make_trial(topics.events, {"count": told["cpu"]}, read, told["peak_mib"])


# ---- a peer ----

class Peer:
    """Any program that does the same job; its shell command gets BROKERS, REDIS (host:port) and GROUP."""

    def __init__(self, command, topics, group):
        self.topics, self.group, self.log_path = topics, group, WORK / f"{group}.log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, shell=True, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, env={**os.environ, "BROKERS": topics.stack.brokers,
                                                                         "REDIS": topics.stack.redis, "GROUP": group})

    def cpu(self):
        return sum(cpu_seconds(pid, children=True) for pid in session_members(self.process.pid))

    def peak(self):
        return sum(map(peak_mib, session_members(self.process.pid)))

    def wait_committed(self, seconds):
        """Until the group's offsets are at the end of both topics."""
        from confluent_kafka import TopicPartition
        ends = self.topics.stack.ends(self.topics.inputs)
        consumer, end = self.topics.stack.consumer(self.group), time.monotonic() + seconds
        try:
            while True:
                places = consumer.committed([TopicPartition(topic, p) for topic, p in ends], timeout=10)
                if all(place.offset >= ends[place.topic, place.partition] for place in places if ends[place.topic, place.partition]):
                    return
                if self.process.poll() is not None:
                    raise Failed(f"the peer ended with {self.process.returncode}, see {self.log_path}")
                if time.monotonic() > end:
                    raise Failed(f"the peer's group {self.group} did not reach the end within {seconds} s, see {self.log_path}")
                time.sleep(0.05)
        finally:
            consumer.close()

    def stop(self):
        for number, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            for pid in session_members(self.process.pid):
                os.kill(pid, number)
            end = time.monotonic() + seconds
            while self.process.poll() is None and time.monotonic() < end:
                time.sleep(0.05)


def peer(topics, session):
    """published counts the ends of its transactions too, one for each partition they touched."""
    topics.stack.reset_redis(False)
    before, meter = topics.published(), Meter(topics.stack)
    process = Peer(session.peer, topics, session.new_group())
    try:
        process.wait_committed(PEER_BOUND_S)
        read = meter.read()
        cpu, peak = process.cpu(), process.peak()
    finally:
        process.stop()
    return make_trial(topics.events, {"peer": cpu}, read, peak, published=topics.published() - before,
                      keys=int(topics.stack.ask_redis("dbsize")))
