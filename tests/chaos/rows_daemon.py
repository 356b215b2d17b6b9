# SPDX-License-Identifier: Apache-2.0
"""Faults of the daemon's own process: killed, frozen, doubled, told to leave."""
import signal
import time

from harness import Exit, Log, Metric
from table import row
from world import wait_until

# Where a process ends itself, and the pass at which it does: later passes fall into the middle of the work.
POINTS = {"assigned": 1, "offsets_read": 2, "state_created": 2, "loaded": 3, "producer_closed": 1, "producer_ready": 1, "decided": 40,
          "before_transaction": 4, "begun": 4, "produced": 4, "offsets_sent": 4, "shadow_offsets_sent": 4, "committed": 4,
          "commit_known": 4, "before_apply": 9, "applied": 9, "state_read": 2, "journal_read": 1, "decided_muted": 3}


def play_points(run, points):
    for point in points:
        daemon = run.launch(environment={"RIDERWATCH_CRASH_AT": f"{point}:{POINTS[point]}"})
        run.wait_crash_point(daemon)
        run.notes["points"] = run.notes.get("points", 0) + 1
    run.start()


@row(1, "the next start counts [W, C) muted and goes on", takes=["crash point", "muted", "duplicates", "dead_letters"], short=True)
def killed_in_transactions(run):
    """The process kills itself before, in and after a transaction, and before and after an apply."""
    run.load()
    play_points(run, ["before_transaction", "begun", "produced", "offsets_sent", "shadow_offsets_sent", "committed", "before_apply", "applied",
                      "commit_known"])
