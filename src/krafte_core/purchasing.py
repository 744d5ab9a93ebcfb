"""Purchase orders: what was ordered from a supplier, and when it is expected."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs

from krafte_core.diary import Steps
from krafte_core.ids import named
from krafte_core.items import code
from krafte_core.money import Money, price

PURCHASE_STEPS: Steps = {
    "": {"order": "ordered"},
    "ordered": {"receive": "ordered", "change": "ordered", "reschedule": "ordered", "close": "closed", "cancel": "cancelled"},
    "closed": {},
    "cancelled": {},
}
"""The steps of a purchase order; receiving or cancelling the last open amount closes it."""


def _lines(rows: Iterable[PurchaseLine]) -> tuple[PurchaseLine, ...]:
    return tuple(rows)


@attrs.frozen
class PurchaseLine:
    """One line of a purchase order; `order` sets `ref`, `given` and `steps` as for an order line.

    `expected` is when this line will be here, where that differs from the paper's.

    >>> PurchaseLine("lye", "25 kg", price="4.10 EUR").item
    'lye'
    """

    item: str = attrs.field(converter=code)
    amount: Any
    price: Money | None = attrs.field(default=None, kw_only=True, converter=price)
    expected: datetime | None = attrs.field(default=None, kw_only=True)
    ref: str = attrs.field(default="", kw_only=True)
    given: str = attrs.field(default="", kw_only=True)
    steps: int = attrs.field(default=0, kw_only=True)


@attrs.frozen
class PurchaseOrder:
    """What was ordered from a supplier; written by `shop.purchasing.order`."""

    number: str
    supplier: str
    lines: tuple[PurchaseLine, ...] = attrs.field(converter=_lines)
    ordered_at: datetime = attrs.field(kw_only=True)
    expected: datetime = attrs.field(kw_only=True)
    notes: str = attrs.field(default="", kw_only=True)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True)
    version: int = attrs.field(default=1, kw_only=True)

    @property
    def items(self) -> tuple[str, ...]:
        """The codes of the items it names, each once."""
        return tuple(dict.fromkeys(line.item for line in self.lines))

    def due(self, line: PurchaseLine) -> datetime:
        """When a line is expected."""
        return line.expected or self.expected

    def line(self, ref: str) -> PurchaseLine:
        """The line of this ref, or the only line of this item.

        Raises:
            InvalidInput: (`invalid_input`) none or several; the refs are given.
        """
        return named(self.lines, ref, "lines")
