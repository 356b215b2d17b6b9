# SPDX-License-Identifier: Apache-2.0
"""Alert age before, during and after a time without Redis, while events come at a steady rate; ends with a recount."""
import time

from catch_up import DAILY
from daemon import Daemon
from processes import ROOT, WORK, Failed, peak_mib, run as run_program, say
from stack import ALERTS, PARTITIONS
from steady import WARM_UP_S, AlertReader, ages, describe, intended_times, send

EXPECT = WORK / "expect"


def watch_outage(process, seconds):
    """Most partitions that were behind meanwhile."""
    behind, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        if process.process.poll() is not None:
            raise Failed(f"the daemon ended, see {process.log_path}")
        behind = max(behind, process.metrics().get("riderwatch_partitions_behind", 0))
        time.sleep(0.5)
    return behind


def watch_return(process, generator, rate):
    """Seconds until what waits to be counted is less than a second of the load."""
    began = level = time.monotonic()
    while sum(process.lag().values()) > rate and generator.poll() is None:
        level = time.monotonic()
        time.sleep(0.1)
    return level - began


def suffer(topics, process, generator, options):
    """Takes Redis away and gives it back; {gone, back: milliseconds since 1970, level, behind, again}."""
    time.sleep(options.before)
    say(f"  Redis is killed for {options.outage} s")
    topics.stack.order("redis", "kill")
    gone = time.time() * 1000
    behind = watch_outage(process, options.outage)
    topics.stack.order("redis", "start")
    back = time.time() * 1000
    say("  Redis is back")
    level = watch_return(process, generator, options.rate)
    generator.wait()
    metrics = process.wait_applied(sum(topics.stack.ends(topics.inputs).values()), 600)
    return {"gone": gone, "back": back, "level": level, "behind": max(behind, metrics.get("riderwatch_partitions_behind", 0)),
            "again": metrics.get("riderwatch_catch_up_events_total", 0)}


def run(session):
    options = session.options
    topics, group = session.topics(""), session.new_group()
    topics.stack.reset_redis(True)
    process = Daemon(topics, group, session.overrides)
    count = options.rate * (options.before + options.outage + options.after)
    try:
        process.wait_live(2 * PARTITIONS)
        reader = AlertReader(topics, ALERTS)
        say(f"  {options.rate:,} events a second for {options.before} + {options.outage} + {options.after} s")
        generator = send(topics, DAILY, options.rate, count, "--expect", EXPECT)
        end = suffer(topics, process, generator, options)
        time.sleep(3)
        seen, intended = reader.stop(), intended_times(topics)
        begin = min(intended.values(), default=0) + WARM_UP_S * 1000
        parts = (("before", begin, end["gone"]), ("Redis gone", end["gone"], end["back"]), ("after", end["back"], float("inf")))
        delays = {name: describe([delay for delay, _ in ages(seen, intended, first, last)]) for name, first, last in parts}
        peak = peak_mib(process.pid)
        run_program(ROOT / "scripts/recount", "--expect", EXPECT, "--brokers", topics.stack.brokers, "--redis", topics.stack.redis,
                    "--group", group, "--wait", 60)
        process.stop()
    finally:
        process.process.kill()
    session.delete_topics()
    return {"rate": options.rate, "delays": delays, "level": end["level"], "behind": end["behind"], "again": end["again"], "peak": peak}
