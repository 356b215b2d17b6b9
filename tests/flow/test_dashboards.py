# SPDX-License-Identifier: Apache-2.0
"""What deploy/ gives to dashboard builders does what it says."""
import datetime
import json
import re
import shutil
import subprocess

import pytest
import redis

from events import BY_CATEGORY, delivery, report, review
from test_rollup import check_rollups
from world import ROOT

SHARD = ROOT / "deploy/shard"
VECTORS = [line.split("\t") for line in (SHARD / "vectors.tsv").read_text().splitlines() if not line.startswith("#")]
LANGUAGES = {  # language: commands; {out} is a folder
    "python": [["/usr/bin/python3", f"{SHARD}/shard.py"]],
    "javascript": [["node", f"{SHARD}/shard.mjs"]],
    "go": [["go", "build", "-o", "{out}/shard", f"{SHARD}/shard.go"], ["{out}/shard"]],
    "java": [["javac", "-d", "{out}", f"{SHARD}/Shard.java"], ["java", "-cp", "{out}", "Shard"]],
    "rust": [["rustc", "--edition", "2021", "-o", "{out}/shard", f"{SHARD}/shard.rs"], ["{out}/shard"]],
}
BOARD = json.loads((ROOT / "deploy/grafana/riderwatch-redis.json").read_text())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shard_in_five_languages(language, tmp_path):
    *builds, run = [[word.format(out=tmp_path) for word in command] for command in LANGUAGES[language]]
    tool = (builds or [run])[0][0]
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")
    for command in builds:
        subprocess.run(command, check=True, timeout=120, cwd=tmp_path)
    lines = "".join(f"{rider}\t{partitions}\n" for rider, partitions, _, _ in VECTORS)
    out = subprocess.run(run, input=lines.encode(), stdout=subprocess.PIPE, check=True, timeout=60).stdout.decode().split()
    assert out == [shard for _, _, shard, _ in VECTORS]


def ask(connection, target):
    """What the data source asks for a panel, as {name: value}."""
    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
    key = target["keyName"].replace("${__to:date:YYYYMMDD}", f"{today:%Y%m%d}").replace("${__to:date:YYYYMM}", f"{today:%Y%m}")
    assert "$" not in key
    if target["command"] == "hmget":
        return dict(zip(target["field"].split(), connection.hmget(key, target["field"].split())))
    if target["command"] == "zrange":
        return dict(connection.zrange(key, int(target["min"]), int(target["max"]), withscores=True))
    assert target["command"] == "hgetall"
    return connection.hgetall(key)


def test_the_grafana_dashboard_finds_its_numbers(world):
    world.start()
    for number, category in enumerate(["fire", "food", "emergency", "other"] * 8):
        event = report(f"rider-{number}", BY_CATEGORY[category][0], jurisdiction_id="440305")
        world.send(event)
        world.send(review(event.rider, event.id, ("upheld", "rejected", "duplicate", "fraud")[number // 4 % 4]))
        world.send(delivery(event.rider, charity=True))
    world.flush()
    world.wait_applied()
    check_rollups(world)
    rights = re.search(r"ACL SETUSER dashboard (.*)", (ROOT / "deploy/dashboards.md").read_text())[1].replace("PASSWORD", "look")
    world.redis.execute_command("ACL", "SETUSER", "dashboard", "reset", *rights.split())
    host, port = world.stack.redis_address.rsplit(":", 1)
    connection = redis.Redis(host, int(port), username="dashboard", password="look", decode_responses=True)
    try:
        for panel in BOARD["panels"]:
            target, = panel["targets"]
            values = ask(connection, target)
            assert values and None not in values.values(), (panel["title"], values)
            for wanted in [step for step in panel["transformations"] if step["id"] == "filterFieldsByName"]:
                pattern = wanted["options"]["include"]["pattern"]
                assert [field for field in values if re.search(pattern, field)] == ["440305:reports"], panel["title"]
        for refused in (lambda: connection.hset("rw:rollup", "reports", 1), lambda: connection.hgetall("rw:{0}:totals")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                refused()
    finally:
        connection.close()
        world.redis.execute_command("ACL", "DELUSER", "dashboard")
