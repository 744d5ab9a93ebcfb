"""Promises: a date, and the unbroken chain of steps that adds up to it.

The chain starts now and ends at the customer's door; each step says what it waited for. Beside it stand the slack of everything that
is not on the chain, and the binding step: the purchase or the queue whose relaxing would gain most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

import attrs

from krafte_core.allocation import Incoming
from krafte_core.choices import unfit
from krafte_core.coverage import NEVER, Batch, Cover, Purchase, Situation, batches_of, lacking
from krafte_core.durations import spelled
from krafte_core.justintime import Latest
from krafte_core.operations import Operation
from krafte_core.quantities import Quantity
from krafte_core.supplying import inspected
from krafte_core.times import moment, on_the_clock

Span = tuple[str, str, float, float]
"""Kind, name, from, until."""
Day = date  # the field `date` of a promise would hide the type
RELAXABLE = ("purchase", "queue")


@attrs.frozen
class Step:
    """One step of a chain: its kind, whose it is, from when to when, and what it waited for.

    Kinds: `purchase` (an item on its way from a supplier), `supply` (a run or purchase that is already ordered), `closed` (the work
    center is not open), `queue` (it is busy), `operation`, `wait`, `put off` (it begins later so that nothing spoils), `production` (a
    recipe's plain lead time), `inspection`, `transit`.
    """

    kind: str
    name: str
    start: datetime
    end: datetime
    waits_for: str = ""

    def told(self, zone: str) -> str:
        """One line of an explanation, by the clock on the wall of that zone."""
        length = spelled(round((self.end - self.start).total_seconds()))
        because = f"  (waits for {self.waits_for})" if self.waits_for else ""
        return f"{on_the_clock(self.start, zone)} - {on_the_clock(self.end, zone)}  {self.kind:<10} {self.name:<20} {length}{because}"


@attrs.frozen
class Slack:
    """How much later something that is not on the chain could be without moving the date."""

    kind: str
    name: str
    seconds: int


@attrs.frozen
class ToBuy:
    """What must be bought for the promise: how much is needed, how much must be ordered, and by when it may be used.

    `order_by` is the latest moment at which it can be ordered so that the date stays.
    """

    item: str
    supplier: str
    needed: Quantity
    amount: Quantity
    at: datetime
    order_by: datetime | None = None


@attrs.frozen
class ToMake:
    """A batch that must be made for the promise, from when to when; None where an input has no source.

    `latest_start` is the latest moment at which it can begin so that the date stays, or the requested day is still met.
    """

    item: str
    amount: Quantity
    start: datetime | None
    end: datetime | None
    latest_start: datetime | None = None


@attrs.frozen
class Borrowed:
    """What the promise takes that somebody else counts on: who lends it, and by when he must have it again."""

    item: str
    lender: str
    amount: Quantity
    again_by: datetime


@attrs.frozen
class LinePromise:
    """When one line arrives; None where nobody can tell."""

    line: str
    item: str
    amount: Quantity
    arrival: datetime | None


@attrs.frozen
class Promise:
    """When an order can be delivered, and why then. It holds nothing; ask for a `quote` to hold material and capacity.

    `date` is the local day of the arrival of the last line, or None where `missing` names items that nobody makes or sells, or not
    so much of them; `problem` is the sentence.
    `zone` is the workshop's: the steps are instants, and `explain` tells them by its clock.
    `proven` tells whether the search was exact: different batches competing for one work center are placed in the order of the recipe.
    """

    order: str
    date: Day | None
    arrival: datetime | None
    requested: Day | None
    critical_path: tuple[Step, ...]
    binding: Step | None
    slack: tuple[Slack, ...]
    lines: tuple[LinePromise, ...]
    to_buy: tuple[ToBuy, ...]
    to_make: tuple[ToMake, ...]
    missing: tuple[str, ...]
    proven: bool
    zone: str = "UTC"
    borrowed: tuple[Borrowed, ...] = ()
    relaxed: datetime | None = None
    """When it would arrive if the binding step took no time at all."""
    problem: str = ""

    @property
    def days_late(self) -> int | None:
        """Days after the requested date (0: on time or nothing requested); None where there is no date."""
        if self.date is None:
            return None
        return max(0, (self.date - self.requested).days) if self.requested else 0

    def explain(self) -> str:
        """The chain, step by step, and what would help."""
        if self.date is None:
            return f"{self._whose}no date, because {self.problem}"
        lines = [str(self), *(f"  {step.told(self.zone)}" for step in self.critical_path)]
        if self.binding:
            gain = f"{_told(self.arrival, self.relaxed)} sooner" if self.relaxed else "sooner"
            lines.append(f"  {gain}, if the {self.binding.kind} of {self.binding.name} took no time")
        return "\n".join(lines)

    @property
    def _whose(self) -> str:
        return f"{self.order}: " if self.order else ""

    def __str__(self) -> str:
        """One line: the date, and whether it is in time."""
        if self.date is None:
            return self.explain()
        days = "1 day" if self.days_late == 1 else f"{self.days_late} days"
        late = f", {days} after the requested {self.requested}" if self.days_late else ""
        return f"{self._whose}delivered on {self.date:%a %Y-%m-%d}{late}"


def _told(at: datetime | None, sooner: datetime) -> str:
    return spelled(round((at - sooner).total_seconds())) if at else ""


def _parts(cover: Cover, now: int) -> list[tuple[float, Incoming | Batch | Purchase]]:
    """What the cover waits for, and until when."""
    rows: list[tuple[float, Incoming | Batch | Purchase]] = [(max(row.at, now), row) for row, _ in cover.expected]
    rows += [(batch.end, batch) for batch, _ in cover.made]
    return [*rows, (cover.bought.at, cover.bought)] if cover.bought else rows


def _chain(cover: Cover, now: int) -> list[Step]:
    """The unbroken steps from now to the cover's last part: each winner of a `max`, walked back."""
    back: list[list[tuple[str, str, float, float, str]]] = []
    walked: Cover | None = cover
    while walked is not None:
        ready, parts = walked.ready, _parts(walked, now)
        part, walked = next((part for at, part in parts if at == ready), None), None
        if isinstance(part, Batch):
            back.append([(*span, "") for span in _spans(part)])
            walked = next((one for _, one in part.inputs if one.ready == part.ready and _parts(one, now)), None)
        elif isinstance(part, Purchase):
            back.append([("purchase", part.item, now, part.at, part.supplier.code)])
        elif part is not None:
            back.append([("supply", part.ref, now, part.at, "")])
    steps: list[Step] = []
    for kind, name, start, end, waits_for in (span for spans in reversed(back) for span in spans):
        if end > start:
            before = steps[-1].name if steps else ""
            steps.append(Step(kind, name, moment(int(start)), moment(int(end)), waits_for or before))
    return steps


def _slacks(covers: Sequence[Cover], ready: float, now: int) -> Mapping[tuple[str, str], int]:
    """How much later each supply, purchase and batch could be without moving `ready`; what goes in after what it goes into."""
    found: dict[tuple[str, str], int] = {}
    spare: dict[int, float] = {}

    def note(kind: str, name: str, slack: float) -> None:
        found[kind, name] = min(found.get((kind, name), int(slack)), int(slack))

    def spread(cover: Cover, until: float) -> None:
        for at, part in _parts(cover, now):
            if isinstance(part, Batch):
                spare[id(part)] = min(spare.get(id(part), until - at), until - at)
            else:
                note(*("purchase", part.item) if isinstance(part, Purchase) else ("supply", part.ref), until - at)

    for cover in covers:
        spread(cover, ready)
    for batch in reversed([*batches_of(covers)]):
        note("production", batch.formula.item.code, spare[id(batch)])
        for _, one in batch.inputs:
            spread(one, batch.ready + spare[id(batch)])
    return found


def _spans(batch: Batch) -> Iterable[Span]:
    """A batch's own time, without gaps: lead time, or per operation closed, queue, work and wait; and its inspection."""
    item = batch.formula.item
    done = batch.end - inspected(item)
    spans = [("production", item.code, batch.ready, done)]
    if batch.tasks:
        spans = spans_of([(one.operation, one.ready, one.opened, one.start, one.worked, one.end) for one in batch.tasks], batch.ready)
    return spans if done == batch.end else [*spans, ("inspection", item.code, done, batch.end)]


def spans_of(rows: Iterable[tuple[Operation, float, float, float, float, float]], since: float) -> list[Span]:
    """Operations (ready, opened, begun, worked, waited) as spans without gaps, from a moment on.

    An operation that may begin before the one before it is done cuts that one short; one that begins later so that nothing spoils is
    put off.

    >>> mix, fill = Operation("mix", at="kettle", run="1 h", transfer="5 kg"), Operation("fill", at="bench", run="1 h")
    >>> spans_of([(mix, 0, 0, 0, 60, 60), (fill, 20, 20, 20, 80, 80)], 0)
    [('operation', 'mix', 0, 20), ('operation', 'fill', 20, 80)]
    """
    found: list[Span] = []
    at = since
    for operation, ready, opened, start, worked, end in rows:
        center = operation.at or ""
        found = [(kind, name, begun, min(until, ready)) for kind, name, begun, until in found]
        found += [("put off", operation.name, at, ready), ("closed", center, ready, opened), ("queue", center, opened, start)]
        found += [("operation", operation.name, start, worked), ("wait", operation.name, worked, end)]
        at = end
    return [span for span in found if span[3] > span[2]]


def promised(
    situation: Situation,
    order: str,
    lines: Sequence[tuple[str, Cover]],
    *,
    arrival: Callable[[float], float],
    method: str | None,
    requested: date | None,
    proven: bool = True,
    zone: str = "UTC",
    latest: Latest | None = None,
) -> Promise:
    """The promise behind the covers of an order's lines; `arrival` adds packing and transit to an instant.

    The binding step is left open: finding it takes more searches, and only the caller can run them.
    """
    covers = [cover for _, cover in lines]
    ready = max((cover.ready for cover in covers), default=situation.now)
    last = next((cover for cover in covers if cover.ready == ready < NEVER), None)
    chain = _chain(last, situation.now) if last else []
    slacks = _slacks(covers, ready, situation.now) if last else {}
    arrives = arrival(ready) if ready < NEVER else NEVER
    if method and arrives > ready:
        chain = [*chain, Step("transit", method, moment(int(ready)), moment(int(arrives)), chain[-1].name if chain else "")]
    on_chain = {(step.kind, step.name) for step in chain}
    return Promise(
        order=order,
        date=situation.day(arrives) if arrives < NEVER else None,
        arrival=_moment(arrives),
        requested=requested,
        critical_path=tuple(chain),
        binding=None,
        slack=tuple(Slack(*key, spare) for key, spare in slacks.items() if spare > 0 and key not in on_chain),
        lines=tuple(_line(situation, line, cover, arrival) for line, cover in lines),
        to_buy=tuple(_to_buy(situation, one, latest) for one in _purchases(situation, covers)),
        to_make=tuple(_to_make(batch, latest) for batch in batches_of(covers)),
        missing=tuple(lacking(covers, bought=False)),
        proven=proven,
        zone=zone,
        problem="; ".join(dict.fromkeys([unmade(situation, one.item, one.missing) for one in _uncovered(covers)])),
    )


def _uncovered(covers: Sequence[Cover]) -> list[Cover]:
    """What somebody lacks, over all levels."""
    every = [*covers, *(cover for batch in batches_of(covers) for _, cover in batch.inputs)]
    return [cover for cover in every if cover.missing]


def unmade(situation: Situation, item: str, steps: int | None = None) -> str:
    """Why an item, or so much of it, cannot be had."""
    versions, amount = situation.versions(item), "such an amount" if steps is None else situation.item(item).quantity(steps)
    reasons = unfit(versions, situation.day(situation.now), steps)
    if reasons or (versions and steps is None):
        return f"no recipe of {item} is for {amount}" + (f" ({reasons})" if reasons else "")
    return f"nobody makes or sells {item}" if situation.formula(item) is None else only_stock(item)


def only_stock(item: str) -> str:
    """Of what is not made for a line that takes it from stock."""
    return f"{item} is to come from stock, and is not there"


def _moment(at: float) -> datetime | None:
    return None if at == NEVER else moment(int(at))


def _line(situation: Situation, line: str, cover: Cover, arrival: Callable[[float], float]) -> LinePromise:
    arrives = None if cover.ready == NEVER else moment(int(arrival(cover.ready)))
    return LinePromise(line, cover.item, situation.item(cover.item).quantity(cover.steps), arrives)


def _purchases(situation: Situation, covers: Iterable[Cover]) -> list[Purchase]:
    """What must be bought, one purchase per item and supplier, so that a minimum counts once."""
    rows = [cover.bought for cover in covers if cover.bought]
    rows += [cover.bought for batch in batches_of(covers) for _, cover in batch.inputs if cover.bought]
    found: dict[tuple[str, str], Purchase] = {}
    for one in rows:
        before = found.get((one.item, one.supplier.code))
        if before is not None:
            needed = before.needed + one.needed
            one = attrs.evolve(one, needed=needed, steps=one.offer.order_size(situation.item(one.item), needed))  # noqa: PLW2901
        found[one.item, one.supplier.code] = one
    return [*found.values()]


def _to_buy(situation: Situation, one: Purchase, latest: Latest | None) -> ToBuy:
    item = situation.item(one.item)
    order_by = None if latest is None else latest.orders.get((one.item, one.supplier.code))
    when = None if order_by is None else moment(order_by)
    return ToBuy(one.item, one.supplier.code, item.quantity(one.needed), item.quantity(one.steps), moment(int(one.at)), when)


def _to_make(batch: Batch, latest: Latest | None) -> ToMake:
    item, start = batch.formula.item, batch.tasks[0].start if batch.tasks else batch.ready
    by = None if latest is None else latest.starts.get(id(batch))
    when = None if by is None else moment(by)
    return ToMake(item.code, item.quantity(batch.steps), _moment(start), _moment(batch.end), when)
