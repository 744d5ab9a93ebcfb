"""What stood of a lot at a place at any time, from the ledger: the order of entries in business time, and the least after an instant.

Entries are ordered by when they happened; those of one instant as they were written, but what derives a count again (`RECOUNT`) comes
first: it belongs to a count that was there before the entries that follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
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

    >>> day = datetime(2026, 1, 1)
    >>> [row.kind for row in in_time([Posting("scrap", "", day, day, ()), Posting("recount", "", day, day, ())])]
    ['recount', 'scrap']
    """
    return sorted(postings, key=lambda row: (row.happened_at, row.kind != RECOUNT))


def levels(postings: Iterable[Posting], item: str, lot: str, place: str) -> Iterator[Since]:
    """How much of a lot stood at a place after each posting that changed it, in time.

    >>> from krafte_core.stock import Move
    >>> day = datetime(2026, 1, 1)
    >>> came = Posting("receive", "", day, day, (Move("lye", "N", 5, "supplier", "stock"),))
    >>> [row.steps for row in levels([came], "lye", "N", "stock")]
    [5]
    """
    steps = 0
    for posting in in_time(postings):
        change = sum(
            move.steps * ((move.target == place) - (move.source == place))
            for move in posting.moves
            if (move.item, move.lot) == (item, lot)
        )
        if change:
            steps += change
            yield Since(posting.happened_at, steps)


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
