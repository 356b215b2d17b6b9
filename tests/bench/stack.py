# SPDX-License-Identifier: Apache-2.0
"""The private Kafka and Redis that all is measured on, and topics loaded with events."""
import os
import time
from dataclasses import dataclass

from processes import BUILD, ROOT, Failed, cpu_seconds, free_port, run, say

NAMES = {"reports": "rider.reports.v1", "deliveries": "rider.deliveries.v1", "alerts_emergency": "rider.alerts.emergency.v1",
         "alerts_fire": "rider.alerts.fire.v1", "alerts_food": "rider.alerts.food.v1", "dead_letters": "rider.dlq.v1"}
INPUTS = ("reports", "deliveries")
ALERTS = ("alerts_emergency", "alerts_fire", "alerts_food")
FLOOR_TOPIC = "bench.floor.v1"  # where the floor's alerts go
PARTITIONS = 6
SEED = 7


@dataclass(frozen=True)
class Load:
    """What is in the topics; see generate --help."""
    deliveries: float = 80
    reviews: float = 0
    structured: float = 100
    complete: bool = True
    riders: int = 50000

    def arguments(self):
        return ["--deliveries", f"{self.deliveries:g}", "--reviews", f"{self.reviews:g}", "--structured", f"{self.structured:g}",
                "--riders", str(self.riders), *(["--complete"] if self.complete else [])]

    def __str__(self):
        return (f"{self.deliveries:g} % deliveries, {self.reviews:g} % of the rest reviews, {self.structured:g} % structured, "
                f"{self.riders:,} riders")


class Topics:
    """One set of input and output topics; prefix goes before every name."""

    def __init__(self, stack, prefix):
        self.stack, self.prefix = stack, prefix
        self.names = {kind: prefix + name for kind, name in NAMES.items()}
        self.floor = prefix + FLOOR_TOPIC
        run(ROOT / "scripts/create-topics", "--brokers", stack.brokers, "--prefix", prefix, "--partitions", PARTITIONS, "--extra-alerts",
            self.floor)
        self.events = 0
        self.alert_count, self.alert_size = 0, 0  # as a daemon published them, for the floor

    @property
    def inputs(self):
        return [self.names[kind] for kind in INPUTS]

    def generate(self, load, count, first=0, *more):
        run(BUILD / "generate", "--brokers", self.stack.brokers, "--prefix", self.prefix, "--count", count, "--seed", SEED, "--quiet",
            *(["--start", first] if first else []), *load.arguments(), *more)
        self.events = sum(self.stack.ends(self.inputs).values())

    def published(self):
        """Where the logs of all output topics end, summed."""
        return sum(self.stack.ends([name for kind, name in self.names.items() if kind not in INPUTS]).values())

    @staticmethod
    def clear(stack, prefix):
        """Deletes what there is of them."""
        stack.delete([prefix + name for name in (*NAMES.values(), FLOOR_TOPIC)])

    def delete(self):
        self.clear(self.stack, self.prefix)


class Stack:
    """A private Kafka and Redis below build/stack/NAME, always started afresh."""

    def __init__(self, name="bench"):
        self.name = name
        self.order("clean")
        say("starting Kafka and Redis")
        self.order("up")
        places = dict(pair.split("=", 1) for pair in self.order("env").split())
        self.brokers, self.redis = places["BROKERS"], places["REDIS"]
        self.folder = ROOT / "build/stack" / name
        self.socket = self.folder / "redis/socket"

    def order(self, *words):
        # Never a broker or Redis that somebody pointed us to: it is flushed, and its CPU time is read from /proc.
        environment = {name: value for name, value in os.environ.items() if name not in ("BROKERS", "REDIS")}
        return run(ROOT / "scripts/stack", *words, self.name, env=environment)

    def pid(self, part):
        return int((self.folder / part / "pid").read_text())

    def usage(self):
        """CPU seconds; Redis' with those of children that wrote its files."""
        return {"redis": cpu_seconds(self.pid("redis"), children=True), "broker": cpu_seconds(self.pid("kafka"))}

    def ask_redis(self, *words):
        host, port = self.redis.rsplit(":", 1)
        return run("redis-cli", "-h", host, "-p", port, *words).strip()

    def way_to_redis(self, connection):
        """Section redis of a configuration."""
        host, port = self.redis.rsplit(":", 1)
        if connection == "socket":
            return {"socket": str(self.socket)}
        if connection == "tls":
            return {"host": host, "port": self.listen_for_tls(), "tls": True, "tls_ca_file": str(self.folder / "redis.crt")}
        return {"host": host, "port": int(port)}

    def listen_for_tls(self):
        """Redis does so from the first call on, with a certificate of its own."""
        certificate, key = self.folder / "redis.crt", self.folder / "redis.key"
        if not certificate.exists():
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", certificate)
            self.tls_port = free_port()
            self.ask_redis("config", "set", "tls-key-file", str(key), "tls-cert-file", str(certificate), "tls-auth-clients", "no",
                           "tls-port", str(self.tls_port))
        return self.tls_port

    def reset_redis(self, append_only):
        """Empty, and with or without an append-only file (everysec)."""
        self.ask_redis("config", "set", "appendonly", "no")
        self.ask_redis("flushall")
        self.ask_redis("config", "set", "appendonly", "yes" if append_only else "no")
        end = time.monotonic() + 60
        while "aof_rewrite_in_progress:1" in (info := self.ask_redis("info", "persistence")) or "aof_rewrite_scheduled:1" in info:
            if time.monotonic() > end:
                raise Failed("Redis did not end writing its append-only file anew")
            time.sleep(0.1)

    # ---- Kafka ----

    def consumer(self, group="bench-look"):
        from confluent_kafka import Consumer
        return Consumer({"bootstrap.servers": self.brokers, "group.id": group, "enable.auto.commit": False, "log_level": 0,
                         "isolation.level": "read_committed", "auto.offset.reset": "earliest"})

    def ends(self, topics):
        """{(topic, partition): end of the log}"""
        from confluent_kafka import TopicPartition
        consumer = self.consumer()
        known = consumer.list_topics(timeout=10).topics
        ends = {(topic, p): consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1]
                for topic in topics for p in known[topic].partitions}
        consumer.close()
        return ends

    def mean_size(self, topics, enough=200):
        """Of the first records of some topics, in bytes."""
        from confluent_kafka import TopicPartition
        consumer, sizes, end = self.consumer(), [], time.monotonic() + 10
        consumer.assign([TopicPartition(topic, p, 0) for (topic, p), last in self.ends(topics).items() if last])
        while len(sizes) < enough and time.monotonic() < end:
            sizes += [len(message.value()) for message in consumer.consume(enough, 0.5) if not message.error() and message.value()]
        consumer.close()
        return round(sum(sizes) / len(sizes)) if sizes else 0

    def delete(self, topics):
        from confluent_kafka.admin import AdminClient
        admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})
        known = admin.list_topics(timeout=10).topics
        topics = [topic for topic in topics if topic in known]
        for future in (admin.delete_topics(topics, operation_timeout=10) if topics else {}).values():
            future.exception(20)
        end = time.monotonic() + 30
        while set(topics) & set(admin.list_topics(timeout=10).topics):
            if time.monotonic() > end:
                raise Failed(f"the broker did not delete {', '.join(topics)}")
            time.sleep(0.1)

    def down(self):
        self.order("clean")
