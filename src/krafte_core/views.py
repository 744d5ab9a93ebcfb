"""Views of a plan as plain rows and as text: how busy a work center is, how much of an item will be there, and what is made when.

For data frames and charts see `krafte_core.notebook`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import attrs

from krafte_core.errors import NotPositive, OutOfRange
from krafte_core.plan import Plan
from krafte_core.promise import Promise
from krafte_core.quantities import Quantity
from krafte_core.times import end_of_day, moment, on_the_clock

MOST_DAYS = 3660
WIDTH = 60
"""Characters of a text chart."""


@attrs.frozen
class Load:
    """How busy a work center is on a day: seconds that are open and seconds that are booked, all its places taken together."""

    work_center: str
    day: date
    open: int
    booked: int

    @property
    def percent(self) -> int:
        """Booked of open, rounded down; 0 on a closed day.

        >>> Load("bench", date(2026, 1, 5), 28_800, 14_400).percent
        50
        """
        return 100 * self.booked // self.open if self.open else 0


@attrs.frozen
class StockLevel:
    """How much of an item is there from a moment on, if everything goes as planned."""

    item: str
    at: datetime
    amount: Quantity


def load(plan: Plan, work_center: str, days: int = 28) -> tuple[Load, ...]:
    """How busy a work center is, day by day from the day of the plan on: what was booked before, and what is planned.

    Raises:
        NotPositive: (`not_positive`), OutOfRange: (`out_of_range`) days.
    """
    if days < 1:
        raise NotPositive("days", days, "at least one day")
    if days > MOST_DAYS:
        raise OutOfRange("days", days, f"at most {MOST_DAYS} days")
    board = plan.planner.board
    gaps, today = board.gaps(work_center), board.situation.day(plan.now)
    found, since = [], plan.now
    for number in range(days):
        day = today + timedelta(days=number)
        until = int(end_of_day(day, board.situation.zone).timestamp())
        first, last = gaps.timeline.working(since), gaps.timeline.working(until)
        found.append(Load(work_center, day, (last - first) * gaps.places, gaps.booked(first, last)))
        since = until
    return tuple(found)


def stock(plan: Plan, item: str) -> tuple[StockLevel, ...]:
    """How much of an item is there: now, and after every change."""
    source, known = plan.planner.board.source(item), plan.items[item]
    if source.shelf is None:
        return tuple(StockLevel(item, moment(at), known.quantity(steps)) for at, steps in source.stock.levels(plan.now, None))
    level, changes = source.on_hand, dict.fromkeys([plan.now], 0)
    for at, steps in sorted([*source.stock, *source.shelf]):
        changes[max(at, plan.now)] = changes.get(max(at, plan.now), 0) + steps
    found = []
    for at, steps in changes.items():
        level += steps
        found.append(StockLevel(item, moment(at), known.quantity(level)))
    return tuple(found)


def bars(what: Plan | Promise) -> list[tuple[str, str, datetime, datetime]]:
    """What a Gantt chart shows, as (row, label, start, end): a plan's work by work center, a promise's chain step by step."""
    if isinstance(what, Promise):
        return [(f"{n}. {one.kind} {one.name}", one.kind, one.start, one.end) for n, one in enumerate(what.critical_path, 1)]
    rows = [
        (place, f"{make.item} ({make.ref})", moment(start), moment(worked))
        for make in what.makes
        for operation, start, worked, _ in what.work_of(make)
        if worked > start
        for place in operation.centers or (operation.name,)
    ]
    return sorted(rows, key=lambda row: (row[0], row[2]))


def gantt(what: Plan | Promise, width: int = WIDTH) -> str:
    """A Gantt chart for a terminal: one row for every work center of a plan, or for every step of a promise.

    Raises:
        OutOfRange: (`out_of_range`) a width below 10.
    """
    if width < 10:
        raise OutOfRange("width", width, "at least 10 characters")
    rows = bars(what)
    if not rows:
        return "nothing takes time"
    first, last = min(row[2] for row in rows), max(row[3] for row in rows)
    lines = [_line(name, [(start, end) for row, _, start, end in rows if row == name], first, last, width) for name in _names(rows)]
    wide = max(len(name) for name, _ in lines)
    span = f"{on_the_clock(first, what.zone)} - {on_the_clock(last, what.zone)}"
    return "\n".join([f"{'':<{wide}}  {span}", *(f"{a:<{wide}}  {b}" for a, b in lines)])


def _names(rows: Sequence[tuple[str, str, datetime, datetime]]) -> Iterator[str]:
    yield from dict.fromkeys(row[0] for row in rows)


def _line(name: str, spans: Sequence[tuple[datetime, datetime]], first: datetime, last: datetime, width: int) -> tuple[str, str]:
    whole = max(1, round((last - first).total_seconds()))
    cells = ["·"] * width
    for start, end in spans:
        begin = int((start - first).total_seconds()) * width // whole
        stop = -(-int((end - first).total_seconds()) * width // whole)
        cells[begin : max(stop, begin + 1)] = ["█"] * (max(min(stop, width), begin + 1) - begin)
    return name, "".join(cells[:width])
