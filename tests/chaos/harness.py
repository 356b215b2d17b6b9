# SPDX-License-Identifier: Apache-2.0
"""One run: load, readers that look on all the time, faults, heal, checks.

Safety is checked while the faults run and after them; progress is required once they are over; and a run counts only when it went
the ways it was made for. A row of the matrix is a function that takes a Run; see rows.py."""
import pathlib
import random
import re
import signal
import sys
import threading
import time
from collections import Counter, defaultdict

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
import redis  # noqa: E402
from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient  # noqa: E402

from events import REPORT, mixed  # noqa: E402
from fold import Fold, understand  # noqa: E402
from world import INPUTS, OUTPUTS, World, is_sweep, to_record, wait_until  # noqa: E402

# Not one of these is an event; each becomes a dead letter.
POISON = [b"", b"{", b"\xff\xfe", b"null", b"[]", b"{}", b'"text"', b"\xef\xbb\xbf{}", b'{"id": 7}', b"\0", b"{" * 9000,
          b'{"id":"p","type":"rider.delivery.completed.v1"}', b'{"id":"p","type":"rider.report.created.v9","rider_id":"r"}',
          b'{"specversion":"1.0","id":"p","source":"s","type":"rider.report.created.v1","data":"text"}']

# How a run names the ways that a daemon can go: counters of /metrics, summed over all processes of the run.
PATHS = {
    "committed": r'riderwatch_transactions_total\{result="committed"\}',
    "aborted": r'riderwatch_transactions_total\{result="aborted"\}',
    "unknown": r'riderwatch_transactions_total\{result="unknown"\}',
    "tainted": r"riderwatch_producer_tainted_total",
    "recreated": r"riderwatch_producer_recreated_total",
    "load_assigned": r'riderwatch_loads_total\{cause="assigned"\}',
    "load_refused": r'riderwatch_loads_total\{cause="refused"\}',
    "load_went_back": r'riderwatch_loads_total\{cause="went_back"\}',
    "load_unknown": r'riderwatch_loads_total\{cause="unknown_outcome"\}',
    "load_log": r'riderwatch_loads_total\{cause="log"\}',
    "load_dropped": r'riderwatch_loads_total\{cause="dropped"\}',
    "apply_refused": r"riderwatch_apply_refused_total",
    "muted": r'riderwatch_events_total\{.*outcome="muted"\}',
    "duplicates": r'riderwatch_events_total\{.*outcome="duplicate"\}',
    "dead_letters": r'riderwatch_events_total\{.*outcome="dead_letter"\}',
    "clipped": r'riderwatch_events_total\{.*outcome="timestamp_clipped"\}',
    "partition_mismatch": r'riderwatch_events_total\{.*outcome="partition_mismatch"\}',
    "reconnects": r"riderwatch_redis_connects_total",
    "redis_losses": r"riderwatch_redis_losses_total",
    **{notice: rf'riderwatch_notices_total\{{notice="{notice}"\}}' for notice in
       ("offset_behind", "offset_ahead", "offsets_stale", "shadow_missing", "ruleset_changed", "store_went_back", "store_healed", "store_created",
        "started_alone", "not_alone", "behind", "caught_up")},
}
FIRST_IS_NORMAL = ("recreated", "reconnects")  # one of these belongs to every start


class Feed(threading.Thread):
    """Sends a mixed stream at a steady pace until stopped. poison: share of records that are no events."""

    def __init__(self, world, dice, per_second=300, poison=0.02, riders=40, timestamps=None):
        super().__init__(daemon=True)
        self.world, self.dice, self.per_second, self.poison = world, dice, per_second, poison
        self.riders, self.timestamps, self.over, self.failure, self.sent = riders, timestamps, threading.Event(), None, 0
        self.start()

    def run(self):
        try:
            began = time.monotonic()
            for event, shape in mixed(self.dice, 10_000_000, self.riders):
                if self.over.wait(max(0, self.sent / self.per_second - (time.monotonic() - began))):
                    return
                more = {"timestamp": self.timestamps(self.dice)} if self.timestamps else {}
                if self.dice.random() < self.poison:
                    kind, key = self.dice.choice(INPUTS), f"rider-{self.dice.randrange(self.riders)}".encode()
                    self.world.send_raw(kind, key, self.dice.choice(POISON), **more)
                else:
                    self.world.send(event, shape, **more)
                self.sent += 1
                self.world.producer.poll(0)
        except Exception as failure:  # shown by the run, not by a thread that nobody looks at
            self.failure = failure

    def stop(self):
        self.over.set()
        self.join()
        assert not self.failure, f"the feed failed: {self.failure!r}"


class Watcher(threading.Thread):
    """A read_committed reader that looks on all the time: what it saw must be what a later reader sees, and nothing twice."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.over, self.records, self.lost_topics = world, threading.Event(), {}, set()
        self.start()

    def run(self):
        # A broker that froze and woke may call a good offset out of range; "latest", the default, would then skip records.
        consumer = self.world.consumer(**{"group.id": f"{self.world.prefix}watcher", "auto.offset.reset": "earliest"})
        consumer.assign([TopicPartition(self.world.topics[kind], partition, OFFSET_BEGINNING)
                         for kind in OUTPUTS for partition in range(self.world.partitions)])
        while not self.over.is_set():
            message = consumer.poll(0.1)
            if message is not None and not message.error() and not is_sweep(message):
                record = to_record(message)
                self.records[record[:3]] = record
        consumer.close()

    def stop(self):
        self.over.set()
        self.join(15)  # closing a consumer of a topic that was deleted may never end


class Observer(threading.Thread):
    """Keeps what /metrics said, since a process that is killed takes its counters along; restarts what a supervisor would."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.owner, self.over = run, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.1):
            self.owner.look_at_daemons()

    def stop(self):
        self.over.set()
        self.join()


class Sampler(threading.Thread):
    """W <= C at every moment. W is read first: C only grows meanwhile, so that the comparison is never too strict. A coordinator that
    just came back may answer with less than before; that is not C unless it stays so."""

    STALE_S = 20
    RESTART_S = 60

    def __init__(self, run):
        super().__init__(daemon=True)
        self.owner, self.over, self.samples, self.broken, self.below, self.stale = run, threading.Event(), 0, [], {}, 0
        self.start()

    def is_stale(self, place):
        """Of a W above C: it may be the only broker's doing that was away."""
        now = time.monotonic()
        if now - self.owner.broker_touched > self.RESTART_S:
            return False
        self.stale += place not in self.below
        return now - self.below.setdefault(place, now) < self.STALE_S

    def compare(self, place, applied, committed):
        if applied <= max(committed, self.owner.start_offset):
            self.below.pop(place, None)
        elif not self.is_stale(place):
            self.broken.append((place, applied, committed))

    def run(self):
        world, readers, highest = self.owner.world, {}, Counter()
        while not self.over.wait(0.2):
            slots = [TopicPartition(world.topics[kind], partition) for kind in INPUTS for partition in range(world.partitions)]
            try:
                applied = world.applied()
                committed = Counter(highest if self.owner.offsets_are_moved else {})
                for group in (world.group, f"{world.group}.shadow"):
                    if group not in readers:
                        readers[group] = world.consumer(**{"group.id": group})
                    for slot in readers[group].committed(slots, 2):
                        place = slot.topic, slot.partition
                        committed[place] = max(committed[place], slot.offset)
            except (redis.exceptions.RedisError, KafkaException, OSError, ValueError):
                continue
            self.samples += 1
            highest |= committed
            for place, offset in applied.items():
                self.compare(place, offset, committed[place])
        for reader in readers.values():
            reader.close()

    def stop(self):
        self.over.set()
        self.join()


class Run:
    """What a row works with; finish() heals and checks everything that the row did not."""

    def __init__(self, stack, folder, prefix, seed, partitions=3, timestamp_type="LogAppendTime"):
        self.stack, self.seed, self.dice = stack, seed, random.Random(seed)
        self.faults, self.exits, self.notes = Counter(), Counter(), {}
        self.violations, self.problems = [], []
        self.alerts_checked = self.counters_checked = self.dead_letters_checked = self.events = 0
        self.seen_metrics, self.accounted, self.supervised = defaultdict(dict), set(), False
        self.start_offset, self.checked, self.feed, self.restarts = 0, False, None, {}
        self.offsets_are_moved = False  # by an operator, so that C may go back
        self.broker_touched = float("-inf")
        self.heals, self.cleanups = ("kafka", "redis"), []
        self.clean_redis()
        self.world = World(stack, folder, prefix, partitions, timestamp_type)
        self.watcher, self.sampler, self.observer = Watcher(self.world), Sampler(self), Observer(self)

    def clean_redis(self):
        self.stack.heal()
        client = self.stack.redis
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")
        client.execute_command("REPLICAOF", "NO", "ONE")
        client.flushall()

    # ---- load ----

    def load(self, **options):
        """Begins to send events in the background."""
        self.feed = Feed(self.world, random.Random(self.dice.random()), **options)

    def sleep(self, low, high=None):
        time.sleep(low if high is None else self.dice.uniform(low, high))

    def watch_again(self):
        self.watcher.stop()
        self.watcher = Watcher(self.world)

    # ---- daemons ----

    def launch(self, instance="riderwatch-0", environment=None, **sections):
        """Starts a daemon and does not wait; small chunks and batches, so that many borders lie where a fault can hit."""
        sections["batch"] = {"idle_after": "100ms", "chunk_events": 20, **sections.get("batch", {})}
        daemon = self.world.launch(instance, environment, **sections)
        self.restarts[instance] = sections
        return daemon

    def start(self, *arguments, **options):
        return self.launch(*arguments, **options).wait_ready(30)

    def wait_counted(self, events=200, timeout=30):
        """Until so many input records are counted: the daemon is in the middle of its work."""
        wait_until(lambda: sum(self.world.applied().values()) >= events, timeout, lambda: f"{events} events\n{self.logs()[-2000:]}")

    def crash(self, daemon):
        self.faults["SIGKILL"] += 1
        self.accounted.add(daemon)
        self.look_at(daemon)
        daemon.kill()

    def freeze(self, daemon):
        self.faults["SIGSTOP"] += 1
        daemon.signal(signal.SIGSTOP)

    def wake(self, daemon):
        daemon.signal(signal.SIGCONT)

    def stop(self, daemon, number=signal.SIGTERM, codes=(0,), timeout=40):
        """Asks the daemon to leave; its exit code must be one of codes."""
        self.faults[signal.Signals(number).name] += 1
        daemon.signal(number)
        return self.expect_exit(daemon, codes, timeout)

    def expect_exit(self, daemon, codes, timeout=40):
        self.accounted.add(daemon)
        code = daemon.wait(timeout)
        self.exits[code] += 1
        assert code in codes, f"exit code {code}, expected {codes}\n{daemon.log[-1500:]}"
        return code

    def wait_crash_point(self, daemon, timeout=25):
        """Until the process has ended itself at its crash point."""
        self.accounted.add(daemon)
        code = daemon.wait(timeout)
        assert code == -signal.SIGKILL, f"exit code {code} instead of the crash point\n{daemon.log[-1500:]}"
        self.faults["crash point"] += 1

    def running(self):
        return [daemon for daemon in self.world.daemons if daemon.runs]

    def look_at(self, daemon):
        for name, value in daemon.metrics().items():
            low, high = self.seen_metrics[daemon].get(name, (value, value))
            self.seen_metrics[daemon][name] = (min(low, value), max(high, value))

    def look_at_daemons(self):
        for daemon in list(self.world.daemons):
            if daemon.runs:
                self.look_at(daemon)
            elif self.supervised and daemon not in self.accounted:
                self.restart(daemon)

    def restart(self, daemon):
        """What a supervisor does. Refusals (65) and mistakes in the configuration are not a matter of trying again, but for one whose
        message asks for the only broker to be restarted."""
        self.accounted.add(daemon)
        code, instance = daemon.process.returncode, self.instance_of(daemon)
        if code == 65 and self.restart_broker_as_told(daemon):
            code = 69
        if code == -signal.SIGKILL and "crash point is armed" in daemon.log:
            self.fault("crash point")
        else:
            self.exits[code] += 1
        if code in (65, 78) or code < 0 and code not in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT):
            self.problems.append(f"{instance} ended with {code}\n{daemon.log[-1500:]}")
        elif instance not in map(self.instance_of, self.running()):
            self.launch(instance, **self.restarts[instance])

    def restart_broker_as_told(self, daemon):
        """Once for all instances that ask for it."""
        if "Did the only broker just come back from a crash?" not in daemon.log:
            return False
        if not self.notes.get("broker_restarted_as_told"):
            self.notes["broker_restarted_as_told"] = 1
            self.broker_touched = time.monotonic()
            self.stack.order("kafka", "stop")
            self.stack.order("kafka", "start")
        return True

    @staticmethod
    def instance_of(daemon):
        return pathlib.Path(daemon.log_path).stem

    # ---- faults ----

    def fault(self, name, count=1):
        self.faults[name] += count

    def let_offsets_move(self):
        """From now on C may go back, or be gone. The sampler compares W with the highest C that it has seen, so it looks once more."""
        enough = self.sampler.samples + 2  # the one that is under way may have looked too early
        wait_until(lambda: self.sampler.samples >= enough or self.offsets_are_moved, 30, "a look at C before it is moved")
        self.offsets_are_moved = True

    def kafka(self, order):
        if order in ("kill", "stop", "pause"):
            self.fault(f"kafka {order}")
        self.broker_touched = time.monotonic()
        self.stack.order("kafka", order)

    def redis(self, order):
        if order in ("kill", "stop", "pause"):
            self.fault(f"redis {order}")
        self.stack.order("redis", order)

    def heal(self):
        """Faults are over: from now on progress is due."""
        for part in self.heals:
            self.stack.order(part, "resume")
            self.stack.order(part, "start")
        for daemon in self.running():
            daemon.signal(signal.SIGCONT)

    # ---- what happened ----

    def paths(self):
        """{path: how often it was taken}, what never happened is left out."""
        paths = Counter()
        for metrics in self.seen_metrics.values():
            for path, pattern in PATHS.items():
                count = sum(high for name, (_, high) in metrics.items() if re.fullmatch(pattern, name))
                paths[path] += int(max(0, count - (path in FIRST_IS_NORMAL)))
        paths.update({f"exit_{code}": count for code, count in self.exits.items()})
        return {path: count for path, count in paths.items() if count}

    def logs(self):
        paths = sorted({daemon.log_path for daemon in self.world.daemons})
        return "\n".join(path.read_text(errors="replace") for path in paths)

    def metric_seen(self, pattern, low=None):
        """Whether a metric was seen above 0 (or, with low, at or below low)."""
        return any(high > 0 if low is None else least <= low for metrics in self.seen_metrics.values()
                   for name, (least, high) in metrics.items() if re.fullmatch(pattern, name))

    def require(self, condition, text):
        if not condition:
            self.problems.append(text)

    def safe(self, check, *arguments):
        """Runs a safety check; what it finds is a violation of the guarantee."""
        try:
            return check(*arguments)
        except AssertionError as violation:
            self.violations.append(str(violation)[:1500])
            return None

    # ---- recovery and checks ----

    def recover(self, timeout=60):
        """Heals; new alerts must appear and everything that was sent so far must be counted in time. Notes how long both took."""
        self.heal()
        began, ends, seen = time.monotonic(), self.world.ends(*INPUTS), len(self.watcher.records)
        if self.feed and not self.feed.over.is_set() and self.feed.poison < 1:
            wait_until(lambda: len(self.watcher.records) > seen, timeout, lambda: f"a new alert\n{self.logs()[-3000:]}")
            self.notes["alert_s"] = round(time.monotonic() - began, 1)

        def counted():
            try:
                applied = self.world.applied()
            except redis.exceptions.RedisError:
                return False
            return all(applied.get(slot, 0) >= end for slot, end in ends.items() if end)
        wait_until(counted, timeout, lambda: f"W of {self.world.applied()} at {ends}\n{self.logs()[-3000:]}")
        self.notes["counted_s"] = round(time.monotonic() - began, 1)

    def settle(self, timeout=60, window=24):
        """Recovers, stops the load and checks the whole truth: I1 to I5, I7."""
        self.checked = True
        self.recover(timeout)
        self.end_load(60)
        self.world.wait_committed(timeout, visible=15)
        return self.check(window)

    def end_load(self, timeout=30):
        """Sends no more; everything that was sent is in the topics."""
        if self.feed:
            self.feed.stop()
        self.world.flush(timeout)

    def check(self, window=24):
        world = self.world
        self.safe(world.check_none_open)
        alerts = world.alerts()
        fold = Fold(world.verdicts(alerts), window)
        logs = world.input_logs()
        for (_, partition), records in sorted(logs.items()):
            self.safe(fold.run, partition, records)
        self.safe(world.check_alerts, fold, alerts)
        self.safe(self.check_order, alerts)
        self.safe(self.check_dead_letters, fold, logs)
        self.safe(world.check_counters, fold)
        self.safe(self.check_watcher, alerts)
        self.count(fold, logs)
        return fold

    def offsets_behind(self):
        """Where W was seen above C."""
        return [f"W {applied} > C {committed} at {topic} {partition}" for (topic, partition), applied, committed in self.sampler.broken]

    def fold_by_text(self):
        """The fold where alerts are missing by an operator's doing: what a text is judged to be is taken from other alerts of it."""
        logs = self.world.input_logs()
        known, texts, topic = self.world.verdicts(self.world.alerts()), {}, self.world.topics["reports"]
        reports = {(partition, record.offset): event[3]["description"] for (name, partition), records in logs.items() if name == topic
                   for record in records if (event := understand(record)) not in (None, "skip") and event[0] == REPORT}
        texts = {reports[place]: verdict for place, verdict in known.items() if place in reports}
        fold = Fold({place: texts[text] for place, text in reports.items() if text in texts})
        for (_, partition), records in sorted(logs.items()):
            fold.run(partition, records)
        self.count(fold, logs)
        return fold

    def check_alerts_once(self):
        """Each alert of a record is visible once, when which ones are due cannot be computed (any more)."""
        seen = Counter((value["id"], value["data"]["source"]["partition"], value["data"]["source"]["offset"])
                       for _, value in self.world.alerts())
        twice = [id for id, count in seen.items() if count > 1]
        assert not twice, f"{len(twice)} alerts are visible more than once: {twice[:5]}"
        self.alerts_checked = len(seen)

    def count(self, fold, logs):
        self.events = sum(map(len, logs.values()))
        self.alerts_checked, self.dead_letters_checked = len(fold.alerts), len(fold.dead)
        self.counters_checked = sum(len(fields) for fields in fold.hashes.values()) + len(fold.last_ms) + 6 * len(fold.reports)

    def check_order(self, alerts):
        """Alerts of one input partition stand in the order of their events, in every output partition."""
        last = {}
        for record, value in alerts:
            source = value["data"]["source"]
            lane = record.topic, record.partition, source["partition"]
            assert source["offset"] > last.get(lane, -1), f"{lane}: alert of offset {source['offset']} behind {last[lane]}"
            last[lane] = source["offset"]

    def check_dead_letters(self, fold, logs):
        self.world.check_dead_letters(fold)
        originals = {record[:3]: record for records in logs.values() for record in records}
        for letter in self.world.read("dead_letters"):
            headers = dict(letter.headers)
            place = headers["rw.error.topic"].decode(), int(headers["rw.error.partition"]), int(headers["rw.error.offset"])
            original = originals[place]
            whole = "rw.error.sha256" not in headers
            assert letter.key == original.key and (not whole or letter.value == original.value), f"bytes of {place} differ"

    def check_watcher(self, alerts):
        """The reader that looked on all the time saw what a later one sees: nothing that went away again, nothing less."""
        final = {record[:3] for record, _ in alerts} | {record[:3] for record in self.world.read("dead_letters")}
        wait_until(lambda: set(self.watcher.records) >= final, 10,
                   lambda: f"{len(final - set(self.watcher.records))} records were never seen by the concurrent reader")
        gone = set(self.watcher.records) - final
        assert not gone, f"{len(gone)} records were seen and are gone: {sorted(gone)[:5]}"

    def check_resources(self):
        """I7: no leak of descriptors or memory worth the name, nothing said by a sanitizer."""
        for metrics in self.seen_metrics.values():
            fds, memory = metrics.get("process_open_fds", (0, 0)), metrics.get("process_resident_memory_bytes", (0, 0))
            assert fds[1] <= 120, f"{fds[1]:.0f} open descriptors"
            assert memory[1] < 1 << 30, f"{memory[1] / (1 << 20):.0f} MiB"
        assert not re.search(r"AddressSanitizer|runtime error:|MUST\(", self.logs()), "a sanitizer or a MUST() spoke"

    def finish(self, takes, loud):
        """After the row's own part: everything that it has not checked, then what the row says it takes and shows."""
        if not self.checked:
            self.settle()
        for daemon in self.running():
            self.look_at(daemon)
        self.stop_threads()
        self.violations += self.offsets_behind()[:3]
        self.safe(self.check_resources)
        self.account_for_exits()
        paths = self.paths()
        for path in takes:
            self.require(paths.get(path) or self.faults.get(path), f"void: the run never took '{path}'")
        for sign in loud:
            self.require(sign.seen(self), f"not loud: {sign}")

    def stop_threads(self):
        for thread in (self.observer, self.sampler, self.watcher):
            thread.stop()

    def account_for_exits(self):
        for daemon in self.world.daemons:
            if not daemon.runs and daemon not in self.accounted:
                self.problems.append(f"{self.instance_of(daemon)} ended by itself with {daemon.process.returncode}\n"
                                     f"{daemon.log[-1500:]}")

    def close(self):
        self.stop_threads()
        if self.feed:
            self.feed.over.set()
        self.world.end()
        for cleanup in self.cleanups:
            cleanup()
        self.stack.heal()
        admin = AdminClient({"bootstrap.servers": self.stack.brokers, "log_level": 0})
        for future in admin.delete_topics(list(self.world.topics.values()), operation_timeout=5).values():
            future.exception(20)  # a row may have deleted it already


# ---- what an operator sees ----

class Log:
    """A line of the log, by a regular expression."""

    def __init__(self, pattern):
        self.pattern = pattern

    def seen(self, run):
        return re.search(self.pattern, run.logs())

    def __str__(self):
        return f"log line `{self.pattern}`"


class Metric:
    """A metric, as name or name{label="value"} with one of its labels, that is above 0, or with low at or below it."""

    def __init__(self, name, low=None):
        self.name, self.low = name, low

    def seen(self, run):
        name, _, label = self.name.partition("{")
        labels = r"\{(.*,)?" + re.escape(label[:-1]) + r"(,.*)?\}" if label else r"(\{.*\})?"
        return run.metric_seen(name + labels, self.low)

    def __str__(self):
        return f"metric `{self.name}`" + ("" if self.low is None else f" = {self.low}")


class Exit:
    """An exit code."""

    def __init__(self, code):
        self.code = code

    def seen(self, run):
        return run.exits[self.code]

    def __str__(self):
        return f"exit code {self.code}"
