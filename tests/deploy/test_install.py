# SPDX-License-Identifier: Apache-2.0
"""make install puts everything where it is looked for, under any PREFIX, and make uninstall takes it away again."""
import re
import shutil
import stat
import subprocess

import pytest

from tables import ROOT

PROGRAMS = ["sbin/riderwatchd", "sbin/riderwatch-board", "bin/riderwatchctl"]
UNITS = ["riderwatchd.service", "riderwatch-board.service"]


def make(target, folder, prefix):
    done = subprocess.run(["make", "-s", target, f"DESTDIR={folder}", f"PREFIX={prefix}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.fixture(params=["/usr", "/usr/local"])
def installed(request, tmp_path):
    make("install", tmp_path, request.param)
    return tmp_path, request.param


def test_what_is_installed_finds_what_is_installed(installed):
    folder, prefix = installed
    below = folder / prefix[1:]
    for name in PROGRAMS:
        assert (below / name).stat().st_mode & 0o777 == 0o755
    for unit in UNITS:
        text = (below / "lib/systemd/system" / unit).read_text()
        for path in re.findall(r"^Exec\w+=(/\S*riderwatch\S*)", text, re.M):
            assert (folder / path[1:]).exists(), path
    config = folder / "etc/riderwatch/riderwatch.json"
    rules = re.search(r'"folder": "([^"]+)"', config.read_text())[1]
    assert rules == f"{prefix}/share/riderwatch/rules"
    assert config.stat().st_mode & 0o777 == 0o640
    assert stat.S_IMODE((folder / "etc/riderwatch/secrets").stat().st_mode) == 0o700
    for program in ("riderwatchd", "riderwatch-board"):
        done = subprocess.run([str(below / "sbin" / program), "-c", str(config), "-t", "-o", f"rules.folder={folder}{rules}"],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    shipped = {path.name for path in (ROOT / "pipelines/rules").iterdir() if path.suffix in (".json", ".tsv")}
    assert {path.name for path in (folder / rules[1:]).iterdir()} == shipped


def test_a_second_install_keeps_the_configuration(installed):
    folder, prefix = installed
    config, before = folder / "etc/riderwatch/riderwatch.json", files(folder)
    config.write_text("{} // ours\n")
    make("install", folder, prefix)
    assert config.read_text() == "{} // ours\n" and files(folder) == before


def test_uninstall_leaves_the_configuration_alone(installed):
    folder, prefix = installed
    make("uninstall", folder, prefix)
    assert files(folder) == {"etc/riderwatch/riderwatch.json"}


def test_names_in_the_sysusers_file_are_those_of_the_units():
    text = (ROOT / "deploy/systemd/riderwatch.sysusers").read_text()
    users = set(re.findall(r"^u (\S+)", text, re.M))
    assert users == {re.search(r"^User=(\S+)", (ROOT / "deploy/systemd" / unit).read_text(), re.M)[1] for unit in UNITS}
    if not shutil.which("systemd-sysusers"):
        pytest.skip("systemd-sysusers is not installed")
    subprocess.run(["systemd-sysusers", "--dry-run", str(ROOT / "deploy/systemd/riderwatch.sysusers")], check=True, capture_output=True)


def test_links_in_installed_documents_lead_somewhere(tmp_path):
    make("install", tmp_path, "/usr")
    documents = tmp_path / "usr/share/doc/riderwatch"
    for document in documents.glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (documents / link).exists(), f"{document.name}: {link}"


def test_links_in_the_tree_lead_somewhere():
    for document in [ROOT / "README.md", *(ROOT / "deploy").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document}: {link}"
