# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes a real daemon, with the rules and the dashboard's queries of deploy/."""
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml

from events import BY_CATEGORY, delivery, report
from servers import free_port
from world import ROOT, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("prometheus"), reason="apt-get install prometheus")
RULES = ROOT / "deploy/prometheus/riderwatch.rules.yml"
DASHBOARD = json.loads((ROOT / "deploy/grafana/riderwatch-oncall.json").read_text())
# What stays empty in a healthy half minute.
RARE = {"Dead letters by reason"}


class Prometheus:
    def __init__(self, folder, targets):
        config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(RULES)]
        jobs = {job["job_name"]: job for job in config["scrape_configs"]}
        config["scrape_configs"] = [{**jobs[name], "static_configs": [{"targets": [target]}]} for name, target in targets.items()]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.address, self.log = f"127.0.0.1:{free_port()}", folder / "prometheus.log"
        self.process = subprocess.Popen(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                                         f"--web.listen-address={self.address}"], stdout=open(self.log, "wb"), stderr=subprocess.STDOUT)

    def ask(self, path, **query):
        try:
            address = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(query)}"
            return json.load(urllib.request.urlopen(address, timeout=5))["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # it starts
                return {}
            raise AssertionError(f"{path} {query}: {error.read()}") from error
        except OSError:
            return {}

    def query(self, expr):
        return self.ask("query", query=expr)["result"]

    def rules(self):
        return {rule["name"]: rule for group in self.ask("rules").get("groups", ()) for rule in group["rules"]}

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def watched(world, tmp_path):
    daemon = world.start()
    prometheus = Prometheus(tmp_path, {"riderwatch": daemon.listen})
    yield world, daemon, prometheus
    prometheus.end()


def test_a_real_prometheus_reads_everything(watched):
    world, daemon, prometheus = watched
    wait_until(lambda: any(target["health"] == "up" for target in prometheus.ask("targets").get("activeTargets", ())), 20,
               lambda: prometheus.log.read_text()[-2000:])
    for number in range(30):
        world.send(report(f"rider-{number}", BY_CATEGORY[("fire", "food", "emergency")[number % 3]][0]))
        world.send(delivery(f"rider-{number}"))
        if number % 5 == 0:
            world.flush()
            time.sleep(0.4)
    world.flush()
    world.wait_applied()
    # Rates need two samples around the change.
    wait_until(lambda: prometheus.query("sum(increase(riderwatch_alerts_total[1m])) > 0"), 15, "alerts in Prometheus")
    empty = [panel["title"] for panel in DASHBOARD["panels"] for target in panel["targets"]
             if not prometheus.query(target["expr"]) and panel["title"] not in RARE]
    assert not empty, f"panels without data: {empty}"
    seen = {row["metric"]["category"] for row in prometheus.query("sum by (category) (riderwatch_alerts_total) > 0")}
    assert seen == {"fire", "food", "emergency"}
    rules = prometheus.rules()
    assert len(rules) == len(yaml.safe_load(RULES.read_text())["groups"][0]["rules"])
    assert {name for name, rule in rules.items() if rule["health"] != "ok"} == set(), rules
    assert {name for name, rule in rules.items() if rule["state"] != "inactive"} == set(), "a healthy daemon alerts somebody"
    daemon.kill()
    wait_until(lambda: prometheus.rules()["RiderwatchDown"]["state"] == "pending", 15, lambda: prometheus.rules()["RiderwatchDown"])
