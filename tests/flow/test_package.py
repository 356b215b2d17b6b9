# SPDX-License-Identifier: Apache-2.0
"""The Debian package: built, checked, unpacked, and run from there on a real Kafka and Redis, as systemd would run it."""
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest

from events import BY_CATEGORY, report
from servers import free_port
from world import ROOT, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("dh") or not shutil.which("lintian"), reason="apt-get install debhelper lintian")
OUT = ROOT / "build/deb"


@pytest.fixture(scope="session")
def package(package_build):
    """Built; lintian found no error and no warning."""
    said, _ = package_build.communicate()
    assert package_build.returncode == 0, said[-3000:]
    path, = (path for path in OUT.glob("riderwatch_*.deb"))
    return path


@pytest.fixture(scope="session")
def root(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    subprocess.run(["dpkg-deb", "-e", str(package), str(folder / "DEBIAN")], check=True)
    return folder


def field(package, name):
    return subprocess.run(["dpkg-deb", "-f", str(package), name], check=True, capture_output=True, text=True).stdout.strip()


def test_what_the_package_is(package, root):
    needed = {name for part in field(package, "Depends").split(",") for name in [part.split()[0]]}
    assert {"librdkafka1", "libhiredis0.14", "libjansson4", "libssl3"} <= needed and any(name.startswith("libevent") for name in needed)
    assert (root / "DEBIAN/conffiles").read_text().split() == ["/etc/riderwatch/riderwatch.json"]
    for script in ("postinst", "prerm", "postrm"):
        assert os.access(root / "DEBIAN" / script, os.X_OK)
        text = (root / "DEBIAN" / script).read_text()
        assert subprocess.run(["sh", "-n"], input=text, text=True).returncode == 0
        ours = re.sub(r"# Automatically added.*?# End automatically added section\n", "", text, flags=re.S)
        assert len(ours.splitlines()) < 30, f"{script} has grown"
    assert not (root / "DEBIAN/postinst").read_text().count("systemctl enable"), "nothing starts before it is configured"


@pytest.mark.parametrize("program", ["sbin/riderwatchd", "sbin/riderwatch-board", "bin/riderwatchctl"])
def test_programs_are_hardened(root, program):
    def readelf(option):
        return subprocess.run(["readelf", "-W", option, str(root / "usr" / program)], check=True, capture_output=True, text=True).stdout
    assert "DYN (Position-Independent Executable" in readelf("-h")
    assert "BIND_NOW" in readelf("-d") and "GNU_RELRO" in readelf("-l")
    assert "__stack_chk_fail" in readelf("--dyn-syms") and "_chk@GLIBC" in readelf("--dyn-syms")
    assert str(ROOT).encode() not in (root / "usr" / program).read_bytes(), "it names the folder it was built in"


class Manager:
    """What systemd does for a Type=notify service: a socket to be told on."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(10)

    def environment(self):
        return {**os.environ, "NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": "400000"}

    def hear(self):
        return self.socket.recv(4096).decode()

    def wait(self, state):
        """The first message that is not a sign of life; they are counted."""
        beats = 0
        while (heard := self.hear()) == "WATCHDOG=1":
            beats += 1
        assert heard.startswith(state), heard
        return beats


def unit_command(root, unit, *options):
    """ExecStart= of the unpacked unit, below the unpacked root."""
    line = re.search(r"^ExecStart=(.*)$", (root / "lib/systemd/system" / unit).read_text(), re.M)[1]
    return [str(root) + word if word.startswith("/") else word for word in line.split()] + list(options)


def settings(world, root):
    """What an operator sets, as options over the unpacked configuration file."""
    host, port = world.stack.redis_address.rsplit(":", 1)
    pairs = [f"kafka.brokers={world.stack.brokers}", f"kafka.group={world.group}", f"redis.host={host}", f"redis.port={port}",
             f"rules.folder={root}/usr/share/riderwatch/rules", "batch.idle_after=200ms"]
    pairs += [f"topics.{kind}={name}" for kind, name in world.topics.items()]
    return [word for pair in pairs for word in ("-o", pair)]


@pytest.mark.parametrize("unit", ["riderwatchd.service", "riderwatch-board.service"])
def test_a_program_runs_from_the_package_as_systemd_runs_it(world, root, tmp_path, unit):
    manager, port = Manager(tmp_path), free_port()
    listen = "http.listen" if unit == "riderwatchd.service" else "board.listen"
    options = [*settings(world, root), "-o", f"{listen}=127.0.0.1:{port}"]
    world.send(report("rider-1", BY_CATEGORY["fire"][0]))
    world.flush()
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(unit_command(root, unit, *options), stdout=log, stderr=log, env=manager.environment())
    try:
        manager.wait("READY=1")
        if unit == "riderwatchd.service":
            wait_until(world.alerts, 15, lambda: (tmp_path / "log").read_text()[-2000:])
        else:
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
            assert b"<html" in page
        time.sleep(0.5)
        process.terminate()
        assert manager.wait("STOPPING=1") >= 2, "no signs of life"
        assert process.wait(20) == 0, (tmp_path / "log").read_text()[-2000:]
    finally:
        process.kill()
        process.wait()
    if unit == "riderwatchd.service":
        done = subprocess.run([str(root / "usr/bin/riderwatchctl"), "rider", "-c", str(root / "etc/riderwatch/riderwatch.json"),
                               *settings(world, root), "rider-1"], capture_output=True, text=True)
        assert done.returncode == 0 and "reports" in done.stdout, done.stdout + done.stderr


def test_the_package_makes_the_topics(world, root):
    done = subprocess.run([str(root / "usr/share/riderwatch/create-topics"), "--brokers", world.stack.brokers, "--prefix",
                           f"{world.prefix}package."], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count("created") == 6, done.stdout + done.stderr
