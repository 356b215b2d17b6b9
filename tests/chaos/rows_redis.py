# SPDX-License-Identifier: Apache-2.0
"""Faults of Redis: gone, slow, cut, old, empty, foreign, full, without its functions."""
import resource
import signal
import subprocess

import redis

from events import BY_CATEGORY, report
from faults import ForeignRedis, Replica, cut_tail, redis_data
from harness import Exit, Log, Metric
from table import row
from world import ALERT_KINDS, ROOT, wait_until

LOST = (Log("Redis lost; alerts go on, counters wait"), Metric("riderwatch_redis_up", 0), Metric("riderwatch_redis_losses_total"))
HEALED = (Log("Redis lost its latest writes, they were sent again"), Metric('riderwatch_notices_total{notice="store_healed"}'))
CAUGHT_UP = (Log("Redis cannot follow: alerts go on, counters will be caught up from the log"),
             Metric('riderwatch_notices_total{notice="behind"}'), Metric('riderwatch_notices_total{notice="caught_up"}'))


def alerts_go_on(run, seconds=3):
    """New alerts appear while Redis is not there. The daemon was at work before: its start waits for Redis a while."""
    before = len(run.watcher.records)
    run.sleep(seconds)
    run.require(len(run.watcher.records) > before + 10, "alerts waited for Redis")


@row(10, "alerts go on, counters catch up", ["redis kill", "reconnects"], LOST, short=True)
def redis_killed(run):
    """Redis gets SIGKILL three times and comes back after a while."""
    run.start()
    run.load()
    run.wait_counted()
    for _ in range(3):
        run.sleep(0.5, 2)
        run.redis("kill")
        alerts_go_on(run, 2)
        run.recover()


@row(11, "what was lost is sent again, no alert twice", ["tail cut", "store_healed"], HEALED, short=True)
def redis_tail_cut(run):
    """Redis gets SIGKILL and comes back without the last bytes of its append-only file, three times."""
    run.start()
    run.load()
    for _ in range(3):
        run.sleep(1.5, 3)
        cut_tail(run)
        run.recover()


@row(11, "W went back: alerts go on, what is lost is counted again from the log, no alert twice", ["tail cut", "behind", "caught_up"],
     CAUGHT_UP)
def redis_tail_cut_and_nothing_kept(run):
    """As before, with redis.keep = 0: nothing can be sent again."""
    run.start(redis={"keep": "0ms"})
    run.load()
    for _ in range(3):
        run.sleep(1.5, 3)
        cut_tail(run)
        run.recover()


@row(11, "noticed without any event, sent again", ["tail cut", "store_healed"], HEALED)
def redis_tail_cut_when_quiet(run):
    """Redis loses its tail while nothing comes in."""
    run.start()
    run.load()
    run.wait_counted(500)
    run.end_load()
    run.world.wait_applied()
    cut_tail(run)


@row(13, "as after any lost tail", ["tail cut", "crash point", "muted"])
def redis_tail_cut_while_loading(run):
    """The daemon freezes while it reads the journal, an answered apply, or a chunk on its way; Redis loses its tail meanwhile."""
    run.load()
    daemon = run.start()
    run.wait_counted()
    run.stop(daemon)
    for point in ("journal_read:1", "state_read:3", "applied:8", "before_apply:8"):
        daemon = run.launch(environment={"RIDERWATCH_CRASH_AT": f"{point}:stop"})
        wait_until(lambda: is_stopped(daemon) or not daemon.runs, 20, lambda: f"never came to {point}\n{daemon.log[-1500:]}")
        run.fault("crash point")
        cut_tail(run)
        run.wake(daemon)
        run.recover()
        run.crash(daemon)
        run.sleep(0.3)
    run.start()


def is_stopped(daemon):
    with open(f"/proc/{daemon.process.pid}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


@row(12, "as after a lost tail", ["stale failover", "behind", "caught_up"], CAUGHT_UP + LOST, short=True)
def stale_replica_promoted(run):
    """A replica loses its primary, the primary goes on and dies, the replica takes its place with what it had; older than redis.keep."""
    run.start(redis={"keep": "500ms"})
    run.load()
    run.sleep(1)
    replica = Replica(run)
    run.sleep(1)
    replica.cut_off()
    run.sleep(2)
    replica.take_over(as_replica_for=1)
    run.recover()


@row(12, "refused writes are sent again, nothing is counted twice", ["demotion", "redis_losses"],
     (Log("point redis.host at the primary"), Metric("riderwatch_redis_up", 0)))
def redis_demoted_for_a_while(run):
    """The Redis in use becomes a replica of nothing (READONLY), and a primary again."""
    run.start()
    run.load()
    run.wait_counted()
    for _ in range(2):
        run.sleep(1)
        run.fault("demotion")
        run.world.redis.execute_command("REPLICAOF", "127.0.0.1", "1")
        alerts_go_on(run, 2)
        run.world.redis.execute_command("REPLICAOF", "NO", "ONE")
        run.recover()


@row(14, "refused, nothing is committed; a rebuild on order makes it whole", ["flushall"],
     (Exit(65), Log(r"Redis lost its data or is another one.*redis\.rebuild=true")), short=True)
def redis_flushed_while_running(run):
    """FLUSHALL under load; the daemon ends, a second start ends too; then the rebuild that the message names."""
    daemon = run.start()
    run.load()
    run.sleep(2)
    run.fault("flushall")
    run.world.redis.flushall()
    run.expect_exit(daemon, [65], 20)
    run.sleep(1)
    before = run.world.committed()
    run.expect_exit(run.launch(), [65], 20)
    run.require(run.world.committed() == before, "offsets moved although Redis was refused")
    run.start(redis={"rebuild": True})


@row(14, "refused, nothing is committed", ["foreign Redis"], (Exit(65), Log(r"belongs to another set of offsets.*redis\.host")))
def redis_is_foreign(run):
    """The daemon finds the state of another store than its offsets belong to, at start and while it runs."""
    run.load()
    daemon = run.start()
    run.wait_counted()
    run.stop(daemon)
    key = f"rw:{{0}}:log:{run.world.topics['reports']}"
    wait_until(lambda: run.world.redis.hget(key, "applied"), 5, "something applied")
    ours = {name: run.world.redis.hget(name, "store") for name in run.world.redis.scan_iter("rw:{*}:log:*")}
    ForeignRedis.put_in_place(run)
    before = run.world.committed()
    run.expect_exit(run.launch(), [65], 20)
    run.require(run.world.committed() == before, "offsets moved although Redis was refused")
    for name, store in ours.items():
        run.world.redis.hset(name, "store", store)
    daemon = run.start()
    run.recover()
    ForeignRedis.put_in_place(run)
    run.expect_exit(daemon, [65], 20)
    for name, store in ours.items():
        run.world.redis.hset(name, "store", store)
    run.start()


@row(10, "reports go on from the log alone, no alert twice, counters catch up", ["redis stop", "SIGKILL", "load_log", "caught_up"],
     (Log("Redis does not answer: started from Kafka's log alone"), Metric('riderwatch_notices_total{notice="started_alone"}'),
      Metric("riderwatch_redis_up", 0)), short=True)
def redis_down_at_start(run):
    """The daemon starts while Redis is away: after it stopped, after it was killed, and killed again before Redis is back."""
    daemon = run.start()
    run.load()
    run.wait_counted()
    for number in range(3):
        if number == 0:
            run.stop(daemon)
            run.redis("stop")
        else:
            run.redis("stop")
            run.sleep(0.5, 1.5)
            run.crash(daemon)
        daemon = run.start()
        run.sleep(4)
        alerts_go_on(run, 3)
        if number == 1:
            run.crash(daemon)
            daemon = run.start()
            run.sleep(4)
            alerts_go_on(run, 3)
        run.recover()


@row(15, "alerts go on; the reply is given up in time, the group is kept", ["redis pause", "redis_losses"], LOST)
def redis_hangs(run):
    """Redis gets SIGSTOP for 1, 4 and 20 s; redis.timeout is 1 s."""
    run.start(redis={"timeout": "1s"})
    run.load()
    run.wait_counted()
    for seconds in (1, 4, 20):
        run.sleep(1)
        run.redis("pause")
        alerts_go_on(run, seconds)
        run.recover()
    run.require(run.paths().get("load_assigned", 0) == 2 * run.world.partitions, "the group was left")


@row(15, "connects again, counts each chunk once", ["client kill", "reconnects"], LOST, short=True)
def redis_connections_killed(run):
    """CLIENT KILL of all connections, 40 times, 50 ms apart or more."""
    run.start()
    run.load()
    for _ in range(40):
        run.sleep(0.05, 0.3)
        run.fault("client kill")
        run.world.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


@row(16, "alerts go on, counters catch up when there is room", ["out of memory"],
     (Log("Redis is out of memory: raise maxmemory"), Metric("riderwatch_redis_queue_chunks")), short=True)
def redis_out_of_memory(run):
    """maxmemory is reached (noeviction), then raised."""
    run.start()
    run.load()
    run.wait_counted()
    run.sleep(1)
    run.fault("out of memory")
    run.world.redis.config_set("maxmemory", 1 << 20)
    alerts_go_on(run, 4)
    run.world.redis.config_set("maxmemory", 0)


@row(16, "alerts go on, counters catch up when there is room", ["disk full"],
     (Log("Redis cannot write to its disk: make room"), Metric("riderwatch_redis_queue_chunks")))
def redis_disk_full(run):
    """The append-only file cannot grow (MISCONF), then it can."""
    run.redis("stop")
    # With SIGXFSZ ignored, which children inherit, a write beyond the limit fails instead of killing.
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    subprocess.run([str(ROOT / "scripts/stack"), "redis", "start", run.stack.name], check=True, restore_signals=False,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    signal.signal(signal.SIGXFSZ, before)
    run.start()
    run.load()
    run.wait_counted()
    run.sleep(2)
    pid = run.world.redis.info("server")["process_id"]
    size = max(path.stat().st_size for path in redis_data(run).glob("appendonlydir/*"))
    run.fault("disk full")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    alerts_go_on(run, 4)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@row(16, "refused at start", ["eviction allowed"], (Exit(69), Log("Redis may evict counters.*noeviction")))
def redis_may_evict_at_start(run):
    """maxmemory-policy is allkeys-lru."""
    run.fault("eviction allowed")
    run.world.redis.config_set("maxmemory", 1 << 30)
    run.world.redis.config_set("maxmemory-policy", "allkeys-lru")
    run.expect_exit(run.launch(), [69], 20)
    run.world.redis.config_set("maxmemory-policy", "noeviction")
    run.start()
    run.load()
    run.sleep(2)


@row(16, "noticed while running, before anything is lost in silence", ["eviction allowed"],
     (Exit(69), Log("Redis may evict counters.*noeviction")))
def redis_may_evict_while_running(run):
    """maxmemory-policy becomes allkeys-lru under load; the daemon must not go on trusting that Redis."""
    daemon = run.start()
    run.load()
    run.sleep(2)
    run.fault("eviction allowed")
    run.world.redis.config_set("maxmemory", 1 << 30)
    run.world.redis.config_set("maxmemory-policy", "allkeys-lru")
    run.expect_exit(daemon, [69], 30)
    run.world.redis.config_set("maxmemory-policy", "noeviction")
    run.start()


@row(17, "the library is loaded again, compare-and-set keeps the order", ["functions flushed"],
     (Log("the function library is loaded again"),), short=True)
def redis_functions_flushed(run):
    """FUNCTION FLUSH and SCRIPT FLUSH under load, and a library of that name without our functions."""
    run.start()
    run.load()
    for number in range(6):
        run.sleep(0.3, 1)
        run.fault("functions flushed")
        run.world.redis.execute_command("SCRIPT", "FLUSH")
        if number % 2:
            run.world.redis.execute_command("FUNCTION", "FLUSH")
        else:
            run.world.redis.execute_command("FUNCTION", "LOAD", "REPLACE", "#!lua name=riderwatch_v1\nredis.register_function('rw_old', "
                                            "function() return 'old' end)")


@row(17, "a key of another type is passed over and told", ["foreign key"],
     (Log("Redis keys of another type were passed over"), Metric("riderwatch_apply_conflicts_total")))
def redis_key_of_another_type(run):
    """Somebody writes a string where a rider's hash belongs; it is deleted before the end."""
    run.checked = True
    daemon = run.start()
    run.fault("foreign key")
    for partition in range(run.world.partitions):
        run.world.redis.set(f"rw:{{{partition}}}:rider:intruder", "text")
    for _ in range(20):
        run.world.send(report("intruder", BY_CATEGORY["fire"][0]))
    run.world.flush()
    run.world.wait_applied()
    wait_until(lambda: len(run.world.alerts()) == 20, 15, "20 alerts")
    wait_until(lambda: run.metric_seen("riderwatch_apply_conflicts_total"), 5, "conflicts in the metrics")
    run.alerts_checked = 20
    run.stop(daemon)
    assert len(ALERT_KINDS) == 3
