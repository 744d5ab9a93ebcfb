"""Coverage: what covers a need: lots, what is on its way, new batches with their work in time, a purchase; and what a search may know.

A `Cover` says how a need would be covered and by when. Its batches hold their inputs, each with a cover of its own, so that a cover is
the whole tree behind a date. A `Booking` is what stays of the work once the plan is written down.

Times are epoch seconds; a time that nobody can tell is `NEVER`.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol

import attrs

from krafte_core.allocation import Incoming
from krafte_core.calendars import Calendar
from krafte_core.charges import Choice
from krafte_core.errors import BeyondHorizon, NeverFits, OutOfRange, Unsolvable
from krafte_core.items import Item
from krafte_core.recipes import Coming, Formula, Line, Operation
from krafte_core.resources import Offer, Supplier, WorkCenter
from krafte_core.stock import Stocked
from krafte_core.timelines import Timeline

UNPLANNED = (BeyondHorizon, NeverFits, OutOfRange, Unsolvable)
"""What may be wrong with one need, or with one way of making it: no time, or no batch of such a size, or of such lots."""
NEVER = math.inf


class Booking(NamedTuple):
    """Time of a work center that is promised to an operation of a paper: [start, end) in epoch seconds."""

    work_center: str
    start: int
    end: int
    paper: str
    operation: str


def booked(operation: Operation, start: float, end: float, paper: str) -> Iterator[Booking]:
    """What an operation takes for a paper: its work center, and each of its people.

    >>> [row.work_center for row in booked(Operation("mix", at="kettle", run="1 h", people="crew"), 0, 60, "PB-1")]
    ['kettle', 'crew']
    """
    if operation.at is not None and end > start:
        yield Booking(operation.at, int(start), int(end), paper, operation.name)
        for name in operation.names[1:]:
            yield Booking(str(operation.people), int(start), int(end), paper, name)


class Situation(Protocol):
    """What a search may know; read beforehand, for one moment."""

    now: int
    zone: str

    @property
    def usable_places(self) -> Container[str]:
        """The places from which stock may be used."""

    @property
    def owners(self) -> Container[str]:
        """Whose lots may be used beside our own."""

    def item(self, code: str) -> Item:
        """The item of this code."""

    def picking(self, item: str) -> tuple[str, str]:
        """The item's picking rule, and the order in which it wants the lots."""

    def formula(self, item: str, steps: int | None = None) -> Formula | None:
        """The compiled recipe that makes (so much of) the item, if there is one."""

    def versions(self, item: str) -> Sequence[Formula]:
        """All versions of the recipe that makes the item, where the amount decides between them; else nothing."""

    def besides(self, item: str) -> tuple[Formula, Coming] | None:
        """The formula of something else that brings the item as an output of equal rank, where nothing makes the item itself."""

    def offers(self, item: str) -> Sequence[tuple[Supplier, Offer]]:
        """Who delivers the item."""

    def stock(self, item: str, order: str) -> Iterable[Stocked]:
        """The item's lots in this order; read no further than needed."""

    def incoming(self, item: str) -> Sequence[Incoming]:
        """Free supply on its way, earliest first."""

    def work_center(self, code: str) -> WorkCenter:
        """The work center of this code."""

    def bookings(self, work_center: str) -> Sequence[Booking]:
        """Its bookings that have not ended, by start."""

    def timeline(self, calendar: Calendar) -> Timeline:
        """The calendar, compiled for the horizon."""

    def day(self, at: float) -> date:
        """The local day of an instant."""


@attrs.define(eq=False)
class Task:
    """An operation of a batch in time: ready for it, the first opening that would do, the work, and the end of the wait after it."""

    operation: Operation
    ready: float
    opened: float
    start: float
    worked: float
    end: float


@attrs.define(eq=False)
class Batch:
    """One run that the search would make: its size, its inputs, its work; `left` are the steps that nobody has asked for yet.

    `at` is the place of the partner who makes it, if it is not made in the house.
    """

    formula: Formula
    steps: int
    left: int
    at: str | None = attrs.field(default=None, kw_only=True)
    inputs: list[tuple[Line, Cover]] = attrs.field(factory=list)
    tasks: list[Task] = attrs.field(factory=list)
    ready: float = NEVER
    end: float = NEVER


@attrs.define(eq=False)
class Extra:
    """What a batch brings besides its product: steps of it that nobody has asked for yet."""

    batch: Batch
    left: int
    steps: float = NEVER
    """It says nothing about how soon another batch could be ready."""

    @property
    def end(self) -> float:
        """When it is there."""
        return self.batch.end


@attrs.define(eq=False)
class Purchase:
    """What the search would buy: from whom, how much is needed, how much must be ordered, when, and from when it may be used."""

    item: str
    supplier: Supplier
    offer: Offer
    needed: int
    steps: int
    at: float
    order_at: float = 0


@attrs.define(eq=False)
class Cover:
    """How a need would be covered: from lots, from what is on its way, from new batches, from a purchase; what remains `missing`.

    `ready` is when the last of it is there. `made` are (batch, steps that serve this need) of its product or of its other outputs.
    """

    item: str
    steps: int
    ready: float
    taken: Sequence[tuple[Stocked, int]] = ()
    expected: Sequence[tuple[Incoming, int]] = ()
    made: Sequence[tuple[Batch, int]] = ()
    bought: Purchase | None = None
    missing: int = 0
    choice: Choice | None = None
    """Set where it takes other lots than those of the item, or more or less than it covers (see `krafte_core.charges`)."""


def spoils(batch: Batch, on: date) -> bool:
    """Whether a lot that the batch took is no longer good on that day."""
    covers = [cover for _, cover in batch.inputs]
    covers += [one for cover in covers if cover.choice is not None for one, _ in cover.choice.instead]
    return any(row.lot.expires is not None and row.lot.expires < on for cover in covers for row, _ in cover.taken)


def batches_of(covers: Iterable[Cover]) -> Iterator[Batch]:
    """Every batch behind the covers, each once, inputs before what they go into."""
    seen: set[int] = set()
    for cover in covers:
        for batch, _ in cover.made:
            yield from _with_inputs(batch, seen)


def _with_inputs(batch: Batch, seen: set[int]) -> Iterator[Batch]:
    stack: list[tuple[Batch, bool]] = [(batch, False)]
    while stack:
        one, visited = stack.pop()
        if visited:
            yield one
        elif id(one) not in seen:
            seen.add(id(one))
            stack.append((one, True))
            stack += [(inner, False) for _, cover in one.inputs for inner, _ in cover.made]


def lacking(covers: Iterable[Cover], *, bought: bool = True) -> Mapping[str, int]:
    """Steps per item that somebody must buy (or that nobody can bring), over all levels; `bought=False` counts only the latter."""
    sums: dict[str, int] = {}
    stack = [*covers]
    seen: set[int] = set()
    while stack:
        cover = stack.pop()
        steps = cover.missing + (cover.bought.needed if bought and cover.bought else 0)
        if steps:
            sums[cover.item] = sums.get(cover.item, 0) + steps
        for batch, _ in cover.made:
            if id(batch) not in seen:
                seen.add(id(batch))
                stack += [inner for _, inner in batch.inputs]
    return sums
