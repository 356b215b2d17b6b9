# SPDX-License-Identifier: Apache-2.0
"""A broker that knows its clients by password and lets them do only what ACLs say, and a Redis with an ACL file."""
import os
import pathlib
import socket
import struct
import subprocess
import time

import redis

from test_package import free_port
from world import wait_until

JARS = pathlib.Path(os.environ.get("RIDERWATCH_CACHE", pathlib.Path.home() / ".cache/riderwatch")) / "kafka-4.3.1"
PASSWORD = "secret"
SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=OPEN://127.0.0.1:{open},SECURED://127.0.0.1:{secured},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=OPEN://127.0.0.1:{open},SECURED://127.0.0.1:{secured}
controller.listener.names=CONTROLLER
inter.broker.listener.name=OPEN
listener.security.protocol.map=CONTROLLER:PLAINTEXT,OPEN:PLAINTEXT,SECURED:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
# The broker itself, and the test, which comes through the open door.
super.users=User:ANONYMOUS
log.dirs={folder}/data
auto.create.topics.enable=false
message.max.bytes=2097152
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
"""


def java(main, *words, **options):
    return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", "-cp", f"{JARS}/*", main, *words]


class Broker:
    """users: names that may log in, all with PASSWORD. What World wants of a stack is here too."""

    def __init__(self, folder, users):
        ports = {name: free_port() for name in ("controller", "open", "secured")}
        self.brokers, self.secured, self.folder = f"127.0.0.1:{ports['open']}", f"127.0.0.1:{ports['secured']}", folder
        settings = folder / "server.properties"
        logins = " ".join(f'user_{name}="{PASSWORD}"' for name in users)
        settings.write_text(SETTINGS.format(folder=folder, users=logins, **ports))
        subprocess.run(java("kafka.tools.StorageTool", "format", "-t", "cmlkZXJ3YXRjaC1kZXYwMQ", "-c", str(settings)), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.log = folder / "log"
        self.process = subprocess.Popen(java("kafka.Kafka", str(settings)), stdout=open(self.log, "wb"), stderr=subprocess.STDOUT)
        wait_until(lambda: "Kafka Server started" in self.log.read_text() or self.process.poll() is not None, 60, self.log.read_text)
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        self.redis, self.redis_address = None, "127.0.0.1:0"

    def run_acls(self, words):
        """One kafka-acls command, as Kafka's own tool runs it."""
        done = subprocess.run(java("org.apache.kafka.tools.AclCommand", *words[1:]), capture_output=True, text=True)
        assert done.returncode == 0 and "Adding ACLs" in done.stdout, done.stdout + done.stderr

    def grant(self, grants):
        """(principal, resource, name, pattern, operation) of each; in one request, since each run of the tool takes a second."""
        def text(value):
            return struct.pack(">h", len(value.encode())) + value.encode()
        codes = {"topic": 2, "group": 3, "transactional-id": 5, "literal": 3, "prefixed": 4, "Read": 3, "Write": 4, "Describe": 8}
        body = struct.pack(">hhi", 30, 1, 7) + text("test") + struct.pack(">i", len(grants))
        for principal, resource, name, pattern, operation in grants:
            body += struct.pack(">b", codes[resource]) + text(name) + struct.pack(">b", codes[pattern]) + text(principal) + text("*")
            body += struct.pack(">bb", codes[operation], 3)
        host, port = self.brokers.split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            answer = connection.makefile("rb")
            size, = struct.unpack(">i", answer.read(4))
            reply = answer.read(size)
        _, _, count = struct.unpack(">iii", reply[:12])
        assert count == len(grants) and not any(reply[12:].replace(b"\xff\xff", b"")), reply

    def properties(self, user):
        return {"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": user, "sasl.password": PASSWORD}

    def heal(self):
        """Nobody harms this one."""

    def end(self):
        self.process.terminate()
        self.process.wait(30)


class Redis:
    """A private Redis; acl: lines of its ACL file, with a default user added who may do anything."""

    def __init__(self, folder, acl):
        folder.mkdir(exist_ok=True)
        (folder / "users.acl").write_text("user default on nopass ~* &* +@all\n" + "".join(f"{line}\n" for line in acl))
        self.port = free_port()
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder),
                                         "--appendonly", "yes", "--aclfile", str(folder / "users.acl")],
                                        stdout=open(folder / "log", "wb"), stderr=subprocess.STDOUT)
        self.client = redis.Redis("127.0.0.1", self.port, decode_responses=True)
        wait_until(self.answers, 10, (folder / "log").read_text)

    def answers(self):
        try:
            return self.client.ping()
        except redis.exceptions.ConnectionError:
            time.sleep(0.02)
            return False

    def end(self):
        self.client.close()
        self.process.kill()
        self.process.wait()
