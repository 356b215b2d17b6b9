# SPDX-License-Identifier: Apache-2.0
"""The figures that are promised: each from one run, with its limit. A ratio is that of the minima; its spread is over the rounds."""
from dataclasses import dataclass
from typing import Callable

from catch_up import DAEMON
from trials import PROGRAM, REDIS, TOTAL, ratio


@dataclass(frozen=True)
class Goal:
    text: str
    figure: Callable  # results -> {"value", and of a ratio "median", "low", "high"}, or None when not measured
    limit: float
    unit: str = "x"


def compare(scenario, figure, name, other):
    """A ratio of two programs of a scenario."""
    def read(results):
        programs = results.get(scenario, {}).get("programs", {})
        return ratio(programs[name], programs[other], figure) if name in programs and other in programs else None
    return read


def read(scenario, *path, factor=1):
    """A figure as it stands in the results."""
    def find(results):
        value = results.get(scenario)
        for step in path:
            if value is None or (isinstance(value, dict) and step not in value):
                return None
            value = value[step]
        return None if value is None else {"value": value * factor}
    return find


PEER, FLOOR, BARE = "peer", "floor", "bare HINCRBYs"
GOALS = [
    Goal("daemon + Redis + broker against the peer, CPU per event", compare("catch-up", TOTAL, DAEMON, PEER), 0.5),
    Goal("daemon alone against the peer", compare("catch-up", PROGRAM, DAEMON, PEER), 0.6),
    Goal("daemon alone against the floor (consume, scan, match, produce)", compare("catch-up", PROGRAM, DAEMON, FLOOR), 1.6),
    Goal("Redis against the peer", compare("catch-up", REDIS, DAEMON, PEER), 0.5),
    Goal("Redis against bare pipelined HINCRBYs of the same riders", compare("catch-up", REDIS, DAEMON, BARE), 1.3),
    Goal("wall time of the catch-up against the peer", compare("catch-up", "wall", DAEMON, PEER), 0.75),
    Goal("peak memory against the peer", compare("catch-up", "peak", DAEMON, PEER), 0.35),
    Goal("emergency alert at 1,000 events/s, p50", read("steady-1000", "all", "p50"), 12, "ms"),
    Goal("emergency alert at 1,000 events/s, p99", read("steady-1000", "all", "p99"), 40, "ms"),
    Goal("emergency alert at half of saturation, p99", read("steady-half", "all", "p99"), 80, "ms"),
    Goal("idle, daemon", read("idle", "core", factor=100), 0.5, "% of a core"),
    Goal("100 events/s, daemon", read("steady-100", "core", factor=100), 2, "% of a core"),
    Goal("SIGKILL to live again, 1,000,000 ids (median)", read("restart-1m", "live_median"), 1, "s"),
    Goal("SIGKILL to live again, 10,000,000 ids (median)", read("restart-10m", "live_median"), 3, "s"),
    Goal("append-only file everysec against off, all CPU", compare("append-only", TOTAL, "append-only everysec", "append-only off"), 1.3),
    Goal("5,000,000 riders against 50,000, all CPU", compare("riders", TOTAL, "5,000,000 riders", "50,000 riders"), 1.3),
    Goal("10,000,000 ids against an empty journal, all CPU", read("restart-10m", "scale"), 1.3),
]


def judge(results):
    """[(goal, figure or None, "met", "missed" or "not measured")]"""
    rows = []
    for goal in GOALS:
        figure = goal.figure(results)
        rows.append((goal, figure, "not measured" if figure is None else "met" if figure["value"] <= goal.limit else "missed"))
    return rows
