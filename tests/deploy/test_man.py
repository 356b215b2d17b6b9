# SPDX-License-Identifier: Apache-2.0
"""The manual pages are well formed, and name everything that there is."""
import re
import shutil
import subprocess

import pytest

import tables

PROGRAMS = {"riderwatchd.8": "riderwatchd", "riderwatch-board.8": "riderwatch-board", "riderwatchctl.1": "riderwatchctl"}
BUILD = tables.ROOT / "build/release"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([str(tables.ROOT / "scripts/man-pages"), str(BUILD), str(folder)], check=True)
    return {path.name: path for path in folder.iterdir()}


def plain(path):
    """As it is read, without its layout."""
    text = subprocess.run(["mandoc", "-Tutf8", "-Owidth=400", str(path)], check=True, capture_output=True, text=True).stdout
    return re.sub(r"\s+", " ", re.sub(".\b", "", text))


def ask(program, *words):
    return subprocess.run([str(BUILD / program), *words], check=True, capture_output=True, text=True).stdout


needs_mandoc = pytest.mark.skipif(not shutil.which("mandoc"), reason="apt-get install mandoc")


@needs_mandoc
def test_lint_finds_nothing(pages):
    done = subprocess.run(["mandoc", "-Tlint", *map(str, pages.values())], capture_output=True, text=True)
    # Our own pages are not installed, and the index of the others may be old.
    ours = re.compile(r"referenced manual not found: Xr (riderwatch\S*|systemd) \d|outdated mandoc.db|referenced manual not found: Xr systemd")
    assert not [line for line in (done.stdout + done.stderr).splitlines() if not ours.search(line)]


def test_references_lead_to_pages_that_are_made(pages):
    for path in pages.values():
        for name, section in re.findall(r"^\.Xr (riderwatch\S*) (\d)", path.read_text(), re.M):
            assert f"{name}.{section}" in pages, f"{path.name}: {name}({section})"
        assert "@" not in re.sub(r"@example", "", path.read_text()), "a list was not filled in"


@needs_mandoc
@pytest.mark.parametrize("page, program", PROGRAMS.items(), ids=lambda part: part)
def test_options_and_exit_codes_are_there(pages, page, program):
    text, said = plain(pages[page]), ask(program, "--help")
    names = re.findall(r"^ .*?(--[a-z-]+)", said, re.M)
    assert names or program == "riderwatchctl"
    assert not [name for name in names if f"{name} " not in text and f"{name}]" not in text]
    for code, what in re.findall(r"^  (\d+) +(\S.*)$", said[said.find("exit codes:"):] if "exit codes:" in said else "", re.M):
        assert re.search(rf" {code} {re.escape(what)}", text, re.I), what


@needs_mandoc
def test_subcommands_are_there_with_their_options(pages):
    text = plain(pages["riderwatchctl.1"])
    names = re.findall(r"^  ([a-z][a-z-]*) +\S", ask("riderwatchctl", "--help"), re.M)
    assert len(names) >= 6
    for name in names:
        assert f"riderwatchctl {name}" in text
        for option in set(re.findall(r"^  .*?(--[a-z-]+)", ask("riderwatchctl", name, "--help"), re.M)) - {"--config", "--override", "--property", "--help"}:
            assert option in text, f"{name} {option}"


@needs_mandoc
def test_every_key_is_there_with_its_default(pages):
    text = plain(pages["riderwatch.json.5"])
    rows = tables.rows("daemon/common/config_keys.def", "CONFIG_KEY")
    for section, name, kind, default, *_, said in rows:
        assert re.search(rf" {section}\.{name} \((\w+), default ", text), f"{section}.{name}"
        assert re.sub(r"\s+", " ", said).lower() in text.lower(), said
        if kind in ("TEXT", "FILE") and default:
            assert f"{section}.{name} ({kind.lower()}, default {default})" in text


@needs_mandoc
def test_every_metric_is_there(pages):
    text = plain(pages["riderwatch-metrics.7"])
    for _, kind, name, *_, said in tables.rows("daemon/common/metrics.def", "METRIC"):
        assert f" {name} ({kind.lower()}" in text and said in text, name
    for _, name, kind, _ in tables.rows("include/reasons.def", "REASON"):
        assert (f" {name} " in text) == (kind == "DEAD_LETTER"), name
