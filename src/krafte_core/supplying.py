"""Supplying: when an offer can be ordered, when that is here, and when it can be used.

A supplier takes orders on his ordering days and delivers on his delivery days; an offer may be valid from and until a day; what came
may have to be inspected before anybody may use it. The search for a promise and the planner ask the same two questions: how soon, and
how late must it be ordered to be usable by a moment. A plain offer (any day, no inspection) they work out themselves: it is one sum.

Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from krafte_core.calendars import Calendar
from krafte_core.durations import Duration
from krafte_core.errors import BeyondHorizon
from krafte_core.items import Item
from krafte_core.resources import Offer, Supplier
from krafte_core.timelines import Timeline
from krafte_core.times import end_of_day

EVERY_DAY = Calendar("every day", "24/7")
"""The calendar on which working days are counted where nobody names one."""
Shift = Callable[[float, Duration, Calendar | None], float]
"""The instant so much later (or earlier): elapsed time on the wall, working days on the calendar."""


class Ordered(NamedTuple):
    """When to order, when the goods are here, and from when they may be used."""

    order_at: int
    here: int
    at: int


def plain(supplier: Supplier, offer: Offer, item: Item) -> bool:
    """Whether it can be ordered and delivered at any time and used at once.

    >>> plain(Supplier("Lang"), Offer("wax", lead_time="2 days"), Item("wax", unit="kg"))
    True
    """
    always = supplier.orders is None and supplier.deliveries is None
    return always and offer.valid_from is None and offer.valid_until is None and item.inspection is None


def inspected(item: Item) -> int:
    """Seconds that pass between the receipt or completion of a lot and its use.

    >>> inspected(Item("wax", unit="kg", release="by decision", inspection="2 days"))
    172800
    """
    return 0 if item.inspection is None else item.inspection.seconds


class Calling:
    """What the dates of offers depend on besides: the workshop's zone and its calendars, compiled.

    Args:
        now: nothing is ordered before this instant.
        zone: in which the first and last day of an offer are counted.
        timeline: a calendar, compiled.
        later, earlier: see `Shift`.
    """

    def __init__(self, now: int, zone: str, timeline: Callable[[Calendar], Timeline], later: Shift, earlier: Shift) -> None:
        """No question yet."""
        self.now = now
        self.zone = zone
        self.timeline = timeline
        self.later = later
        self.earlier = earlier

    def soonest(self, supplier: Supplier, offer: Offer, item: Item) -> Ordered | None:
        """The first time at which it can be ordered and used; None where it is not valid any more, or he is closed for good."""
        since = self.now if offer.valid_from is None else max(self.now, self._end(offer.valid_from - timedelta(days=1)))
        try:
            order_at = since if supplier.orders is None else self.timeline(supplier.orders).next_open(since)
        except BeyondHorizon:
            return None
        if offer.valid_until is not None and order_at >= self._end(offer.valid_until):
            return None
        try:
            return self._ordered(supplier, offer, item, order_at)
        except BeyondHorizon:
            return None

    def latest(self, supplier: Supplier, offer: Offer, item: Item, by: int) -> Ordered | None:
        """The last time at which it can be ordered to be usable by a moment; None where that would be too soon to order.

        Args:
            by: not before `soonest`.
        """
        here = by - inspected(item)
        if supplier.deliveries is not None:
            here = _last_open(self.timeline(supplier.deliveries), here)
        order_at = int(self.earlier(here, offer.lead_time, supplier.calendar))
        if offer.valid_until is not None:
            order_at = min(order_at, self._end(offer.valid_until) - 1)
        if supplier.orders is not None:
            order_at = _last_open(self.timeline(supplier.orders), order_at)
        if order_at < self.now or (offer.valid_from is not None and order_at < self._end(offer.valid_from - timedelta(days=1))):
            return None
        return self._ordered(supplier, offer, item, order_at)

    def _ordered(self, supplier: Supplier, offer: Offer, item: Item, order_at: int) -> Ordered:
        here = int(self.later(order_at, offer.lead_time, supplier.calendar))
        if supplier.deliveries is not None:
            here = self.timeline(supplier.deliveries).next_open(here)
        return Ordered(order_at, here, here + inspected(item))

    def _end(self, day: date) -> int:
        return int(end_of_day(day, self.zone).timestamp())


def _last_open(timeline: Timeline, at: int) -> int:
    """The moment itself where the calendar is open, else the last second before it in which it was; before `first` for never."""
    if not timeline.first <= at < timeline.last or timeline.is_open(at):
        return at
    worked = timeline.working(at)
    return timeline.instant(worked) - 1 if worked else timeline.first - 1
