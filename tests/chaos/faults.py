# SPDX-License-Identifier: Apache-2.0
"""Harm that takes more than a signal: operators' tools, Redis data cut or left behind, topics taken away."""
import json
import os
import subprocess
import threading

import markers
import redis
from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from servers import java
from world import INPUTS, ROOT, wait_until


# ---- Kafka ----

def kafka_tool(run, name, *arguments):
    """One of Kafka's own command line tools."""
    run.fault(name.rsplit(".", 1)[-1])
    done = subprocess.run(java(f"org.apache.kafka.tools.{name}", "--bootstrap-server", run.stack.brokers, *arguments),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0 and "Error" not in done.stdout, done.stdout[-1500:] + done.stderr[-1500:]
    return done.stdout


def delete_records(run, offsets):
    """Cuts the log: everything below offsets ({(topic, partition): offset}) goes."""
    path = run.world.folder / "delete-records.json"
    path.write_text(json.dumps({"version": 1, "partitions": [{"topic": topic, "partition": partition, "offset": offset}
                                                              for (topic, partition), offset in offsets.items()]}))
    kafka_tool(run, "DeleteRecordsCommand", "--offset-json-file", str(path))


def delete_group(run, group):
    """As an operator deletes a group's offsets, once it has no members."""
    run.let_offsets_move()
    def deleted():
        try:
            return kafka_tool(run, "consumer.group.ConsumerGroupCommand", "--delete", "--group", group) or True
        except AssertionError:
            return None
    wait_until(deleted, 30, f"group {group} cannot be deleted")


def move_offsets(run, offsets, group=None):
    """As an operator resets a group, once it has no members: offsets with empty metadata."""
    run.fault("offsets moved")
    run.let_offsets_move()

    def moved():
        consumer = run.world.consumer(**{"group.id": group or run.world.group})
        try:
            return consumer.commit(offsets=[TopicPartition(*slot, offset) for slot, offset in offsets.items()], asynchronous=False)
        except KafkaException:
            return None
        finally:
            consumer.close()
    wait_until(moved, 20, "the group still has a member")


def admin(run):
    return AdminClient({"bootstrap.servers": run.stack.brokers, "log_level": 0})


def await_all(futures):
    for future in futures.values():
        future.result(30)


def delete_topic(run, kind):
    run.fault("topic deleted")
    run.let_offsets_move()
    topic = run.world.topics[kind]
    client = admin(run)
    await_all(client.delete_topics([topic], operation_timeout=20))
    wait_until(lambda: topic not in client.list_topics(timeout=10).topics, 20, f"{topic} does not go")


def create_topic(run, kind, **config):
    """Again, as scripts/create-topics would."""
    topic = run.world.topics[kind]
    config = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "1835008", **config}
    client = admin(run)

    def created():
        try:
            await_all(client.create_topics([NewTopic(topic, run.world.partitions, 1, config=config)]))
            return True
        except KafkaException:
            return False
    wait_until(created, 20, f"{topic} cannot be made again")
    wait_until(lambda: topic in client.list_topics(timeout=10).topics, 20, f"{topic} does not come")
    run.watch_again()  # a reader does not follow from a topic to its namesake


def add_partitions(run, kind, count):
    run.fault("partitions added")
    client = admin(run)
    await_all(client.create_partitions([NewPartitions(run.world.topics[kind], count)]))


def configure_topic(run, kind, **config):
    """Replaces the topic's own configuration."""
    run.fault("topic configured")
    client = admin(run)
    await_all(client.alter_configs([ConfigResource(ConfigResource.Type.TOPIC, run.world.topics[kind], set_config=config)]))


class AbortingFeed(threading.Thread):
    """An upstream system that sends in transactions and takes some of them back."""

    def __init__(self, run, events):
        super().__init__(daemon=True)
        self.owner, self.events, self.failure = run, list(events), None
        self.producer = Producer({"bootstrap.servers": run.stack.brokers, "partitioner": "murmur2_random", "log_level": 0,
                                  "transactional.id": f"{run.world.prefix}upstream"})
        self.start()

    def run(self):
        try:
            self.producer.init_transactions(30)
            while self.events:
                self.producer.begin_transaction()
                for event, shape in (self.events.pop() for _ in range(min(len(self.events), 25))):
                    value, headers = event.shaped(shape)
                    self.producer.produce(self.owner.world.topics[event.kind], value, event.rider.encode(), headers=headers)
                if self.owner.dice.random() < 0.5:
                    self.producer.flush(10)
                    self.producer.abort_transaction(20)
                    self.owner.fault("upstream abort")
                else:
                    self.producer.commit_transaction(20)
        except Exception as failure:
            self.failure = failure


# ---- Redis ----

def redis_data(run):
    return ROOT / "build/stack" / run.stack.name / "redis/data"


def forget_markers(run, choose, data="kafka/data"):
    """The broker is killed and comes back without the markers that ended the last transaction in some partitions. data: where it keeps
    its logs, below the stack's folder."""
    run.kafka("kill")
    outputs = {run.world.topics[name] for name in run.world.topics if name not in INPUTS} | {"__consumer_offsets"}
    names = markers.leave_out(ROOT / "build/stack" / run.stack.name / data, outputs.__contains__, choose)
    run.fault("marker left out", len(names))
    run.kafka("start")
    return names


OFFSETS = "__consumer_offsets"


def offsets_log(run):
    """{file: bytes} of what the broker that is down keeps of the groups' offsets."""
    folder = ROOT / "build/stack" / run.stack.name / "kafka/data"
    return {path: path.read_bytes() for part in folder.glob(f"{OFFSETS}-*") for path in part.iterdir() if path.is_file()}


def put_offsets_log(run, files):
    """The broker that is down comes back with these and no others."""
    for path in set(offsets_log(run)) - set(files):
        path.unlink()
    for path, data in files.items():
        path.write_bytes(data)
    run.fault("offsets log exchanged")
    run.kafka("start")


def cut_tail(run, low=2000, high=40000):
    """Redis is killed and comes back without the last bytes of its append-only file. Never more than half: a state that was never
    written is another fault."""
    run.redis("kill")
    path = max(redis_data(run).glob("appendonlydir/*.incr.aof"), key=lambda path: path.stat().st_mtime)
    size = path.stat().st_size
    cut = min(run.dice.randrange(low, high), size // 2)
    os.truncate(path, size - cut)
    run.fault("tail cut")
    run.redis("start")


class Replica:
    """A second Redis that follows the first, loses it, and takes its place with what it had by then."""

    def __init__(self, run):
        self.run, folder = run, run.world.folder / "replica"
        folder.mkdir()
        host, port = run.stack.redis_address.rsplit(":", 1)
        self.primary_port = int(port)
        self.port = self.primary_port + 1000
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save",
                                         "", "--appendonly", "no", "--replicaof", host, port, "--repl-diskless-load", "swapdb"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.client = redis.Redis(host, self.port)
        wait_until(self.follows, 20, "the replica does not follow")
        run.cleanups.append(self.end)

    def follows(self):
        try:
            return self.client.info("replication")["master_link_status"] == "up"
        except redis.exceptions.ConnectionError:
            return False

    def cut_off(self):
        """Its link is gone; what it holds grows old."""
        self.client.execute_command("REPLICAOF", "127.0.0.1", "1")

    def take_over(self, as_replica_for=0):
        """The primary dies, and this one answers in its place; at first still as a replica."""
        self.run.redis("kill")
        self.run.heals = ("kafka",)
        self.client.config_set("port", self.primary_port)
        self.client = redis.Redis("127.0.0.1", self.primary_port)
        self.run.sleep(as_replica_for)
        self.client.execute_command("REPLICAOF", "NO", "ONE")
        self.run.fault("stale failover")

    def end(self):
        self.process.kill()
        self.process.wait()


class ForeignRedis:
    """Another riderwatch's Redis: its keys carry other store ids."""

    @staticmethod
    def put_in_place(run):
        run.fault("foreign Redis")
        for kind in INPUTS:
            for partition in range(run.world.partitions):
                run.world.redis.hset(f"rw:{{{partition}}}:log:{run.world.topics[kind]}", "store", "00000000-0000-4000-8000-000000000000")
