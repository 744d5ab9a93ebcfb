"""Mending a plan that has been accepted: what cannot be made any more when it was planned is moved, and nothing else is.

A delivery is late, a kettle breaks, a shift is cancelled, a run should have begun and has not. Runs that are planned move to the first
time at which they can be made, around all that stays; a run that has been released never moves, and what has been picked stays picked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import attrs

from krafte_core.allocation import PURCHASE, RUN, Allocation
from krafte_core.charging import formula_of
from krafte_core.coverage import NEVER, Batch, Booking
from krafte_core.desks.lateness import Late, moved
from krafte_core.errors import BeyondHorizon, NeverFits
from krafte_core.events import Event, ProductionRescheduled
from krafte_core.netting import Writer
from krafte_core.placing import done_at, first_fit, ways_of
from krafte_core.production import ProductionOrder
from krafte_core.scheduling import Search
from krafte_core.supplying import inspected
from krafte_core.times import epoch
from krafte_core.work import Seen, Work


@attrs.frozen
class MovedRun:
    """A run that is made at another time now, and why."""

    production: str
    item: str
    start_before: datetime
    end_before: datetime
    start: datetime
    end: datetime
    reason: str

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.production} ({self.item}): {self.start_before:%Y-%m-%d %H:%M} -> {self.start:%Y-%m-%d %H:%M}, {self.reason}"


@attrs.frozen
class Stuck:
    """A run that cannot be made when it is planned and was not moved, and why."""

    production: str
    item: str
    reason: str


@attrs.frozen
class Mended:
    """What mending a plan did: which runs moved, which could not, and which orders are late because of that."""

    moved: tuple[MovedRun, ...]
    stuck: tuple[Stuck, ...]
    late: tuple[Late, ...]
    events: tuple[Event, ...]

    def __str__(self) -> str:
        """One line for each run."""
        rows = [str(one) for one in self.moved] + [f"{one.production} ({one.item}): {one.reason}" for one in self.stuck]
        return "\n".join(rows) or "nothing has to move"


def mend(work: Work) -> Mended:
    """The decision behind `shop.planning.mend`."""
    runs = _runs(work)
    mending = _Mending(work, [run.item for run, _ in runs])
    for run, state in runs:
        mending.look_at(run, state)
    late = moved(work, [(RUN, one.item, one.production) for one in mending.moved]) if mending.moved else ()
    return Mended(
        tuple(mending.moved), tuple(mending.stuck), late, tuple([event for part in work.everything() for event in part.events])
    )


def _runs(work: Work) -> list[tuple[ProductionOrder, str]]:
    """The runs that have not begun and have a time, the first first: what goes into a run comes before it."""
    filed = {row.paper.number: row for rows in work.reader.open_papers("production", [*work.catalogue.items]).values() for row in rows}
    work.known(filed.values())
    rows = [(row.paper, work.state(row.paper)) for row in filed.values()]
    found = [(run, state) for run, state in rows if state in ("planned", "released") and run.planned_start and run.planned_end]
    return sorted(found, key=lambda row: (row[0].planned_start, row[0].planned_end, row[0].number))


def _at(when: datetime | None) -> float:
    return NEVER if when is None else when.timestamp()


class _Mending:
    """One look at all runs: what each waits for, and the free time as it is after those before it were looked at."""

    def __init__(self, work: Work, items: Sequence[str]) -> None:
        self.work = work
        reach = dict.fromkeys(code for item in items for code in work.catalogue.reach(item))
        self.search = Search(Seen(work, tuple(reach)))
        self.ends: dict[str, float] = {}
        self.moved: list[MovedRun] = []
        self.stuck: list[Stuck] = []

    def look_at(self, run: ProductionOrder, state: str) -> None:
        work, start = self.work, _at(run.planned_start)
        rows = work.reader.booked_for((run.number,))[run.number]
        ready, waits_for = self._ready(work.reader.links((run.number,))[run.number])
        self._free(rows)
        why = f"waits for {waits_for}" if ready > start else "it should have begun" if start < work.now else self._misfit(run, rows)
        self.ends[run.number] = _at(run.planned_end)
        if not why:
            self._book(rows)
        elif state == "released":
            self._book(rows)
            self.stuck.append(Stuck(run.number, run.item, f"{why}; it is released, and what is released does not move"))
        else:
            self._move(run, max(ready, start, float(work.now)), why, rows)

    def _ready(self, links: Sequence[Allocation]) -> tuple[float, str]:
        """When everything that is linked to a run will be there, and what comes last."""
        work, found = self.work, [(0.0, "")]
        papers = {
            number: row.paper
            for number, row in work.reader.papers({link.ref for link in links if link.source in (RUN, PURCHASE)}).items()
        }
        for link in links:
            paper = papers.get(link.ref)
            if link.source == RUN and isinstance(paper, ProductionOrder):
                found.append((self.ends.get(link.ref, _at(paper.planned_end)), link.ref))
            elif link.source == PURCHASE and paper is not None:
                line = next(line for line in paper.lines if line.ref == link.place)
                found.append((epoch(paper.due(line)) + inspected(work.item(link.item)), link.ref))
        return max(found)

    def _misfit(self, run: ProductionOrder, rows: Sequence[Booking]) -> str:
        """Which work center cannot do what was booked there any more."""
        operations = {one.name: one for one in run.recipe.operations}
        share = formula_of(self.work, run).share(run.steps)
        for row in rows:
            operation = operations.get(row.operation)
            if operation is None:
                continue  # people stand beside their operation
            way = ways_of(done_at(operation, row.work_center), self.search.busy)[0]
            try:
                _, start, end = first_fit(way, row.start, way.seconds(share)[1])
            except (NeverFits, BeyondHorizon) as problem:
                return str(problem)
            if (start, end) != (row.start, row.end):
                return f"{row.work_center} cannot do it then"
        return ""

    def _move(self, run: ProductionOrder, since: float, why: str, rows: Sequence[Booking]) -> None:
        work = self.work
        batch = Batch(formula_of(work, run), run.steps, 0, ready=since, at=run.at)
        try:
            if since < NEVER:
                self.search.place(batch)
        except (NeverFits, BeyondHorizon) as problem:
            why = why if str(problem) in why else f"{why}; {problem}"
        if batch.end == NEVER:
            self._book(rows)
            self.stuck.append(Stuck(run.number, run.item, f"{why}, and nobody can tell when it could be made"))
            return
        work.step(run, "planned", "reschedule", reason=why)
        Writer(work).move(run, batch)
        work.settle()
        now: ProductionOrder = work.paper(ProductionOrder, run.number)
        self.ends[run.number] = math.ceil(batch.end)
        work.tell(ProductionRescheduled(work.at, run.number, run.item, now.planned_start, now.planned_end))
        before = run.planned_start, run.planned_end
        self.moved.append(MovedRun(run.number, run.item, *before, now.planned_start, now.planned_end, why))  # type: ignore[arg-type]

    def _free(self, rows: Sequence[Booking]) -> None:
        for row in rows:
            busy = self.search.busy(row.work_center)
            if (row.start, row.end) in busy.intervals:
                busy.remove(row.start, row.end)

    def _book(self, rows: Sequence[Booking]) -> None:
        for row in rows:
            self.search.busy(row.work_center).add(row.start, row.end)
