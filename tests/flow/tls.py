# SPDX-License-Identifier: Apache-2.0
"""A Redis that speaks TLS, and the certificates that go with it, right and wrong ones."""
import pathlib
import shutil
import subprocess
import tempfile

import redis

from guarded import openssl
from servers import MASTER, OwnRedis, free_port
from world import wait_until


class Certificates:
    """An authority in a folder: ca.crt, and for each name that it signs NAME.crt and NAME.key."""

    def __init__(self, name="test authority", folder=None):
        self.folder = folder or pathlib.Path(tempfile.mkdtemp(prefix="riderwatch-tls-"))
        openssl("req", "-x509", *self.new_key("ca"), "-days", "40", "-subj", f"/CN={name}", "-out", self.path("ca.crt"))

    def path(self, name):
        return str(self.folder / name)

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.path(f"{name}.key")]

    def sign(self, name, names="IP:127.0.0.1,DNS:localhost", days=30):
        """days below 0: expired. Signed again under a name it has a new key, too."""
        self.folder.joinpath("names").write_text(f"subjectAltName={names}\n")
        openssl("req", *self.new_key(name), "-subj", f"/CN={name}", "-out", self.path("request"))
        openssl("x509", "-req", "-in", self.path("request"), "-CA", self.path("ca.crt"), "-CAkey", self.path("ca.key"), "-CAcreateserial",
                "-days", days, "-extfile", self.path("names"), "-out", self.path(f"{name}.crt"))

    def end(self):
        shutil.rmtree(self.folder)


class TlsRedis(OwnRedis):
    """It speaks TLS at tls_port and none at port and socket."""

    def __init__(self, certificates, *options, name="redis", clients="no"):
        self.certificates, self.tls_port = certificates, free_port()
        super().__init__("--appendonly", "yes", "--tls-port", str(self.tls_port), "--tls-cert-file", certificates.path(f"{name}.crt"),
                         "--tls-key-file", certificates.path(f"{name}.key"), "--tls-ca-cert-file", certificates.path("ca.crt"),
                         "--tls-auth-clients", clients, "--tls-replication", "yes", *options)

    def settings(self, **more):
        """Section redis of a configuration."""
        return {"host": "127.0.0.1", "port": self.tls_port, "tls": True, "tls_ca_file": self.certificates.path("ca.crt"), **more}


class TlsSentinel:
    """A master, its replica, and a Sentinel that watches them; all of them speak TLS to each other, and the Sentinel nothing else."""

    def __init__(self, certificates):
        self.certificates, self.folder, self.port = certificates, pathlib.Path(tempfile.mkdtemp(prefix="riderwatch-sentinel-")), free_port()
        self.redis = [TlsRedis(certificates)]
        self.redis.append(TlsRedis(certificates, "--replicaof", f"127.0.0.1 {self.redis[0].tls_port}", "--repl-diskless-sync-delay", "0"))
        wait_until(lambda: self.redis[1].client.info("replication")["master_link_status"] == "up", 20, "the replica follows")
        path = self.folder / "sentinel.conf"
        path.write_text(f"""bind 127.0.0.1\nport 0\ntls-port {self.port}\ntls-replication yes\ntls-auth-clients no\ndir {self.folder}
tls-cert-file {certificates.path("redis.crt")}\ntls-key-file {certificates.path("redis.key")}
tls-ca-cert-file {certificates.path("ca.crt")}
sentinel monitor {MASTER} 127.0.0.1 {self.redis[0].tls_port} 1
sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 5000\n""")
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "redis-server", str(path), "--sentinel"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = redis.Redis("127.0.0.1", self.port, decode_responses=True, ssl=True, ssl_ca_certs=certificates.path("ca.crt"))
        wait_until(self.sees_replica, 20, "the Sentinel sees the replica")

    def sees_replica(self):
        try:
            self.client.execute_command("SENTINEL", "DEBUG", "info-period", 500, "publish-period", 250)
            return any(replica["master-link-status"] == "ok" for replica in self.client.sentinel_slaves(MASTER))
        except redis.exceptions.ConnectionError:
            return False

    def named(self):
        return self.client.sentinel_get_master_addr_by_name(MASTER)[1]

    def settings(self, **more):
        """Section redis of a configuration."""
        return {"host": "127.0.0.1", "port": 6379, "sentinels": f"127.0.0.1:{self.port}", "sentinel_master": MASTER, "tls": True,
                "tls_ca_file": self.certificates.path("ca.crt"), **more}

    def end(self):
        self.client.close()
        self.process.kill()
        self.process.wait()
        for server in self.redis:
            server.end()
        shutil.rmtree(self.folder)
