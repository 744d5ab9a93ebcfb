"""Stock: lots, the places they stand in, the movements of the ledger, and which lots to pick.

The ledger is a list of postings. A `Posting` says because of which paper, when, by whom and why; its moves carry whole steps of one
lot from one place to another, so nothing appears and nothing vanishes. What lies where is the sum of the moves.

Everything here is pure: picking reads the lots in the order of the item's rule and says what it took, what it refused, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.items import attributes, code
from krafte_core.money import Money

SUPPLIER, PRODUCTION, CUSTOMER, SCRAP, COUNT, FOUND, SAMPLE = _OUTSIDE = (
    "supplier", "production", "customer", "scrap", "count", "found", "sample",
)  # fmt: skip
OUTSIDE = frozenset(_OUTSIDE)
"""Where amounts come from and go to outside the house; every other place is inside and never negative."""
STOCK, QUARANTINE, LINE = "stock", "quarantine", "line:"
"""The default place, the default place for what waits, and the prefix of a run's own place on the line."""
REDELIVER = "redeliver"
"""The kind of a posting by which goods come back that the customer still wants: the need is open again."""
DISPOSITIONS = ("released", "waiting", "held", "rejected")
ORIGINS = ("receipt", "run", "find", "return", "conversion")


def inside(place: str) -> bool:
    """Whether the place is in the house, so that what stands there is on hand.

    >>> inside("stock"), inside("customer")
    (True, False)
    """
    return place not in OUTSIDE


@attrs.frozen
class Place:
    """A place in the house, part of a tree: what stands in `within`'s children counts for it, too.

    Args:
        code: its name; not one of the outside places, and not a line place.
        within: the place around it; default none.
        usable: whether what stands there may be used and shipped.

    >>> Place("shelf-3", within="stock").usable
    True
    """

    code: str = attrs.field(converter=code)
    within: str | None = attrs.field(default=None, kw_only=True)
    usable: bool = attrs.field(default=True, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """A place of the house cannot be named like the world outside."""
        if self.code in OUTSIDE or self.code.startswith(LINE):
            raise InvalidInput("code", self.code, f"a name that is not reserved ({', '.join(_OUTSIDE)}, {LINE}...)")


PLACES = (Place(STOCK), Place(QUARANTINE, usable=False))
"""The places that every workshop has."""


def line_of(run: str) -> str:
    """The run's own place on the line: what lies there is in process, on hand but not available.

    >>> line_of("PB-2026-11-001")
    'line:PB-2026-11-001'
    """
    return LINE + run


@attrs.frozen
class Lot:
    """One lot of one item: where it came from, until when it is good, whether it may be used.

    Args:
        item: the item's code.
        code: the lot's own code, unique per item.
        origin: `receipt`, `run`, `find`, `return` (of an unknown lot) or `conversion` (of other lots); `paper` is the document of the
            origin ("" for a receipt without order).
        received_at: when it came into being (business time); it is not used before.
        supplier: who delivered it; `supplier_lot` is the code that the supplier gave it.
        owner: whose it is, where it is not ours.
        expires: the last day on which it may be used.
        disposition: `released`, `waiting` (for a decision), `held` or `rejected`; only a decision in the diary changes it.
        unit_cost: what one unit of the item cost.
        revision: grows with every change of this row.

    >>> Lot("lye", "NA-1", received_at=datetime(2026, 11, 23)).disposition
    'released'
    """

    item: str
    code: str
    origin: str = attrs.field(default="receipt", kw_only=True)
    paper: str = attrs.field(default="", kw_only=True)
    received_at: datetime = attrs.field(kw_only=True)
    supplier: str | None = attrs.field(default=None, kw_only=True)
    supplier_lot: str | None = attrs.field(default=None, kw_only=True)
    owner: str | None = attrs.field(default=None, kw_only=True)
    expires: date | None = attrs.field(default=None, kw_only=True)
    disposition: str = attrs.field(default="released", kw_only=True)
    unit_cost: Money | None = attrs.field(default=None, kw_only=True)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=attributes)
    revision: int = attrs.field(default=1, kw_only=True)


class Sought(NamedTuple):
    """Which lots are looked for: those that meet every criterion given; an empty text stands for "has none".

    `since` and `until` (both included) compare when a lot came into being; `noted` lots have attributes.

    >>> lot = Lot("oil", "O-1", received_at=datetime(2026, 1, 1), supplier="Meyer")
    >>> Sought(supplier="Meyer").meets(lot), Sought(items=("soap",)).meets(lot)
    (True, False)
    """

    items: Collection[str] | None = None
    supplier: str | None = None
    supplier_lot: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    noted: bool = False

    def meets(self, lot: Lot) -> bool:
        """Whether the lot is one of those."""
        return (
            (self.items is None or lot.item in self.items)
            and (self.supplier is None or (lot.supplier or "") == self.supplier)
            and (self.supplier_lot is None or (lot.supplier_lot or "") == self.supplier_lot)
            and (self.since is None or lot.received_at >= self.since)
            and (self.until is None or lot.received_at <= self.until)
            and (not self.noted or bool(lot.attributes))
        )


class Move(NamedTuple):
    """Whole steps of a lot from one place to another; `line` is the need that it serves (`"CO-2026-11-001/1"`), if any."""

    item: str
    lot: str
    steps: int
    source: str
    target: str
    line: str = ""


class Posting(NamedTuple):
    """An entry of the ledger: its moves, and because of which paper, when (business and recording time), by whom, why."""

    kind: str
    paper: str
    happened_at: datetime
    recorded_at: datetime
    moves: tuple[Move, ...]
    by: str = ""
    reason: str = ""


def left_for_good(posting: Posting, move: Move) -> int:
    """Steps of an order that a move closed: positive when they left for the customer, negative when they came back to be sent again.

    >>> day, move = datetime(2026, 1, 1), Move("soap", "S-1", 5, CUSTOMER, "stock", "CO-1/1")
    >>> [left_for_good(Posting(kind, "CO-1", day, day, (move,)), move) for kind in ("return", "redeliver")]
    [0, -5]
    """
    if move.target == CUSTOMER:
        return move.steps
    return -move.steps if move.source == CUSTOMER and posting.kind == REDELIVER else 0


class Stocked(NamedTuple):
    """What stands of a lot at a place: steps on hand, and how many of them are allocated."""

    lot: Lot
    place: str
    on_hand: int
    allocated: int

    @property
    def free(self) -> int:
        """Steps that nobody has been promised."""
        return self.on_hand - self.allocated


class Taken(NamedTuple):
    """Steps to take from a lot at a place."""

    stocked: Stocked
    steps: int


class Refused(NamedTuple):
    """A lot that was looked at and not taken, and why."""

    stocked: Stocked
    reason: str


class Picked(NamedTuple):
    """The answer of a picking rule: what to take, what was refused and why, and the steps that are missing."""

    taken: Sequence[Taken]
    refused: Sequence[Refused]
    missing: int


def unusable(lot: Lot, on: date) -> str | None:
    """Why the lot may not be used on that day, or None where it may.

    A date is usable through that day.

    >>> unusable(Lot("oil", "A", received_at=datetime(2026, 1, 1), expires=date(2026, 3, 31)), date(2026, 4, 1))
    'expired on 2026-03-31'
    """
    if lot.disposition != "released":
        return "waits for release" if lot.disposition == "waiting" else lot.disposition
    if lot.expires is not None and lot.expires < on:
        return f"expired on {lot.expires}"
    return None


def by_expiry(stocked: Stocked) -> tuple[Any, ...]:
    """First expired, first out: a lot without a date comes after all dates; then the oldest, then code and place.

    The order in which stores hand out the lots of an item; ties end in the code, so that every port picks the same.
    """
    lot = stocked.lot
    return (lot.expires or date.max, lot.received_at, lot.code, stocked.place)


def by_age(stocked: Stocked) -> tuple[Any, ...]:
    """First in, first out: by the day the lot came into being, then code and place."""
    lot = stocked.lot
    return (lot.received_at, lot.code, stocked.place)


ORDERS: Mapping[str, Callable[[Stocked], tuple[Any, ...]]] = {"expiry": by_expiry, "age": by_age}
"""The two orders in which a store can hand out the lots of an item."""


def _newest_first(rows: Iterable[Stocked], need: int) -> Iterable[Stocked]:
    return sorted(rows, key=by_age, reverse=True)


def _from_one_lot(rows: Iterable[Stocked], need: int) -> Iterable[Stocked]:
    return next((lot for lot, free in _by_lot(rows) if free >= need), ())


def _largest_first(rows: Iterable[Stocked], need: int) -> Iterable[Stocked]:
    lots = _by_lot(rows)
    smallest = min((lot for lot in lots if lot[1] >= need), key=lambda lot: lot[1], default=None)
    return smallest[0] if smallest else [row for lot, _ in sorted(lots, key=lambda lot: -lot[1]) for row in lot]


def _one_where_one_will_do(rows: Iterable[Stocked], need: int) -> Iterable[Stocked]:
    """The first lot in expiry order that covers the whole need, so that a recall of a lot touches few others; else all in order."""
    lots = _by_lot(rows)
    return next((lot for lot, free in lots if free >= need), [row for lot, _ in lots for row in lot])


def _by_lot(rows: Iterable[Stocked]) -> list[tuple[list[Stocked], int]]:
    """Each lot with its places together and what is free of it; what is over-promised somewhere takes nothing from elsewhere."""
    lots: dict[str, list[Stocked]] = {}
    for row in sorted(rows, key=by_expiry):
        lots.setdefault(row.lot.code, []).append(row)
    return [(lot, sum(max(0, row.free) for row in lot)) for lot in lots.values()]


def _in_order(rows: Iterable[Stocked], need: int) -> Iterable[Stocked]:
    return rows


class Rule(NamedTuple):
    """A picking rule: the order in which it wants the lots, and how it chooses among the usable ones."""

    order: str
    choose: Callable[[Iterable[Stocked], int], Iterable[Stocked]]
    lazy: bool = False


RULES: Mapping[str, Rule] = {
    "fefo": Rule("expiry", _in_order, lazy=True),
    "fifo": Rule("age", _in_order, lazy=True),
    "lifo": Rule("age", _newest_first),
    "single_lot": Rule("expiry", _from_one_lot),
    "fewest_lots": Rule("expiry", _largest_first),
    "narrow": Rule("expiry", _one_where_one_will_do),
    "manual": Rule("expiry", lambda rows, need: ()),
}
"""Every picking rule by its name; `manual` takes nothing by itself."""
LAZY = frozenset(name for name, rule in RULES.items() if rule.lazy)
"""The rules that take what comes first: `first` is all that they do."""


def pick(
    rule: str,
    rows: Iterable[Stocked],
    need: int,
    on: date,
    *,
    usable_places: Container[str],
    until: date | None = None,
    owners: Container[str] = (),
) -> Picked:
    """Which lots cover the need: chosen by the rule among what is free and usable, at most what is needed.

    Args:
        rule: a name of `RULES`.
        rows: the item's lots in the rule's order; `fefo` and `fifo` read no further than they need.
        need: steps.
        on: the day of use; `until` the day it must still be good on (when it reaches the customer), default the same.
        usable_places: the places from which stock may be used.
        owners: whose lots may be used beside our own: the customer's that it is for, suppliers' on consignment.

    >>> lot = Lot("oil", "A", received_at=datetime(2026, 1, 1))
    >>> answer = pick("fefo", [Stocked(lot, "stock", 5, 2)], 4, date(2026, 1, 2), usable_places={"stock"})
    >>> answer.taken[0].steps, answer.missing
    (3, 1)
    """
    chosen, last = RULES[rule], until or on
    if not chosen.lazy:
        listed = [*rows]
        refused = [Refused(row, why) for row in listed if (why := _why_not(row, last, usable_places, owners))]
        rows = chosen.choose([row for row in listed if not _why_not(row, last, usable_places, owners)], need)
        answer = pick("fefo", rows, need, on, usable_places=usable_places, until=until, owners=owners)
        return answer._replace(refused=refused)
    taken, passed, missing = first(rows, need, last, usable_places, owners) if need > 0 else ([], [], need)
    refused = [Refused(row, _why_not(row, last, usable_places, owners) or "") for row in passed]
    return Picked([Taken(*one) for one in taken], refused, missing)


def first(
    rows: Iterable[Stocked], need: int, on: date, usable_places: Container[str], owners: Container[str]
) -> tuple[list[tuple[Stocked, int]], list[Stocked], int]:
    """The first lots that may be used, in the order in which they come: steps of each, the lots passed over, and what is missing.

    The one loop that runs for every lot of every need: plain pairs, and no reasons.

    >>> lots = [Lot("oil", code, received_at=datetime(2026, 1, 1)) for code in "AB"]
    >>> taken, passed, missing = first([Stocked(lot, "stock", 5, 2) for lot in lots], 4, date(2026, 1, 2), {"stock"}, ())
    >>> [(row.lot.code, steps) for row, steps in taken], missing
    ([('A', 3), ('B', 1)], 0)
    """
    taken: list[tuple[Stocked, int]] = []
    passed: list[Stocked] = []
    for row in rows:
        lot, place, on_hand, allocated = row
        if (
            lot.disposition != "released"
            or place not in usable_places
            or (lot.expires is not None and lot.expires < on)
            or (lot.owner is not None and lot.owner not in owners)
        ):
            passed.append(row)
            continue
        free = on_hand - allocated
        if free >= need:
            taken.append((row, need))
            return taken, passed, 0
        if free > 0:
            taken.append((row, free))
            need -= free
    return taken, passed, need


def _why_not(row: Stocked, on: date, usable_places: Container[str], owners: Container[str]) -> str | None:
    reason = unusable(row.lot, on) or (None if row.place in usable_places else f"in {row.place}")
    return reason or (None if row.lot.owner is None or row.lot.owner in owners else f"belongs to {row.lot.owner}")


def balances(postings: Iterable[Posting]) -> dict[tuple[str, str, str], int]:
    """What lies where: the steps per (item, lot, place) that the ledger adds up to; zeros are left out.

    >>> day = datetime(2026, 1, 1)
    >>> balances([Posting("receipt", "", day, day, (Move("lye", "N", 5, "supplier", "stock"),))])
    {('lye', 'N', 'stock'): 5}
    """
    sums: dict[tuple[str, str, str], int] = {}
    for posting in postings:
        for move in posting.moves:
            for place, steps in ((move.source, -move.steps), (move.target, move.steps)):
                if inside(place):
                    key = (move.item, move.lot, place)
                    sums[key] = sums.get(key, 0) + steps
    return {key: steps for key, steps in sums.items() if steps}


def subtree(places: Sequence[Place], top: str) -> frozenset[str]:
    """The place and everything within it.

    >>> sorted(subtree([Place("a"), Place("b", within="a"), Place("c", within="b")], "b"))
    ['b', 'c']
    """
    children: dict[str | None, list[str]] = {}
    for place in places:
        children.setdefault(place.within, []).append(place.code)
    found, queue = {top}, [top]
    while queue:
        for child in children.get(queue.pop(), ()):
            if child not in found:
                found.add(child)
                queue.append(child)
    return frozenset(found)
