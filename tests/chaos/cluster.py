# SPDX-License-Identifier: Apache-2.0
"""Kafka brokers whose nodes can be harmed one by one, and a Redis beside them (of scripts/stack). Each node has a second listener
that sends its clients to a proxy; so has Redis."""
import signal
import socket
import subprocess
import time

import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from proxy import Proxy
from servers import free_ports, java
from world import ROOT, Stack, wait_until

CLUSTER_ID = "cmlkZXJ3YXRjaC1jaGFvcw"
SETTINGS = """
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners=DIRECT://127.0.0.1:{direct},CONTROLLER://127.0.0.1:{controller},PROXIED://127.0.0.1:{proxied}
advertised.listeners=DIRECT://127.0.0.1:{direct},PROXIED://127.0.0.1:{proxy}
controller.listener.names=CONTROLLER
inter.broker.listener.name=DIRECT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,DIRECT:PLAINTEXT,PROXIED:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
message.max.bytes=2097152
replica.fetch.max.bytes=2097152
default.replication.factor={copies}
min.insync.replicas={enough}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=6
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={enough}
transaction.state.log.num.partitions=6
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={enough}
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
replica.lag.time.max.ms=5000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
log.cleaner.dedupe.buffer.size=4194304
log.index.size.max.bytes=1048576
num.network.threads=2
num.io.threads=4
"""


class Node:
    def __init__(self, folder, number):
        self.folder, self.number, self.process = folder / f"node-{number}", number, None
        self.direct, self.controller, self.proxied = free_ports(3)
        self.proxy = Proxy(self.proxied)

    def java(self, *words, log):
        with open(self.folder / log, "ab") as output:
            return subprocess.Popen(java(*words, compiler=4, options=["-Dorg.slf4j.simpleLogger.showDateTime=true"]),
                                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def prepare(self, voters, count):
        self.folder.mkdir(parents=True, exist_ok=True)
        text = SETTINGS.format(number=self.number, voters=voters, direct=self.direct, controller=self.controller,
                               proxied=self.proxied, proxy=self.proxy.port, folder=self.folder, copies=count, enough=min(count, 2))
        (self.folder / "server.properties").write_text(text)
        return self.java("kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", CLUSTER_ID, "-c",
                         str(self.folder / "server.properties"), log="format.log")

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        if not self.runs:
            (self.folder / "log").write_bytes(b"")
            self.process = self.java("kafka.Kafka", str(self.folder / "server.properties"), log="log")

    def is_ready(self):
        assert self.runs, (self.folder / "log").read_text()[-2000:]
        return "Kafka Server started" in (self.folder / "log").read_text()

    def send(self, number):
        if self.runs:
            self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        if self.runs:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Cluster(Stack):
    """Stands in for the one-broker stack: the same orders, and the nodes by themselves."""

    def __init__(self, name="cluster", nodes=1):
        self.name = name
        super().order("clean")
        super().order("redis", "start")
        environment = dict(pair.split("=", 1) for pair in super().order("env").split())
        self.redis_address = environment["REDIS"]
        host, port = self.redis_address.rsplit(":", 1)
        self.redis = redis.Redis(host, int(port), decode_responses=True)
        self.nodes = [Node(ROOT / "build/stack" / name, number) for number in range(1, nodes + 1)]
        voters = ",".join(f"{node.number}@127.0.0.1:{node.controller}" for node in self.nodes)
        for format in [node.prepare(voters, nodes) for node in self.nodes]:
            assert format.wait(60) == 0, f"storage of a node could not be formatted, see {self.nodes[0].folder}/format.log"
        self.brokers = ",".join(f"127.0.0.1:{node.direct}" for node in self.nodes)
        self.proxied_brokers = ",".join(node.proxy.address for node in self.nodes)
        self.redis_proxy = Proxy(int(port), frames=False)
        self.start()

    def start(self):
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            wait_until(node.is_ready, 120, lambda: f"node {node.number}\n" + (node.folder / "log").read_text()[-2000:])

    def order(self, *words):
        if words[0] == "clean":
            self.close()
        if words[0] != "kafka":
            return super().order(*words)
        for node in self.nodes:
            self.node_order(node, words[1])
        if words[1] == "start":
            self.start()
        return ""

    @staticmethod
    def node_order(node, order):
        {"start": node.start, "stop": node.end, "kill": lambda: node.end(signal.SIGKILL),
         "pause": lambda: node.send(signal.SIGSTOP), "resume": lambda: node.send(signal.SIGCONT)}[order]()

    def close(self):
        for node in self.nodes:
            node.end(signal.SIGKILL)
            node.proxy.close()
        self.redis_proxy.close()

    # ---- who leads ----

    def leader(self, topic, partition):
        """The node that leads a partition."""
        admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0, "socket.timeout.ms": 5000})
        number = admin.list_topics(topic, 10).topics[topic].partitions[partition].leader
        return self.nodes[number - 1]

    def is_whole(self, timeout):
        """Whether every partition comes to have all of its replicas in step within that time, so that one more broker may go."""
        admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0, "socket.timeout.ms": 5000})
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                topics = admin.list_topics(timeout=5).topics.values()
            except KafkaException:
                topics = ()
            if topics and all(len(partition.isrs) == len(self.nodes) for topic in topics for partition in topic.partitions.values()):
                return True
            time.sleep(0.2)
        return False

    def wait_whole(self, timeout=60):
        assert self.is_whole(timeout), f"not all replicas in step within {timeout} s"

    def group_coordinator(self, group):
        return self.leader("__consumer_offsets", java_hash(group) % 6)

    def transaction_coordinator(self, id):
        return self.leader("__transaction_state", java_hash(id) % 6)


def java_hash(text):
    """Kafka's choice of a coordinator: the absolute value of Java's hash of the name."""
    hash = 0
    for byte in text.encode("utf-16-be")[1::2]:
        hash = (hash * 31 + byte) & 0xFFFFFFFF
    return hash if hash < 1 << 31 else (1 << 32) - hash
