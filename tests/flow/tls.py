# SPDX-License-Identifier: Apache-2.0
"""A Redis that speaks TLS, and the certificates that go with it, right and wrong ones."""
import pathlib
import shutil
import tempfile

from guarded import openssl
from servers import OwnRedis, free_port


class Certificates:
    """An authority in a folder: ca.crt, and for each name that it signs NAME.crt and NAME.key."""

    def __init__(self, name="test authority", folder=None):
        self.folder = folder or pathlib.Path(tempfile.mkdtemp(prefix="riderwatch-tls-"))
        openssl("req", "-x509", *self.new_key("ca"), "-days", "2", "-subj", f"/CN={name}", "-out", self.path("ca.crt"))

    def path(self, name):
        return str(self.folder / name)

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.path(f"{name}.key")]

    def sign(self, name, names="IP:127.0.0.1,DNS:localhost", days=2):
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
                         "--tls-auth-clients", clients, *options)

    def settings(self, **more):
        """Section redis of a configuration."""
        return {"host": "127.0.0.1", "port": self.tls_port, "tls": True, "tls_ca_file": self.certificates.path("ca.crt"), **more}
