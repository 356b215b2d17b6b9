# SPDX-License-Identifier: Apache-2.0
"""What `make bench` makes of its measurements; what it measures needs a quiet machine and is not tested here."""
import pathlib
import re
import sys
import xml.etree.ElementTree

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import chart  # noqa: E402
import goals  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402
import scenarios  # noqa: E402
import steady  # noqa: E402
import trials  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


def trial(program, redis=1.0, broker=0.5):
    read = {"redis": redis / 1000, "broker": broker / 1000, "wall": 2.0, "busy": 100.0, "stolen": 0.2}
    return trials.make_trial(1000, {"loop": program / 1000, "librdkafka": 0.0}, read, 100.0)


def rects(svg):
    return [float(rect.get("width")) for rect in xml.etree.ElementTree.fromstring(svg).iter(SVG + "rect")]


def test_trial_is_per_event():
    read = {"redis": 0.001, "broker": 0.0005, "wall": 2.0, "busy": 0.0245, "stolen": 0.2}
    made = trials.make_trial(1000, {"loop": 0.002, "worker": 0.001}, read, 100.0)
    assert made["parts"] == pytest.approx({"loop": 2.0, "worker": 1.0})
    assert (made["program"], made["redis"], made["broker"], made["total"]) == pytest.approx((3.0, 1.0, 0.5, 4.5))
    assert (made["others"], made["stolen"]) == pytest.approx((0.01, 0.1))


def test_programs_alternate():
    order = []

    def measure(name):
        order.append(name)
        return trial(1.0)
    trials.SETTLE_S = 0
    made = trials.alternate([(name, lambda name=name: measure(name)) for name in "abc"], 3)
    assert "".join(order) == "abcbcacab"
    assert {name: len(rows) for name, rows in made.items()} == {"a": 3, "b": 3, "c": 3}


def test_ratio_is_of_minima():
    ours, theirs = [trial(2000.0), trial(1000.0), trial(9000.0)], [trial(4000.0), trial(4000.0), trial(3000.0)]
    assert trials.ratio(ours, theirs, "program") == pytest.approx({"value": 1000 / 3000, "median": 0.5, "low": 0.25, "high": 3.0})
    assert trials.ratio(ours, [trial(0.0)] * 3, "program") is None


def test_percentiles_of_delays():
    described = steady.describe(range(1000, 0, -1))
    assert (described["count"], described["p50"], described["p90"], described["p99"], described["max"]) == (1000, 501, 901, 991, 1000)
    assert steady.describe([]) == {"count": 0}


def test_age_is_from_due_to_first_sight():
    seen = [((0, 7), 1030.0, "Extreme"), ((0, 7), 1090.0, "Extreme"), ((1, 7), 2005.0, "Minor"), ((5, 5), 1.0, "Severe")]
    intended = {(0, 7): 1000.0, (1, 7): 2000.0}
    assert steady.ages(seen, intended) == [(30.0, "Extreme"), (5.0, "Minor")]
    assert steady.ages(seen, intended, first=1500.0) == [(5.0, "Minor")]
    assert steady.ages(seen, intended, last=2000.0) == [(30.0, "Extreme")]


@pytest.mark.parametrize("value, verdict", [(12.0, "met"), (12.1, "missed"), (None, "not measured")])
def test_goal_is_judged(value, verdict):
    results = {} if value is None else {"steady-1000": {"all": {"count": 1, "p50": value, "p99": 1.0}}}
    assert {goal.text: said for goal, _, said in goals.judge(results)}["emergency alert at 1,000 events/s, p50"] == verdict


def test_goals_name_what_scenarios_measure():
    names = {scenario.name: scenario for scenario in scenarios.SCENARIOS}
    programs = {name: [row.name for row in scenario.options["rows"]] for name, scenario in names.items() if "rows" in scenario.options}
    results = {name: {"programs": {program: [trial(1.0)] for program in [*rows, "peer"]}} for name, rows in programs.items()}
    delays = {"count": 1, "p50": 1.0, "p90": 1.0, "p99": 1.0, "p999": 1.0, "max": 1.0}
    for name in names.keys() - programs.keys():
        results[name] = {"all": delays, "core": 0.001, "live_median": 0.5, "scale": 1.0}
    assert [goal.text for goal, figure, _ in goals.judge(results) if figure is None] == []


def test_threads_are_sorted():
    assert [processes.thread_part(name) for name in ("riderwatchd", "rdk:main", "rdk:broker1", "publisher", "watchdog")] == \
        ["loop", "librdkafka", "librdkafka", "worker", "other"]


def test_bars_are_as_long_as_their_values():
    svg = chart.bars("t <&>", "us", [("ours", {"a": 1.0, "b": 3.0}), ("theirs", {"a": 2.0})])
    widths = rects(svg)[2:]  # behind the legend
    assert widths[1] == pytest.approx(3 * widths[0], rel=0.01) and widths[2] == pytest.approx(2 * widths[0], rel=0.01)
    assert "prefers-color-scheme: dark" in svg


def test_levels_are_logarithmic():
    svg = chart.lines("t", "ms", ["p50", "p99", "max"], [("100/s", [1.0, 10.0, 100.0])])
    levels = [float(circle.get("cy")) for circle in xml.etree.ElementTree.fromstring(svg).iter(SVG + "circle")]
    assert levels[0] - levels[1] == pytest.approx(levels[1] - levels[2]) and levels[0] > levels[2]
    xml.etree.ElementTree.fromstring(chart.lines("nothing", "ms", [], []))


def test_report_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "WORK", tmp_path)
    rows = {"riderwatchd": [{**trial(2.0), "keys": 5, "published": 7, "transactions": 2}], "peer": [trial(4.0, redis=1.0, broker=0.5)]}
    results = {"catch-up": {"programs": rows, "loads": {"riderwatchd": "some load", "peer": "some load"},
                            "allocations": {"loop": 0.25, "others": 3.0, "loop_bytes": 10.0, "others_bytes": 20.0}},
               "idle": {"core": 0.004, "seconds": 30}}
    facts = {"at": "today", "machine": "2 x some", "events": 1000, "pairs": 1, "overrides": []}
    charts = report.write_charts(results)
    assert charts == ["cpu.svg"] and (tmp_path / "cpu.svg").exists()
    text = report.render(facts, [("catch-up", "about"), ("idle", "about"), ("riders", "about")], results, {"riders": "no luck"}, charts)
    assert "0.25 of the loop thread" in text and "0.40 % of a core" in text and "failed: no luck" in text
    assert re.search(r"daemon alone against the peer +\| +0\.50 +\|.*\| +met \|", text)
    assert re.search(r"daemon \+ Redis \+ broker against the peer.*\| +0\.64 +\|.*\| +missed \|", text)


def test_lines_of_each_kind():
    delays = steady.describe([float(value) for value in range(1, 101)])
    rate = {"rate": 1000, "seconds": 10, "core": 0.05, "peak": 20.0, "made": 100, "seen": 99, "late": 3.0, "all": delays, "urgent": {"count": 0}}
    text = "\n".join(report.scenario_lines(rate))
    assert re.search(r"emergency, all +\| +100 \| +51\.0 \| +91\.0 \| +100\.0 \| +100\.0 \| +100\.0 \|", text)
    assert "100 emergency alerts made, 99 seen" in text and "3.0 s longer" in text
    assert "longer" not in "\n".join(report.scenario_lines({**rate, "late": 0.1}))
    restart = {"ids": 1000, "live": [0.3, 0.1, 0.2], "live_median": 0.2, "empty": [trial(1.0)], "full": [trial(2.0)], "peak": 30.0,
               "dedup_bytes": 16000.0, "scale": 1.4}
    assert "0.10 / 0.20 / 0.30 s over 3 kills" in (text := "\n".join(report.scenario_lines(restart))) and "16.0 bytes an id" in text
    outage = {"rate": 500, "delays": {"Redis gone": delays}, "level": 1.5, "behind": 2, "again": 7, "peak": 20.0}
    assert "counters level 1.5 s after" in "\n".join(report.scenario_lines(outage))
