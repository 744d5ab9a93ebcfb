"""Forecasts: what is expected to be ordered within some days, so that it is there when the orders come.

A forecast says how much will be delivered in these days in all. An order that is requested for one of them is a part of it as long as
it is open, covered or not; only the rest is a demand of its own, behind every order in the queue, ready when the first day begins.
What was shipped in full does not count any more: of days that have begun, say what is still expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

import attrs

from krafte_core.allocation import rank
from krafte_core.demands import Demand
from krafte_core.errors import InvalidInput
from krafte_core.items import code
from krafte_core.quantities import Quantity, qty
from krafte_core.times import day, end_of_day, moment

LAST = -(10**9)
"""The priority of forecasts: no order comes after them."""


@attrs.frozen
class Forecast:
    """So much of an item will be ordered from one day to another, both included; `until` is the first day, unless it is said.

    >>> print(Forecast("soap", "200 each", "2026-12-01", "2026-12-07"))
    200 each of soap from 2026-12-01 to 2026-12-07
    """

    item: str = attrs.field(converter=code)
    amount: Quantity = attrs.field(converter=qty)
    since: date = attrs.field(converter=day)
    until: date = attrs.field(converter=day)

    @until.default
    def _one_day(self) -> date:
        return self.since

    def __attrs_post_init__(self) -> None:
        """It ends when it begins, or later."""
        if self.until < self.since:
            raise InvalidInput("until", str(self.until), f"a day that is not before {self.since}")

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.amount} of {self.item} from {self.since} to {self.until}"


def rest_of(
    forecasts: Sequence[Forecast], ordered: Iterable[tuple[str, date, int]], steps: Callable[[Forecast], int], zone: str, now: int
) -> Iterator[Demand]:
    """What of the forecasts is not ordered yet, as demands.

    Args:
        forecasts: those of one item do not overlap.
        ordered: item, requested day and steps of what was ordered.
        steps: the whole steps of a forecast. zone: whose day begins. now: what should be there already is wanted now.

    Raises:
        InvalidInput: (`invalid_input`) two forecasts of one item for the same day.
    """
    rows = sorted(forecasts, key=lambda one: (one.item, one.since))
    for one, other in pairwise(rows):
        if one.item == other.item and other.since <= one.until:
            raise InvalidInput("forecasts", str(other), f"days that {one} does not have")
    wanted: dict[str, list[tuple[date, int]]] = {}
    for item, when, amount in ordered:
        wanted.setdefault(item, []).append((when, amount))
    for one in rows:
        left = steps(one) - sum([amount for when, amount in wanted.get(one.item, ()) if one.since <= when <= one.until])
        if left > 0:
            due = max(now, int(end_of_day(one.since - timedelta(days=1), zone).timestamp()))
            ref = f"forecast {one.since}"
            yield Demand(ref, one.item, one.item, left, due, rank(LAST, one.since, moment(0), ref), "forecast")
