# SPDX-License-Identifier: Apache-2.0
"""Late bytes: requests that reach the broker or Redis after the client gave up on them and went on.

Each row about a Kafka request is played twice: by the daemon as it is, and by one that was built to go on with a producer whose
requests may still be under way (make no-taint). Where such a request does harm, the second must be seen to do it."""
import time

import proxy as wire
from cluster import Cluster
from events import BY_CATEGORY, report
from faults import forget_markers
from harness import Log, Metric
from table import row
from world import ROOT, wait_until

STACKS = {"proxied": lambda: Cluster("chaos-proxied", 1)}
NO_TAINT = ROOT / "build/no-taint/riderwatchd"
KAFKA_SETTINGS = {"transaction_timeout": "20s", "session_timeout": "30s",
                  "producer_properties": {"socket.timeout.ms": "2000", "request.timeout.ms": "2000"}}
LONGEST_SILENCE_S = 10  # socket.timeout.ms is 3 s, and one more connection may have to be made


def begin(run, **sections):
    """A daemon behind the proxy that has published one alert, so that nothing is done for the first time any more."""
    broker = run.stack.nodes[0].proxy
    broker.reset()
    run.start(kafka={**KAFKA_SETTINGS, "brokers": broker.address}, **sections)
    alert(run)
    run.world.wait_applied()
    wait_until(lambda: len(run.watcher.records) == 1, 20, "the first alert")
    return broker


def alert(run):
    """One report that makes one transaction with one alert; when it was sent."""
    now = time.monotonic()
    run.world.send(report("rider-1", BY_CATEGORY["emergency"][0]))
    run.world.flush()
    return now


def hold_until_repeated(run, broker, api, where=None):
    """Holds back a request of transaction N until the client has repeated it on another connection, and N has ended."""
    hold = broker.hold(api, where)
    alert(run)
    hold.wait()
    broker.wait_answer(wire.END_TXN, broker.wait_answer(api, hold.caught_at), timeout=30)
    return hold


def release(run, hold):
    """The held bytes reach the broker; what it made of them is noted."""
    error = hold.release()
    name = wire.NAMES[hold.api]
    run.fault(f"late {name}")
    run.notes[f"late_{name}"] = wire.ERRORS.get(error, error)
    return error


def stale_commit(run, broker):
    """EndTxn(commit) of N comes when N+1 has sent its offsets and none of its alerts."""
    stale = hold_until_repeated(run, broker, wire.END_TXN, wire.is_commit)
    records, sent = broker.hold(wire.PRODUCE, alone=True), alert(run)
    records.wait()
    broker.wait_answer(wire.TXN_OFFSET_COMMIT, sent, count=2)
    error = release(run, stale)
    records.release()
    return [error]


def stale_abort(run, broker):
    """N is refused and aborted; its EndTxn(abort) comes when N+1 has sent its alerts and not the shadow group's offsets."""
    broker.forge(wire.TXN_OFFSET_COMMIT, 22)
    stale = broker.hold(wire.END_TXN, lambda frame: not wire.is_commit(frame))
    alert(run)
    stale.wait()
    offsets = broker.hold(wire.ADD_OFFSETS, is_shadow, alone=True)
    aborted = broker.wait_answer(wire.END_TXN, stale.caught_at)
    offsets.wait()
    broker.wait_answer(wire.PRODUCE, aborted)
    error = release(run, stale)
    offsets.release()
    return [error]


def stale_offsets(run, broker):
    """TxnOffsetCommit of N, of both groups, comes before the commit of N+1; then the daemon dies, with counters behind."""
    run.redis("stop")
    stale = [broker.hold(wire.TXN_OFFSET_COMMIT, lambda frame, shadow=shadow: shadow == is_shadow(frame)) for shadow in (False, True)]
    alert(run)
    for hold in stale:
        hold.wait()
        broker.wait_answer(wire.TXN_OFFSET_COMMIT, hold.caught_at)
    wait_until(lambda: len(run.watcher.records) == 2, 20, "alert N")
    commit, sent = broker.hold(wire.END_TXN), alert(run)
    commit.wait()
    broker.wait_answer(wire.TXN_OFFSET_COMMIT, sent, count=2)
    errors = [release(run, hold) for hold in stale]
    commit.release()
    broker.wait_answer(wire.END_TXN, commit.caught_at)
    wait_until(lambda: len(run.watcher.records) == 3, 10, "alert N+1")
    run.crash(run.running()[0])
    run.redis("start")
    run.start(kafka={**KAFKA_SETTINGS, "brokers": broker.address})
    return errors


def is_shadow(frame):
    return wire.group_of(frame).endswith(".shadow")


def harmless(api, does):
    def play(run, broker):
        stale = hold_until_repeated(run, broker, api)
        commit = broker.hold(wire.END_TXN)
        alert(run)
        commit.wait()
        error = release(run, stale)
        commit.release()
        return [error]
    play.__doc__ = does
    return play


stale_produce = harmless(wire.PRODUCE, "Produce of N comes within N+1.")
stale_partitions = harmless(wire.ADD_PARTITIONS, "AddPartitionsToTxn of N comes within N+1.")
stale_add_offsets = harmless(wire.ADD_OFFSETS, "AddOffsetsToTxn of N comes within N+1.")


def with_rule(name, fault, scenario, short):
    def play(run):
        errors = scenario(run, begin(run))
        assert all(error in wire.FENCED for error in errors), f"the late request was answered with {errors}, not fenced"
    play.__name__, play.__doc__ = name, scenario.__doc__
    row(fault, "fenced: the producer was made anew before N+1", takes=["tainted", "recreated"], stack="proxied", short=short, partitions=1,
        loud=[Metric("riderwatch_producer_tainted_total")])(play)


def without_rule(name, fault, scenario, short):
    def play(run):
        run.world.program = NO_TAINT
        errors = scenario(run, begin(run))
        assert errors[0] == 0, f"the late request was answered with {errors}: it did not hit N+1"
        run.safe(run.settle, 20)
        assert run.violations, "the test does not see what the late request did"
        run.notes["seen"] = run.violations[0].splitlines()[0].replace(" ", "_")[:80]
        run.violations.clear()
    play.__name__ = f"{name}_without_rule"
    play.__doc__ = f"The same by a daemon that ignores the taint: {scenario.__doc__}"
    row(fault, "the loss or doubling is seen", takes=["tainted"], stack="proxied", short=short, partitions=1)(play)


# name, number in the matrix, scenario, does harm without the rule, part of the short set
for name, fault, scenario, harms, short in [
        ("stale_commit", 7, stale_commit, True, True), ("stale_abort", 7, stale_abort, True, True),
        ("stale_offsets", 8, stale_offsets, True, False), ("stale_produce", 8, stale_produce, False, False),
        ("stale_partitions", 8, stale_partitions, False, False), ("stale_add_offsets", 8, stale_add_offsets, False, False)]:
    with_rule(name, fault, scenario, short)
    if harms:
        without_rule(name, fault, scenario, short)


# ---- a broker that forgets, met by a transaction that has just begun ----

@row(5, "left to a new producer, which ends the one before first", takes=["kafka kill", "marker left out", "tainted", "recreated"],
     loud=[Log("transaction step is left to a new producer"),
           Log("brokers forgot to end a transaction here, it is ended now.*as=committed")], stack="proxied", short=True, partitions=1)
def broker_forgets_before_the_next_is_aborted(run):
    """N begins when the broker dies and forgets to end N-1; N is refused and aborted: N-1 must stay committed."""
    broker = begin(run)
    first = broker.hold(wire.ADD_OFFSETS)
    alert(run)
    first.wait()
    forget_markers(run, lambda paths: paths, "node-1/data")
    refused = broker.hold(wire.TXN_OFFSET_COMMIT, is_shadow)
    first.release(timeout=0)
    refused.wait(60)
    broker.forge(wire.TXN_OFFSET_COMMIT, 22)
    refused.release()
    wait_until(lambda: len(run.watcher.records) == 2, 30, "alert N")


# ---- half-open connections ----

def freeze_for(run, door, seconds, api=None):
    """The connections of now fall silent; what was sent on them arrives late."""
    links = door.freeze(api)
    run.fault("half-open connection", len(links))
    run.sleep(seconds)
    door.thaw(links)


@row(15, "closed in time, a new connection; what comes late is refused by the counters' offset", stack="proxied",
     takes=["half-open connection", "redis_losses"], loud=[Log("redis lost"), Metric("riderwatch_redis_up", 0)])
def redis_half_open(run):
    """No byte passes on the connection to Redis, a new one works; then the held bytes arrive."""
    door = run.stack.redis_proxy
    door.reset()
    run.start(redis={"port": door.port, "timeout": "500ms"})
    run.load()
    for _ in range(8):
        run.sleep(0.3, 1)
        freeze_for(run, door, run.dice.uniform(0.6, 1.5))
    run.recover()


def silence(run, door, seconds, api):
    """Half-open for that long; notes after how long an alert was seen again. All bytes arrive in the end."""
    links, began = door.freeze(api), time.monotonic()
    run.fault("half-open connection", len(links))
    run.sleep(1)
    seen = len(run.watcher.records)
    wait_until(lambda: len(run.watcher.records) > seen, LONGEST_SILENCE_S, lambda: f"a new alert\n{run.logs()[-3000:]}")
    run.notes[f"silent_{seconds}_s"] = round(time.monotonic() - began, 1)
    run.sleep(max(0, began + seconds - time.monotonic()))
    door.thaw(links)


def kafka_half_open(name, api, does):
    def play(run):
        door = run.stack.nodes[0].proxy
        door.reset()
        run.start(kafka={"brokers": door.address})
        run.load()
        run.sleep(1)
        for seconds in (2, 15):
            silence(run, door, seconds, api)
            run.recover()
    play.__name__, play.__doc__ = name, does
    row(15, "closed in time, a new connection, nothing twice; no session is lost", stack="proxied", takes=["half-open connection"])(play)


kafka_half_open("producer_half_open", wire.END_TXN, "No byte passes on the producer's connections for 2 s, then for 15 s.")
kafka_half_open("fetch_half_open", wire.FETCH, "No byte passes on the consumer's connection for 2 s, then for 15 s.")
kafka_half_open("kafka_half_open", None, "No byte passes on any connection to Kafka for 2 s, then for 15 s; new ones work.")
