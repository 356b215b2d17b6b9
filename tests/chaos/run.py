#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the fault matrix on a real Kafka and a real Redis. Exit code 0 only when every row passed."""
import argparse
import importlib
import os
import pathlib
import random
import shutil
import sys
import time
import traceback
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402
import mix  # noqa: E402
from table import ROWS  # noqa: E402
from world import DAEMON, ROOT, Stack, end_by_term  # noqa: E402

FOLDER = ROOT / "build/chaos"
STACKS = {"single": lambda: Stack(os.environ.get("CHAOS_STACK", "chaos"))}


def find_rows():
    """Every rows_*.py and three_*.py here; a module may add makers of further stacks to STACKS (a dict named STACKS of its own)."""
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        if path.name.startswith(("rows_", "three_", "proxy_")):
            STACKS.update(getattr(importlib.import_module(path.stem), "STACKS", {}))


class Result:
    def __init__(self, row, seed):
        self.row, self.seed, self.seconds, self.failure, self.run = row, seed, 0.0, None, None

    @property
    def passed(self):
        return not (self.failure or self.run.violations or self.run.problems)


def play(row, stack, number, seed):
    """One row; whatever goes wrong is in the result, and the world is put right again."""
    result, began = Result(row, seed), time.monotonic()
    folder = FOLDER / row.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        result.run = harness.Run(stack, folder, f"c{os.getpid()}-{number}.", seed, **row.options)
        row.play(result.run)
        result.run.finish(row.takes, row.loud)
    except Exception:
        result.failure = traceback.format_exc()
    finally:
        if result.run:
            try:
                result.run.close()
            except Exception:
                result.failure = (result.failure or "") + traceback.format_exc()
    result.seconds = time.monotonic() - began
    return result


def words(counts):
    return " ".join(f"{name}={count}" for name, count in sorted(counts.items())) or "-"


def tell(result):
    run = result.run
    print(f"{'ok  ' if result.passed else 'FAIL'} {result.row.name}  {result.seconds:.0f} s  seed {result.seed}")
    if run:
        print(f"     faults  {words(run.faults)}\n     paths   {words(run.paths())}")
        print(f"     checked {run.events} events, {run.alerts_checked} alerts, {run.dead_letters_checked} dead letters, "
              f"{run.counters_checked} counters, W <= C {run.sampler.samples} times ({run.sampler.stale} readings of C below W); {words(run.notes)}")
        for text in run.violations:
            print("     VIOLATION " + text.replace("\n", "\n       "))
        for text in run.problems:
            print("     problem " + text.replace("\n", "\n       "))
    if result.failure:
        print("     " + result.failure.strip().replace("\n", "\n     "))
    sys.stdout.flush()


def summary(results):
    """The table to publish, as Markdown."""
    lines = ["| row | fault | s | faults injected | events | alerts | dead letters | counters | W <= C | violations | paths | recovery | |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    total = Counter()
    for result in results:
        run = result.run
        if not run:
            lines.append(f"| {result.row.name} | {result.row.fault} | {result.seconds:.0f} | | | | | | | | | | FAILED |")
            continue
        counts = {"events": run.events, "alerts": run.alerts_checked, "dead": run.dead_letters_checked, "counters": run.counters_checked,
                  "samples": run.sampler.samples, "violations": len(run.violations), "faults": sum(run.faults.values())}
        total.update(counts)
        lines.append(f"| {result.row.name} | {result.row.fault} | {result.seconds:.0f} | {words(run.faults)} | {counts['events']} | "
                     f"{counts['alerts']} | {counts['dead']} | {counts['counters']} | {counts['samples']} | {counts['violations']} | "
                     f"{words(run.paths())} | {words(run.notes)} | {'ok' if result.passed else 'FAILED'} |")
    lines.append(f"| {len(results)} rows | | {sum(result.seconds for result in results):.0f} | {total['faults']} | {total['events']} | "
                 f"{total['alerts']} | {total['dead']} | {total['counters']} | {total['samples']} | {total['violations']} | | | |")
    return "\n".join(lines) + "\n"


def operator_table():
    """What the README shows: fault -> what an operator sees."""
    lines = ["| fault | row | what is done | what must come of it | what an operator sees |", "|---|---|---|---|---|"]
    for row in sorted(ROWS, key=lambda row: (row.fault, row.name)):
        seen = "; ".join(str(sign) for sign in row.loud) or "nothing: it is handled"
        lines.append(f"| {row.fault} | `{row.name}` | {row.does} | {row.expected} | {seen} |")
    return "\n".join(lines) + "\n"


README, TABLE_BEGINS = pathlib.Path(__file__).parent / "README.md", "| fault | row |"


def readme_with_table():
    """The README as it should be: its table is the last thing in it."""
    head, _, _ = README.read_text().partition(TABLE_BEGINS)
    return head + operator_table()


def chosen(arguments):
    rows = [row for row in ROWS if row.short or not arguments.short]
    unknown = set(arguments.rows) - {row.name for row in ROWS}
    if unknown:
        sys.exit(f"no such row: {', '.join(sorted(unknown))}; --list shows them")
    return [row for row in ROWS if row.name in arguments.rows] if arguments.rows else rows


def schedule(arguments):
    """Rows and the seed of each."""
    first = random.randrange(1 << 30) if arguments.seed is None else arguments.seed
    if arguments.mix:
        seeds = list(range(first, first + arguments.seeds))
        return mix.rows(arguments.mix, seeds, arguments.three), seeds
    rows = chosen(arguments)
    return rows, [random.randrange(1 << 30) if arguments.seed is None else first for _ in rows]


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="rows to play; default: all")
    parser.add_argument("--short", action="store_true", help="the short set")
    parser.add_argument("--seed", type=int, help="of every row; default: a new one each")
    parser.add_argument("--mix", type=int, metavar="SECONDS", help="a random mix of the faults instead, for so long a seed")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="with --mix: that many seeds, from --seed on")
    parser.add_argument("--three", action="store_true", help="with --mix: of three brokers, one harmed at a time, not of the only one")
    parser.add_argument("--list", action="store_true", help="names of the rows")
    parser.add_argument("--table", action="store_true", help="write the table of what an operator sees into the README")
    parser.add_argument("--keep", action="store_true", help="leave the stack running")
    return parser.parse_args()


def play_all(rows, seeds, keep):
    stacks, results = {}, []
    try:
        for number, row in enumerate(rows, 1):
            if row.stack not in stacks:
                stacks[row.stack] = STACKS[row.stack]()
            results.append(play(row, stacks[row.stack], number, seeds[number - 1]))
            tell(results[-1])
    finally:
        for stack in stacks.values():
            stack.heal()
            if not keep:
                stack.order("clean")
    return results


def main():
    arguments = read_arguments()
    find_rows()
    if arguments.list:
        print("\n".join(row.name for row in ROWS))
        return 0
    if arguments.table:
        README.write_text(readme_with_table())
        return 0
    if not DAEMON.exists():
        sys.exit(f"{DAEMON} is not built: run make")
    FOLDER.mkdir(parents=True, exist_ok=True)
    end_by_term()
    results = play_all(*schedule(arguments), arguments.keep)
    (FOLDER / "report.md").write_text(summary(results))
    failed = sum(not result.passed for result in results)
    if README.read_text() != readme_with_table():
        print("the table in tests/chaos/README.md is out of date: run.py --table")
        failed += 1
    print(f"\nreport: {FOLDER / 'report.md'}\n{sum(result.passed for result in results)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
