"""Resources: where work is done, who delivers, and how goods travel.

>>> Supplier("Imkerei Lang", offers=[Offer("beeswax", lead_time="4 days", minimum="5 kg", multiple="5 kg")]).offers[0].item
'beeswax'
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from krafte_core.calendars import Calendar
from krafte_core.durations import Duration, duration
from krafte_core.errors import InvalidInput, NotPositive
from krafte_core.items import Item, attributes, code
from krafte_core.money import Money, price
from krafte_core.quantities import qty

ALWAYS = "24/7"


def _offers(rows: Any) -> tuple[Offer, ...]:
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise InvalidInput("offers", rows, "a list of Offer")
    found = tuple(rows)
    for row in found:
        if not isinstance(row, Offer):
            raise InvalidInput("offers", row, "a list of Offer")
    return found


def _elapsed(value: Any) -> Duration:
    """A lead time or a transit passes by itself: nobody works on it."""
    time = duration(value)
    if time.kind == "working time":
        raise InvalidInput("duration", str(time), "elapsed time or working days")
    return time


def _amount(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(qty(value))


def _calendar(value: Any) -> Calendar | None:
    if value is not None and not isinstance(value, Calendar):
        raise InvalidInput("calendar", value, "a Calendar")
    return value


@attrs.frozen
class WorkCenter:
    """Where work is done: a kettle, a bench, a filling line.

    Args:
        code: its name.
        hours: when it is open, such as `"Mon-Fri 08:00-16:00"`; default always.
        zone: its time zone; default the workshop's.
        calendar: a whole calendar (holidays, closures) instead of `hours`.
        capacity: how many jobs run at the same time.
        revision: grows whenever it is registered again.

    Raises:
        InvalidInput: (`invalid_input`) both hours and a calendar, or a capacity below one.

    >>> WorkCenter("kettle", hours="Mon-Fri 08:00-16:00").capacity
    1
    """

    code: str = attrs.field(converter=code)
    hours: str | None = attrs.field(default=None, kw_only=True)
    zone: str | None = attrs.field(default=None, kw_only=True)
    calendar: Calendar | None = attrs.field(default=None, kw_only=True, converter=_calendar)
    capacity: int = attrs.field(default=1, kw_only=True)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=attributes)

    def __attrs_post_init__(self) -> None:
        """One source of opening hours, and room for at least one job; the hours are read here, so that a typo is told at once."""
        if self.hours is not None and self.calendar is not None:
            raise InvalidInput("calendar", self.calendar.name, "either hours or a calendar")
        if not isinstance(self.capacity, int) or isinstance(self.capacity, bool) or self.capacity < 1:
            raise NotPositive("capacity", self.capacity, "a whole number of jobs, at least 1")
        self.opening()

    def opening(self) -> Calendar:
        """The calendar that its hours mean.

        >>> WorkCenter("kettle").opening().hours
        '24/7'
        """
        return self.calendar or Calendar(self.code, hours=ALWAYS if self.hours is None else self.hours, zone=self.zone)


@attrs.frozen
class Offer:
    """What a supplier delivers: the time from order to receipt, the least amount, and the multiple it comes in.

    >>> str(Offer("lye", lead_time="4 days").lead_time)
    '4 days'
    """

    item: str = attrs.field(converter=code)
    lead_time: Duration = attrs.field(kw_only=True, converter=_elapsed)
    minimum: str | None = attrs.field(default=None, kw_only=True, converter=_amount)
    multiple: str | None = attrs.field(default=None, kw_only=True, converter=_amount)
    price: Money | None = attrs.field(default=None, kw_only=True, converter=price)

    def order_size(self, item: Item, steps: int) -> int:
        """Steps to order so that at least so many come: not below the minimum, rounded up to the multiple.

        >>> wax = Item("wax", unit="kg", step="1 g")
        >>> Offer("wax", lead_time="4 days", minimum="5 kg", multiple="2 kg").order_size(wax, 5500)
        6000
        """
        unit = item.positive(self.multiple, "multiple") if self.multiple else 1
        least = item.positive(self.minimum, "minimum") if self.minimum else 0
        return -(-max(steps, least) // unit) * unit


@attrs.frozen
class Supplier:
    """Who delivers, and what he offers; `calendar` counts his working days.

    >>> Supplier("Frantoio").offers
    ()
    """

    code: str = attrs.field(converter=code)
    offers: tuple[Offer, ...] = attrs.field(default=(), kw_only=True, converter=_offers)
    calendar: Calendar | None = attrs.field(default=None, kw_only=True, converter=_calendar)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=attributes)


@attrs.frozen
class ShippingMethod:
    """How goods travel, and how long they are on the road; `calendar` counts the carrier's working days.

    >>> ShippingMethod("parcel", transit="2 days").code
    'parcel'
    """

    code: str = attrs.field(converter=code)
    transit: Duration = attrs.field(kw_only=True, converter=_elapsed)
    calendar: Calendar | None = attrs.field(default=None, kw_only=True, converter=_calendar)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=attributes)
