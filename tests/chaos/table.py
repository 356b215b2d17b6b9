# SPDX-License-Identifier: Apache-2.0
"""The rows of the matrix: a function that takes a Run, and what must come of it."""
from dataclasses import dataclass, field


@dataclass
class Row:
    """fault: its number in the matrix. takes: paths or faults that must have happened, else the run is void. loud: what an operator
    must see. options: those of Run. broker: which stack it needs. short: part of the short set."""
    name: str
    play: object
    fault: int
    does: str
    expected: str
    takes: tuple = ()
    loud: tuple = ()
    short: bool = False
    stack: str = "single"
    options: dict = field(default_factory=dict)


ROWS = []


def row(fault, expected, takes=(), loud=(), short=False, stack="single", **options):
    """Makes a row of a function; its docstring says what is done to the daemon."""
    def register(play):
        does = " ".join(play.__doc__.split())
        ROWS.append(Row(play.__name__, play, fault, does, expected, tuple(takes), tuple(loud), short, stack, options))
        return play
    return register
