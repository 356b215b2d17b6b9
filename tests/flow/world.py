# SPDX-License-Identifier: Apache-2.0
"""One test's world: its own topics, group and configuration on the session's broker and Redis, and the daemons that run in it."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections import defaultdict, namedtuple

import redis
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from fold import Fold, alert_id

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAEMON = pathlib.Path(os.environ.get("RIDERWATCHD", ROOT / "build/release/riderwatchd"))
ALERT_KINDS = {"alerts_emergency": "emergency", "alerts_fire": "fire", "alerts_food": "food"}
OUTPUTS = (*ALERT_KINDS, "dead_letters")
NAMES = {"reports": "rider.reports.v1", "deliveries": "rider.deliveries.v1", "alerts_emergency": "rider.alerts.emergency.v1",
         "alerts_fire": "rider.alerts.fire.v1", "alerts_food": "rider.alerts.food.v1", "dead_letters": "rider.dlq.v1"}
INPUTS = ("reports", "deliveries")
TRANSIENT = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART,
             KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._UNKNOWN_PARTITION, KafkaError._TIMED_OUT)
REPORT_FIELDS = ("rider", "category", "points", "score", "state", "jurisdiction")  # what a dashboard may read

Record = namedtuple("Record", "topic partition offset timestamp key value headers")


def wait_until(condition, timeout, what):
    """Polls until condition() is truthy and returns it; fails with what (text, or a function that makes it)."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(0.05)


def end_by_term():
    """TERM ends the tests like Ctrl-C does: what they started is put away."""
    def on_term(*_):
        signal.signal(signal.SIGTERM, lambda *_: None)  # it may come twice, to us and to our group
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, on_term)


class Stack:
    """The session's broker and Redis, started and harmed through scripts/stack."""

    _admin = None

    def __init__(self, name="flow"):
        self.name = name
        self.order("up")
        environment = dict(pair.split("=", 1) for pair in self.order("env").split())
        self.brokers, self.redis_address = environment["BROKERS"], environment["REDIS"]
        host, port = self.redis_address.rsplit(":", 1)
        self.redis = redis.Redis(host, int(port), decode_responses=True)

    def order(self, *words):
        # Never a broker or Redis that somebody pointed us to: the tests flush and kill theirs.
        environment = {name: value for name, value in os.environ.items() if name not in ("BROKERS", "REDIS")}
        return subprocess.run([str(ROOT / "scripts/stack"), *words, self.name], check=True, stdout=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL, env=environment).stdout

    def admin(self):
        if not self._admin:
            self._admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0, "reconnect.backoff.max.ms": 500})
        return self._admin

    def heal(self):
        """Whatever a test did: both run again."""
        for part in ("kafka", "redis"):
            self.order(part, "resume")
            self.order(part, "start")


class Daemon:
    """One riderwatchd process; its standard error is kept in a file."""

    def __init__(self, config_path, log_path, listen, environment=None, program=DAEMON):
        self.listen, self.log_path = listen, log_path
        with open(log_path, "ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen([str(program), "-c", str(config_path)], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env={**os.environ, **(environment or {})})

    @property
    def log(self):
        with open(self.log_path, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")

    @property
    def runs(self):
        return self.process.poll() is None

    def metrics(self):
        """{"name{labels}": value}, empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.listen}/metrics", timeout=2) as answer:
                text = answer.read().decode()
        except OSError:
            return {}
        return {name: float(value) for name, value in re.findall(r"^([^#\s]\S*(?: \S+=\S*)*) (\S+)$", text, re.M)}

    def wait_ready(self, timeout=20):
        wait_until(lambda: self.metrics() or not self.runs, timeout, lambda: "metrics\n" + self.log[-3000:])
        assert self.runs, f"exit code {self.process.returncode}\n{self.log[-3000:]}"
        return self

    def wait_log(self, pattern, timeout=10):
        return wait_until(lambda: re.search(pattern, self.log), timeout, lambda: f"{pattern} in the log\n{self.log[-3000:]}")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {timeout} s\n{self.log[-3000:]}") from None

    def stop(self, timeout=35):
        """Graceful stop; the exit code."""
        if self.runs:
            self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()


class World:
    def __init__(self, stack, folder, prefix, partitions=3, timestamp_type="LogAppendTime"):
        self.stack, self.folder, self.prefix, self.partitions = stack, folder, prefix, partitions
        self.redis, self.daemons, self.group, self.program = stack.redis, [], f"{prefix}group", DAEMON
        self.topics = {kind: prefix + name for kind, name in NAMES.items()}
        subprocess.run([str(ROOT / "scripts/create-topics"), "--brokers", stack.brokers, "--prefix", prefix, "--partitions",
                        str(partitions), "--timestamp-type", timestamp_type], check=True, stdout=subprocess.DEVNULL)
        (folder / "pseudonym.key").write_bytes(b"0123456789abcdef")
        # Not idempotent: a broker that is killed may make such a producer give up. What is sent twice is one more duplicate.
        self.producer = Producer({"bootstrap.servers": stack.brokers, "partitioner": "murmur2_random", "linger.ms": 5,
                                  "max.in.flight.requests.per.connection": 1, "message.max.bytes": 2000000, "log_level": 0,
                                  "reconnect.backoff.max.ms": 500, "socket.timeout.ms": 5000, "request.timeout.ms": 5000,
                                  "topic.metadata.refresh.interval.ms": 3000})
        self.refused = []

    # ---- daemons ----

    def settings(self, listen, **sections):
        """The configuration as a dict; sections are merged over it, as in batch={"events_max": 1}."""
        host, port = self.stack.redis_address.rsplit(":", 1)
        settings = {
            "kafka": {"brokers": self.stack.brokers, "group": self.group, "session_timeout": "6s", "transaction_timeout": "10s"},
            "topics": dict(self.topics),
            "redis": {"host": host, "port": int(port)},
            "batch": {"idle_after": "200ms"},
            "rules": {"folder": str(ROOT / "pipelines/rules")},
            "privacy": {"pseudonym_key_file": "pseudonym.key"},
            "http": {"listen": listen},
        }
        for section, values in sections.items():
            settings.setdefault(section, {}).update(values)
        return settings

    def write_config(self, name="riderwatchd", **sections):
        """Returns (path, listen address)."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            listen = f"127.0.0.1:{probe.getsockname()[1]}"
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(self.settings(listen, **sections), indent=2, ensure_ascii=False))
        return path, listen

    def launch(self, instance="riderwatch-0", environment=None, **sections):
        """Starts a daemon and does not wait. environment: variables to add."""
        sections["kafka"] = {"instance": instance, **sections.get("kafka", {})}
        path, listen = self.write_config(instance, **sections)
        self.daemons.append(Daemon(path, self.folder / f"{instance}.log", listen, environment, self.program))
        return self.daemons[-1]

    def start(self, instance="riderwatch-0", **sections):
        return self.launch(instance, **sections).wait_ready()

    def end(self):
        for daemon in self.daemons:
            if daemon.runs:
                daemon.signal(signal.SIGCONT)
                daemon.kill()

    # ---- Kafka ----

    def delete_topics(self):
        """Some hundred tests leave thousands of partitions, which a broker that was killed looks through when it starts. Nobody waits
        for the end of it; a broker that a test has left stopped keeps them."""
        for future in self.stack.admin().delete_topics(list(self.topics.values()), operation_timeout=0, request_timeout=3).values():
            with contextlib.suppress(KafkaException):
                future.result(5)

    def send(self, event, shape="structured", **more):
        value, headers = event.shaped(shape)
        self.send_raw(event.kind, event.rider.encode(), value, headers, **more)

    def send_raw(self, kind, key, value, headers=(), **more):
        def on_delivery(error, _):
            if error:
                self.refused.append(error)
        while True:
            try:
                self.producer.produce(self.topics[kind], value, key, headers=list(headers), on_delivery=on_delivery, **more)
                return
            except BufferError:
                self.producer.poll(0.1)

    def flush(self, timeout=30):
        left = self.producer.flush(timeout)
        assert not left and not self.refused, f"{left} records not sent, {self.refused[:3]}"

    def consumer(self, **settings):
        return Consumer({"bootstrap.servers": self.stack.brokers, "group.id": f"{self.prefix}reader", "enable.auto.commit": False,
                         "isolation.level": "read_committed", "enable.partition.eof": True, "log_level": 0, "check.crcs": True,
                         "fetch.wait.max.ms": 50, "reconnect.backoff.max.ms": 500, "socket.timeout.ms": 5000,
                         "topic.metadata.refresh.interval.ms": 3000, **settings})

    def read(self, *kinds, start=None):
        """All committed records of the topics, up to their ends now; start: {(topic, partition): offset}. Not those that only ended a
        transaction that brokers had left open, as every reader does it."""
        consumer, records = self.consumer(), []
        todo = {(self.topics[kind], partition) for kind in kinds for partition in range(self.partitions)}
        consumer.assign([TopicPartition(*slot, (start or {}).get(slot, OFFSET_BEGINNING)) for slot in todo])
        end = time.monotonic() + 40
        while todo:
            assert time.monotonic() < end, f"no end reached within 40 s: {todo}"
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                assert message.error().code() in (KafkaError._PARTITION_EOF, *TRANSIENT), message.error()
                if message.error().code() == KafkaError._PARTITION_EOF:
                    todo.discard((message.topic(), message.partition()))
                continue
            if not is_sweep(message):
                records.append(to_record(message))
        consumer.close()
        return sorted(records, key=lambda record: record[:3])

    def ends(self, *kinds):
        """{(topic, partition): log end}"""
        consumer = self.consumer()

        def end(slot):
            # A topic that was just created may have no leader yet, nor one whose broker was just harmed.
            for _ in range(200):
                try:
                    return consumer.get_watermark_offsets(TopicPartition(*slot), 10)[1]
                except KafkaException as error:
                    if error.args[0].code() not in TRANSIENT:
                        raise
                    time.sleep(0.1)
            raise AssertionError(f"no leader for {slot}")
        ends = {slot: end(slot) for slot in ((self.topics[kind], partition) for kind in kinds for partition in range(self.partitions))}
        consumer.close()
        return ends

    def committed(self, group=None):
        """{(topic, partition): C} of the daemon's group; absent: none."""
        consumer = self.consumer(**{"group.id": group or self.group})
        slots = [TopicPartition(self.topics[kind], partition) for kind in INPUTS for partition in range(self.partitions)]
        found = {(slot.topic, slot.partition): slot.offset for slot in consumer.committed(slots, 15) if slot.offset >= 0}
        consumer.close()
        return found

    # ---- Redis ----

    def applied(self):
        """{(topic, partition): W}"""
        found = {}
        for kind in INPUTS:
            for partition in range(self.partitions):
                applied = self.redis.hget(f"rw:{{{partition}}}:log:{self.topics[kind]}", "applied")
                if applied is not None:
                    found[self.topics[kind], partition] = int(applied)
        return found

    def wait_applied(self, timeout=30):
        """Until every input record is counted."""
        ends = {slot: end for slot, end in self.ends(*INPUTS).items() if end}

        def done():
            running = [daemon for daemon in self.daemons if daemon.runs]
            assert running, f"no daemon runs any more\n{self.daemons[-1].log[-3000:]}"
            try:
                applied = self.applied()
            except redis.exceptions.ConnectionError:
                return False
            return all(applied.get(slot) == end for slot, end in ends.items())
        wait_until(done, timeout, lambda: f"W {self.applied()}\nends {ends}\n" + "\n".join(d.log[-2000:] for d in self.daemons))
        return ends

    def wait_committed(self, timeout=30, visible=10):
        """Until every input record is counted, and then until its offset is there for all to see."""
        ends = self.wait_applied(timeout)
        wait_until(lambda: all(self.committed().get(slot) == end for slot, end in ends.items()), visible,
                   lambda: f"C {self.committed()}, ends {ends}")

    # ---- the whole truth ----

    # Each of these takes what was read already, if it was, since a reader of its own takes some tenths of a second.

    def input_logs(self, records=None):
        """{(topic, partition): its records, in order}"""
        logs = defaultdict(list)
        for record in self.of_kinds(INPUTS, records):
            logs[record.topic, record.partition].append(record)
        return logs

    def alerts(self, start=None, records=None):
        """Every visible alert as (record, decoded value)."""
        return [(record, json.loads(record.value)) for record in self.of_kinds(ALERT_KINDS, records, start)]

    def of_kinds(self, kinds, records=None, start=None):
        topics = {self.topics[kind] for kind in kinds}
        return self.read(*kinds, start=start) if records is None else [record for record in records if record.topic in topics]

    def check_none_open(self):
        """No transaction is left open, so a read_committed reader reaches the end of the log. What a killed process left open
        hides later alerts until the broker ends it, transaction_timeout after its begin."""
        stable, latest = self.consumer(), self.consumer(**{"isolation.level": "read_uncommitted"})
        try:
            for kind in (*INPUTS, *OUTPUTS):
                for partition in range(self.partitions):
                    slot = TopicPartition(self.topics[kind], partition)

                    def ended():
                        return stable.get_watermark_offsets(slot, 10)[1] == latest.get_watermark_offsets(slot, 10)[1]
                    wait_until(ended, 15, f"a transaction hangs on {slot.topic} {partition}")
        finally:
            stable.close()
            latest.close()

    def verdicts(self, alerts):
        """{(partition, offset): (category, severity, hazard code)} of the reports that were alerted."""
        kinds = {self.topics[kind]: category for kind, category in ALERT_KINDS.items()}
        return {(value["data"]["source"]["partition"], value["data"]["source"]["offset"]):
                (kinds[record.topic], value["data"]["severity"], value["data"]["hazard_code"]) for record, value in alerts}

    def check(self, window=24, timeout=30):
        """Every input is counted once, and every alert and dead letter is visible once. Returns the fold."""
        self.flush()
        self.wait_committed(timeout)
        self.check_none_open()
        all_records = self.read(*INPUTS, *OUTPUTS)
        alerts = self.alerts(records=all_records)
        fold = Fold(self.verdicts(alerts), window)
        for (_, partition), records in sorted(self.input_logs(all_records).items()):
            fold.run(partition, records)
        self.check_alerts(fold, alerts)
        self.check_dead_letters(fold, all_records)
        self.check_counters(fold)
        return fold

    def check_alerts(self, fold, alerts):
        seen = defaultdict(int)
        for record, value in alerts:
            source = value["data"]["source"]
            assert source["topic"] == self.topics["reports"]
            seen[source["partition"], source["offset"], value["id"]] += 1
        expected = {(*slot, alert_id(*event)) for slot, event in fold.alerts.items()}
        twice = {slot for slot, count in seen.items() if count > 1}
        assert not twice, f"{len(twice)} alerts are visible more than once: {sorted(twice)[:5]}"
        assert set(seen) == expected, f"unexpected {sorted(set(seen) - expected)[:5]}, lost {sorted(expected - set(seen))[:5]}"

    def check_dead_letters(self, fold, records=None):
        seen = defaultdict(int)
        for record in self.of_kinds(["dead_letters"], records):
            headers = dict(record.headers)
            seen[headers["rw.error.topic"].decode(), int(headers["rw.error.partition"]), int(headers["rw.error.offset"])] += 1
        twice = {slot for slot, count in seen.items() if count > 1}
        assert not twice, f"{len(twice)} dead letters are visible more than once: {sorted(twice)[:5]}"
        assert set(seen) == fold.dead, f"unexpected {sorted(set(seen) - fold.dead)[:5]}, lost {sorted(fold.dead - set(seen))[:5]}"

    def check_counters(self, fold):
        actual, reports = {}, []
        for key in self.redis.scan_iter("rw:{*}:*", count=1000):
            kind = key.split(":")[2]
            if kind in ("rider", "totals"):
                actual[key] = self.redis.hgetall(key)
            elif kind == "report":
                kept = self.redis.hgetall(key)
                reports.append(tuple((field, kept.get(field)) for field in REPORT_FIELDS))
        heard = {key: int(fields.pop("last_ms")) for key, fields in actual.items() if "last_ms" in fields}
        counters = {key: {field: int(value) for field, value in fields.items() if int(value)} for key, fields in actual.items()}
        expected = {key: {field: value for field, value in fields.items() if value} for key, fields in fold.hashes.items()}
        wrong = [f"{key}: {counters.get(key) or {}}, expected {expected.get(key) or {}}"
                 for key in sorted({*counters, *expected}) if (counters.get(key) or {}) != (expected.get(key) or {})]
        assert not wrong, f"{len(wrong)} hashes are wrong, as\n" + "\n".join(wrong[:6])
        assert heard == fold.last_ms
        assert sorted(reports) == sorted(tuple((field, kept[field]) for field in REPORT_FIELDS) for kept in fold.reports.values())


def is_sweep(message):
    return message.key() == b"rw.sweep" and message.value() is None


def to_record(message):
    return Record(message.topic(), message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(),
                  message.headers() or [])
