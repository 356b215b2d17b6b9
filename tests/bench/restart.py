# SPDX-License-Identifier: Apache-2.0
"""With so many ids in the journal: how long from SIGKILL until the next process publishes and counts again on every partition,
and what an event costs then, against the same with an almost empty journal. The daemon is frozen while events are loaded, so that
neither its start nor the sender is in that cost."""
import signal
import statistics
import time

from catch_up import DAILY
from daemon import Daemon
from processes import cpu_by_part, peak_mib, say
from stack import PARTITIONS
from trials import TOTAL, Meter, make_trial, spread

EXTRA = {"kafka": {"session_timeout": "120s"}}  # a frozen daemon keeps its partitions
SAMPLES = 3


def one_sample(topics, process, count):
    """What count more events cost a daemon that runs."""
    process.signal(signal.SIGSTOP)
    before = topics.events
    topics.generate(DAILY, count, before)
    earlier, meter = cpu_by_part(process.pid), Meter(topics.stack)
    process.signal(signal.SIGCONT)
    process.wait_applied(topics.events)
    read = meter.read()
    parts = {part: max(0.0, seconds - earlier.get(part, 0.0)) for part, seconds in cpu_by_part(process.pid).items()}
    return make_trial(topics.events - before, parts, read, peak_mib(process.pid))


def restart(topics, session, group, process):
    """Kills the process and starts the next one at once; (that one, seconds from the kill until it lives)."""
    began = time.monotonic()
    process.kill()
    process = Daemon(topics, group, session.overrides, **EXTRA)
    process.wait_live(2 * PARTITIONS, 120, pause=0.01)
    return process, time.monotonic() - began


def run(session, ids):
    """ids: of the journal; fewer when fewer events were asked for."""
    ids = min(ids, session.events * ids // 1_000_000)
    topics, group = session.topics("restart."), session.new_group()
    topics.stack.reset_redis(True)
    count = max(1000, min(session.events, ids // 10))
    topics.generate(DAILY, 1000)
    process = Daemon(topics, group, session.overrides, **EXTRA)
    try:
        process.wait_applied(topics.events)
        empty = [one_sample(topics, process, count) for _ in range(SAMPLES)]
        say(f"  filling the journal with {ids:,} ids")
        topics.generate(DAILY, max(1, ids - topics.events), topics.events)
        process.wait_applied(topics.events)
        times = []
        for number in range(session.pairs):
            process, seconds = restart(topics, session, group, process)
            say(f"  restart {number + 1} of {session.pairs}: lives after {seconds:.2f} s")
            times.append(seconds)
        full = [one_sample(topics, process, count) for _ in range(SAMPLES)]
        metrics, peak = process.metrics(), peak_mib(process.pid)
        known = int(process.total("riderwatch_dedup_ids", metrics))
        process.stop()
    finally:
        process.process.kill()
    session.delete_topics()
    return {"ids": known, "live": times, "live_median": statistics.median(times), "empty": empty, "full": full, "peak": peak,
            "dedup_bytes": process.total("riderwatch_dedup_bytes", metrics),
            "scale": spread(full, TOTAL)[0] / spread(empty, TOTAL)[0]}
