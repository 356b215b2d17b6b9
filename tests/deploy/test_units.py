# SPDX-License-Identifier: Apache-2.0
"""The systemd units are right, and give away as little as they can."""
import configparser
import re
import shutil
import subprocess

import pytest

import tables

FOLDER = tables.ROOT / "deploy/systemd"
UNITS = sorted(FOLDER.glob("*.service"))
EXPOSURE_MAX = 2.0

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


def section(unit, name="Service"):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read(unit)
    return parser[name]


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_exposure(unit):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}", str(unit)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-400:] + done.stderr
    assert float(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)[1]) <= EXPOSURE_MAX


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_every_line_is_understood(unit, tmp_path):
    """With the programs of the unit in place, verify has nothing to say."""
    text = unit.read_text()
    for path in set(re.findall(r"/usr/sbin/\S+", text)):
        text = text.replace(path, "/bin/true")
    (tmp_path / unit.name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / unit.name)], capture_output=True, text=True)
    assert not [line for line in done.stderr.splitlines() if unit.name in line], done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_watched_and_not_restarted_in_vain(unit):
    service = section(unit)
    assert (service["Type"], service["NotifyAccess"], service["WatchdogSec"]) == ("notify", "main", "30s")
    assert service["Restart"] == "on-failure" and set(service["RestartPreventExitStatus"].split()) == {"64", "78"}
    assert service["LoadCredential"] == "secret:/etc/riderwatch/secrets"
    assert section(unit, "Unit")["StartLimitIntervalSec"] == "0"


def test_the_daemon_has_longer_to_stop_than_it_takes():
    bound = [int(row[3]) for row in tables.rows("daemon/common/config_keys.def", "CONFIG_KEY") if row[:2] == ["shutdown", "timeout"]]
    assert int(section(FOLDER / "riderwatchd.service")["TimeoutStopSec"].rstrip("s")) * 1000 > bound[0]
