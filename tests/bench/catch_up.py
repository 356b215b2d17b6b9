# SPDX-License-Identifier: Apache-2.0
"""All events are in the topics, a program starts cold, and the trial ends when all is committed and counted. Programs alternate."""
from dataclasses import dataclass
from functools import partial
from typing import Callable

import programs
from processes import Failed, say
from stack import Load
from trials import alternate

JOB = Load(deliveries=80)  # what peers can read as well
DAILY = Load(deliveries=95, reviews=25, structured=60, complete=False)  # the generator's usual mix
REPORTS = Load(deliveries=0, structured=60, complete=False)
MANY_RIDERS = Load(deliveries=80, riders=5_000_000)


@dataclass(frozen=True)
class Program:
    name: str
    measure: Callable
    load: Load = JOB


DAEMON = "riderwatchd"
RULERS = [Program("consume only", programs.consume), Program("floor", programs.floor), Program("bare HINCRBYs", programs.counters)]
PEER = Program("peer", programs.peer)


def with_load(load, *names):
    """The daemon and some of the baselines on these events."""
    rows = [Program(DAEMON, programs.daemon), *(row for row in RULERS if row.name in names)]
    return [Program(row.name, row.measure, load) for row in rows]


APPEND_ONLY = [Program("append-only off", programs.daemon),
               Program("append-only everysec", partial(programs.daemon, append_only=True))]
CONNECTIONS = [Program("TCP", programs.daemon), Program("TLS", partial(programs.daemon, connection="tls")),
               Program("unix socket", partial(programs.daemon, connection="socket"))]
RIDERS = [Program("50,000 riders", partial(programs.daemon, riders=JOB.riders)),
          Program("5,000,000 riders", partial(programs.daemon, riders=MANY_RIDERS.riders), MANY_RIDERS)]


def run_versions(session):
    """The same topics for another build of the daemon; both get the same settings."""
    if not session.against:
        raise Failed("name the other build: --against BINARY")
    return run(session, [Program(DAEMON, programs.daemon), Program("against", partial(programs.daemon, binary=session.against))])


def run(session, rows, count_allocations=False, with_peer=False):
    """{programs: {name: trials}, loads: {name: text}, allocations, alerts}"""
    if with_peer and session.peer:
        rows = [*rows, PEER]
    topics = {}
    for load in dict.fromkeys(row.load for row in rows):
        # A peer knows the usual names only.
        topics[load] = session.topics("" if with_peer else f"load{len(topics)}.")
        say(f"loading {session.events:,} events: {load}")
        topics[load].generate(load, session.events)
    measures = [(row.name, partial(row.measure, topics[row.load], session)) for row in rows]
    if session.pairs > 1:
        say("  warming up")  # a broker that has just started and topics that nobody has read would be charged to the first trial
        measures[0][1]()
    result = {"programs": alternate(measures, session.pairs), "loads": {row.name: str(row.load) for row in rows}}
    if count_allocations:
        say("  counting allocations")
        result["allocations"] = programs.allocations(topics[rows[0].load], session)
    session.delete_topics()
    return result
