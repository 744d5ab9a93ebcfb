"""The board: every item with its projected stock and how more of it comes, every work center with its free time.

It is built from a `Situation` once and stays: whoever plans on it changes it, and whoever asks takes back what he tried. Times are
epoch seconds, amounts whole steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from operator import itemgetter
from typing import NamedTuple

from krafte_core.allocation import Incoming
from krafte_core.calendars import Calendar
from krafte_core.coverage import NEVER, Situation
from krafte_core.durations import Duration
from krafte_core.errors import BeyondHorizon, NeverFits
from krafte_core.gaps import Gaps, Lanes
from krafte_core.placing import Way, paced, ways_of
from krafte_core.projection import Projection
from krafte_core.recipes import Coming, Formula, Line, Operation
from krafte_core.resources import Offer, Supplier
from krafte_core.roles import target
from krafte_core.stock import Lot
from krafte_core.supplying import EVERY_DAY, Calling, inspected, plain
from krafte_core.times import DAY, end_of_day

FOR_EVER = 2**62
"""The end of a lot that is always good."""
SLACK = 5 * DAY
"""How long what is made anew may have to queue: so much later than its work alone would take, it can surely be replaced."""


class Buying(NamedTuple):
    """An offer, ready to be used: who, what, when it could be here at the earliest, least amount and multiple in steps.

    `lead` is the lead time in seconds, below zero where its dates are not one sum (working days, ordering days, inspection).
    """

    supplier: Supplier
    offer: Offer
    soonest: int
    least: int
    multiple: int
    lead: int


class Work(NamedTuple):
    """An operation, ready to be placed: where (None for a mere wait), working seconds per batch and for what the recipe makes."""

    operation: Operation
    gaps: Gaps | None
    wait: Duration | None
    fixed: int
    run: int

    def seconds(self, steps: int, makes: int) -> int:
        """Working seconds of a batch, rounded up."""
        return self.fixed - (-self.run * steps // makes)


class Perishable:
    """What will not be good for ever: who uses it saves it from being lost on its last day."""

    __slots__ = ("end", "left", "lot", "stock")

    def __init__(self, stock: Projection, end: int, left: int, lot: Lot) -> None:
        """In the projection, what nobody uses is lost at the end."""
        self.stock, self.end, self.left, self.lot = stock, end, left, lot
        stock.take(end, left)

    def use(self, at: int, steps: int) -> None:
        """Take so many steps of it."""
        self.stock.back(self.end, -self.left)
        self.left -= steps
        if self.left:
            self.stock.take(self.end, self.left)
        self.stock.take(at, steps)

    def back(self, at: int, steps: int) -> None:
        """As if they had not been taken."""
        self.stock.back(at, -steps)
        if self.left:
            self.stock.back(self.end, -self.left)
        self.left += steps
        self.stock.take(self.end, self.left)


class Graded(Perishable):
    """A lot of an item that is kept by content: it stands on a shelf of its own, since what it is worth depends on who wants it."""

    __slots__ = ()

    def __init__(self, shelf: Projection, end: int, left: int, lot: Lot) -> None:
        """On that shelf."""
        self.stock, self.end, self.left, self.lot = shelf, end, left, lot

    def use(self, at: int, steps: int) -> None:
        """Take so many steps of it."""
        self.left -= steps
        self.stock.take(at, steps)

    def back(self, at: int, steps: int) -> None:
        """As if they had not been taken."""
        self.left += steps
        self.stock.back(at, -steps)


class Source:
    """One item on the board: its projected stock, and how more of it comes."""

    __slots__ = (
        "besides", "brought", "choice", "code", "fence", "formula", "hold", "inputs", "lots", "materials", "never", "offers",
        "shelf", "soonest", "stock", "supplies", "version", "versions", "ways", "works",
    )  # fmt: skip

    def __init__(self, code: str) -> None:
        """Nothing known yet."""
        self.code = code
        self.stock = Projection()
        self.hold = 0
        """Seconds that pass between completion and use."""
        self.lots: list[Perishable] = []
        self.supplies: list[Incoming] = []
        self.shelf: Projection | None = None
        """What stands there in lots that count by their content; it is not in `stock`."""
        self.formula: Formula | None = None
        self.version = ""
        """The name of the recipe, where it takes the item apart or is not the one for an item's usual amounts."""
        self.versions = False
        """Whether the amount decides which recipe makes it."""
        self.choice = False
        """Whether what goes in depends on the lots that are there (`Formula.by_choice`)."""
        self.besides: tuple[tuple[Source, Coming], ...] = ()
        """What a batch brings besides."""
        self.brought: tuple[Source, Coming] | None = None
        """Who brings it besides, where nobody makes it for itself."""
        self.inputs: tuple[tuple[Source, int, int, Line], ...] = ()
        self.works: tuple[Work, ...] = ()
        self.ways: Mapping[str, tuple[Way, ...]] = {}
        """The ways of doing each operation, by its name, where the recipe needs more than a free place; else nothing."""
        self.never: dict[int, NeverFits] = {}
        """Why batches of so many steps can never be made, for those that were tried in vain."""
        self.offers: tuple[Buying, ...] = ()
        self.materials = 0
        """When what goes into it can be replaced, as an instant."""
        self.soonest: float = NEVER
        """When it could be bought at the earliest."""
        self.fence: float = NEVER
        """When it could be had anew at the earliest."""

    @property
    def tied(self) -> bool:
        """Whether its batches choose what goes in, or bring something besides, or are batches of something else."""
        return self.choice or self.versions or bool(self.besides) or self.brought is not None

    @property
    def recipe(self) -> Formula:
        """How it is made; only of what is made."""
        assert self.formula is not None  # noqa: S101 - nobody asks it of something bought
        return self.formula

    @property
    def on_hand(self) -> int:
        """All that is there now."""
        return self.stock.on_hand + (self.shelf.on_hand if self.shelf is not None else 0)

    @property
    def total(self) -> int:
        """What will be left of all that is there and comes, but for what is lost some day."""
        kept = sum([lot.left for lot in self.lots if lot.end == FOR_EVER]) if self.shelf is not None else 0
        return self.stock.total + kept


class Board:
    """The projected stock of every item and the free time of every work center, as a situation tells them; each read when needed."""

    def __init__(self, situation: Situation) -> None:
        """Nothing read yet."""
        self.situation = situation
        self.now = situation.now
        self._sources: dict[str, Source] = {}
        self._others: dict[str, Source] = {}
        self._gaps: dict[str, Gaps] = {}
        self.calling = Calling(self.now, situation.zone, situation.timeline, self.later, self.before)

    def source(self, code: str) -> Source:
        """The item, with everything that its making may need."""
        found = self._sources.get(code)
        if found is None:
            found = self._sources[code] = Source(code)
            self._stock(found)
            found.hold = inspected(self.situation.item(code))
            versions = self.situation.versions(code)
            formula, found.versions = self.situation.formula(code) or next(iter(versions), None), bool(versions)
            if formula is not None:
                self._recipe(found, formula)
            elif (brought := self.situation.besides(code)) is not None:
                found.brought = self._maker(brought[0]), brought[1]
            found.offers = tuple(self._buying(code))
            found.soonest = min((one.soonest for one in found.offers), default=NEVER)
            found.fence = min(found.soonest, self._making_or_never(found) + SLACK)
            self._outputs(found)
        return found

    def others(self) -> list[Source]:
        """Recipes that take an item apart, or are for other amounts than usual, as far as they were asked for."""
        return [*self._others.values()]

    def makers(self) -> list[Source]:
        """Everything that is made or taken apart, as far as it was asked for."""
        return [one for one in (*self._sources.values(), *self._others.values()) if one.formula is not None]

    def maker(self, source: Source, steps: int) -> Source | None:
        """Who makes so much of an item, where the amount decides."""
        formula = self.situation.formula(source.code, steps)
        return None if formula is None else self._maker(formula)

    def _maker(self, formula: Formula) -> Source:
        usual = None if formula.recipe.apart else self.source(formula.item.code)
        if usual is not None and usual.formula is formula:
            return usual
        found = self._others.get(formula.recipe.code)
        if found is None:
            found = self._others[formula.recipe.code] = Source(formula.item.code)
            found.version, found.hold = formula.recipe.code, inspected(formula.item)
            if usual is not None:
                found.stock = usual.stock
            self._recipe(found, formula)
            self._outputs(found)
        return found

    def _recipe(self, found: Source, formula: Formula) -> None:
        found.formula, found.choice = formula, formula.by_choice
        found.inputs = tuple((self.source(line.item), line.numerator, line.denominator, line) for line in formula.lines)
        operations = formula.recipe.operations
        found.works = tuple(map(self._work, operations))
        if formula.recipe.elaborate or any(work.gaps is not None and work.gaps.pace is not None for work in found.works):
            found.ways = {one.name: ways_of(one, self.gaps) for one in operations}
        found.materials = max([int(one.fence) for one, *_ in found.inputs if one.fence < NEVER], default=0)
        for one, _, _, line in found.inputs if found.choice else ():
            if target(line) is not None:
                self._by_content(one)
            for stand in line.substitutes:
                self.source(stand.item)

    def _outputs(self, found: Source) -> None:
        if found.formula is not None and found.formula.outputs:
            found.besides = tuple((self.source(coming.item), coming) for coming in found.formula.outputs)

    def _by_content(self, source: Source) -> None:
        """Lots of the item count by their content from now on."""
        if source.shelf is None:
            rows = self._rows(source.code)
            source.shelf = Projection(sum([free for _, _, free in rows]))
            source.stock = Projection(source.stock.on_hand - source.shelf.on_hand)
            source.lots = [Graded(source.shelf, end, free, lot) for lot, end, free in rows]
            for row in source.supplies:
                source.stock.put(max(int(row.at), self.now), row.free)

    def sources(self) -> list[Source]:
        """Every item that was asked for so far."""
        return [*self._sources.values()]

    def gaps(self, work_center: str) -> Gaps:
        """The free time of a work center."""
        found = self._gaps.get(work_center)
        if found is None:
            situation = self.situation
            center = situation.work_center(work_center)
            booked = [(row.start, row.end) for row in situation.bookings(work_center)]
            timeline = situation.timeline(center.opening())
            if center.capacity == 1:
                found = Gaps(timeline, self.now, booked, pace=center.pace)
            else:
                found = Lanes(timeline, self.now, center.capacity, booked, pace=center.pace)
            self._gaps[work_center] = found
        return found

    @contextmanager
    def relaxed(self, kind: str, name: str) -> Iterator[None]:
        """Think a step away for a while: a `"purchase"` of an item would be here at once, the `"queue"` of a work center is empty."""
        every = (*self._sources.values(), *self._others.values())
        kept = [(one, one.works, one.ways, one.offers, one.soonest, one.fence) for one in every]
        if kind == "purchase":
            one = self.source(name)
            one.offers = tuple(row._replace(soonest=self.now, lead=0) for row in one.offers)
            one.soonest = one.fence = self.now
        else:
            full = self.gaps(name)
            empty = Gaps(full.timeline, self.now, pace=full.pace)
            for one in every:
                one.works = tuple(work._replace(gaps=empty) if work.gaps is full else work for work in one.works)
                one.ways = {
                    name: tuple(way._replace(holds=tuple(row for row in way.holds if row[0] is not full)) for way in ways)
                    for name, ways in one.ways.items()
                }
        try:
            yield
        finally:
            for one, works, ways, offers, soonest, fence in kept:
                one.works, one.ways, one.offers, one.soonest, one.fence = works, ways, offers, soonest, fence

    def _work(self, operation: Operation) -> Work:
        setup, run = (time.seconds if time else 0 for time in (operation.setup, operation.run))
        gaps = self.gaps(operation.at) if operation.at is not None and setup + run else None
        return (
            Work(operation, gaps, operation.wait, setup + run, 0)
            if operation.per == "batch"
            else Work(operation, gaps, operation.wait, setup, run)
        )

    def _stock(self, source: Source) -> None:
        rows = self._rows(source.code)
        source.stock = stock = Projection(sum([free for _, _, free in rows]))
        passing = sorted([(end, free, lot) for lot, end, free in rows if end < FOR_EVER], key=_end_and_amount)
        source.lots = [Perishable(stock, *row) for row in passing]
        for row in self.situation.incoming(source.code):
            if row.free > 0 and row.at < NEVER:
                source.supplies.append(row)
                stock.put(max(int(row.at), self.now), row.free)

    def _rows(self, code: str) -> list[tuple[Lot, int, int]]:
        """The lots that may be used, in the order of the item's picking rule: until when each is good, and what is free of it."""
        situation, found = self.situation, []
        today, places = situation.day(self.now), situation.usable_places
        for lot, place, on_hand, allocated in situation.stock(code, situation.picking(code)[1]):
            free = on_hand - allocated
            if free <= 0 or lot.disposition != "released" or place not in places or (lot.expires and lot.expires < today):
                continue
            if lot.owner is not None and lot.owner not in situation.owners:
                continue
            end = FOR_EVER if lot.expires is None else int(end_of_day(lot.expires, situation.zone).timestamp())
            found.append((lot, end, free))
        return found

    def _buying(self, code: str) -> Iterable[Buying]:
        offers = self.situation.offers(code)
        item = self.situation.item(code) if offers else None
        for supplier, offer in offers:
            dates = self.calling.soonest(supplier, offer, self.situation.item(code))
            if dates is None:
                continue  # nobody can order it any more
            least = item.positive(offer.minimum, "minimum") if item and offer.minimum else 0
            multiple = item.positive(offer.multiple, "multiple") if item and offer.multiple else 1
            sum_of_two = offer.lead_time.kind == "elapsed" and item is not None and plain(supplier, offer, item)
            yield Buying(supplier, offer, dates.at, least, multiple, offer.lead_time.seconds if sum_of_two else -1)

    def _making_or_never(self, source: Source) -> float:
        try:
            return self._making(source)
        except BeyondHorizon:
            return NEVER  # closed for good: whoever needs it is told when he is planned

    def _making(self, source: Source) -> float:
        """When the item could be made anew, its materials bought first; no work center is asked whether it has time."""
        if source.formula is None:
            return NEVER if source.brought is None else self._making(source.brought[0])
        at: float = self.now
        for one, _, _, line in source.inputs:
            at = max(at, NEVER if line.from_stock else one.fence)
        if at == NEVER:
            return at
        recipe = source.formula.recipe
        if recipe.lead_time is not None:
            return self.later(at, recipe.lead_time, recipe.calendar) + source.hold
        for work in source.works:
            if work.gaps is not None:
                seconds, pace = work.fixed + work.run, work.gaps.pace
                at = work.gaps.timeline.add(math.ceil(at), seconds if pace is None else paced(seconds, pace))
            if work.wait is not None:
                at = self.later(at, work.wait, recipe.calendar)
        return at + source.hold

    def later(self, at: float, time: Duration, calendar: Calendar | None) -> int:
        """The instant so much later."""
        if time.kind == "working days":
            return self.situation.timeline(calendar or EVERY_DAY).add_days(int(at), time.days)
        return int(at) + time.seconds

    def before(self, at: float, time: Duration, calendar: Calendar | None) -> int:
        """The latest instant from which it is not later than `at` after so much time."""
        if time.kind == "working days":
            return self.situation.timeline(calendar or EVERY_DAY).subtract_days(int(at), time.days)
        return int(at) - time.seconds


_end_and_amount = itemgetter(0, 1)
