# SPDX-License-Identifier: Apache-2.0
"""A steady rate: how long an emergency alert takes from the moment its report was due to be sent (a sender that is held up does
not hide it) until a read_committed reader sees it, and what share of a core the daemon takes. And the same with no events at all."""
import signal
import subprocess
import time

from catch_up import DAEMON, JOB
from daemon import Daemon
from processes import BUILD, ROOT, Failed, cpu_seconds, peak_mib, run, say
from programs import daemon as measure_daemon
from stack import PARTITIONS, SEED
from trials import percentile, spread

WARM_UP_S = 5  # what a daemon and a broker need that have just started is left out
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
URGENT = ("Extreme", "Severe")


class AlertReader:
    """When alerts of some topics became visible: build/release/stamps, a process of its own."""

    def __init__(self, topics, kinds=("alerts_emergency",)):
        names = [topics.names[kind] for kind in kinds]
        self.process = subprocess.Popen([BUILD / "stamps", "alerts", topics.stack.brokers, *names], cwd=ROOT, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = ""
        while (line := self.process.stderr.readline()) != "ready\n":
            said += line
            if not line:
                raise Failed(f"the reader of alerts could not start: {said}")

    def stop(self):
        """[((partition, offset) of the report, milliseconds since 1970, severity)], in the order they came"""
        self.process.send_signal(signal.SIGTERM)
        out, error = self.process.communicate(timeout=60)
        if self.process.returncode:
            raise Failed(f"the reader of alerts ended with {self.process.returncode}: {error}")
        rows = (line.split("\t") for line in out.splitlines())
        return [((int(row[0]), int(row[1])), int(row[2]) / 1000, row[3]) for row in rows]


def intended_times(topics):
    """{(partition, offset) of a report: milliseconds since 1970 when it was due to be sent}"""
    out = run(BUILD / "stamps", "intended", topics.stack.brokers, topics.names["reports"])
    rows = (line.split("\t") for line in out.splitlines())
    return {(int(row[0]), int(row[1])): float(row[2]) for row in rows}


def send(topics, load, rate, count, *more):
    """A generator at this rate, started."""
    return subprocess.Popen([str(word) for word in (BUILD / "generate", "--brokers", topics.stack.brokers, "--prefix", topics.prefix, "--count",
                                                    count, "--seed", SEED, "--rate", rate, "--quiet", *load.arguments(), *more)],
                            cwd=ROOT, stdin=subprocess.DEVNULL)


def describe(delays):
    """Count, percentiles and maximum of milliseconds."""
    if not delays:
        return {"count": 0}
    ordered = sorted(delays)
    return {"count": len(ordered), **{name: percentile(ordered, share) for name, share in PERCENTILES.items()}, "max": ordered[-1]}


def ages(seen, intended, first=0.0, last=float("inf")):
    """[(milliseconds, severity)] of alerts whose report was due between two moments; the first sight of each counts."""
    visible = {}
    for place, at, severity in seen:
        visible.setdefault(place, (at, severity))
    return [(at - intended[place], severity) for place, (at, severity) in visible.items() if first <= intended.get(place, -1) < last]


def saturation(session):
    """Events a second of a catch-up, this run's or a new one's."""
    trials = session.results.get("catch-up", {}).get("programs", {}).get(DAEMON)
    if not trials:
        topics = session.topics("saturation.")
        topics.generate(JOB, session.events)
        trials = [measure_daemon(topics, session)]
        topics.delete()
    return trials[0]["events"] / spread(trials, "wall")[1]


def run_rate(session, rate=None, share=None, seconds=60):
    """rate: events a second, or share of saturation."""
    if share:
        rate = max(1, int(saturation(session) * share))
    seconds = session.seconds or seconds
    topics = session.topics("steady.")
    topics.stack.reset_redis(False)
    process = Daemon(topics, session.new_group(), session.overrides)
    try:
        process.wait_live(2 * PARTITIONS)
        reader = AlertReader(topics)
        say(f"  {rate:,} events a second for {seconds} s")
        result = run_load(topics, process, reader, rate, seconds)
        result["peak"] = peak_mib(process.pid)
        process.stop()
    finally:
        process.process.kill()
    session.delete_topics()
    return result


def put_load(topics, process, reader, rate, seconds):
    """{delays: [(milliseconds, severity)], core: share of one after the warm-up, took, seen, made: emergency alerts}"""
    warm_up = min(WARM_UP_S, seconds / 3)
    began = time.time()
    generator = send(topics, JOB, rate, rate * seconds)
    time.sleep(warm_up)
    cpu, cpu_began = cpu_seconds(process.pid), time.monotonic()
    generator.wait()
    core = (cpu_seconds(process.pid) - cpu) / (time.monotonic() - cpu_began)
    took = time.time() - began
    process.wait_applied(sum(topics.stack.ends(topics.inputs).values()), 120)
    time.sleep(1)
    seen, intended = reader.stop(), intended_times(topics)
    delays = ages(seen, intended, min(intended.values(), default=0) + warm_up * 1000)
    if not delays:
        raise Failed("no alert came: more seconds or a higher rate are needed")
    made = process.total("riderwatch_alerts_total", labels='category="emergency"')
    return {"delays": delays, "core": core, "took": took, "made": int(made), "seen": len(seen)}


def run_load(topics, process, reader, rate, seconds):
    load = put_load(topics, process, reader, rate, seconds)
    delays = load.pop("delays")
    return {**load, "rate": rate, "seconds": seconds, "late": max(0.0, load["took"] - seconds), "all": describe([delay for delay, _ in delays]),
            "urgent": describe([delay for delay, severity in delays if severity in URGENT])}


def run_idle(session, seconds=30):
    """Share of a core of a daemon that has counted something and has nothing to do; nobody asks it anything meanwhile."""
    topics = session.topics("idle.")
    topics.stack.reset_redis(False)
    topics.generate(JOB, min(session.events, 20000))
    process = Daemon(topics, session.new_group(), session.overrides)
    seconds = session.seconds or seconds
    try:
        process.wait_applied(topics.events)
        time.sleep(3)
        cpu, began = cpu_seconds(process.pid), time.monotonic()
        time.sleep(seconds)
        core = (cpu_seconds(process.pid) - cpu) / (time.monotonic() - began)
        process.stop()
    finally:
        process.process.kill()
    session.delete_topics()
    return {"core": core, "seconds": seconds}
