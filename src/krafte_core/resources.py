"""Resources: where work is done, who delivers, and how goods travel.

>>> Supplier("Imkerei Lang", offers=[Offer("beeswax", lead_time="4 days", minimum="5 kg", multiple="5 kg")]).offers[0].item
'beeswax'
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.calendars import Calendar
from krafte_core.durations import Duration, duration
from krafte_core.errors import InvalidInput, NotPositive
from krafte_core.items import MOST_STEPS, Item, attributes, code
from krafte_core.money import Money, price
from krafte_core.quantities import qty, split
from krafte_core.times import day

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


def _efficiency(given: Any) -> Fraction:
    if isinstance(given, Fraction):
        share = given
    else:
        value, sign = split(given, "efficiency") if isinstance(given, str) else (Decimal(-1), "")
        share = Fraction(value) / 100 if sign == "%" else Fraction(-1)
    if not Fraction(1, 100) <= share <= 100:
        raise InvalidInput("efficiency", str(given), "a percentage from 1 % to 10,000 %, such as '80 %'")
    return share


def _valid(value: Any) -> date | None:
    return None if value is None else day(value)


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
        capacity: how many jobs run at the same time; of a crew, how many people there are.
        efficiency: how much of a recipe's work it does in the same time: at `"80 %"` one hour of work takes an hour and a quarter.
        rate: what an hour of its work costs; without one, work there costs nothing.

    Raises:
        InvalidInput: (`invalid_input`) both hours and a calendar, a capacity below one, or no sane efficiency.

    >>> WorkCenter("kettle", hours="Mon-Fri 08:00-16:00").capacity
    1
    """

    code: str = attrs.field(converter=code)
    hours: str | None = attrs.field(default=None, kw_only=True)
    zone: str | None = attrs.field(default=None, kw_only=True)
    calendar: Calendar | None = attrs.field(default=None, kw_only=True, converter=_calendar)
    capacity: int = attrs.field(default=1, kw_only=True)
    efficiency: Fraction = attrs.field(default=Fraction(1), kw_only=True, converter=_efficiency)
    rate: Money | None = attrs.field(default=None, kw_only=True, converter=price)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=attributes)

    def __attrs_post_init__(self) -> None:
        """One source of opening hours, and room for at least one job; the hours are read here, so that a typo is told at once."""
        if self.hours is not None and self.calendar is not None:
            raise InvalidInput("calendar", self.calendar.name, "either hours or a calendar")
        if not isinstance(self.capacity, int) or isinstance(self.capacity, bool) or self.capacity < 1:
            raise NotPositive("capacity", self.capacity, "a whole number of jobs, at least 1")
        self.opening()

    @property
    def pace(self) -> Fraction | None:
        """The efficiency where it matters: None for work that takes as long as the recipe says.

        >>> WorkCenter("kettle", efficiency="80 %").pace
        Fraction(4, 5)
        """
        return None if self.efficiency == 1 else self.efficiency

    def opening(self) -> Calendar:
        """The calendar that its hours mean.

        >>> WorkCenter("kettle").opening().hours
        '24/7'
        """
        return self.calendar or Calendar(self.code, hours=ALWAYS if self.hours is None else self.hours, zone=self.zone)


@attrs.frozen
class Offer:
    """What a supplier delivers: the time from order to receipt, the least amount, and the multiple it comes in.

    Args:
        item: what; `lead_time`: from order to receipt, elapsed time or working days of the supplier.
        minimum, multiple: the least amount of an order, and what it is rounded up to.
        price: of one unit.
        valid_from, valid_until: the first and the last day on which it can be ordered.
        preference: of several offers that are here in time, the one with the larger preference is taken.

    Raises:
        InvalidInput: (`invalid_input`) naming the field.

    >>> str(Offer("lye", lead_time="4 days").lead_time)
    '4 days'
    """

    item: str = attrs.field(converter=code)
    lead_time: Duration = attrs.field(kw_only=True, converter=_elapsed)
    minimum: str | None = attrs.field(default=None, kw_only=True, converter=_amount)
    multiple: str | None = attrs.field(default=None, kw_only=True, converter=_amount)
    price: Money | None = attrs.field(default=None, kw_only=True, converter=price)
    valid_from: date | None = attrs.field(default=None, kw_only=True, converter=_valid)
    valid_until: date | None = attrs.field(default=None, kw_only=True, converter=_valid)
    preference: int = attrs.field(default=0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """An offer is valid on at least one day."""
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise InvalidInput("valid_until", self.valid_until, f"a day not before {self.valid_from}")
        if type(self.preference) is not int or abs(self.preference) > MOST_STEPS:
            raise InvalidInput("preference", self.preference, "a whole number; the larger is preferred")

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
    """Who delivers, and what he offers.

    `calendar` counts his working days; `orders` says when he takes orders, `deliveries` when he brings what is ready (default always).

    >>> Supplier("Frantoio").offers
    ()
    """

    code: str = attrs.field(converter=code)
    offers: tuple[Offer, ...] = attrs.field(default=(), kw_only=True, converter=_offers)
    calendar: Calendar | None = attrs.field(default=None, kw_only=True, converter=_calendar)
    orders: Calendar | None = attrs.field(default=None, kw_only=True, converter=_calendar)
    deliveries: Calendar | None = attrs.field(default=None, kw_only=True, converter=_calendar)
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
