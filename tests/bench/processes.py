# SPDX-License-Identifier: Apache-2.0
"""Where the repository is, and what /proc says of processes: CPU time (whole, by thread, of a whole session) and peak memory."""
import os
import pathlib
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"
WORK = ROOT / "build/bench"
TICKS = os.sysconf("SC_CLK_TCK")

# A thread's name begins with ..., and counts as ...
THREADS = [("riderwatchd", "loop"), ("rdk:", "librdkafka"), ("publisher", "worker")]
OTHER_THREADS = "other"


class Failed(Exception):
    """A measurement that could not be made, and why."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command, **options):
    """Runs a program in the root of the repository; its standard output as text."""
    done = subprocess.run([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **options)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))} ended with {done.returncode}")
    return done.stdout


def stat_fields(path):
    """Fields of a stat file from the state on; None when the process or thread is gone."""
    try:
        with open(path) as file:
            return file.read().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None


def cpu_seconds(pid, children=False):
    """User and system time; with children, also that of those that have ended."""
    fields = stat_fields(f"/proc/{pid}/stat")
    return sum(map(int, fields[11:15 if children else 13])) / TICKS if fields else 0.0


def machine_seconds():
    """CPU seconds of the whole machine: busy, and stolen by the hypervisor."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, hard, soft, stolen = (int(word) / TICKS for word in file.readline().split()[1:9])
    return {"busy": user + nice + system + hard + soft, "stolen": stolen}


def thread_seconds(pid, tid):
    """To the nanosecond where the kernel tells."""
    try:
        with open(f"/proc/{pid}/task/{tid}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        fields = stat_fields(f"/proc/{pid}/task/{tid}/stat")
        return sum(map(int, fields[11:13])) / TICKS if fields else 0.0


def thread_part(name):
    return next((part for prefix, part in THREADS if name.startswith(prefix)), OTHER_THREADS)


def cpu_by_part(pid):
    """{part: seconds}; threads that have ended count as other."""
    parts = {part: 0.0 for _, part in THREADS}
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/comm") as file:
                part = thread_part(file.read().strip())
        except OSError:
            continue
        parts[part] = parts.get(part, 0.0) + thread_seconds(pid, tid)
    parts[OTHER_THREADS] = parts.get(OTHER_THREADS, 0.0) + max(0.0, cpu_seconds(pid) - sum(parts.values()))
    return parts


def peak_mib(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM")), 0.0)
    except OSError:
        return 0.0


def session_members(session):
    """Processes of a session, which its leader's pid names."""
    members = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = stat_fields(f"/proc/{name}/stat")
        if fields and fields[0] != "Z" and int(fields[3]) == session:
            members.append(int(name))
    return members
