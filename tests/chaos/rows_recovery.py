# SPDX-License-Identifier: Apache-2.0
"""How long alerts and counters stand still after each kind of fault; the numbers are in the notes of the report."""
import os
import time

from rows_daemon import owned
from table import row
from world import INPUTS, wait_until

IDS = 10_000_000


def measure(run, name, fault, mend):
    """Does the harm, mends it, and notes seconds from the mending to the next alert and until what was sent by then is counted.
    Returns what mend() returned."""
    run.sleep(2)
    fault()
    seen = len(run.watcher.records)
    began = time.monotonic()
    result = mend()
    ends = run.world.ends(*INPUTS)
    wait_until(lambda: len(run.watcher.records) > seen, 90, "a new alert")
    alert = time.monotonic() - began

    def counted():
        try:
            return all(run.world.applied().get(slot, 0) >= end for slot, end in ends.items())
        except OSError:
            return False
    wait_until(counted, 90, lambda: f"counted\n{run.logs()[-2000:]}")
    run.notes[f"{name}_alert_s"], run.notes[f"{name}_counted_s"] = round(alert, 2), round(time.monotonic() - began, 2)
    return result


@row(1, "numbers", ["SIGKILL", "redis kill", "kafka stop"])
def recovery_times(run):
    """SIGKILL and start at once; Redis restarted; broker restarted; another instance takes over from one that was killed."""
    daemon = run.start()
    run.load()
    run.wait_counted(300)
    daemon = measure(run, "sigkill", lambda: run.crash(daemon), run.launch)
    measure(run, "redis", lambda: run.redis("kill"), lambda: run.stack.order("redis", "start"))
    measure(run, "broker", lambda: run.kafka("stop"), lambda: run.stack.order("kafka", "start"))
    second = run.start("riderwatch-1")
    wait_until(lambda: owned(second) and owned(daemon), 30, "both take part")
    measure(run, "takeover", lambda: run.crash(daemon), lambda: wait_until(lambda: owned(second) == 2 * run.world.partitions, 30, "all"))


@row(1, "numbers", ["SIGKILL"])
def recovery_with_ten_million_ids(run):
    """SIGKILL and start with 10,000,000 ids in the dedup journal."""
    daemon = run.start()
    run.load()
    run.wait_counted(1000)
    run.stop(daemon)
    client, filled = run.world.redis, 0
    keys = [key for kind in INPUTS for key in client.scan_iter(f"rw:{{*}}:seen:{run.world.topics[kind]}:*")]
    for key in keys:
        client.append(key, os.urandom(8 * (IDS // len(keys))))
        filled += IDS // len(keys)
    daemon = run.start()
    wait_until(lambda: owned(daemon) == 2 * run.world.partitions, 60, "all partitions")
    measure(run, "ten_million", lambda: run.crash(daemon), run.launch)
    wait_until(lambda: run.metric_seen("riderwatch_dedup_ids"), 10, "ids in the metrics")
    ids = max(high for metrics in run.seen_metrics.values() for name, (_, high) in metrics.items() if name == "riderwatch_dedup_ids")
    run.notes["ids"], run.notes["filled"] = int(ids), filled
    run.require(ids >= filled, f"{ids} ids remembered of {filled}")
