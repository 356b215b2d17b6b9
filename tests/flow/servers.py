# SPDX-License-Identifier: Apache-2.0
"""Servers that a test starts for itself: a Kafka that asks who one is, a Redis with options, one with Sentinels. None outlives the test, however that ends."""
import contextlib
import os
import pathlib
import random
import re
import shutil
import socket
import struct
import subprocess
import tempfile

import redis

from world import ROOT, wait_until

JARS = pathlib.Path(os.environ.get("RIDERWATCH_CACHE") or
                    pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "riderwatch") / "kafka-4.3.1"
CLUSTER_ID = "cmlkZXJ3YXRjaC1ndWFyZA"
SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
controller.listener.names=CONTROLLER
inter.broker.listener.name={own}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocols}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
# The broker itself, and the tests, which come through its own door.
super.users=User:ANONYMOUS
log.dirs={folder}/data
auto.create.topics.enable=false
message.max.bytes=2097152
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=4194304
log.index.size.max.bytes=1048576
"""
# Codes of Kafka's request CreateAcls.
CODES = {"topic": 2, "group": 3, "transactional-id": 5, "literal": 3, "prefixed": 4, "Read": 3, "Write": 4, "Describe": 8}


def stack_ports():
    """Those of every broker and Redis of scripts/stack, whether it listens now or comes back after a kill."""
    ports = set()
    for path in (ROOT / "build/stack").glob("*/ports"):
        with contextlib.suppress(OSError):  # that one ended just now
            ports.update(map(int, re.findall(r"=(\d+)", path.read_text())))
    return ports


def free_ports(count):
    """Different ones, below the range that the kernel hands to outgoing connections, so that they stay free until somebody listens."""
    ports, taken = set(), stack_ports()
    while len(ports) < count:
        port = random.randrange(20000, 32000)
        if port in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.add(port)
    return list(ports)


def free_port():
    return free_ports(1)[0]


def java(*words, compiler=1, options=()):
    """The words that start one of Kafka's programs."""
    return ["setpriv", "--pdeathsig", "KILL", "java", "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", f"-XX:TieredStopAtLevel={compiler}",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", *options,
            "-cp", f"{JARS}/*", *words]


class GuardedBroker:
    """A broker with access control lists, in a folder. protocols: {listener: security protocol}, the first of which is the broker's own
    and lets anybody do anything. settings: further lines of its properties."""

    def __init__(self, folder, protocols, settings, format_words=()):
        self.folder = folder
        self.ports = dict(zip((*protocols, "controller"), free_ports(len(protocols) + 1)))
        listeners = ",".join(f"{self.listener(name)}://127.0.0.1:{self.ports[name]}" for name in protocols)
        properties = folder / "server.properties"
        properties.write_text(SETTINGS.format(
            controller=self.ports["controller"], listeners=listeners, own=self.listener(next(iter(protocols))), folder=folder,
            protocols=",".join(f"{self.listener(name)}:{protocol}" for name, protocol in protocols.items())) + settings)
        format = self.run("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties), *format_words)
        assert format.wait(60) == 0, self.log
        self.process = self.run("kafka.Kafka", str(properties))
        wait_until(lambda: "Kafka Server started" in self.log or self.process.poll() is not None, 60, lambda: self.log[-3000:])
        assert self.process.poll() is None, self.log[-3000:]

    @staticmethod
    def listener(name):
        return name.replace("_", "").upper()

    @property
    def log(self):
        return (self.folder / "log").read_text()

    def run(self, *words):
        with open(self.folder / "log", "ab") as output:
            return subprocess.Popen(java(*words), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def address(self, listener):
        return f"127.0.0.1:{self.ports[listener]}"

    def grant(self, grants):
        """(principal, resource, name, pattern, operation) of each; in one request, since each run of Kafka's tool takes a second."""
        def text(value):
            return struct.pack(">h", len(value.encode())) + value.encode()
        body = struct.pack(">hhi", 30, 1, 7) + text("test") + struct.pack(">i", len(grants))
        for principal, resource, name, pattern, operation in grants:
            body += struct.pack(">b", CODES[resource]) + text(name) + struct.pack(">b", CODES[pattern]) + text(principal) + text("*")
            body += struct.pack(">bb", CODES[operation], 3)
        with socket.create_connection(("127.0.0.1", next(iter(self.ports.values()))), timeout=20) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            answer = connection.makefile("rb")
            size, = struct.unpack(">i", answer.read(4))
            reply = answer.read(size)
        _, _, count = struct.unpack(">iii", reply[:12])
        assert count == len(grants) and not any(reply[12:].replace(b"\xff\xff", b"")), reply

    def end(self):
        self.process.kill()
        self.process.wait()


class OwnRedis:
    """A redis-server with further options, as in OwnRedis("--maxmemory", "50mb"). It listens on a socket, too."""

    def __init__(self, *options, environment=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="riderwatch-redis-"))
        self.port, self.socket = free_port(), str(self.folder / "redis.sock")
        self.words = ["setpriv", "--pdeathsig", "KILL", "redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--unixsocket",
                      self.socket, "--dir", str(self.folder), "--save", "", "--logfile", "log", *options]
        self.client = redis.Redis(unix_socket_path=self.socket, decode_responses=True)
        self.start(environment)

    def start(self, environment=None):
        """Again after it was killed, too."""
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **(environment or {})})
        wait_until(self.answers, 10, "the test's Redis answers")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def answers(self):
        try:
            return self.client.ping()
        except redis.exceptions.AuthenticationError:
            return True
        except redis.exceptions.ConnectionError:
            return False

    def end(self):
        self.client.close()
        self.kill()
        shutil.rmtree(self.folder)


MASTER = "riders"


class Sentinels:
    """A master, its replica, and Sentinels that watch them under the name MASTER."""

    def __init__(self, count=3, down_after_ms=1000, extra=""):
        self.redis = [OwnRedis("--appendonly", "yes")]
        self.redis.append(OwnRedis("--appendonly", "yes", "--replicaof", f"127.0.0.1 {self.redis[0].port}", "--repl-diskless-sync-delay", "0"))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="riderwatch-sentinel-"))
        wait_until(lambda: self.redis[1].client.info("replication")["master_link_status"] == "up", 10, "the replica follows")
        self.ports, self.processes = free_ports(count), []
        for port in self.ports:
            path = self.folder / f"{port}.conf"
            path.write_text(f"""bind 127.0.0.1\nport {port}\ndir {self.folder}\nlogfile {self.folder}/{port}.log
sentinel monitor {MASTER} 127.0.0.1 {self.redis[0].port} {count // 2 + 1}
sentinel down-after-milliseconds {MASTER} {down_after_ms}\nsentinel failover-timeout {MASTER} 5000\n{extra}\n""")
            self.processes.append(subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "redis-server", str(path), "--sentinel"],
                                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        self.clients = [redis.Redis("127.0.0.1", port, decode_responses=True) for port in self.ports]
        wait_until(self.hurry, 10, "the Sentinels answer")

    def hurry(self, publish_ms=250):
        """They look at Redis and talk to each other more often than every 10 and 2 s. Four times publish_ms they let a former master
        be one before they make it a replica."""
        try:
            return [client.execute_command("SENTINEL", "DEBUG", "info-period", 500, "publish-period", publish_ms) for client in self.clients]
        except redis.exceptions.ConnectionError:
            return None

    @property
    def addresses(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def settings(self, **more):
        """Section redis for them; host and port are defaults, so that what a test's world says of them does not count."""
        return {"host": "127.0.0.1", "port": 6379, "sentinels": self.addresses, "sentinel_master": MASTER, **more}

    def states(self):
        """What each says of the master, and of its replicas."""
        return [(client.sentinel_master(MASTER), client.sentinel_slaves(MASTER)) for client in self.clients]

    def named(self):
        """The ports that they call the master's."""
        return {client.sentinel_get_master_addr_by_name(MASTER)[1] for client in self.clients}

    def master(self):
        """The Redis that all of them name."""
        named = self.named()
        return next((server for server in self.redis if named == {server.port}), None)

    def is_whole(self):
        """All know of each other, of one master, and of a replica that could take over."""
        try:
            states = self.states()
            return self.master() and all(
                master["num-other-sentinels"] == len(self.ports) - 1 and not master["is_disconnected"] and "down" not in master["flags"]
                and any(replica["master-link-status"] == "ok" and replica["flags"] == "slave" for replica in replicas)
                for master, replicas in states)
        except redis.exceptions.ConnectionError:
            return False

    def wait_whole(self, timeout=25):
        wait_until(self.is_whole, timeout, lambda: f"Sentinels agree: {self.states()}")
        return self

    def end(self):
        for client in self.clients:
            client.close()
        for process in self.processes:
            process.kill()
            process.wait()
        for server in self.redis:
            server.end()
        shutil.rmtree(self.folder)
