"""Allocations: which supply is promised to which demand, how firmly, and who loses first when supply shrinks.

One kind of link serves everything: finished goods for an order, one run for three orders, materials of a run, a purchase expected
for a run. A link carries what it takes from the supply and what it covers of the demand, in whole steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from krafte_core.stock import Stocked

LOT, RUN, PURCHASE = SOURCES = ("lot", "run", "purchase")
PEGGED, RESERVED, QUOTED, PICKED = FIRMNESS = ("pegged", "reserved", "quoted", "picked")
WHOLE = " (rest)"
"""Behind the name of a need: the rest of a container that is kept as a whole. It covers nothing, and is the first to go."""


class Key(NamedTuple):
    """What names an allocation: the need (paper and line) and the supply (kind, item, lot or paper, place or line)."""

    demand: str
    line: str
    source: str
    item: str
    ref: str
    place: str


class Allocation(NamedTuple):
    """A link *demand <- supply*.

    `demand` and `line` name the need (an order's line, a run's ingredient); `source`, `item`, `ref` and `place` the supply: a lot at
    a place, an output of a run, a line of a purchase. `takes` are steps of the supply, `covers` steps of the demand.
    """

    demand: str
    line: str
    source: str
    item: str
    ref: str
    place: str
    takes: int
    covers: int
    firmness: str = RESERVED

    @property
    def key(self) -> Key:
        """What names it; two links with the same key are one."""
        return Key(*self[:6])

    @property
    def supply(self) -> tuple[str, str, str]:
        """What it draws from, wherever it stands: (`"lot"`, item, lot) or (`"run"`, item, number)."""
        return self[2:5]


class Incoming(NamedTuple):
    """Supply that is on its way: what a run or a purchase will still bring, how much of it is free, and when (epoch seconds)."""

    source: str
    item: str
    ref: str
    line: str
    open: int
    free: int
    at: float


Rank = tuple[int, date, datetime, int, str]
"""Who gets scarce supply first: the higher priority (below zero), then the earlier need date, then who came first: when, and name."""


def rank(priority: int, due: date | None, since: datetime, number: str) -> Rank:
    """The place in the queue; smaller comes first, no date comes last, and a number of four digits follows one of three.

    >>> day = datetime(2026, 1, 1)
    >>> rank(5, None, day, "CO-2") < rank(0, date(2026, 1, 1), day, "CO-1")
    True
    """
    return -priority, due or date.max, since, len(number), number


class Loss(NamedTuple):
    """A link that lost steps: the link as it was, and how much it lost of its supply (`takes`) and of its cover."""

    allocation: Allocation
    takes: int
    covers: int


def shrink(link: Allocation, takes: int) -> Loss:
    """What the link loses when it may take so many steps less: its cover in proportion, the rest rounded against the demand.

    >>> shrink(Allocation("CO-1", "1", LOT, "soap", "S-1", "stock", 10, 10), 4).covers
    4
    """
    kept = link.covers * (link.takes - takes) // link.takes
    return Loss(link, takes, link.covers - kept)


def displaced(links: Iterable[Allocation], excess: int, rank_of: Callable[[Allocation], Any], same: str = "") -> list[Loss]:
    """Who loses so that `excess` steps become free: the same document first, then in exactly the reverse of the allocation order.

    Args:
        links: the links that draw on the supply.
        excess: steps to free; if the links hold less, all of them lose everything.
        rank_of: the `Rank` of a link's demand; the greatest loses first. Of one demand links that cover nothing go first; ties end in
            the link's own key.
        same: the document whose own links lose first.

    >>> a = Allocation("CO-1", "1", LOT, "soap", "S-1", "stock", 10, 10)
    >>> b = Allocation("CO-2", "1", LOT, "soap", "S-1", "stock", 10, 10)
    >>> [(loss.allocation.demand, loss.takes) for loss in displaced([a, b], 12, lambda link: link.demand)]
    [('CO-2', 10), ('CO-1', 2)]
    """
    queue = sorted(links, key=lambda link: (rank_of(link), not link.covers, link[:6]), reverse=True)
    queue.sort(key=lambda link: link.demand != same)
    losses = []
    for link in queue:
        if excess <= 0:
            break
        losses.append(shrink(link, min(link.takes, excess)))
        excess -= losses[-1].takes
    return losses


def without(link: Allocation, loss: Loss) -> Allocation | None:
    """The link after the loss, or None where nothing is left of it.

    >>> link = Allocation("CO-1", "1", LOT, "soap", "S-1", "stock", 10, 10)
    >>> without(link, shrink(link, 4)).takes
    6
    """
    left = link.takes - loss.takes
    return link._replace(takes=left, covers=link.covers - loss.covers) if left else None


def from_lot(demand: str, line: str, stocked: Stocked, steps: int, firmness: str = RESERVED) -> Allocation:
    """The link of a need to steps of a lot where it stands.

    >>> from datetime import datetime
    >>> from krafte_core.stock import Lot
    >>> from_lot("CO-1", "1", Stocked(Lot("soap", "S", received_at=datetime(2026, 1, 1)), "stock", 9, 0), 5).supply
    ('lot', 'soap', 'S')
    """
    lot = stocked[0]
    return _new(Allocation, (demand, line, LOT, lot.item, lot.code, stocked[1], steps, steps, firmness))


_new = tuple.__new__  # half the cost of a NamedTuple's own constructor
