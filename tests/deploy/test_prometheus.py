# SPDX-License-Identifier: Apache-2.0
"""Rules, runbook and dashboard: they hold together, and ask only for what the daemon has."""
import json
import re
import shutil
import subprocess

import pytest
import yaml

import tables

FOLDER = tables.ROOT / "deploy/prometheus"
RULES = [rule for group in yaml.safe_load((FOLDER / "riderwatch.rules.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((tables.ROOT / "deploy/grafana/riderwatch-oncall.json").read_text())
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
RUNBOOK = (tables.ROOT / "deploy/runbook.md").read_text()
LABELS = {"topic", "partition", "outcome", "reason", "category", "severity", "result", "cause", "notice", "of", "level", "id", "field",
          "instance", "job", "le", "alertname", "alertstate"}

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="apt-get install prometheus")


def metrics():
    """{name: type}, as /metrics has them."""
    found = {"up": "GAUGE"}
    for row in tables.rows("daemon/common/metrics.def", "METRIC"):
        suffixes = ("_bucket", "_sum", "_count") if row[1] == "HISTOGRAM" else ("",)
        found.update({row[2] + suffix: row[1] for suffix in suffixes})
    return found


def used(expr):
    """Names of metrics in a query."""
    bare = re.sub(r'"[^"]*"|\[[^]]*\]', "", re.sub(r"\{[^}]*\}", "", expr))
    bare = re.sub(r"\b(by|without|on|ignoring) *\([^)]*\)", "", bare)
    return [name for name in re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", bare) if "_" in name and not name.endswith(("_over_time", "_quantile")) or name == "up"]


@pytest.mark.parametrize("where, expr", QUERIES + [(rule["alert"], rule["expr"]) for rule in RULES], ids=lambda part: part[:40])
def test_a_query_asks_for_what_the_daemon_has(where, expr):
    names, known = used(expr), metrics()
    assert names
    assert not [name for name in names if name not in known], where
    for name in re.findall(r"(?:rate|increase)\((\w+)", expr):
        assert known[name] in ("COUNTER", "HISTOGRAM"), f"{where}: {name} is no counter"
    for matchers in re.findall(r"\{([^}]*)\}", expr):
        assert {part.strip() for part in re.findall(r"(\w+) *[=!]", matchers)} <= LABELS
    for labels in re.findall(r"\bby *\(([^)]*)\)", expr):
        assert {label.strip() for label in labels.split(",")} <= LABELS


def test_label_values_in_queries_are_the_daemon_s():
    text = (tables.ROOT / "daemon/common/metrics_labels.c").read_text() + (tables.ROOT / "include/outcomes.def").read_text() + \
        (tables.ROOT / "pipelines/verdict.c").read_text() + (tables.ROOT / "include/reasons.def").read_text()
    for where, expr in QUERIES + [(rule["alert"], rule["expr"]) for rule in RULES]:
        for label, values in re.findall(r'(\w+) *(?:=~|!=|=)"([^"]*)"', expr):
            for value in values.split("|") if label not in ("job", "instance") else ():
                assert f'"{value}"' in text, f"{where}: {label}={value}"


def test_the_job_is_the_one_that_is_scraped():
    jobs = {job["job_name"] for job in yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]}
    for where, expr in QUERIES + [(rule["alert"], rule["expr"]) for rule in RULES]:
        assert set(re.findall(r'job="([^"]*)"', expr)) <= jobs, where


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_rule_has_its_page_in_the_runbook(rule):
    assert rule["labels"]["severity"] in ("page", "warning") and rule["annotations"]["summary"] and rule["annotations"]["description"]
    assert rule["annotations"]["runbook_url"].endswith("#" + rule["alert"].lower())
    section = re.search(rf"^## {rule['alert']}\n(.*?)(?=^## |\Z)", RUNBOOK, re.M | re.S)
    assert section, "no section"
    assert section[1].lstrip().startswith(f"*{rule['labels']['severity']}.*")
    for part in ("**Means:** ", "**Look at:** ", "**Do:** "):
        assert re.search(re.escape(part) + r"\S", section[1]), part


def test_the_runbook_names_no_alert_and_no_metric_that_is_not():
    alerts, names = {rule["alert"] for rule in RULES}, metrics()
    assert set(re.findall(r"\bRiderwatch[A-Z]\w+", RUNBOOK)) <= alerts
    assert not [name for name in re.findall(r"\b(?:riderwatch|process)_[a-z_]+", RUNBOOK) if name not in names]


@needs_promtool
def test_promtool_finds_nothing_wrong():
    for command in (["check", "rules", "riderwatch.rules.yml"], ["check", "config", "prometheus.yml"], ["test", "rules", "riderwatch.rules.test.yml"]):
        done = subprocess.run(["promtool", *command], cwd=FOLDER, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def promtool_fails(folder, change):
    """The alerts whose test fails when every rule is changed."""
    text = (FOLDER / "riderwatch.rules.yml").read_text()
    (folder / "riderwatch.rules.yml").write_text(re.sub(r"^        expr: '(.*)'$", change, text, flags=re.M))
    shutil.copy(FOLDER / "riderwatch.rules.test.yml", folder)
    done = subprocess.run(["promtool", "test", "rules", "riderwatch.rules.test.yml"], cwd=folder, capture_output=True, text=True)
    assert done.returncode != 0
    return set(re.findall(r'alertname(?:=\\*"|: *)(\w+)', done.stdout + done.stderr))


@needs_promtool
def test_every_rule_is_tested_both_ways(tmp_path):
    """A rule that never fires, and one that always does, each fail their test."""
    alerts = {rule["alert"] for rule in RULES}
    assert promtool_fails(tmp_path, "        expr: vector(0) > 1") == alerts
    assert promtool_fails(tmp_path, "        expr: vector(1)") == alerts
