# SPDX-License-Identifier: Apache-2.0
"""A broker that knows its clients by password and lets them do only what ACLs say, and a Redis with an ACL file."""
import subprocess

from servers import GuardedBroker, OwnRedis, java

PASSWORD = "secret"
SETTINGS = """
sasl.enabled.mechanisms=PLAIN
listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};
"""


class Broker(GuardedBroker):
    """users: names that may log in, all with PASSWORD. What World wants of a stack is here too."""

    def __init__(self, folder, users):
        logins = " ".join(f'user_{name}="{PASSWORD}"' for name in users)
        super().__init__(folder, {"open": "PLAINTEXT", "secured": "SASL_PLAINTEXT"}, SETTINGS.format(users=logins))
        self.brokers, self.secured = self.address("open"), self.address("secured")
        self.redis, self.redis_address = None, "127.0.0.1:0"

    def run_acls(self, words):
        """One kafka-acls command, as Kafka's own tool runs it."""
        done = subprocess.run(java("org.apache.kafka.tools.AclCommand", *words[1:]), capture_output=True, text=True)
        assert done.returncode == 0 and "Adding ACLs" in done.stdout, done.stdout + done.stderr

    def properties(self, user):
        return {"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": user, "sasl.password": PASSWORD}

    def heal(self):
        """Nobody harms this one."""


class Redis(OwnRedis):
    """acl: lines of its ACL file, with a default user added who may do anything."""

    def __init__(self, folder, acl):
        folder.mkdir(exist_ok=True)
        (folder / "users.acl").write_text("user default on nopass ~* &* +@all\n" + "".join(f"{line}\n" for line in acl))
        super().__init__("--appendonly", "yes", "--aclfile", str(folder / "users.acl"))
