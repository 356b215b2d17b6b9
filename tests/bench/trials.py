# SPDX-License-Identifier: Apache-2.0
"""One trial: a program works through all events of loaded topics, and what that cost. And how trials are compared: alternating,
so that a machine that is slow for a while is slow for all of them."""
import statistics
import time

from processes import machine_seconds, say

PROGRAM, REDIS, BROKER, TOTAL = "program", "redis", "broker", "total"
SETTLE_S = 1.0  # what a trial leaves to do behind it (broker, page cache) is not the next one's


class Meter:
    """CPU time of Redis, broker and whole machine, and wall time, since it was made."""

    def __init__(self, stack):
        self.stack, self.before, self.began = stack, self.look(stack), time.monotonic()

    @staticmethod
    def look(stack):
        return {**stack.usage(), **machine_seconds()}

    def read(self):
        """{redis, broker, busy, stolen, wall} in seconds"""
        wall, after = time.monotonic() - self.began, self.look(self.stack)
        return {"wall": wall, **{name: after[name] - self.before[name] for name in after}}


def make_trial(events, parts, read, peak, **more):
    """parts: {name: CPU seconds} of the program; read: of a Meter. CPU time becomes microseconds per event. others, stolen: cores that
    other programs, and a hypervisor's other machines, took meanwhile."""
    def per_event(seconds):
        return seconds / events * 1e6
    program, wall = sum(parts.values()), read["wall"]
    trial = {"events": events, "parts": {part: per_event(seconds) for part, seconds in parts.items()}, PROGRAM: per_event(program),
             REDIS: per_event(read[REDIS]), BROKER: per_event(read[BROKER]), "wall": wall, "peak": peak,
             "others": max(0.0, read["busy"] - program - read[REDIS] - read[BROKER]) / wall, "stolen": read["stolen"] / wall, **more}
    trial[TOTAL] = trial[PROGRAM] + trial[REDIS] + trial[BROKER]
    return trial


def alternate(programs, pairs):
    """programs: [(name, function() -> trial)]. {name: [trial of each round]}; each round begins one program later."""
    trials = {name: [] for name, _ in programs}
    for number in range(pairs):
        at = number % len(programs)
        for name, measure in programs[at:] + programs[:at]:
            time.sleep(SETTLE_S)
            trial = measure()
            say(f"  round {number + 1} of {pairs}: {name:<24} {trial[TOTAL]:.2f} us an event, {trial['wall']:.2f} s")
            trials[name].append(trial)
    return trials


def spread(trials, key):
    """(minimum, median, maximum) of a figure over trials"""
    values = sorted(trial[key] for trial in trials)
    return values[0], statistics.median(values), values[-1]


def ratio(trials, others, key):
    """Of the minima, which a busy machine moves least; then median, minimum and maximum over the rounds."""
    rounds = sorted(a[key] / b[key] for a, b in zip(trials, others) if b[key])
    least = min((b[key] for b in others), default=0)
    if not rounds or not least:
        return None
    return {"value": min(a[key] for a in trials) / least, "median": statistics.median(rounds), "low": rounds[0], "high": rounds[-1]}


def percentile(ordered, share):
    """Of values in order."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
