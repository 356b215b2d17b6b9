# SPDX-License-Identifier: Apache-2.0
"""Redis over TLS: all three programs, what goes wrong, and certificates that are renewed."""
import json
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

from board import Board
from ctl import CTL
from events import mixed
from guarded import openssl
from test_crashes import Feed
from tls import Certificates, TlsRedis, TlsSentinel
from world import DAEMON, wait_until

EX_OK, EX_UNAVAILABLE, EX_CONFIG = 0, 69, 78


@pytest.fixture(scope="module")
def certificates():
    made = Certificates()
    made.sign("redis")
    made.sign("rider")
    yield made
    made.end()


@pytest.fixture
def make_redis(certificates):
    made = []

    def make(*options, **more):
        made.append(TlsRedis(certificates, *options, **more))
        return made[-1]
    yield make
    for server in made:
        server.end()


@pytest.fixture
def tls_world(make_world):
    """The test's world on a Redis of its own."""
    def make(server):
        world = make_world()
        world.redis = server.client
        return world
    return make


def send(world, count):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    for event, shape in mixed(random.Random(seed), count):
        world.send(event, shape)


def ctl(world, command, *words, **sections):
    path, _ = world.write_config("ctl", **sections)
    done = subprocess.run([str(CTL), command, "-c", str(path), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


# ---- all is well ----

def test_counts_exactly_and_all_programs_read(make_redis, tls_world):
    server = make_redis()
    world, settings = tls_world(server), server.settings()
    send(world, 3000)
    daemon = world.start(redis=settings)
    world.check(timeout=90)
    riders = sorted(key for key in server.client.scan_iter("rw:{*}:rider:*") if key.count(":") == 3)
    code, text = ctl(world, "rider", riders[0].split(":")[3], redis=settings)
    assert code == 0 and riders[0] in text, text
    code, text = ctl(world, "status", redis=settings)
    assert code == 0, text
    code, text = ctl(world, "audit", redis=settings)
    assert code == 0, text
    board = Board(world, redis=settings)
    try:
        board.wait_ready()
        status, body, _ = board.ask("/api/totals")
        assert status == 200 and json.loads(body)["all"]["reports"], body
    finally:
        board.process.kill()
        board.process.wait()
    assert {client["laddr"].rsplit(":", 1)[1] for client in server.client.client_list() if client["addr"].startswith("127.")} \
        == {str(server.tls_port)}, "somebody connected without TLS"
    assert daemon.stop() == 0


def test_a_client_certificate_and_a_name(make_redis, tls_world, certificates, check):
    """tls-auth-clients yes, and a server certificate for another name than the host's; key and certificate in one file, too."""
    certificates.sign("named", "DNS:redis.example.com")
    server = make_redis(clients="yes", name="named")
    world = tls_world(server)
    both = world.folder / "both.pem"
    both.write_text(open(certificates.path("rider.crt")).read() + open(certificates.path("rider.key")).read())
    for files in ({"tls_certificate_file": certificates.path("rider.crt"), "tls_key_file": certificates.path("rider.key")},
                  {"tls_certificate_file": str(both)}):
        settings = server.settings(tls_server_name="redis.example.com", **files)
        code, lines = check(redis=settings)
        assert code == EX_OK and not [line for line in lines if line.startswith("error")], lines
    send(world, 300)
    daemon = world.start(redis=settings)
    world.check()
    assert ctl(world, "status", redis=settings)[0] == 0
    assert daemon.stop() == 0


def test_certificates_that_end_soon(make_redis, world, certificates, check):
    certificates.sign("short", days=5)
    files = {"tls_certificate_file": certificates.path("short.crt"), "tls_key_file": certificates.path("short.key")}
    _, lines = check(redis=make_redis().settings())
    assert not [line for line in lines if "ends in" in line or line.startswith("error: redis: ")], lines
    _, lines = check(redis=make_redis(name="short", clients="yes").settings(**files))
    found = [line for line in lines if line.startswith("warning: redis: ") and "ends in" in line and "renew it" in line]
    assert len(found) == 2 and "short.crt" in found[1], lines


# ---- what goes wrong: one message, with cause and remedy, of --check, of the daemon and of riderwatchctl ----

def plain_port(server, certificates):
    return {"port": server.port}


def no_tls(server, certificates):
    return {"tls": False, "tls_ca_file": ""}


def expired(server, certificates):
    server.client.config_set("tls-key-file", certificates.path("expired.key"), "tls-cert-file", certificates.path("expired.crt"))
    return {}


def another_host(server, certificates):
    server.client.config_set("tls-key-file", certificates.path("other.key"), "tls-cert-file", certificates.path("other.crt"))
    return {}


def another_name(server, certificates):
    return {"tls_server_name": "redis.example.com"}


def unknown_authority(server, certificates):
    return {"tls_ca_file": certificates.path("stranger.crt")}


def system_authorities(server, certificates):
    return {"tls_ca_file": ""}


def no_client_certificate(server, certificates):
    server.client.config_set("tls-auth-clients", "yes")
    return {}


def no_client_certificate_before_1_3(server, certificates):
    server.client.config_set("tls-protocols", "TLSv1.2")
    return no_client_certificate(server, certificates)


def strange_client_certificate(server, certificates):
    server.client.config_set("tls-auth-clients", "yes")
    return {"tls_certificate_file": certificates.path("stranger.crt"), "tls_key_file": certificates.path("stranger.key")}


def expired_client_certificate(server, certificates):
    server.client.config_set("tls-auth-clients", "yes")
    return {"tls_certificate_file": certificates.path("expired.crt"), "tls_key_file": certificates.path("expired.key")}


def old_versions(server, certificates):
    server.client.config_set("tls-protocols", "TLSv1.1")
    return {}


TABLE = [
    # what makes the mistake, what the message holds
    (plain_port, ["no answer to the TLS handshake", "speaks no TLS", "tls-port", "redis.tls to false"]),
    (no_tls, ["a port that speaks TLS needs redis.tls"]),
    (expired, ["its certificate has expired", "renew it"]),
    (another_host, ["its certificate is not for 127.0.0.1", "redis.tls_server_name"]),
    (another_name, ["its certificate is not for redis.example.com", "redis.tls_server_name"]),
    (unknown_authority, ["unknown authority", "redis.tls_ca_file"]),
    (system_authorities, ["unknown authority", "redis.tls_ca_file"]),
    (no_client_certificate, ["it wants a client certificate", "redis.tls_certificate_file"]),
    (no_client_certificate_before_1_3, ["client certificate", "redis.tls_certificate_file"]),
    (strange_client_certificate, ["does not know the authority of our certificate", "tls-ca-cert-file"]),
    (expired_client_certificate, ["our certificate has expired", "renew redis.tls_certificate_file"]),
    (old_versions, ["only versions of TLS before 1.2", "tls-protocols"]),
]


@pytest.fixture(scope="module")
def wrong(certificates):
    """Adds certificates with which something is wrong."""
    certificates.sign("expired", days=-1)
    certificates.sign("other", "DNS:redis.example.com,IP:10.1.2.3")
    strangers = Certificates("another authority")
    for end in ("crt", "key"):
        certificates.folder.joinpath(f"stranger.{end}").write_text(open(strangers.path(f"ca.{end}")).read())
    strangers.end()
    return certificates


@pytest.mark.parametrize("make, words", TABLE, ids=[row[0].__name__ for row in TABLE])
def test_what_goes_wrong(make, words, make_redis, tls_world, wrong, check):
    server = make_redis()
    settings = server.settings(**make(server, wrong), timeout="1s")
    world = tls_world(server)
    code, lines = check(redis=settings)
    found = [line for line in lines if line.startswith("error: redis: ")]
    assert code == EX_UNAVAILABLE and len(found) == 1, lines
    code, text = ctl(world, "status", redis=settings)
    assert code == EX_UNAVAILABLE, text
    daemon = world.launch(redis=settings)
    daemon.wait_log("redis (not reached|lost)")
    for word in words:
        assert word in found[0] and word in text, (found, text)
        daemon.wait_log(word)
    print(found[0])
    # It is not for the daemon to give up: somebody renews a certificate, and it goes on.
    assert daemon.runs


FILES = [
    # settings, what -t and --check say
    (lambda c: {"tls_ca_file": "/nowhere/ca.crt"}, ["redis.tls_ca_file", "/nowhere/ca.crt: No such file", "correct its path"]),
    (lambda c: {"tls_ca_file": c.path("ca.key")}, ["redis.tls_ca_file", "no certificate in it"]),
    (lambda c: {"tls_certificate_file": c.path("rider.key")}, ["redis.tls_certificate_file", "no certificate in it"]),
    (lambda c: {"tls_certificate_file": c.path("rider.crt")}, ["redis.tls_key_file", "no private key in it"]),
    (lambda c: {"tls_certificate_file": c.path("rider.crt"), "tls_key_file": c.path("redis.key")},
     ["redis.tls_key_file", "does not belong to redis.tls_certificate_file"]),
    (lambda c: {"tls_certificate_file": c.path("rider.crt"), "tls_key_file": c.path("locked.key")},
     ["redis.tls_key_file", "passphrase", "openssl pkey"]),
    (lambda c: {"tls_key_file": c.path("rider.key")}, ["redis.tls_key_file", "set redis.tls_certificate_file, too"]),
    (lambda c: {"socket": "/run/redis.sock"}, ["redis.socket", "no TLS at a socket"]),
    (lambda c: {"tls": False}, ["redis.tls_ca_file", "set redis.tls to true"]),
]


@pytest.mark.parametrize("make, words", FILES, ids=range(len(FILES)))
def test_files_that_cannot_be_used(make, words, world, certificates):
    openssl("pkey", "-in", certificates.path("rider.key"), "-aes256", "-passout", "pass:secret", "-out", certificates.path("locked.key"))
    settings = {"tls": True, "tls_ca_file": certificates.path("ca.crt"), **make(certificates)}
    path, _ = world.write_config("files", redis=settings)
    for words_of_call in (["-t"], ["--check"], []):
        done = subprocess.run([str(DAEMON), "-c", str(path), *words_of_call], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=20)
        text = done.stdout + done.stderr
        assert done.returncode == EX_CONFIG and "files.json:" in text, text
        assert all(word in text for word in words), text
        assert "secret" not in text


# ---- what changes meanwhile ----

def reload(server, certificates):
    """Redis reads its files again, though their names stay."""
    server.client.config_set("tls-ca-cert-file", certificates.path("ca.crt"), "tls-key-file", certificates.path("redis.key"),
                             "tls-cert-file", certificates.path("redis.crt"))
    server.client.client_kill_filter(_type="normal", skipme=True)


def test_certificates_are_renewed_without_a_restart(tls_world):
    """The authority, too. Redis has its new files first: for a while neither side takes the other."""
    certificates = Certificates()
    certificates.sign("redis")
    certificates.sign("rider")
    server = TlsRedis(certificates, clients="yes")
    try:
        world = tls_world(server)
        mine = Certificates("the old one", world.folder)
        for name in ("ca.crt", "rider.crt", "rider.key"):
            shutil.copy(certificates.path(name), mine.path(name))
        daemon = world.start(redis=server.settings(tls_ca_file=mine.path("ca.crt"), tls_certificate_file=mine.path("rider.crt"),
                                                   tls_key_file=mine.path("rider.key")))
        feed = Feed(world, random.randrange(1 << 30))
        wait_until(lambda: len(world.applied()) == 2 * world.partitions, 20, "every partition is counted")
        Certificates("the new one", certificates.folder)
        certificates.sign("redis")
        certificates.sign("rider")
        reload(server, certificates)
        daemon.wait_log("signed by (an unknown authority|another authority)")
        shutil.copy(certificates.path("ca.crt"), mine.path("ca.crt"))
        daemon.wait_log("does not know the authority of our certificate")
        # Not both files at once: for a moment the key does not belong to the certificate.
        shutil.copy(certificates.path("rider.crt"), mine.path("rider.crt"))
        daemon.wait_log("does not belong to redis.tls_certificate_file")
        shutil.copy(certificates.path("rider.key"), mine.path("rider.key"))
        wait_until(lambda: daemon.metrics().get("riderwatch_redis_up"), 10, lambda: daemon.log[-2000:])
        feed.stop()
        world.check()
        assert daemon.runs
    finally:
        server.end()
        certificates.end()


def test_redis_killed_under_load(make_redis, tls_world):
    server = make_redis()
    world = tls_world(server)
    daemon, feed = world.start(batch={"chunk_events": 20}, redis=server.settings()), Feed(world, random.randrange(1 << 30))
    for pause in (0.7, 1.1):
        time.sleep(pause)
        server.kill()
        time.sleep(0.5)
        server.start()
    time.sleep(0.5)
    feed.stop()
    world.check()
    assert daemon.runs and daemon.metrics()["riderwatch_redis_connects_total"] >= 3


def test_redis_hangs_during_and_after_the_handshake(make_redis, tls_world):
    server = make_redis()
    world = tls_world(server)
    daemon = world.start(redis=server.settings(timeout="500ms"))
    send(world, 200)
    world.check()
    server.process.send_signal(signal.SIGSTOP)
    try:
        send(world, 200)
        world.flush()
        daemon.wait_log("no reply in time")
        daemon.wait_log("no answer to the TLS handshake")
    finally:
        server.process.send_signal(signal.SIGCONT)
    world.check()
    assert daemon.runs


def test_the_authorities_of_the_system_are_the_default(make_redis, tls_world, certificates, check):
    """Here in a folder of their own, as OpenSSL looks them up: by the hash of their name."""
    world = tls_world(make_redis())
    folder = world.folder / "authorities"
    folder.mkdir()
    shutil.copy(certificates.path("ca.crt"), folder / "ca.pem")
    openssl("rehash", folder)
    settings = {"tls": True, "host": "127.0.0.1"}
    server = make_redis()
    code, lines = check(redis={**settings, "port": server.tls_port}, environment={"SSL_CERT_DIR": str(folder)})
    assert code == EX_OK, lines


def test_no_key_shows_and_one_for_all_to_read_is_told(make_redis, tls_world, certificates, check):
    server = make_redis(clients="yes")
    world = tls_world(server)
    key = pathlib.Path(certificates.path("rider.key"))
    settings = server.settings(tls_certificate_file=certificates.path("rider.crt"), tls_key_file=str(key))
    key.chmod(0o644)
    try:
        code, lines = check(redis=settings)
        assert code == EX_OK and any("rider.key holds a secret and every user can read it" in line for line in lines), lines
    finally:
        key.chmod(0o600)
    daemon = world.start(redis=settings, log={"level": "debug"})
    send(world, 50)
    world.check()
    path, _ = world.write_config("dump", redis=settings)
    dump = subprocess.run([str(DAEMON), "-c", str(path), "-T"], capture_output=True, text=True).stdout
    secret = key.read_text().splitlines()[1]
    assert str(key) in dump and secret not in dump + daemon.log
    assert daemon.stop() == 0


# ---- Sentinels ----

def test_a_sentinel_and_a_failover_over_tls(tls_world, certificates, check):
    servers = TlsSentinel(certificates)
    try:
        world = tls_world(servers.redis[0])
        code, lines = check(redis=servers.settings())
        assert code == EX_OK and any(f"1 of 1 Sentinels name 127.0.0.1:{servers.redis[0].tls_port} the master" in line for line in lines), lines
        daemon, feed = world.start(redis=servers.settings(timeout="1s")), Feed(world, random.randrange(1 << 30))
        wait_until(lambda: len(world.applied()) == 2 * world.partitions, 20, lambda: daemon.log[-2000:])
        servers.client.execute_command("SENTINEL", "FAILOVER", "riders")
        wait_until(lambda: servers.named() == servers.redis[1].tls_port, 20, "the replica is the master")
        world.redis = servers.redis[1].client
        daemon.wait_log("redis master has changed")
        feed.stop()
        world.check()
        code, text = ctl(world, "status", redis=servers.settings())
        assert code == 0, text
        assert daemon.stop() == 0
        code, lines = check(redis=servers.settings(tls=False, tls_ca_file=""))
        assert code == EX_UNAVAILABLE and any("no Sentinel answers" in line and "needs redis.tls" in line for line in lines), lines
        code, lines = check(redis=servers.settings(tls_server_name="elsewhere"))
        assert code == EX_UNAVAILABLE and any("its certificate is not for elsewhere" in line for line in lines), lines
    finally:
        servers.end()
