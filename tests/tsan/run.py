#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs programs under ThreadSanitizer and tells the races of our code from what it believes to see inside librdkafka, which was not
compiled for it: its atomic counters are invisible, so a record that we read and librdkafka frees later looks like a race. A report
counts when the innermost frames of both accesses, leaving out the sanitizer's own, are ours. Usage: run.py PROGRAM...; with --reports FILE... it reads what others have written."""
import os
import re
import subprocess
import sys

OURS = re.compile(r" (?:\S*/)?(?:daemon|pipelines|include|tests)/\S+:\d+")
ACCESS = re.compile(r"^  (?:Previous )?(?:atomic )?(?:write|read) of size .*?:\n((?:    #.*\n)+)", re.M | re.I)


def innermost(stack):
    return next((frame for frame in stack.splitlines() if "libsanitizer" not in frame and "libtsan" not in frame), "")


def is_ours(report):
    stacks = ACCESS.findall(report)
    return not stacks or all(OURS.search(innermost(stack)) for stack in stacks)


def judge(name, text, failed):
    reports = re.findall(r"^WARNING: ThreadSanitizer:.*?^SUMMARY:.*?$", text, re.M | re.S)
    ours = [report for report in reports if is_ours(report)]
    crashed = "ThreadSanitizer:DEADLYSIGNAL" in text or failed
    print(f"{name}: {len(ours)} of ours, {len(reports) - len(ours)} inside libraries{', FAILED' if crashed else ''}")
    for report in ours:
        print(report)
    return not ours and not crashed


def play(program):
    done = subprocess.run([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", env={**os.environ, "TSAN_OPTIONS": "history_size=4 exitcode=0"})
    return judge(program, done.stdout, done.returncode)


def main():
    words = sys.argv[1:]
    if words[:1] == ["--reports"]:
        good = [judge(path, open(path, errors="replace").read(), False) for path in words[1:]]
    else:
        good = [play(program) for program in words]
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
