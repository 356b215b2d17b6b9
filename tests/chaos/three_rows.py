# SPDX-License-Identifier: Apache-2.0
"""Three brokers, every partition on all of them, and one of them harmed: the leader of an alert topic, the coordinator of the group,
the coordinator of the transactions. Each row harms all three, one after the other, and notes the longest time without a commit."""
import threading
import time

from cluster import Cluster
from table import row
from world import wait_until

STACKS = {"three": lambda: Cluster("chaos-three", 3)}
INSTANCE = "riderwatch-0"
# Longer than socket.timeout.ms (3 s) and the brokers' session (3 s), and shorter than a transaction may last (10 s); and longer than
# that and the brokers' scan.
SHORT_S, LONG_S = 6, 20
ROLES = {"leader": lambda run: run.stack.leader(run.world.topics["alerts_emergency"], 0),
         "group": lambda run: run.stack.group_coordinator(run.world.group),
         "transactions": lambda run: run.stack.transaction_coordinator(f"{run.world.group}-{INSTANCE}")}


class Gaps(threading.Thread):
    """The longest time in which no process of the run committed a transaction."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.owner, self.over, self.longest, self.last = run, threading.Event(), 0.0, time.monotonic()
        self.start()

    def run(self):
        counts = {}
        while not self.over.wait(0.2):
            for daemon in self.owner.running():
                count = daemon.metrics().get('riderwatch_transactions_total{result="committed"}', 0)
                if count > counts.get(daemon, 0):
                    counts[daemon], now = count, time.monotonic()
                    self.longest, self.last = max(self.longest, now - self.last), now

    def take(self):
        """The longest since the last call."""
        longest, self.longest = max(self.longest, time.monotonic() - self.last), 0.0
        return round(longest, 1)


def begin(run, *instances, **sections):
    """Daemons that work, under load; gaps are measured from now on."""
    run.supervised = True
    run.stack.wait_whole()
    for instance in instances or (INSTANCE,):
        run.start(instance, **sections)
    run.load()
    wait_until(lambda: len(run.watcher.records) > 100, 30, lambda: f"100 alerts\n{run.logs()[-3000:]}")
    return Gaps(run)


def play(run, harm, **sections):
    """harm(node) to whoever has each role, then everything must move again."""
    gaps = begin(run, **sections)
    try:
        for role, find in ROLES.items():
            gaps.take()
            node = find(run)
            harm(node)
            run.recover()
            run.notes[f"gap_{role}_s"] = gaps.take()
            run.notes[f"node_{role}"] = node.number
            run.stack.wait_whole()
    finally:
        gaps.over.set()


def harm_and_return(run, order, seconds, back):
    def harm(node):
        run.fault(f"broker {order}")
        run.stack.node_order(node, order)
        run.sleep(seconds)
        run.stack.node_order(node, back)
    return harm


@row(5, "another broker takes over; at most the brokers' session and a few seconds without a commit", stack="three",
     takes=["broker kill", "tainted", "recreated"])
def three_killed(run):
    """Of three brokers, leader, group coordinator and transaction coordinator get SIGKILL in turn, and come back after 8 s."""
    play(run, harm_and_return(run, "kill", 8, "start"))


@row(5, "handled by the brokers: a moment without a commit", stack="three", takes=["broker stop"])
def three_shut_down(run):
    """The same are shut down in order (SIGTERM), and come back."""
    play(run, harm_and_return(run, "stop", 2, "start"))


@row(6, "another broker takes over", stack="three", takes=["broker pause", "tainted", "recreated"])
def three_stopped_short(run):
    """The same are stopped (SIGSTOP) for longer than socket.timeout.ms and go on."""
    play(run, harm_and_return(run, "pause", SHORT_S, "resume"))


@row(6, "another broker takes over, the transaction at hand is replaced", stack="three", takes=["broker pause", "tainted", "recreated"])
def three_stopped_long(run):
    """The same are stopped (SIGSTOP) for longer than a transaction may last and go on."""
    play(run, harm_and_return(run, "pause", LONG_S, "resume"))


@row(9, "no call waits for ever; all goes on once the broker can be reached", stack="three", takes=["broker unreachable"])
def three_unreachable(run):
    """The daemon cannot reach leader, group coordinator, transaction coordinator for 20 s; nobody takes over, since the brokers can."""
    for node in run.stack.nodes:
        node.proxy.reset()

    def harm(node):
        run.fault("broker unreachable")
        node.proxy.sever()
        run.sleep(LONG_S)
        node.proxy.mend()
    play(run, harm, kafka={"brokers": run.stack.proxied_brokers})


@row(5, "a moment without a commit for each", stack="three", takes=["broker stop"])
def three_rolling_restart(run):
    """All three are shut down and started one after the other, as in an upgrade."""
    gaps = begin(run)
    for node in run.stack.nodes:
        harm_and_return(run, "stop", 0, "start")(node)
        run.recover()
        run.stack.wait_whole()
    run.notes["gap_s"] = gaps.take()
    gaps.over.set()


@row(5, "progress between the faults, and after them", stack="three", takes=["tainted", "recreated"])
def three_at_random(run):
    """For 90 s one broker after the other is killed, stopped for 1 to 15 s or shut down; two daemons share the work."""
    gaps, end = begin(run, INSTANCE, "riderwatch-1"), time.monotonic() + 90
    while time.monotonic() < end:
        run.sleep(0.5, 4)
        order, back = run.dice.choice([("kill", "start"), ("pause", "resume"), ("stop", "start")])
        harm_and_return(run, order, run.dice.uniform(1, 15), back)(run.dice.choice(run.stack.nodes))
        run.stack.start()
        run.stack.wait_whole()
    run.notes["gap_s"] = gaps.take()
    gaps.over.set()
