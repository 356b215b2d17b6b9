# SPDX-License-Identifier: Apache-2.0
"""A broker that asks who one is: passwords (PLAIN, SCRAM) with and without TLS, client certificates, access control lists; and a Redis of its own with
whatever options a test gives it."""
import os
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile

import redis

from world import INPUTS, NAMES, OUTPUTS, ROOT, wait_until

JARS = pathlib.Path(os.environ.get("RIDERWATCH_CACHE") or
                    pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "riderwatch") / "kafka-4.3.1"
CLUSTER_ID = "cmlkZXJ3YXRjaC1ndWFyZA"
SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},SASLTLS://127.0.0.1:{sasl_tls},MUTUAL://127.0.0.1:{mutual},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},SASLTLS://127.0.0.1:{sasl_tls},MUTUAL://127.0.0.1:{mutual}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL,MUTUAL:SSL
sasl.enabled.mechanisms=SCRAM-SHA-256,PLAIN
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasltls.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {plain_users};
listener.name.sasltls.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {plain_users};
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.crt
listener.name.mutual.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
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
PASSWORDS = {"full": "a-full-password", "reader": "a-reader-password", "stranger": "a-stranger-password"}
TOPICS = {kind: f"g.{name}" for kind, name in NAMES.items()}
LISTENERS = ("plain", "sasl", "sasl_tls", "mutual")


def free_port():
    """Below the range that the kernel hands to outgoing connections."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stdin=subprocess.DEVNULL, capture_output=True)


class Authority:
    """Signs certificates for 127.0.0.1 and localhost: NAME.key, NAME.crt, and both in NAME.pem, beside ca.crt."""

    def __init__(self, folder):
        self.folder = folder
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority", "-keyout", folder / "ca.key",
                "-out", folder / "ca.crt")

    def sign(self, name):
        key, request, certificate, names = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt", "names"))
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.folder / "ca.crt", "-CAkey", self.folder / "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", names, "-out", certificate)
        (self.folder / f"{name}.pem").write_text(key.read_text() + certificate.read_text())


class GuardedKafka:
    """ports[listener]; users: {name: password} for PLAIN and SCRAM. The listener "plain" lets anybody do anything: for the tests themselves."""

    def __init__(self, users):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="riderwatch-guarded-"))
        self.ports = {name: free_port() for name in (*LISTENERS, "controller")}
        self.authority = Authority(self.folder)
        for name in ("broker", "mtls-user"):
            self.authority.sign(name)
        plain_users = " ".join(f'user_{name}="{password}"' for name, password in users.items())
        (self.folder / "server.properties").write_text(SETTINGS.format(folder=self.folder, plain_users=plain_users, **self.ports))
        scram = [word for name, password in users.items()
                 for word in ("--add-scram", f"SCRAM-SHA-256=[name={name},password={password}]")]
        format = self.java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self.folder / "server.properties"), *scram)
        assert format.wait(60) == 0, self.log
        self.process = self.java("kafka.Kafka", str(self.folder / "server.properties"))
        wait_until(lambda: "Kafka Server started" in self.log or self.process.poll() is not None, 60, lambda: self.log[-3000:])
        assert self.process.poll() is None, self.log[-3000:]

    @property
    def log(self):
        return (self.folder / "log").read_text()

    def java(self, *words):
        # A broker must not outlive its test, however that ends.
        with open(self.folder / "log", "ab") as output:
            return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "java", "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC",
                                     "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                                     "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", "-cp", f"{JARS}/*", *words],
                                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def address(self, listener):
        return f"127.0.0.1:{self.ports[listener]}"

    def grant(self, users, *words):
        """One call of kafka-acls: grant(["a"], "--operation", "Read", "--topic", "x")."""
        principals = [word for user in users for word in ("--allow-principal", f"User:{user}")]
        done = self.java("org.apache.kafka.tools.AclCommand", "--bootstrap-server", self.address("plain"), "--add", *principals, *words)
        assert done.wait(60) == 0, self.log[-3000:]

    def end(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)


class OwnRedis:
    """A redis-server with further options, as in OwnRedis("--maxmemory", "50mb"). unix: no port, a socket."""

    def __init__(self, *options, environment=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="riderwatch-redis-"))
        self.port, self.socket = free_port(), str(self.folder / "redis.sock")
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "redis-server", "--bind", "127.0.0.1", "--port", str(self.port),
                                         "--unixsocket", self.socket, "--dir", str(self.folder), "--save", "", "--logfile", "log",
                                         *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **(environment or {})})
        self.client = redis.Redis(unix_socket_path=self.socket, decode_responses=True)
        wait_until(self.answers, 10, "the test's Redis answers")

    def answers(self):
        try:
            return self.client.ping()
        except redis.exceptions.AuthenticationError:
            return True
        except redis.exceptions.ConnectionError:
            return False

    def end(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)


# ---- the broker that tests share: who may do what ----

def make_topics(brokers, prefix, *options):
    subprocess.run([str(ROOT / "scripts/create-topics"), "--brokers", brokers, "--prefix", prefix, "--partitions", "2", *options],
                   check=True, stdout=subprocess.DEVNULL)


def start_guarded():
    """"full" and the certificate "mtls-user" have every right that the daemon needs, "reader" only those to read, "stranger" none."""
    kafka = GuardedKafka(PASSWORDS)
    make_topics(kafka.address("plain"), "g.")
    inputs = [word for kind in INPUTS for word in ("--topic", TOPICS[kind])]
    outputs = [word for kind in OUTPUTS for word in ("--topic", TOPICS[kind])]
    kafka.grant(["full", "reader", "mtls-user"], "--operation", "Read", "--operation", "Describe", *inputs)
    kafka.grant(["full", "mtls-user"], "--operation", "Write", "--operation", "Describe", *outputs)
    kafka.grant(["reader"], "--operation", "Describe", *outputs)
    kafka.grant(["full", "mtls-user"], "--operation", "Read", "--topic", "__transaction_state", "--topic", "__consumer_offsets")
    kafka.grant(["full", "mtls-user"], "--operation", "Read", "--resource-pattern-type", "prefixed", "--group", "g.own")
    kafka.grant(["full", "reader", "mtls-user"], "--operation", "Read", "--resource-pattern-type", "prefixed", "--group", "g.group")
    kafka.grant(["full", "mtls-user"], "--operation", "Write", "--operation", "Describe", "--resource-pattern-type", "prefixed",
                "--transactional-id", "g.group")
    return kafka


def settings_for(kafka, user, folder, listener="sasl", mechanism="PLAIN", password=None):
    """Section kafka for a user of that listener."""
    properties = {"security.protocol": {"sasl": "sasl_plaintext", "sasl_tls": "sasl_ssl", "mutual": "ssl"}[listener]}
    settings = {"brokers": kafka.address(listener), "group": "g.group", "properties": properties}
    if listener != "sasl":
        properties["ssl.ca.location"] = str(kafka.folder / "ca.crt")
    if listener == "mutual":
        properties["ssl.certificate.location"] = str(kafka.folder / f"{user}.crt")
        properties["ssl.key.location"] = str(kafka.folder / f"{user}.key")
    else:
        properties.update({"sasl.mechanism": mechanism, "sasl.username": user})
        (folder / "kafka-password").write_text((password or PASSWORDS[user]) + "\n")
        (folder / "kafka-password").chmod(0o600)
        settings["password_file"] = "kafka-password"
    return settings
