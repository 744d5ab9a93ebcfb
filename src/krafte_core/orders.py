"""Customer orders: what a customer wants, and how far it is.

The order holds what was agreed. How far it is, is computed from the links, the ledger and the diary: `progress` sorts the amount of
every line into stages, `status` names the whole.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import attrs

from krafte_core.addresses import Address
from krafte_core.diary import Steps
from krafte_core.errors import InvalidInput
from krafte_core.items import attributes, code
from krafte_core.money import Money, price
from krafte_core.quantities import Quantity

Day = date  # a field named `date` would hide the type
ORDER_STEPS: Steps = {
    "": {"place": "placed"},
    "placed": {"confirm": "confirmed", "cancel": "cancelled"},
    "confirmed": {"confirm": "confirmed", "ship": "confirmed", "return": "confirmed", "cancel": "cancelled"},
    "cancelled": {},
}
"""The steps of a customer order."""
QUOTE_STEPS: Steps = {
    "": {"quote": "open"},
    "open": {"accept": "accepted", "withdraw": "withdrawn", "expire": "expired"},
    "accepted": {},
    "withdrawn": {},
    "expired": {},
}
"""The steps of a quote."""


class OrderStatus(enum.Enum):
    """What a customer sees, in the order of precedence: the first that applies."""

    CANCELLED = "cancelled"
    DELIVERED = "delivered"
    SHIPPED = "shipped"
    PARTLY_SHIPPED = "partly shipped"
    READY_TO_SHIP = "ready to ship"
    IN_PRODUCTION = "in production"
    MATERIALS_RESERVED = "materials reserved"
    WAITING_FOR_MATERIAL = "waiting for material"
    RECEIVED = "received"


def _lines(rows: Iterable[OrderLine]) -> tuple[OrderLine, ...]:
    return tuple(rows)


@attrs.frozen
class OrderLine:
    """One line of a customer order.

    Args:
        item: the item's code.
        amount: how much; `place` turns it into the item's unit and keeps the customer's own words in `given`.
        price: per unit of the item.
        ref: the line's own name within the order; default its place in the list.
        note, attributes: the customer's words and the host's own.
        steps: the amount in whole steps; set by `place`.

    >>> str(OrderLine("soap-bar", "240 each", price="3.20 EUR").price)
    '3.20 EUR'
    """

    item: str = attrs.field(converter=code)
    amount: Any
    price: Money | None = attrs.field(default=None, kw_only=True, converter=price)
    ref: str = attrs.field(default="", kw_only=True)
    note: str = attrs.field(default="", kw_only=True)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=attributes)
    given: str = attrs.field(default="", kw_only=True)
    steps: int = attrs.field(default=0, kw_only=True)

    @property
    def total(self) -> Money | None:
        """The line's price: per unit times the amount, rounded half-even to the currency's minor unit; None without a price.

        >>> from krafte_core.quantities import qty
        >>> str(OrderLine("soap", qty("240 each"), price="3.20 EUR").total)
        '768.00 EUR'
        """
        if self.price is None or not isinstance(self.amount, Quantity):
            return None
        return (self.price * self.amount.value).rounded()


@attrs.frozen
class CustomerOrder:
    """What a customer wants; written by `shop.orders.place`.

    `version` grows when the content changes.
    """

    number: str
    customer: str
    lines: tuple[OrderLine, ...] = attrs.field(converter=_lines)
    placed_at: datetime = attrs.field(kw_only=True)
    requested: date | None = attrs.field(default=None, kw_only=True)
    shipping: str | None = attrs.field(default=None, kw_only=True)
    ship_to: Address | None = attrs.field(default=None, kw_only=True)
    priority: int = attrs.field(default=0, kw_only=True)
    notes: str = attrs.field(default="", kw_only=True)
    source: str = attrs.field(default="", kw_only=True)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True)
    version: int = attrs.field(default=1, kw_only=True)

    @property
    def items(self) -> tuple[str, ...]:
        """The codes of the items it names, each once."""
        return tuple(dict.fromkeys([line.item for line in self.lines]))

    def line(self, ref: str) -> OrderLine:
        """The line of this ref, or the only line of this item.

        Raises:
            InvalidInput: (`invalid_input`) none or several; the refs are given.
        """
        found = [line for line in self.lines if line.ref == ref] or [line for line in self.lines if line.item == ref]
        if len(found) != 1:
            raise InvalidInput("line", ref, "one of the lines " + ", ".join(f"{line.ref} ({line.item})" for line in self.lines))
        return found[0]

    @property
    def total(self) -> Money | None:
        """The sum of the line totals; None where a line has no price.

        Raises:
            CurrencyMismatch: (`currency_mismatch`) lines in several currencies.
        """
        totals = [line.total for line in self.lines]
        if not totals or any(total is None for total in totals):
            return None
        first, *rest = [total for total in totals if total is not None]
        return sum(rest, first)


@attrs.frozen
class Quote:
    """An offer that holds material and capacity for an order until `until`; written by `shop.orders.quote`.

    `items` are all items whose supply it holds; `date` is the day on which the order would arrive.
    """

    number: str
    order: str
    customer: str
    items: tuple[str, ...]
    quoted_at: datetime = attrs.field(kw_only=True)
    until: datetime = attrs.field(kw_only=True)
    date: Day | None = attrs.field(default=None, kw_only=True)
    version: int = attrs.field(default=1, kw_only=True)


@attrs.frozen
class Stages:
    """How far the steps of a line are: each step of `ordered` stands in exactly one of the others.

    `ready` can be shipped; `making` is in a started run, or made and waiting for its release; `reserved` waits for a run whose
    materials are all reserved; `waiting` has nothing, a purchase, or a run that lacks material. Of the waiting, `blocked` is linked
    to a lot that may not be used (held, expired); `reasons` say why.
    """

    ordered: int
    delivered: int = 0
    shipped: int = 0
    ready: int = 0
    making: int = 0
    reserved: int = 0
    waiting: int = 0
    blocked: int = 0
    reasons: tuple[str, ...] = ()


def status(now: str, lines: Sequence[Stages]) -> OrderStatus:
    """What a customer sees of an order in this state of the diary with these lines: the first status that applies.

    >>> status("confirmed", [Stages(5, shipped=2, ready=3)]).value
    'partly shipped'
    """
    if now == "cancelled":
        return OrderStatus.CANCELLED
    gone = sum(line.shipped + line.delivered for line in lines)
    still_open = [line for line in lines if line.shipped + line.delivered < line.ordered]
    if not still_open and gone:
        on_the_road = any(line.shipped for line in lines)
        return OrderStatus.SHIPPED if on_the_road else OrderStatus.DELIVERED
    if gone:
        return OrderStatus.PARTLY_SHIPPED
    if now != "confirmed":
        return OrderStatus.RECEIVED
    if all(line.ready + line.shipped + line.delivered == line.ordered for line in still_open):
        return OrderStatus.READY_TO_SHIP
    if any(line.making for line in still_open):
        return OrderStatus.IN_PRODUCTION
    return OrderStatus.WAITING_FOR_MATERIAL if any(line.waiting for line in still_open) else OrderStatus.MATERIALS_RESERVED


STATUS_WORDS: Mapping[str, Mapping[OrderStatus, str]] = {
    "en": {one: one.value for one in OrderStatus},
    "de": {
        OrderStatus.CANCELLED: "storniert",
        OrderStatus.DELIVERED: "zugestellt",
        OrderStatus.SHIPPED: "versandt",
        OrderStatus.PARTLY_SHIPPED: "teilweise versandt",
        OrderStatus.READY_TO_SHIP: "versandbereit",
        OrderStatus.IN_PRODUCTION: "in Herstellung",
        OrderStatus.MATERIALS_RESERVED: "Material reserviert",
        OrderStatus.WAITING_FOR_MATERIAL: "wartet auf Material",
        OrderStatus.RECEIVED: "eingegangen",
    },
}
"""The statuses in the customer's language."""
