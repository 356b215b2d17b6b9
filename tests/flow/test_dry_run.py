# SPDX-License-Identifier: Apache-2.0
"""What riderwatchctl says of events without a Kafka or a Redis: dry-run, route, completion."""
import json
import re
import shutil
import subprocess

import pytest

from ctl import CTL
from events import delivery, report, review
from world import DAEMON, ROOT

RULES = ["--rules", str(ROOT / "pipelines/rules")]
EX_USAGE, EX_DATAERR, EX_NOINPUT = 64, 65, 66


def ctl(*words, input="", expect=0):
    done = subprocess.run([str(CTL), *words], input=input, capture_output=True, text=True, timeout=30)
    assert done.returncode == expect, (done.returncode, done.stdout[-2000:], done.stderr)
    return done.stdout


def dry_run(lines, *words, **more):
    return [json.loads(line) for line in ctl("dry-run", *RULES, *words, input="\n".join(lines) + "\n", **more).splitlines()]


def value(event, shape="structured"):
    return event.shaped(shape)[0].decode()


def envelope(event, shape, topic, partition=0, key=None, ts=1795600000000):
    """The record as kcat -J prints it."""
    body, headers = event.shaped(shape)
    return json.dumps({"topic": topic, "partition": partition, "offset": 5, "tstype": "logappend", "ts": ts, "broker": 1,
                       "headers": [word for name, text in headers for word in (name, text.decode())], "key": key or event.rider,
                       "payload": body.decode()}, ensure_ascii=False)


FIRE = "三楼阳台着火了，有人困在里面"


def test_one_verdict_a_line_in_order():
    first = report("骑手-1", FIRE, jurisdiction_id="310115")
    found = dry_run([value(first), value(first, "bare"), value(review("骑手-1", first.id, "upheld")), value(delivery("r2", charity=True)),
                     "no json", value(report("骑手-1", "今天天气不错，送单很顺利"))])
    assert [line["line"] for line in found] == [1, 2, 3, 4, 5, 6]
    assert [line["outcome"] for line in found] == ["counted", "duplicate", "counted", "counted", "dead_letter", "counted"]
    assert (found[0]["category"], found[0]["severity"], found[0]["rider"]) == ("fire", "Extreme", "骑手-1")
    assert found[0]["counters"] == {"reports": 1, "reports_fire": 1, "points_pending": 1000}
    assert [alert["topic"] for alert in found[0]["alerts"]] == ["rider.alerts.emergency.v1", "rider.alerts.fire.v1"]
    assert found[0]["alerts"][1]["alert"]["data"]["description"] == FIRE
    assert "category" not in found[1] and "alerts" not in found[1]
    assert found[2]["counters"] == {"points": 1000, "points_pending": -1000, "upheld": 1, "score": 50}
    assert found[3]["counters"] == {"deliveries": 1, "deliveries_charity": 1, "score": 2} and found[3]["alerts"] == []
    assert (found[4]["reason"], found[4]["position"]) == ("not_json", 0)
    assert (found[5]["category"], found[5]["alerts"]) == ("other", [])


def test_whole_records_as_kcat_prints_them():
    event = delivery("r7")
    lines = [envelope(event, "binary", "rider.deliveries.v1", partition=2), envelope(event, "binary", "rider.deliveries.v1", partition=2),
             envelope(event, "structured", "rider.deliveries.v1", partition=3),
             envelope(event, "binary", "rider.deliveries.v1", partition=2, ts=1795600000000 + 30 * 3600 * 1000, key="another"),
             json.dumps({"topic": "rider.reports.v1", "partition": 0, "offset": 1, "ts": 1, "key": "k", "payload": None})]
    found = dry_run(lines)
    # Another partition knows nothing of it; time moves by one hour at most for one record.
    assert [line["outcome"] for line in found] == ["counted", "duplicate", "counted", "duplicate", "skipped"]
    assert (found[4]["reason"], found[0]["rider"]) == ("tombstone", "r7") and "key_mismatch" not in found[0]
    found = dry_run([envelope(delivery("r7"), "bare", "rider.deliveries.v1", key="another")])
    assert found[0]["key_mismatch"] is True


def test_the_same_input_gives_the_same_bytes():
    lines = [value(report("r1", FIRE)), value(delivery("r1"))]
    assert dry_run(lines, "--time", "1795600000000") == dry_run(lines, "--time", "1795600000000")
    assert dry_run(lines[:1], "--time", "1795600000000")[0]["alerts"][0]["alert"]["data"]["sent"].startswith("2026-11-25T")


def test_strict_and_what_cannot_be_read(tmp_path):
    dry_run(["no json"], "--strict", expect=EX_DATAERR)
    dry_run([value(delivery("r1"))], "--strict")
    ctl("dry-run", *RULES, str(tmp_path / "nowhere"), expect=EX_NOINPUT)
    ctl("dry-run", *RULES, "--time", "noon", expect=EX_USAGE)
    (tmp_path / "events").write_text(value(delivery("r1")) + "\n\n")
    assert ctl("dry-run", *RULES, str(tmp_path / "events")).count("\n") == 1


def route(*words, lines=()):
    return [json.loads(line) for line in ctl("route", *RULES, "--json", *words, input="\n".join(lines)).splitlines()]


def test_route_agrees_with_the_alerts_of_dry_run():
    lines = [value(report("r1", text, jurisdiction_id="310115")) for text in (FIRE, "这家店后厨老鼠乱窜，案板发霉", "老人突然晕倒，叫不醒了")]
    alerts = [{alert["topic"] for alert in line["alerts"]} for line in dry_run(lines)]
    rows = route(lines=lines)
    assert [{row["topic"] for row in rows if row["line"] == number} for number in (1, 2, 3)] == alerts
    routes = dry_run(lines)[0]["alerts"][1]["alert"]["data"]["routes"]
    assert [(row["agency"], row["role"], row["topic"]) for row in rows if row["line"] == 1 and row["category"] == "fire"] == \
        [(route["agency"], route["role"], route["topic"]) for route in routes]


def test_route_says_why():
    rows = route(lines=["no json", value(delivery("r1")), value(report("r1", "今天天气不错，送单很顺利"))])
    assert [(row["topic"], row["why"]) for row in rows] == [("rider.dlq.v1", "no event: not_json"), ("-", "no alert: only reports make alerts"),
                                                            ("-", "no alert: nothing for an agency in it")]
    assert all(re.match(r"routes#\d+", row["why"]) for row in route("--text", FIRE, "--jurisdiction", "310115"))
    row = route("--category", "food", "--severity", "severe")[0]
    assert (row["topic"], row["severity"]) == ("rider.alerts.food.v1", "Severe") and re.fullmatch(r"routes#\d+", row["rule"])
    ctl("route", *RULES, "--category", "flood", expect=EX_USAGE)
    ctl("route", *RULES, "--category", "fire", "--severity", "bad", expect=EX_USAGE)
    assert "routes#" in ctl("route", *RULES, "--text", FIRE)


SHELLS = [("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"])]


@pytest.mark.parametrize("shell, check", SHELLS)
def test_completion_is_sound_and_knows_every_option(shell, check):
    text = ctl("completion", shell)
    if shutil.which(shell):
        subprocess.run(check, input=text, check=True, text=True)
    names = re.findall(r"^  ([a-z-]+) ", ctl("--help"), re.M)
    assert len(names) > 8
    for name in names:
        for option in re.findall(r"--[a-z-]+", ctl(name, "--help").split("exit codes")[0]):
            assert option in text, (name, option)
    for option in re.findall(r"^ .*(--[a-z-]+)", subprocess.run([str(DAEMON), "--help"], capture_output=True, text=True).stdout, re.M):
        assert option in text, option
    assert "redis.password_file=" in text
    ctl("completion", "fish", expect=EX_USAGE)


COMPLETIONS = [
    ("riderwatchctl dl", "dlq"), ("riderwatchctl dlq re", "replay"), ("riderwatchctl watch --sev", "--severity"),
    ("riderwatchctl rules --str", "--strict"), ("riderwatchd --che", "--check"), ("riderwatchd -o log.l", "log.level="),
    ("riderwatch-board --overr", "--override"),
]


@pytest.mark.parametrize("typed, completed", COMPLETIONS)
def test_bash_completes(typed, completed):
    script = ctl("completion", "bash") + f"""
compopt() {{ :; }}
COMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _riderwatch "${{COMP_WORDS[0]}}"; echo "${{COMPREPLY[@]}}"
"""
    assert subprocess.run(["bash"], input=script, capture_output=True, text=True).stdout.strip() == completed


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh here")
@pytest.mark.parametrize("typed, completed", COMPLETIONS)
def test_zsh_completes(typed, completed, tmp_path):
    """Types into a zsh on a terminal of its own."""
    (tmp_path / "_riderwatchctl").write_text(ctl("completion", "zsh"))
    script = f"""
seen=
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u -d {tmp_path}/dump; print REA''DY'
zpty -r -m shell line '*READY*'
zpty -n -w shell '{typed}'$'\\t'
for try in {{1..150}}; do
	while zpty -r -t shell part; do seen+=$part; done
	[[ $seen = *{completed}* ]] && break
	sleep 0.1
done
print -r -- "$seen"
zpty -d shell
"""
    done = subprocess.run(["zsh", "-f"], input=script, capture_output=True, text=True, timeout=60)
    assert completed in done.stdout, done.stdout
