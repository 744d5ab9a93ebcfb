"""The ledger lot by lot, each in the order in which things happened: what `verify` reads, in memory that does not grow with history.

A store that has its moves in this order (`Reader.moves_in_time`) streams them; for the others they are sorted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import attrs

from krafte_core.diary import Entry
from krafte_core.ledger import REVERSE
from krafte_core.stock import inside
from krafte_core.store import LotKey, Reader

BOOKS, CLOSE, CLOSING = "books", "close", "closing balance"
"""The diary's page for the books as a whole; its step when a period is closed; a lot's line with what stood where at that time."""


class Closing(NamedTuple):
    """The books were closed: nothing may happen before `until` any more, as was written down at `noted_at`."""

    until: datetime
    noted_at: datetime


def closings(entries: Iterable[Entry]) -> list[Closing]:
    """The closings on the diary's page of the books, in order.

    >>> closings([])
    []
    """
    return [Closing(datetime.fromisoformat(dict(entry.details)["until"]), entry.at) for entry in entries if entry.step == CLOSE]


def closing_balances(entries: Iterable[Entry], until: datetime) -> dict[str, int]:
    """What stood where of a lot when the books were closed: steps per place, from the lot's page of the diary.

    >>> closing_balances([], datetime(2026, 1, 1))
    {}
    """
    notes = [dict(entry.details) for entry in entries if entry.step == CLOSING]
    return {note["place"]: int(note["steps"]) for note in notes if note["until"] == until.isoformat()}


class Moved(NamedTuple):
    """A move with what its posting says."""

    item: str
    lot: str
    at: datetime
    recorded_at: datetime
    kind: str
    paper: str
    steps: int
    source: str
    target: str


@attrs.define
class LotHistory:
    """What the ledger adds up to for a lot, and what is wrong with it.

    Args:
        key: item and lot code.
        sums: steps per place of the house, now.
        source: where its first move came from.
        closed: the sums at the end of closed periods, per closing.
    """

    key: LotKey
    source: str
    sums: dict[str, int] = attrs.field(factory=dict)
    closed: dict[datetime, dict[str, int]] = attrs.field(factory=dict)
    findings: list[str] = attrs.field(factory=list)


def histories(reader: Reader, closings: Sequence[Closing] = ()) -> Iterator[LotHistory]:
    """The history of every lot that was ever moved, checked; by item and lot.

    >>> from krafte_core.books import Books
    >>> [*histories(Books())]
    []
    """
    stream = getattr(reader, "moves_in_time", None)
    for key, rows in groupby(_sorted(reader) if stream is None else stream(), key=lambda row: row[:2]):
        yield _checked(key, rows, closings)


def _sorted(reader: Reader) -> Iterable[Moved]:
    rows = (
        Moved(move.item, move.lot, posting.happened_at, posting.recorded_at, posting.kind, posting.paper, *move[2:5])
        for posting in reader.rows("postings")
        for move in posting.moves
    )
    return sorted(rows, key=lambda row: row[:3])


def _checked(key: LotKey, rows: Iterable[Moved], closings: Sequence[Closing]) -> LotHistory:
    """Laws 1, 2 and 4 for one lot, and nothing in a period after it was closed."""
    lot, begun, ahead = LotHistory(key, ""), "", [*reversed(closings)]
    sums, name = lot.sums, "{} {}".format(*key)
    for at, together in groupby(rows, key=lambda row: row.at):
        while ahead and at >= ahead[-1].until:
            lot.closed[ahead.pop().until] = {place: steps for place, steps in sums.items() if steps}
        touched: dict[str, None] = {}
        for row in together:
            if not lot.source:
                lot.source, begun = row.source, row.paper
            lot.findings += _wrong(name, lot.source, begun, row, closings)
            for place, change in ((row.source, -row.steps), (row.target, row.steps)):
                if inside(place):
                    sums[place] = sums.get(place, 0) + change
                    touched[place] = None
        lot.findings += [f"law 2: {name} was negative in {place} at {at}" for place in touched if sums[place] < 0]
    for closing in ahead:
        lot.closed[closing.until] = {place: steps for place, steps in sums.items() if steps}
    return lot


def _wrong(name: str, source: str, begun: str, row: Moved, closings: Sequence[Closing]) -> Iterator[str]:
    if row.steps <= 0:
        yield f"law 1: a move of {row.steps} steps of {name} at {row.at}"
    if inside(source):
        yield f"law 4: {name} was used at {row.at} before it was there"
    elif row.source == source and row.kind != REVERSE and row.paper != begun:
        yield f"law 4: {name} has two origins, {begun or 'a receipt'} and {row.paper or 'a receipt'}"
    for closing in closings:
        if row.at < closing.until and row.recorded_at > closing.noted_at:
            yield f"closed period: {name} was moved at {row.at}, recorded after the books were closed until {closing.until}"
            return


def pages(rows: Iterable[Any], size: int = 500) -> Iterator[list[Any]]:
    """The rows in lists of at most so many.

    >>> [*pages("abcde", 2)]
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    page: list[Any] = []
    for row in rows:
        page.append(row)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page
