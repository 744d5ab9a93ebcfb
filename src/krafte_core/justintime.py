"""Just in time: how late each step behind a promise may begin without moving the date.

A search places everything as early as it can be. This is the pass back from the date: the last batch goes into the last time in which
it is still done when it is wanted, what goes into it must be there when it begins then, and so on down to the purchases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from krafte_core.calendars import Calendar
from krafte_core.coverage import Batch, Cover, Purchase, batches_of
from krafte_core.durations import Duration
from krafte_core.errors import BeyondHorizon, NeverFits
from krafte_core.placing import backward, stages_of, ways_of
from krafte_core.scheduling import Search
from krafte_core.supplying import EVERY_DAY, Calling, inspected

PurchaseKey = tuple[str, str]


class Latest(NamedTuple):
    """When batches (by their identity) must begin and purchases (by item and supplier) be ordered, at the latest."""

    starts: dict[int, int]
    orders: dict[PurchaseKey, int]


def latest(search: Search, covers: Sequence[Cover], by: float) -> Latest:
    """How late everything new behind the covers may begin if they are to be there by a moment; the search stays as it was."""
    found = _Pass(search)
    mark = search.mark()
    try:
        for cover in covers:
            found.wanted(cover, by)
        for batch in reversed([*batches_of(covers)]):
            start = found.placed(batch)
            for _, cover in batch.inputs:
                found.wanted(cover, start)
    finally:
        search.undo(mark)
    return Latest(found.starts, found.orders)


class _Pass:
    """One pass back: by when every batch is wanted, and when it and every purchase begins then."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.until: dict[int, float] = {}
        self.starts: dict[int, int] = {}
        self.orders: dict[PurchaseKey, int] = {}

    def wanted(self, cover: Cover, by: float) -> None:
        for batch, _ in cover.made:
            self.until[id(batch)] = min(self.until.get(id(batch), by), by)
        if cover.bought is not None:
            key = cover.bought.item, cover.bought.supplier.code
            order_by = self._order_by(cover.bought, int(max(by, cover.bought.at)))
            self.orders[key] = min(self.orders.get(key, order_by), order_by)

    def _order_by(self, one: Purchase, by: int) -> int:
        search = self.search
        calling = Calling(search.now, search.situation.zone, search.situation.timeline, search.after, self._earlier)
        dates = calling.latest(one.supplier, one.offer, search.situation.item(one.item), by)
        return int(one.order_at) if dates is None else max(dates.order_at, int(one.order_at))

    def _earlier(self, at: float, time: Duration, calendar: Calendar | None) -> float:
        if time.kind == "working days":
            return self.search.situation.timeline(calendar or EVERY_DAY).subtract_days(int(at), time.days)
        return at - time.seconds

    def placed(self, batch: Batch) -> int:
        """The latest start of a batch, which is booked there, so that what is placed after it finds its time taken."""
        recipe, item = batch.formula.recipe, batch.formula.item
        begun = math.ceil(batch.tasks[0].start if batch.tasks else batch.ready)
        by = math.floor(max(self.until[id(batch)], batch.end)) - inspected(item)
        if recipe.lead_time is not None:
            start = math.floor(self._earlier(by, recipe.lead_time, recipe.calendar))
        elif not batch.tasks:
            start = by
        else:
            start = self._back(batch, by)
        self.starts[id(batch)] = max(start, begun)
        return self.starts[id(batch)]

    def _back(self, batch: Batch, by: int) -> int:
        search, recipe = self.search, batch.formula.recipe
        mark = search.mark()
        search.free(batch)
        ways = {one.name: ways_of(one, search.busy, free=batch.at is not None) for one in recipe.operations}
        stages: Any = stages_of(recipe.operations, lambda one: ways[one.name], batch.formula, batch.steps)

        def after(at: float, time: Duration) -> float:
            return search.after(at, time, recipe.calendar)

        def before(at: float, time: Duration) -> float:
            return self._earlier(at, time, recipe.calendar)

        try:
            placed = backward(stages, by, math.ceil(batch.ready), after, before, search)
        except (NeverFits, BeyondHorizon):
            placed = None
        if placed is None:
            search.undo(mark)
            return math.ceil(batch.tasks[0].start)
        return placed[0].start
