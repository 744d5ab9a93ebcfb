"""What stood of a lot at a place at any time, from the ledger: the levels in business time, and the least of them after an instant.

Entries are ordered by when they happened, those of one instant as they were written. What happened at one instant happened together:
a level is what stood there when the instant was over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from krafte_core.stock import Posting

RECOUNT = "recount"
"""The kind of a posting that derives the difference of a count again, because an entry was dated before it."""


class Since(NamedTuple):
    """Steps that stood there from an instant on."""

    at: datetime
    steps: int


def in_time(postings: Iterable[Posting]) -> list[Posting]:
    """The postings (given in the ledger's order) as they happened.

    >>> early, late = datetime(2026, 1, 1), datetime(2026, 1, 2)
    >>> [row.kind for row in in_time([Posting("scrap", "", late, late, ()), Posting("receive", "", early, late, ())])]
    ['receive', 'scrap']
    """
    return sorted(postings, key=lambda row: row.happened_at)


def levels(postings: Iterable[Posting], item: str, lot: str, place: str, opening: int = 0) -> Iterator[Since]:
    """How much of a lot stood at a place from each instant on that changed it; `opening` stood there before.

    >>> from krafte_core.stock import Move
    >>> day = datetime(2026, 1, 1)
    >>> came = Posting("receive", "", day, day, (Move("lye", "N", 5, "supplier", "stock"),))
    >>> [row.steps for row in levels([came], "lye", "N", "stock")]
    [5]
    """
    steps = opening
    for at, rows in groupby(in_time(postings), key=lambda row: row.happened_at):
        moves = (move for row in rows for move in row.moves if (move.item, move.lot) == (item, lot))
        change = sum(move.steps * ((move.target == place) - (move.source == place)) for move in moves)
        if change:
            steps += change
            yield Since(at, steps)


def stood(rows: Iterable[Since], at: datetime) -> int:
    """Steps that stood there at an instant, all its entries included.

    >>> day = datetime(2026, 1, 1)
    >>> stood([Since(day, 5)], day), stood([], day)
    (5, 0)
    """
    steps = 0
    for row in rows:
        if row.at > at:
            break
        steps = row.steps
    return steps


def least(rows: Sequence[Since], at: datetime, until: datetime | None = None) -> Since:
    """The least that stood there from an instant on, before `until` if there is one, and when it did so first.

    >>> day = datetime(2026, 1, 1)
    >>> least([Since(day, 5), Since(datetime(2026, 1, 2), 3)], day).steps
    3
    """
    after = (row for row in rows if row.at > at and (until is None or row.at < until))
    return min([Since(at, stood(rows, at)), *after], key=lambda row: row.steps)
