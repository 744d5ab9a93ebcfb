"""Sequencing: where different batches queue for the same work center, every order of them is tried, and the best one is kept.

First-fit places batches in the order of the recipe. That is not always the best order, but *some* order is: place the operations of
the best schedule in the order of their starts, each into the first gap that it fits into, and none is later than it was. So trying
every order that respects what goes into what finds the earliest date (Kolisch, EJOR 90, 1996: serial schedule generation). There
are 720 of them for six operations, which is why more than `MOST` are left as they are, and the answer says that it is not proven.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from krafte_core.busy import Busy
from krafte_core.coverage import NEVER, Batch, Cover, Task, batches_of, spoils
from krafte_core.placing import paced
from krafte_core.recipes import Operation
from krafte_core.scheduling import Search

MOST = 6
"""Operations at work centers of which every order is tried."""


class _Step(NamedTuple):
    """An operation of a batch; `last` if the batch is done after it."""

    batch: int
    operation: Operation
    seconds: int
    last: bool


def resequence(search: Search, covers: Sequence[Cover]) -> None:
    """Put the batches behind the covers into their best order; the search knows afterwards whether that is proven.

    It is left as it is where another order could also change what is bought or taken, or where lots would be too old by then.
    """
    batches = [*batches_of(covers)]
    if not search.queued or any(_stays(batch) for batch in batches):
        return
    steps = [_steps(search, number, batch) for number, batch in enumerate(batches)]
    count = sum(1 for rows in steps for step in rows if step.operation.at is not None and step.seconds)
    if count > MOST:
        return
    found = _Trial(search, covers, batches, steps).best()
    if found is None or any(_too_late(search, batch, found.get((number, 0))) for number, batch in enumerate(batches)):
        return
    _write(search, covers, batches, found)
    items = {cover.item for cover in [*covers, *(cover for batch in batches for _, cover in batch.inputs)]}
    search.queued = search.aged or any(_has_choice(search, item) for item in items)


def _stays(batch: Batch) -> bool:
    """A partner's batch, one that cannot be made, one whose operations are placed together, and one that is inspected."""
    formula = batch.formula
    return batch.at is not None or batch.ready == NEVER or formula.recipe.elaborate or formula.item.inspection is not None


def _too_late(search: Search, batch: Batch, first: Task | None) -> bool:
    return first is not None and spoils(batch, search.situation.day(first.start))


def _has_choice(search: Search, item: str) -> bool:
    """Whether it could come in another way than by making it, which another order might make the better one."""
    situation = search.situation
    return situation.formula(item) is not None and bool(situation.offers(item) or situation.incoming(item))


def _steps(search: Search, number: int, batch: Batch) -> list[_Step]:
    recipe = batch.formula.recipe
    share = batch.formula.share(batch.steps)
    rows = [_Step(number, one, _seconds(search, one, one.seconds(share)), last=False) for one in recipe.operations]
    return [*rows[:-1], rows[-1]._replace(last=True)] if rows else []


def _seconds(search: Search, operation: Operation, seconds: int) -> int:
    pace = search.busy(operation.at).pace if operation.at is not None and seconds else None
    return seconds if pace is None else paced(seconds, pace)


class _Trial:
    """All orders, one after the other, each begun again where it could not become better than the best so far."""

    def __init__(self, search: Search, covers: Sequence[Cover], batches: Sequence[Batch], steps: Sequence[Sequence[_Step]]) -> None:
        self.search, self.covers, self.batches, self.steps = search, covers, batches, steps
        self.number = {id(batch): number for number, batch in enumerate(batches)}
        self.bound = max(cover.ready for cover in covers)
        self.found: dict[tuple[int, int], Task] | None = None

    def best(self) -> dict[tuple[int, int], Task] | None:
        """The tasks of the best order by batch and place; None where they must stay as they are."""
        for batch in self.batches:
            _unbook(self.search, batch.tasks)
        try:
            self._try({}, {}, {})
        finally:
            for batch in self.batches:
                _book(self.search, batch.tasks)
        return self.found

    def _ready(self, batch: Batch, ends: dict[int, float]) -> float | None:
        """When the inputs of a batch are there, None if one of them is not placed yet."""
        at = float(self.search.now)
        for _, cover in batch.inputs:
            when = ready_of(
                cover, self.search.now, {number: ends.get(self.number[id(one)]) for number, (one, _) in enumerate(cover.made)}
            )
            if when is None:
                return None
            at = max(at, when)
        return at

    def _try(self, places: dict[int, int], ends: dict[int, float], tasks: dict[tuple[int, int], Task]) -> None:
        """Place what can be placed next, each in turn."""
        waiting = [number for number in range(len(self.batches)) if number not in ends]
        if not waiting:
            done = [
                ready_of(cover, self.search.now, {n: ends[self.number[id(one)]] for n, (one, _) in enumerate(cover.made)})
                for cover in self.covers
            ]
            latest = max((at for at in done if at is not None), default=float(self.search.now))
            if self.found is None or latest < self.bound:
                self.bound, self.found = latest, {**tasks}
            return
        for number in waiting:
            batch = self.batches[number]
            place = places.get(number, 0)
            at = self._ready(batch, ends) if place == 0 else tasks[number, place - 1].end
            if at is None:
                continue
            if not self.steps[number]:  # a plain lead time, or no time at all
                end = (
                    self.search.after(at, batch.formula.recipe.lead_time, batch.formula.recipe.calendar)
                    if batch.formula.recipe.lead_time
                    else at
                )
                self._try(places, {**ends, number: end}, tasks)
                return  # it takes no place, so that its turn does not matter
            step = self.steps[number][place]
            task = self._task(batch, step, at)
            if task.end > self.bound or (task.end == self.bound and self.found is not None):
                continue
            _book(self.search, [task])
            after = {**ends, number: task.end} if step.last else ends
            self._try({**places, number: place + 1}, after, {**tasks, (number, place): task})
            _unbook(self.search, [task])
            if step.operation.at is None or not step.seconds:
                return  # a mere wait takes no place either

    def _task(self, batch: Batch, step: _Step, at: float) -> Task:
        operation = step.operation
        opened = start = worked = at
        if operation.at is not None and step.seconds:
            center, whole = self.search.busy(operation.at), math.ceil(at)
            opened = center.opening(whole, step.seconds, pausable=operation.pausable)[0]
            if ("queue", operation.at) in self.search.relaxing:
                start, worked = center.opening(whole, step.seconds, pausable=operation.pausable)
            else:
                start, worked = center.first_fit(whole, step.seconds, pausable=operation.pausable)
        end = worked if operation.wait is None else self.search.after(worked, operation.wait, batch.formula.recipe.calendar)
        return Task(operation, at, opened, start, worked, end)


def _taking(search: Search, tasks: Sequence[Task]) -> Iterator[tuple[Busy, int, int]]:
    """The time that tasks take: where a queue is thought away, none."""
    for task in tasks:
        at = task.operation.at
        if at is not None and task.worked > task.start and ("queue", at) not in search.relaxing:
            yield search.busy(at), int(task.start), int(task.worked)


def _book(search: Search, tasks: Sequence[Task]) -> None:
    for center, start, end in _taking(search, tasks):
        center.add(start, end)


def _unbook(search: Search, tasks: Sequence[Task]) -> None:
    for center, start, end in _taking(search, tasks):
        center.remove(start, end)


def ready_of(cover: Cover, now: int, ends: dict[int, float | None] | dict[int, float]) -> float | None:
    """When a cover is there, its batches ending as given by their place in `made`; None if one of them has no end yet."""
    at = max([float(now), *(row.at for row, _ in cover.expected)], default=float(now))
    if cover.bought is not None:
        at = max(at, cover.bought.at)
    for end in ends.values():
        if end is None:
            return None
        at = max(at, end)
    return at if not cover.missing else NEVER


def _write(search: Search, covers: Sequence[Cover], batches: Sequence[Batch], tasks: dict[tuple[int, int], Task]) -> None:
    """Move the batches to their new times; inputs come before what they go into."""
    for number, batch in enumerate(batches):
        _unbook(search, batch.tasks)
        for _, cover in batch.inputs:
            cover.ready = _now(cover, search.now)
        batch.ready = max([float(search.now), *(cover.ready for _, cover in batch.inputs)])
        batch.tasks = [tasks[number, place] for place in range(len(batch.formula.recipe.operations))]
        recipe = batch.formula.recipe
        plain = search.after(batch.ready, recipe.lead_time, recipe.calendar) if recipe.lead_time is not None else batch.ready
        batch.end = batch.tasks[-1].end if batch.tasks else plain
        _book(search, batch.tasks)
    for cover in covers:
        cover.ready = _now(cover, search.now)


def _now(cover: Cover, now: int) -> float:
    at = ready_of(cover, now, {place: batch.end for place, (batch, _) in enumerate(cover.made)})
    return NEVER if at is None else at
