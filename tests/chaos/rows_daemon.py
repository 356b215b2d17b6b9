# SPDX-License-Identifier: Apache-2.0
"""Faults of the daemon's own process: killed, frozen, doubled, told to leave."""
import signal
import time

from harness import Exit, Log, Metric
from table import row
from world import ROOT, wait_until

# Preloaded, lets a process see another time; see wall_clock.c.
WALL_CLOCK = ROOT / "build/release/wall_clock.so"

# Where a process ends itself, and the pass at which it does: later passes fall into the middle of the work.
POINTS = {"assigned": 1, "offsets_read": 2, "state_created": 1, "loaded": 3, "producer_closed": 1, "producer_ready": 1, "decided": 40,
          "before_transaction": 4, "begun": 4, "produced": 4, "offsets_sent": 4, "shadow_offsets_sent": 4, "committed": 4,
          "commit_known": 4, "before_apply": 9, "applied": 9, "state_read": 2, "journal_read": 1, "decided_muted": 3}


def at(point, *more):
    return {"RIDERWATCH_CRASH_AT": ":".join((point, str(POINTS.get(point, 1)), *more))}


def die_at(run, *points):
    for point in points:
        run.wait_crash_point(run.launch(environment=at(point)))
        run.notes["points"] = run.notes.get("points", 0) + 1


def freeze_at(run, point):
    """A daemon that stops itself at the point; returns once it stands."""
    daemon = run.launch(environment=at(point, "stop"))

    def stands():
        with open(f"/proc/{daemon.process.pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "T"
    wait_until(stands, 20, lambda: f"never came to {point}\n{daemon.log[-1500:]}")
    run.fault("SIGSTOP")
    return daemon


@row(1, "the next start counts [W, C) muted and goes on", ["crash point", "muted", "duplicates", "dead_letters"], short=True)
def killed_in_transactions(run):
    """The process kills itself before, in and after a transaction, and before and after an apply."""
    run.load()
    die_at(run, "before_transaction", "begun", "produced", "offsets_sent", "shadow_offsets_sent", "committed", "before_apply",
           "applied", "commit_known")
    run.start()


@row(1, "the next start begins again", ["crash point", "muted"])
def killed_while_loading(run):
    """The process kills itself at every step between start and the first event, with and without a state in Redis."""
    run.load()
    die_at(run, "state_created", "producer_closed", "assigned", "producer_ready", "offsets_read", "loaded", "decided", "commit_known",
           "state_read", "journal_read", "commit_known", "decided_muted")
    run.start()


@row(1, "nothing is lost by a stop or a revoke that ends half way", ["crash point", "SIGTERM", "load_assigned"])
def killed_while_leaving(run):
    """The process kills itself while it stops, and while it hands its partitions to another instance."""
    run.load()
    for point in ("stopping", "stopped"):
        daemon = run.start(environment=at(point))
        run.sleep(1, 2)
        run.fault("SIGTERM")
        daemon.signal(signal.SIGTERM)
        run.wait_crash_point(daemon)
    for number, point in enumerate(("revoked", "release"), 1):
        daemon = run.start(environment=at(point))
        run.sleep(1, 2)
        other = run.start(f"riderwatch-{number}")  # a new name: one that the group still knows takes its old place without a revoke
        run.wait_crash_point(daemon)
        run.sleep(1)
        run.stop(other, codes=(0, 75))
    run.start()


@row(1, "the next start goes on", ["SIGKILL", "load_assigned"])
def killed_at_random(run):
    """SIGKILL 12 times, up to 1.5 s apart, also in the middle of a start."""
    run.load(per_second=500)
    for _ in range(12):
        daemon = run.launch()
        run.sleep(0, 1.5)
        run.crash(daemon)
    daemon = run.start()
    run.sleep(2)


@row(2, "the zombie's transaction is aborted, its applies are refused or do nothing; it joins again", ["SIGSTOP", "load_assigned"],
     short=True)
def frozen_while_another_takes_over(run):
    """SIGSTOP for longer than the session, a second instance takes over, SIGCONT."""
    first = run.start()
    run.load()
    run.sleep(1, 2)
    run.freeze(first)
    second = run.start("riderwatch-1")
    wait_until(lambda: owned(second) == 2 * run.world.partitions, 25, lambda: f"taken over\n{second.log[-2000:]}")
    run.sleep(1)
    run.wake(first)
    run.sleep(3)
    run.require(first.runs, f"the zombie ended\n{first.log[-1500:]}")


def owned(daemon):
    return sum(value in (2, 3) for name, value in daemon.metrics().items() if name.startswith("riderwatch_partition_state"))


@row(2, "the zombie's transaction is aborted, its applies are refused or do nothing", ["SIGSTOP", "load_assigned"])
def frozen_in_transactions(run):
    """As before, but the first instance freezes inside a transaction, before its commit, and before its applies."""
    run.load()
    for point in ("produced", "shadow_offsets_sent", "commit_known", "before_apply"):
        first = freeze_at(run, point)
        second = run.start("riderwatch-1")
        # A pending offset commit makes the new owner wait for the transaction's timeout.
        wait_until(lambda: owned(second) == 2 * run.world.partitions, 45, lambda: f"taken over\n{second.log[-2000:]}")
        run.wake(first)
        run.sleep(2)
        run.require(first.runs, f"the zombie ended\n{first.log[-1500:]}")
        run.stop(first, codes=(0, 75))
        run.crash(second)
    run.start()
    run.sleep(1)


@row(3, "the older one ends and says why; the younger one goes on", ["same name"],
     (Exit(69), Log("another process runs with this kafka.instance")), short=True)
def two_with_one_name(run):
    """A second process starts with the instance name (and transactional id) of the first, three times."""
    daemon = run.start()
    run.load()
    for _ in range(3):
        run.sleep(1, 2)
        run.fault("same name")
        younger = run.start()
        # Now and then librdkafka 2.0.2 never returns from a call of a producer that was fenced: then the watchdog ends the process.
        run.expect_exit(daemon, [69, 65, 70], 90)
        daemon = younger
    run.sleep(1)


@row(4, "progress during the storm", ["SIGTERM", "SIGKILL", "load_assigned", "load_dropped"])
def rebalance_storm(run):
    """One to four instances start, stop and die, each second or two, for 30 s."""
    names, running = [f"riderwatch-{number}" for number in range(4)], {}
    run.load()
    until = time.monotonic() + 30
    run.start("riderwatch-9")
    run.sleep(2)
    before = sum(run.world.applied().values())
    while time.monotonic() < until:
        name = run.dice.choice(names)
        if name not in running:
            running[name] = run.launch(name)
        elif run.dice.random() < 0.5:
            run.crash(running.pop(name))
        else:
            run.stop(running.pop(name), codes=(0, 75))
        run.sleep(0.5, 2)
    run.require(sum(run.world.applied().values()) > before + 300, "no progress during the storm")


@row(26, "same result: nothing is decided by a clock", ["clock jump"])
def clock_jumps(run):
    """The daemon's wall clock jumps an hour ahead, two hours back, and home, three times over; then it is killed."""
    clock = run.world.folder / "clock"
    clock.write_text("0")
    daemon = run.start(environment={"LD_PRELOAD": str(WALL_CLOCK), "WALL_CLOCK_FILE": str(clock)})
    run.load()
    for hours in (1, -1, 0) * 3:
        run.sleep(1)
        run.fault("clock jump")
        clock.write_text(str(hours * 3_600_000))
    run.recover()
    run.require(daemon.runs, "the daemon ended")
    run.crash(daemon)
    run.start()


@row(27, "no rebalance, no leak", ["quiet"])
def quiet_for_longer_than_the_poll_interval(run):
    """No event for 20 s, with max.poll.interval.ms at 10 s."""
    run.start(kafka={"consumer_properties": {"max.poll.interval.ms": 10000}})
    run.load()
    run.sleep(2)
    run.feed.stop()
    run.fault("quiet")
    run.sleep(20)
    run.load()
    run.sleep(1)
    run.recover()
    run.require(run.paths().get("load_assigned", 0) == 2 * run.world.partitions, "there was a rebalance")


@row(28, "exit within its bound, 0 or 75; the rules are loaded again", ["SIGTERM", "SIGINT", "SIGHUP"],
     (Log("rules reloaded"), Metric("riderwatch_rules_reloads_total")), short=True)
def signals_at_random(run):
    """SIGHUP twice, then SIGTERM or SIGINT at a random moment, six times; also while Redis is away."""
    run.load()
    for number in range(6):
        daemon = run.start(shutdown={"timeout": "4s"})
        for _ in range(2):
            run.sleep(0, 0.7)
            run.fault("SIGHUP")
            daemon.signal(signal.SIGHUP)
        if number == 4:
            run.redis("pause")
        began = time.monotonic()
        run.stop(daemon, run.dice.choice((signal.SIGTERM, signal.SIGINT)) if number > 1 else (signal.SIGTERM, signal.SIGINT)[number],
                 codes=(0, 75), timeout=10)
        run.require(time.monotonic() - began < 7, "the exit took too long")
        run.heal()
    run.start()
