# SPDX-License-Identifier: Apache-2.0
"""The table of scenarios, and the session that they share: one stack, one set of options, all results."""
import json
import platform
import time
import traceback
from dataclasses import dataclass, field
from typing import Callable

import catch_up
import outage
import pages
import restart
import steady
from processes import WORK, Failed, say
from stack import Stack, Topics

USUAL, LONG, ASKED = "usual", "long", "asked"  # when it runs: always, with --all, only when it is named
RULERS = ("consume only", "floor", "bare HINCRBYs")


@dataclass(frozen=True)
class Scenario:
    name: str
    about: str
    run: Callable
    options: dict = field(default_factory=dict)
    when: str = USUAL


def catching_up(name, about, rows, when=USUAL, **options):
    return Scenario(name, about, catch_up.run, {"rows": rows, **options}, when)


SCENARIOS = [
    catching_up("catch-up", "catch-up of 80 % deliveries, 20 % reports: the daemon, its baselines, and a peer where one is given",
                catch_up.with_load(catch_up.JOB, *RULERS), count_allocations=True, with_peer=True),
    catching_up("deliveries", "catch-up of 95 % deliveries, with reviews and all shapes of events",
                catch_up.with_load(catch_up.DAILY, "consume only", "floor"), count_allocations=True),
    catching_up("reports", "catch-up of reports only, in all shapes", catch_up.with_load(catch_up.REPORTS, "consume only", "floor"),
                count_allocations=True),
    Scenario("steady-100", "100 events a second", steady.run_rate, {"rate": 100, "seconds": 60}),
    Scenario("steady-1000", "1,000 events a second", steady.run_rate, {"rate": 1000, "seconds": 60}),
    Scenario("steady-10000", "10,000 events a second", steady.run_rate, {"rate": 10000, "seconds": 30}),
    Scenario("steady-half", "half of what a catch-up manages", steady.run_rate, {"share": 0.5, "seconds": 30}),
    Scenario("idle", "no events", steady.run_idle),
    Scenario("restart-1m", "SIGKILL with 1,000,000 ids in the journal", restart.run, {"ids": 1_000_000}),
    Scenario("restart-10m", "SIGKILL with 10,000,000 ids in the journal", restart.run, {"ids": 10_000_000}, LONG),
    catching_up("append-only", "Redis without and with an append-only file, synced each second", catch_up.APPEND_ONLY),
    catching_up("connection", "Redis by TCP, by TLS and by unix socket", catch_up.CONNECTIONS),
    catching_up("riders", "events of 50,000 and of 5,000,000 riders", catch_up.RIDERS, LONG),
    Scenario("versions", "catch-up by this build and by another one (--against)", catch_up.run_versions, when=ASKED),
    Scenario("pages", "alert age without riderwatch-board and with 200 open pages of it", pages.run, when=ASKED),
    Scenario("outage", "alert age before, during and after 60 s without Redis, with a recount", outage.run, when=ASKED),
]


class Session:
    """What a run has in common. options: the command line's."""

    def __init__(self, options):
        self.options, self.events, self.pairs, self.seconds = options, options.events, options.pairs, options.seconds
        self.peer, self.against, self.overrides = options.peer, options.against, options.override
        self.results, self.failures, self.made, self.groups = {}, {}, [], 0
        self.facts = {"events": self.events, "pairs": self.pairs, "seconds": self.seconds, "peer": bool(self.peer), "overrides": self.overrides,
                      "machine": machine(), "at": time.strftime("%Y-%m-%d %H:%M:%S %z")}
        self.stack = Stack()

    def new_group(self):
        """A consumer group that nothing has been committed to yet."""
        self.groups += 1
        return f"bench-{self.groups}"

    def topics(self, prefix):
        """Fresh topics. What a scenario that failed has left under these names goes first."""
        Topics.clear(self.stack, prefix)
        topics = Topics(self.stack, prefix)
        self.made.append(topics)
        return topics

    def delete_topics(self):
        for topics in self.made:
            topics.delete()
        self.made.clear()

    def run(self, scenario):
        say(f"{scenario.name}: {scenario.about}")
        began = time.monotonic()
        try:
            self.results[scenario.name] = {**scenario.run(self, **scenario.options), "took": time.monotonic() - began}
        except Exception as failure:  # whatever it was, the other scenarios are still worth their time
            if not isinstance(failure, Failed):
                traceback.print_exc()
            say(f"  {scenario.name} failed: {failure!r}")
            self.failures[scenario.name] = f"{type(failure).__name__}: {failure}"
            self.made.clear()
        self.save()

    def save(self):
        text = json.dumps({"facts": self.facts, "results": self.results, "failures": self.failures}, indent=1, ensure_ascii=False)
        (WORK / "results.json").write_text(text + "\n")


def machine():
    with open("/proc/cpuinfo") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(models)} x {models[0] if models else platform.machine()}"


def choose(names, everything):
    """Scenarios of these names, or the usual ones, or all that need not be asked for. Raises KeyError with a name that is none."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    if names:
        return [known[name] for name in names]
    return [scenario for scenario in SCENARIOS if scenario.when == USUAL or everything and scenario.when == LONG]
