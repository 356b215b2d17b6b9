# SPDX-License-Identifier: Apache-2.0
"""Faults of the broker and of its topics; what operators and upstream systems do to them."""
import os
import re
import time

from confluent_kafka import KafkaError, KafkaException

from events import BY_CATEGORY, delivery, mixed, report
from faults import (AbortingFeed, add_partitions, configure_topic, create_topic, cut_tail, delete_group, delete_records, delete_topic,
                    forget_markers, move_offsets, offsets_log, put_offsets_log)
from harness import Exit, Log, Metric
from rows_daemon import at
from table import row
from world import INPUTS, wait_until

HOUR, DAY = 3600 * 1000, 24 * 3600 * 1000
WITHOUT_CLOCK = {"timestamp_type": "CreateTime"}


@row(5, "batches wait, nothing is lost or doubled", ["kafka kill"], (Log("Kafka (consumer|producer) has trouble"),), short=True)
def broker_killed(run):
    """The only broker gets SIGKILL three times, twice soon after it is back."""
    run.start()
    run.load()
    for seconds in (1, 3, 0.2):
        run.sleep(1, 2)
        run.kafka("kill")
        run.sleep(seconds)
        run.recover(90)


@row(5, "batches wait, nothing is lost or doubled", ["kafka stop"], (Log("Kafka (consumer|producer) has trouble"),))
def broker_restarted(run):
    """The broker is stopped in order and started twice."""
    run.start()
    run.load()
    for _ in range(2):
        run.sleep(1, 2)
        run.kafka("stop")
        run.recover(90)


@row(6, "the producer is made anew, nothing is lost or doubled", ["kafka pause", "tainted", "recreated"],
     (Log("transaction step"), Metric("riderwatch_producer_tainted_total")), short=True)
def broker_hangs(run):
    """The broker gets SIGSTOP for 5 s, longer than socket.timeout.ms; a transaction is always under way."""
    run.start()
    run.load()
    for _ in range(2):
        run.sleep(1, 2)
        run.kafka("pause")
        run.sleep(5)
        run.recover(60)


@row(6, "its transaction expires; stable offsets tell what became of it", ["kafka pause", "recreated"],
     (Log("transaction step"), Metric("riderwatch_producer_recreated_total")))
def broker_hangs_for_longer_than_a_transaction(run):
    """The broker gets SIGSTOP for 16 s, longer than the transaction timeout and the session."""
    run.start()
    run.load()
    run.sleep(1, 2)
    run.kafka("pause")
    run.sleep(16)
    run.recover(90)


@row(5, "the next producer of that name ends what was left open; nothing waits for ever, nothing shows twice",
     ["crash point", "kafka kill"])
def broker_forgets_to_end_transactions(run):
    """The only broker dies with transactions open and comes back when they have expired, without a leader for their partitions."""
    run.load()
    run.start("riderwatch-1")
    for point in ("offsets_sent", "shadow_offsets_sent", "offsets_sent", "shadow_offsets_sent"):
        run.wait_crash_point(run.launch(environment=at(point)))
        run.kafka("kill")
        daemon = run.launch()
        run.sleep(3, 7)
        run.recover(90)
        run.crash(daemon)
    run.start()


def some(run):
    """At least one of a list."""
    return lambda paths: run.dice.sample(paths, run.dice.randint(1, len(paths)))


FORGOTTEN = (Log("brokers forgot to end a transaction here, it is ended now.*as=committed"),
             Metric("riderwatch_transactions_left_open_total"))


@row(5, "the next producer of that name ends it as it was ended: committed", ["crash point", "kafka kill", "marker left out"], FORGOTTEN,
     short=True)
def broker_forgets_a_commit(run):
    """The daemon dies when its commit is acknowledged, the broker comes back without some markers of that transaction."""
    run.load()
    for _ in range(4):
        run.wait_crash_point(run.launch(environment=at("committed")))
        run.sleep(0.5)
        forget_markers(run, some(run))
    run.start()


@row(5, "the next producer of that name ends it as it was ended: aborted", ["crash point", "kafka kill", "marker left out"],
     (Log("brokers forgot to end a transaction here, it is ended now.*as=aborted"),))
def broker_forgets_an_abort(run):
    """The daemon dies in a transaction, the next one has it aborted and dies, the broker comes back without some of its markers."""
    run.load()
    for _ in range(4):
        run.wait_crash_point(run.launch(environment=at("offsets_sent")))
        run.wait_crash_point(run.launch(environment=at("producer_ready")))
        run.sleep(0.5)
        forget_markers(run, some(run))
    run.start()


@row(5, "a lost connection makes the producer anew before it begins another transaction", ["kafka kill", "marker left out"], FORGOTTEN)
def broker_forgets_a_commit_of_a_live_daemon(run):
    """The same while the daemon goes on: idle when the broker dies, it has all to do when it is back."""
    run.start()
    for _ in range(3):
        run.load()
        run.sleep(2, 3)
        run.end_load()
        run.sleep(1)
        forget_markers(run, some(run))
    run.load()


STALE = (Log("offsets below what is known to be committed, they are read again"),
         Metric('riderwatch_notices_total{notice="offsets_stale"}'))


def older_offsets_log(run):
    """Kills the broker twice: what it kept of the offsets in between, and at the end."""
    run.load()
    run.wait_counted(300)
    run.kafka("kill")
    older = offsets_log(run)
    run.recover(90)
    run.end_load()
    run.world.wait_applied()
    run.kafka("kill")
    return older, offsets_log(run)


@row(5, "offsets are read again until they are what was committed", ["kafka kill", "offsets log exchanged", "offsets_stale"], STALE,
     short=True)
def broker_reads_offsets_late(run):
    """The broker comes back with less than all offsets that were committed, and a moment later with all."""
    run.supervised = True  # members that joined in between are not known afterwards: 69
    run.start()
    older, all_of_it = older_offsets_log(run)
    put_offsets_log(run, older)
    run.launch("riderwatch-1")  # somebody has to read them
    wait_until(lambda: re.search(STALE[0].pattern, run.logs()), 30, "the daemon saw the older offsets")
    run.kafka("kill")
    put_offsets_log(run, all_of_it)
    run.load()


@row(5, "refused: the same for good, and nothing published twice; the order in the message goes on from W",
     ["kafka kill", "offsets log exchanged", "offsets_stale"],
     (*STALE, Exit(65), Log(r"stand below what is known to be committed.*kafka\.accept_missing_offsets=true")))
def broker_loses_offsets(run):
    """The broker comes back with less than all offsets that were committed, and stays so."""
    daemon = run.start()
    older, _ = older_offsets_log(run)
    run.sampler.stop()  # W <= C is what this breaks
    put_offsets_log(run, older)
    run.expect_exit(daemon, [65], 60)
    run.expect_exit(run.launch(), [65], 60)
    run.start(kafka={"accept_missing_offsets": True})
    run.load()


@row(5, "the watchdog or patience ends the start; a supervisor tries again", ["kafka stop", "exit_69"],
     (Exit(69), Log("no broker listens there: correct kafka.brokers, or start the broker")))
def broker_away_at_start(run):
    """The daemon starts while no broker answers."""
    run.kafka("stop")
    run.expect_exit(run.launch(), [69], 60)
    run.heal()
    run.start()
    run.load()
    run.sleep(1)


@row(20, "nothing is published twice: the shadow group knows better", ["offsets moved"],
     (Log("committed offset was behind"), Metric('riderwatch_notices_total{notice="offset_behind"}')), short=True)
def offsets_moved_back(run):
    """An operator resets the stopped group to 0."""
    daemon = run.start()
    run.load()
    run.wait_counted(500)
    run.stop(daemon)
    move_offsets(run, {slot: 0 for slot in run.world.applied()})
    run.start()


@row(20, "events are counted, their alerts are skipped, and it says how many", ["offsets moved", "offset_ahead", "muted"],
     (Log("moved forward by hand: events are counted, their alerts are skipped"),
      Metric('riderwatch_notices_total{notice="offset_ahead"}')))
def offsets_moved_forward(run):
    """An operator moves the stopped group to the end of the log."""
    run.checked = True
    daemon = run.start()
    run.load()
    run.wait_counted(500)
    run.stop(daemon)
    run.sleep(2)
    run.end_load()
    before, ends = run.world.committed(), run.world.ends(*INPUTS)
    move_offsets(run, ends)
    run.start()
    run.world.wait_applied()
    skipped = sum(end - before[slot] for slot, end in ends.items())
    notice = sum(int(line.split("count=")[1].split()[0]) for line in run.logs().splitlines() if "moved forward by hand" in line)
    run.require(notice == skipped > 0, f"{skipped} events have no alerts, the notices say {notice}")
    places = {(value["data"]["source"]["partition"], value["data"]["source"]["offset"]) for _, value in run.world.alerts()}
    topic = run.world.topics["reports"]
    run.require(places and all(offset < before[topic, partition] for partition, offset in places), "alerts of skipped events")
    run.safe(run.world.check_counters, run.fold_by_text())


@row(20, "nothing is published twice: the shadow group knows", ["ConsumerGroupCommand"],
     (Log("committed offset was behind"), Metric('riderwatch_notices_total{notice="offset_behind"}')))
def group_deleted(run):
    """An operator deletes the stopped group."""
    daemon = run.start()
    run.load()
    run.wait_counted(500)
    run.stop(daemon)
    delete_group(run, run.world.group)
    run.start()


@row(20, "the group's own offsets go on; the shadow is put right", ["ConsumerGroupCommand"],
     (Log("offset of the shadow group was missing"), Metric('riderwatch_notices_total{notice="shadow_missing"}')))
def shadow_group_deleted(run):
    """An operator deletes the shadow group while the daemon is stopped."""
    daemon = run.start()
    run.load()
    run.wait_counted(500)
    run.stop(daemon)
    delete_group(run, f"{run.world.group}.shadow")
    run.start()


@row(20, "refused: nothing says where alerts ended; the order in the message goes on from W", ["ConsumerGroupCommand"],
     (Exit(65), Log(r"offsets of group and shadow group are gone.*kafka\.accept_missing_offsets=true")))
def both_groups_deleted(run):
    """An operator deletes both groups while the daemon is stopped cleanly."""
    daemon = run.start()
    run.load()
    run.wait_counted(500)
    run.stop(daemon)
    for group in (run.world.group, f"{run.world.group}.shadow"):
        delete_group(run, group)
    run.expect_exit(run.launch(), [65], 40)
    run.start(kafka={"accept_missing_offsets": True})


@row(21, "nothing: what is gone was counted", ["DeleteRecordsCommand"])
def log_cut_below_w(run):
    """DeleteRecords up to what is counted, while running."""
    run.checked = True
    run.start()
    run.load()
    run.wait_counted(500)
    kept = {slot: offset for slot, offset in run.world.applied().items()}
    delete_records(run, kept)
    run.recover()
    run.end_load()
    run.world.wait_applied()
    run.safe(run.check_watcher, run.world.alerts())


@row(21, "refused: counters could not be exact; flush and rebuild goes on, alerts once", ["DeleteRecordsCommand", "flushall"],
     (Exit(65), Log(r"Kafka has deleted events that Redis has not counted.*redis\.rebuild=true")))
def log_cut_past_w(run):
    """DeleteRecords beyond what is counted while the daemon is stopped; then what the message says."""
    run.checked = True
    daemon = run.start()
    run.load()
    run.wait_counted(500)
    run.stop(daemon)
    run.sleep(2)
    run.end_load()
    applied = run.world.applied()
    delete_records(run, {slot: offset + 5 for slot, offset in applied.items()})
    before = run.world.committed()
    run.expect_exit(run.launch(), [65], 20)
    run.require(run.world.committed() == before, "offsets moved although the log was refused")
    run.fault("flushall")
    run.world.redis.flushall()
    run.start(redis={"rebuild": True})
    run.world.wait_applied()
    run.safe(run.check_watcher, run.world.alerts())
    run.safe(run.check_alerts_once)


@row(21, "refused at once", ["DeleteRecordsCommand", "tail cut"],
     (Exit(65), Log(r"Kafka has deleted events that Redis has not counted")))
def log_cut_past_w_while_running(run):
    """The log is cut up to what is counted, and then Redis loses its tail: W lies below the log."""
    run.checked = True
    daemon = run.start(redis={"keep": "0ms"})
    run.load()
    run.wait_counted(1000)
    run.end_load()
    run.world.wait_applied()
    delete_records(run, run.world.applied())
    cut_tail(run)
    run.expect_exit(daemon, [65], 30)
    run.safe(run.check_watcher, run.world.alerts())


def send_when_known(run, event):
    """A producer goes on believing for a while that a topic is gone."""
    def sent():
        try:
            run.world.send(event)
        except KafkaException as error:
            assert error.args[0].code() == KafkaError._UNKNOWN_TOPIC, error
            return False
        return True
    wait_until(sent, 20, "the topic to be known again")


@row(22, "refused", ["topic deleted"], (Exit(65), Log("another or a re-created topic|Kafka has deleted events that Redis has not counted")))
def input_topic_made_again_while_running(run):
    """An input topic is deleted and made again under the daemon."""
    run.checked = True
    daemon = run.start(kafka={"properties": {"topic.metadata.refresh.interval.ms": 1000}})
    run.load()
    run.wait_counted(500)
    run.end_load()
    run.world.wait_committed(60, visible=15)
    delete_topic(run, "reports")
    run.sleep(2)
    create_topic(run, "reports")
    made_at = time.time() * 1000
    for _ in range(20):
        send_when_known(run, report("rider-1", BY_CATEGORY["fire"][0]))
    run.world.flush()
    run.expect_exit(daemon, [65], 40)
    late = [record for record in list(run.watcher.records.values()) if record.timestamp >= made_at]
    run.require(not late, f"alerts of another topic were published: {late[:2]}")


@row(22, "refused", ["topic deleted"], (Exit(65), Log("another or a re-created topic|offsets of group and shadow group are gone")))
def input_topic_made_again_while_stopped(run):
    """An input topic is deleted and made again while the daemon is stopped."""
    run.checked = True
    daemon = run.start()
    run.load()
    run.wait_counted(500)
    run.stop(daemon)
    run.feed.stop()
    run.world.producer.flush(10)
    delete_topic(run, "deliveries")
    create_topic(run, "deliveries")
    for _ in range(20):
        send_when_known(run, delivery("rider-1"))
    run.world.flush()
    run.expect_exit(run.launch(), [65], 40)


@row(22, "ends: riders move between partitions; started again it counts the new ones too", ["partitions added", "partition_mismatch"],
     (Exit(69), Log("more partitions than at start|has 3 partitions"), Log("check the producers' partitioner"),
      Metric('riderwatch_events_total{outcome="partition_mismatch"}')))
def partitions_added(run):
    """Both input topics get two partitions more; first one of them, then the other."""
    run.checked = True
    settings = {"properties": {"topic.metadata.refresh.interval.ms": 1000}}
    daemon = run.start(kafka=settings)
    run.load()
    run.wait_counted(500)
    add_partitions(run, "reports", run.world.partitions + 2)
    run.expect_exit(daemon, [69], 60)
    run.expect_exit(run.launch(kafka=settings), [69], 40)
    for kind in (set(run.world.topics) - {"reports"}):
        add_partitions(run, kind, run.world.partitions + 2)
    run.world.partitions += 2
    run.start(kafka=settings)
    run.recover(60)  # the feed still sends to where the old number of partitions puts a rider
    run.end_load()
    run.world.wait_applied()
    run.safe(run.check_alerts_once)


@row(22, "ends and names the topic; goes on when it is there", ["topic deleted"],
     (Exit(69), Log(r"rider\.alerts\.fire\.v1.*create the topic \(scripts/create-topics\)")))
def alert_topic_gone(run):
    """An alert topic is deleted under load, and made again."""
    run.checked = True
    daemon = run.start()
    run.load()
    run.wait_counted(300)
    delete_topic(run, "alerts_fire")
    run.expect_exit(daemon, [69], 60)
    create_topic(run, "alerts_fire")
    run.start()
    run.recover()
    run.end_load()
    run.world.wait_applied()
    run.safe(run.world.check_counters, run.fold_by_text())


@row(25, "ends and names the topic; goes on when it is there", ["topic deleted"],
     (Exit(69), Log(r"rider\.dlq\.v1.*create the topic \(scripts/create-topics\)")))
def dead_letter_topic_gone(run):
    """The dead-letter topic is deleted before anything is in it, and made again."""
    delete_topic(run, "dead_letters")
    run.load(poison=0.1)
    run.expect_exit(run.launch(), [69], 60)
    create_topic(run, "dead_letters", **{"max.message.bytes": "2097152"})
    run.start()


@row(25, "ends and says which limit; goes on when it is raised", ["topic configured"],
     (Exit(69), Log("raise max.message.bytes of the topic"), Log(r"rider\.dlq\.v1")))
def dead_letter_too_large_for_its_topic(run):
    """The dead-letter topic takes 20 kB; a bad record of 100 kB comes; then the limit is raised."""
    configure_topic(run, "dead_letters", **{"max.message.bytes": "20000"})
    daemon = run.start()
    run.load()
    run.sleep(1)
    # Nothing that compression makes smaller.
    run.world.send_raw("reports", b"rider-1", b"{" + os.urandom(50000).hex().encode())
    run.expect_exit(daemon, [69], 40)
    configure_topic(run, "dead_letters", **{"max.message.bytes": "2097152"})
    run.start()


@row(25, "its head, size and SHA-256 are kept", ["too large"], (Metric('riderwatch_dead_letters_total{reason="too_large"}'),))
def event_too_large(run):
    """Values of 1.2 and 1.6 MiB, larger than events.max_bytes, larger than a dead letter may be."""
    run.start()
    run.load()
    for size in (1200, 1600):
        run.fault("too large")
        run.world.send_raw("reports", b"rider-1", b"{" + b"x" * (size << 10))
    run.sleep(1)


@row(23, "what was taken back is never counted", ["upstream abort"], short=True)
def upstream_aborts(run):
    """An upstream system sends in transactions and takes half of them back; markers leave gaps in the log."""
    run.start()
    events = list(mixed(run.dice, 2500))
    upstream = AbortingFeed(run, events)
    run.sleep(2)
    run.crash(run.world.daemons[-1])
    run.start()
    upstream.join(60)
    run.require(not upstream.failure and not upstream.is_alive(), f"the upstream failed: {upstream.failure!r}")
    # A marker at the end of a log is no record: plain events behind it, so that W = C = end can be asked for.
    for kind in INPUTS:
        for partition in range(run.world.partitions):
            event = delivery("rider-1") if kind == "deliveries" else report("rider-1", BY_CATEGORY["fire"][0])
            value, headers = event.shaped()
            run.world.send_raw(kind, b"rider-1", value, headers, partition=partition)
    run.world.flush()


def poison_row(share):
    def play(run):
        run.start()
        run.load(poison=share, per_second=600)
        run.sleep(4)
        run.require(run.feed.sent > 500, "too few records")
    play.__name__ = f"poison_{int(share * 100)}_percent"
    play.__doc__ = f"{int(share * 100)} % of the records are no events."
    loud = (Log("went to the dead-letter topic"), Metric("riderwatch_dead_letters_total")) if share else ()
    row(24, "each bad record is one dead letter, bytes equal; nothing waits", ["dead_letters"] if share else ["committed"], loud,
        short=share == 0.5)(play)


for _share in (0, 0.01, 0.5, 1):
    poison_row(_share)


def keep_senders_times(run):
    for kind in INPUTS:
        configure_topic(run, kind, **{"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(1 << 62),
                                      "max.message.bytes": "1835008", "retention.ms": "-1"})


def lying_clocks(dice):
    now = int(time.time() * 1000)
    return dice.choice((now, now, now, now - 10 * DAY, now + 10 * DAY, 1000, 4102444800001, now + 30 * 365 * DAY))


@row(26, "stream time moves by at most an hour a record; each is counted", ["lying clocks", "clipped", "SIGKILL"],
     (Log("record timestamps missing, absurd or far ahead; set message.timestamp.type=LogAppendTime"),
      Metric('riderwatch_events_total{outcome="timestamp_clipped"}')), **WITHOUT_CLOCK)
def record_times_lie(run):
    """The topics keep the senders' times: 1970, 2100, ten days off either way; the daemon is killed in between."""
    keep_senders_times(run)
    for number in range(60):  # an honest record first: without any time a report counts as one of 1970, and its review as late
        for event in (delivery(f"rider-{number}"), report(f"rider-{number}", BY_CATEGORY["other"][0])):
            run.world.send(event, timestamp=int(time.time() * 1000))
    run.world.flush()
    run.fault("lying clocks")
    run.load(timestamps=lying_clocks)
    for _ in range(3):
        daemon = run.start()
        run.sleep(1, 2)
        run.crash(daemon)
    run.start()


@row(18, "dedup by stream time, also across a kill and a lost tail", ["duplicates", "tail cut", "SIGKILL"], **WITHOUT_CLOCK)
def duplicates_across_the_window(run):
    """Event times run 20,000 times as fast as the clock: repeats come minutes, hours, and more than a day later."""
    keep_senders_times(run)
    began, first = time.monotonic(), int(time.time() * 1000) - 30 * DAY
    old = [delivery(f"rider-{number}") for number in range(30)]

    def event_time(_=None):
        return first + int((time.monotonic() - began) * 1000 * 20000)

    def send_old():
        for event in old:
            run.world.send(event, timestamp=event_time())
    run.load(timestamps=event_time)
    daemon = run.start()
    send_old()
    run.sleep(2)  # 11 hours
    run.crash(daemon)
    run.start()
    send_old()
    run.sleep(2)
    cut_tail(run)
    send_old()
    run.sleep(5)  # 28 hours: new again
    send_old()


@row(19, "counted per partition as the contract says; upstream's mistake is told", ["partition_mismatch"],
     (Log("check the producers' partitioner"), Metric('riderwatch_events_total{outcome="partition_mismatch"}')))
def one_id_on_two_partitions(run):
    """An upstream system sends the same events to two partitions."""
    run.start()
    run.load()
    for _ in range(30):
        event = report("rider-1", BY_CATEGORY["fire"][0])
        value, headers = event.shaped()
        for partition in (0, 1):
            run.world.send_raw("reports", b"rider-1", value, headers, partition=partition)
    run.sleep(1)
