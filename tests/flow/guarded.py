# SPDX-License-Identifier: Apache-2.0
"""A broker that asks who one is: passwords (PLAIN, SCRAM) with and without TLS, client certificates, access control lists; what each user
may do."""
import pathlib
import shutil
import subprocess
import tempfile

from servers import GuardedBroker
from world import INPUTS, NAMES, OUTPUTS, ROOT

SETTINGS = """
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
"""
PASSWORDS = {"full": "a-full-password", "reader": "a-reader-password", "stranger": "a-stranger-password"}
TOPICS = {kind: f"g.{name}" for kind, name in NAMES.items()}
PROTOCOLS = {"plain": "PLAINTEXT", "sasl": "SASL_PLAINTEXT", "sasl_tls": "SASL_SSL", "mutual": "SSL"}


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


class GuardedKafka(GuardedBroker):
    """ports[listener]; users: {name: password} for PLAIN and SCRAM. The listener "plain" lets anybody do anything: for the tests themselves."""

    def __init__(self, users):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="riderwatch-guarded-"))
        self.authority = Authority(folder)
        for name in ("broker", "mtls-user"):
            self.authority.sign(name)
        plain_users = " ".join(f'user_{name}="{password}"' for name, password in users.items())
        scram = [word for name, password in users.items()
                 for word in ("--add-scram", f"SCRAM-SHA-256=[name={name},password={password}]")]
        super().__init__(folder, PROTOCOLS, SETTINGS.format(folder=folder, plain_users=plain_users), scram)

    def end(self):
        super().end()
        shutil.rmtree(self.folder)


def rights(users, resource, names, operations, pattern="literal"):
    """Each user, each name, each operation: what grant() takes."""
    return [(f"User:{user}", resource, name, pattern, operation) for user in users for name in names for operation in operations]


# ---- the broker that tests share: who may do what ----

def make_topics(brokers, prefix, *options):
    subprocess.run([str(ROOT / "scripts/create-topics"), "--brokers", brokers, "--prefix", prefix, "--partitions", "2", *options],
                   check=True, stdout=subprocess.DEVNULL)


def start_guarded():
    """"full" and the certificate "mtls-user" have every right that the daemon needs, "reader" only those to read, "stranger" none."""
    kafka = GuardedKafka(PASSWORDS)
    make_topics(kafka.address("plain"), "g.")
    inputs, outputs, able = [TOPICS[kind] for kind in INPUTS], [TOPICS[kind] for kind in OUTPUTS], ["full", "mtls-user"]
    kafka.grant(rights([*able, "reader"], "topic", inputs, ["Read", "Describe"]) +
                rights(able, "topic", outputs, ["Write", "Describe"]) +
                rights(["reader"], "topic", outputs, ["Describe"]) +
                rights(able, "topic", ["__transaction_state", "__consumer_offsets"], ["Read"]) +
                rights(able, "group", ["g.own"], ["Read"], "prefixed") +
                rights([*able, "reader"], "group", ["g.group"], ["Read"], "prefixed") +
                rights(able, "transactional-id", ["g.group"], ["Write", "Describe"], "prefixed"))
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
