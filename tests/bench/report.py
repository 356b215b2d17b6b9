# SPDX-License-Identifier: Apache-2.0
"""What was measured, as text (Markdown that reads well in a terminal too) and as charts."""
import statistics

import chart
from goals import judge
from processes import WORK
from trials import BROKER, PROGRAM, REDIS, TOTAL, spread

USUAL_EVENTS = 1_000_000
MICRO = "Single functions against their floors, decoding among them: `make bench-micro`."
BARS, LATENCY = "cpu.svg", "latency.svg"
LATENCY_PLACES = {"p50": "p50", "p90": "p90", "p99": "p99", "p999": "p99.9", "max": "max"}


def table(head, rows):
    """A Markdown table with aligned columns; the first one to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]

    def render(row):
        return "| " + " | ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(zip(row, widths))) + " |"
    rule = "|" + "|".join("-" * (width + 1) + (":" if column else "-") for column, width in enumerate(widths)) + "|"
    return [render(cells[0]), rule, *map(render, cells[1:])]


def triple(values, digits=2):
    return " / ".join(f"{value:.{digits}f}" for value in values)


def medians_of_parts(trials):
    """{part: median}, Redis and broker last"""
    parts = {part: statistics.median(trial["parts"].get(part, 0.0) for trial in trials) for part in trials[0]["parts"]}
    return {**parts, REDIS: spread(trials, REDIS)[1], BROKER: spread(trials, BROKER)[1]}


# ---- scenarios ----

def cost_cells(name, trials):
    return (name, f"{trials[0]['events']:,}", *(triple(spread(trials, figure)) for figure in (PROGRAM, REDIS, BROKER, TOTAL)))


def catch_up_lines(result):
    programs = result["programs"]
    rows = [(*cost_cells(name, trials), triple(spread(trials, "wall")), f"{spread(trials, 'peak')[1]:.0f}") for name, trials in programs.items()]
    lines = table(["CPU us per event: min / median / max", "events", PROGRAM, REDIS, BROKER, TOTAL, "wall s", "peak MiB"], rows)
    rows = [(name, ", ".join(f"{part} {value:.2f}" for part, value in medians_of_parts(trials).items())) for name, trials in programs.items()]
    lines += ["", *table(["by part, medians", "us per event"], rows), ""]
    lines += sorted({f"- {load}: {', '.join(name for name, its in result['loads'].items() if its == load)}" for load in result["loads"].values()})
    for name, trials in programs.items():
        if "keys" in trials[0]:
            last = trials[-1]
            among = f" in {last['transactions']:,} transactions" if "transactions" in last else ", ends of transactions included"
            lines.append(f"- {name}: {last['published']:,} records published{among}; {last['keys']:,} keys in Redis at the end")
    every = [trial for trials in programs.values() for trial in trials]
    lines.append(f"- meanwhile other programs took {spread(every, 'others')[1]:.2f} cores (at most {spread(every, 'others')[2]:.2f}), the hypervisor "
                 f"{spread(every, 'stolen')[1]:.2f} (at most {spread(every, 'stolen')[2]:.2f}): the more, the less these figures are worth")
    if "allocations" in result:
        a = result["allocations"]
        lines.append(f"- allocations per event: {a['loop']:.2f} of the loop thread ({a['loop_bytes']:.0f} bytes), {a['others']:.2f} of all other "
                     f"threads ({a['others_bytes']:.0f} bytes)")
    return lines


def latency_row(name, delays):
    if not delays["count"]:
        return (name, 0, *["-"] * len(LATENCY_PLACES))
    return (name, delays["count"], *(f"{delays[key]:.1f}" for key in LATENCY_PLACES))


def latency_table(rows):
    return table(["ms from due to be sent to visible", "alerts", *LATENCY_PLACES.values()], [latency_row(*row) for row in rows])


def rate_lines(result):
    lines = latency_table([("emergency, all", result["all"]), ("of these Extreme and Severe", result["urgent"])])
    lines += ["", f"- {result['rate']:,} events/s for {result['seconds']} s",
              f"- daemon {result['core'] * 100:.2f} % of a core, peak {result['peak']:.0f} MiB",
              f"- {result['made']:,} emergency alerts made, {result['seen']:,} seen by the reader"]
    if result["late"] > 0.02 * result["seconds"] + 1:
        lines.append(f"- the sender needed {result['late']:.1f} s longer than it should: this rate is beyond the machine")
    return lines


def idle_lines(result):
    return [f"- {result['core'] * 100:.2f} % of a core over {result['seconds']} s"]


def restart_lines(result):
    lines = table(["CPU us per event: min / median / max", "events", PROGRAM, REDIS, BROKER, TOTAL],
                  [cost_cells("almost empty journal", result["empty"]), cost_cells(f"{result['ids']:,} ids", result["full"])])
    live = result["live"]
    return lines + ["", f"- from SIGKILL to live again: {triple((min(live), result['live_median'], max(live)))} s over {len(live)} kills",
                    f"- peak {result['peak']:.0f} MiB, {result['dedup_bytes'] / max(1, result['ids']):.1f} bytes an id in the dedup tables"]


def outage_lines(result):
    lines = latency_table(list(result["delays"].items()))
    return lines + ["", f"- {result['rate']:,} events/s; counters level {result['level']:.1f} s after Redis was back, at most {result['behind']:.0f} "
                    f"partitions behind, {result['again']:.0f} events read again; peak {result['peak']:.0f} MiB; the recount agrees"]


def pages_lines(result):
    lines = latency_table(list(result["ages"].items()))
    shares = "; ".join(f"{name} {share * 100:.1f} %" for name, share in result["daemon"].items())
    return lines + ["", f"- {result['rate']:,} events/s, {result['alerts']:.0f} alerts/s, {result['rounds']} rounds of {result['seconds']} s each, alternating",
                    f"- daemon, share of a core: {shares}",
                    f"- board: {result['board'] * 100:.1f} % of a core, peak {result['peak']:.0f} MiB; {result['pages']} pages read "
                    f"{result['bytes'] / 1e6:.1f} MB/s, {result['lost']} were dropped"]


# By a member that only these results have.
LINES = [("programs", catch_up_lines), ("all", rate_lines), ("live", restart_lines), ("delays", outage_lines), ("ages", pages_lines), ("core", idle_lines)]


def scenario_lines(result):
    return next(make for member, make in LINES if member in result)(result)


# ---- goals ----

def goal_row(goal, figure, verdict):
    if figure is None:
        return (goal.text, "-", "-", f"{goal.limit:g} {goal.unit}", verdict)
    rounds = f"{figure['median']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})" if "median" in figure else "-"
    return (goal.text, f"{figure['value']:.2f}", rounds, f"{goal.limit:g} {goal.unit}", verdict)


def goal_lines(results):
    return table(["figure", "value", "median of rounds (spread)", "at most", ""], [goal_row(*row) for row in judge(results)])


# ---- all of it ----

def fact_lines(facts):
    lines = [f"- {facts['at']}, {facts['machine']}", f"- {facts['events']:,} events, rounds: {facts['pairs']}, programs alternate; all features on"]
    if facts["overrides"]:
        lines.append(f"- settings of the daemon: {' '.join(facts['overrides'])}")
    if facts["events"] < USUAL_EVENTS:
        lines.append(f"- goals are about {USUAL_EVENTS:,} events and more: with fewer, starts weigh too much, and journals are smaller than they say")
    return lines + ["- ratios are of minima within one run; absolute figures move with the machine"]


def write_charts(results):
    """Names of the charts that there is something for."""
    rows = [(f"{name} ({scenario})", medians_of_parts(trials)) for scenario, result in results.items()
            for name, trials in result.get("programs", {}).items()]
    series = [(f"{result['rate']:,}/s", [result["all"][key] for key in LATENCY_PLACES]) for result in results.values()
              if result.get("all", {}).get("count")]
    written = {}
    if rows:
        written[BARS] = chart.bars("CPU per event, by part", "microseconds, medians", rows)
    if series:
        written[LATENCY] = chart.lines("Emergency alert: due to be sent to visible (read_committed)", "ms", list(LATENCY_PLACES.values()), series)
    for name, text in written.items():
        (WORK / name).write_text(text)
    return list(written)


def render(facts, scenarios, results, failures, charts):
    """scenarios: [(name, about)] of those that were run."""
    lines = ["# Benchmark", "", *fact_lines(facts), "", *(f"![{name}]({name})\n" for name in charts)]
    for name, about in scenarios:
        lines += [f"## {name}: {about}", ""]
        lines += [f"failed: {failures[name]}"] if name in failures else scenario_lines(results[name])
        lines.append("")
    return "\n".join([*lines, "## Goals", "", *goal_lines(results), "", MICRO]) + "\n"
