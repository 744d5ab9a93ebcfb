"""Customer orders: what a customer wants, and how far it is.

The order holds what was agreed. How far it is, is computed from the links, the ledger and the diary: `progress` sorts the amount of
every line into stages, `status` names the whole.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

import attrs

from krafte_core.addresses import Address
from krafte_core.diary import Steps
from krafte_core.errors import InvalidInput
from krafte_core.ids import named
from krafte_core.items import attributes, code
from krafte_core.money import Money
from krafte_core.money import price as read_price
from krafte_core.quantities import Quantity
from krafte_core.terms import Discount, Totals, line_total, tolerance, totals
from krafte_core.terms import discount as read_discount

_ONE = Fraction(1)
_new = tuple.__new__
DELIVERIES = ("partial", "complete")
Day = date  # a field named `date` would hide the type
ORDER_STEPS: Steps = {
    "": {"place": "placed"},
    "placed": {
        "confirm": "confirmed", "change": "placed", "split": "placed", "absorb": "placed", "hold": "placed", "release": "placed",
        "merge": "merged", "cancel": "cancelled",
    },
    "confirmed": {
        "confirm": "confirmed", "change": "confirmed", "split": "confirmed", "absorb": "confirmed", "allocate": "confirmed",
        "free": "confirmed", "swap": "confirmed", "pick": "confirmed", "unpick": "confirmed", "ship": "confirmed",
        "return": "confirmed", "hold": "confirmed", "release": "confirmed", "close": "closed", "merge": "merged",
        "cancel": "cancelled",
    },
    "closed": {"reopen": "confirmed", "return": "closed"},
    "cancelled": {"reopen": "placed"},
    "merged": {},
}  # fmt: skip
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
    MERGED = "merged"
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


def _over(given: Fraction | str | None) -> Fraction | None:
    return None if given is None else tolerance(given, "over")


def _under(given: Fraction | str | None) -> Fraction | None:
    return None if given is None else tolerance(given, "under")


def _sample(given: bool) -> bool:
    if given is not True and given is not False:
        raise InvalidInput("sample", given, "True or False")
    return given


class OrderPart(NamedTuple):
    """What one step of a kit holds of an item, in whole steps."""

    item: str
    steps: int


class OrderNeed(NamedTuple):
    """What an order needs of an item that is stocked: a line, or one component of a kit line (`"2+soap"`), in whole steps."""

    ref: str
    line: str
    item: str
    steps: int


@attrs.frozen
class OrderLine:
    """One line of a customer order.

    Args:
        item: the item's code.
        amount: how much; `place` turns it into the item's unit and keeps the customer's own words in `given`.
        price: for one unit of the item, or for one of `per` (a unit or pack of the item: `"dozen"`, `"case"`).
        discount: money off the line, or a share such as `"10 %"`.
        tax: the line's tax, as given.
        sample: it costs nothing, and needs its stock all the same.
        over, under: how much more or less may be delivered and still be all of it (`"5 %"`).
        ref: the line's own name within the order; default its place in the list.
        note, attributes: the customer's words and the host's own.
        steps, parts, pack: the amount in whole steps, what a kit is made of, and how many units the price is for; set by `place`.

    >>> str(OrderLine("soap-bar", "240 each", price="3.20 EUR").price)
    '3.20 EUR'
    """

    item: str = attrs.field(converter=code)
    amount: Any
    price: Money | None = attrs.field(default=None, kw_only=True, converter=read_price)
    per: str = attrs.field(default="", kw_only=True)
    discount: Discount | None = attrs.field(default=None, kw_only=True, converter=read_discount)
    tax: Money | None = attrs.field(default=None, kw_only=True, converter=read_price)
    sample: bool = attrs.field(default=False, kw_only=True, converter=_sample)
    over: Fraction | None = attrs.field(default=None, kw_only=True, converter=_over)
    under: Fraction | None = attrs.field(default=None, kw_only=True, converter=_under)
    ref: str = attrs.field(default="", kw_only=True)
    note: str = attrs.field(default="", kw_only=True)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=attributes)
    given: str = attrs.field(default="", kw_only=True)
    steps: int = attrs.field(default=0, kw_only=True)
    parts: tuple[OrderPart, ...] = attrs.field(default=(), kw_only=True)
    pack: Fraction = attrs.field(default=_ONE, kw_only=True)

    @property
    def total(self) -> Money | None:
        """What the line costs after its discount, rounded half-even to the currency's minor unit; None without a price.

        >>> from krafte_core.quantities import qty
        >>> str(OrderLine("soap", qty("240 each"), price="3.20 EUR", discount="5 %").total)
        '729.60 EUR'
        """
        if self.price is None or not isinstance(self.amount, Quantity):
            return None
        if self.sample:
            return self.price * 0
        return line_total(self.price, self.amount, self.pack, self.discount)

    @property
    def least(self) -> int:
        """The fewest steps that are all of the line.

        >>> line = OrderLine("paint", "100 L", steps=1000, under="5 %", over="2 %")
        >>> line.least, line.most
        (950, 1020)
        """
        return self.steps if self.under is None else math.ceil(self.steps * (1 - self.under))

    @property
    def most(self) -> int:
        """The most steps that may be delivered for the line."""
        return self.steps if self.over is None else math.floor(self.steps * (1 + self.over))

    @property
    def needs(self) -> tuple[OrderNeed, ...]:
        """What it takes from stock: the item itself, or every component of a kit.

        >>> line = OrderLine("gift-set", "3 each", ref="1", steps=3, parts=(OrderPart("soap", 2), OrderPart("candle", 1)))
        >>> [(need.ref, need.steps) for need in line.needs]
        [('1+soap', 6), ('1+candle', 3)]
        """
        if not self.parts:
            return (_new(OrderNeed, (self.ref, self.ref, self.item, self.steps)),)
        return tuple([OrderNeed(f"{self.ref}+{part.item}", self.ref, part.item, part.steps * self.steps) for part in self.parts])

    def whole(self, amounts: Mapping[str, int]) -> int:
        """How many steps of the line so many steps of its needs (by their refs) make up: for a kit, the smallest ratio decides.

        >>> line = OrderLine("gift-set", "3 each", ref="1", steps=3, parts=(OrderPart("soap", 2), OrderPart("candle", 1)))
        >>> line.whole({"1+soap": 5, "1+candle": 3})
        2
        """
        if not self.parts:
            return amounts.get(self.ref, 0)
        return min([amounts.get(f"{self.ref}+{part.item}", 0) // part.steps for part in self.parts])


@attrs.frozen
class CustomerOrder:
    """What a customer wants; written by `shop.orders.place`.

    `tax` is what no line tells: that on shipping, or on the whole. `delivery` says whether it may leave in parts or only complete.
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
    delivery: str = attrs.field(default="partial", kw_only=True)
    discount: Discount | None = attrs.field(default=None, kw_only=True)
    shipping_price: Money | None = attrs.field(default=None, kw_only=True)
    tax: Money | None = attrs.field(default=None, kw_only=True)
    tax_included: bool = attrs.field(default=False, kw_only=True)
    version: int = attrs.field(default=1, kw_only=True)

    @property
    def items(self) -> tuple[str, ...]:
        """The codes of the items that it names or needs, each once."""
        if len(self.lines) == 1 and not self.lines[0].parts:
            return (self.lines[0].item,)
        codes = [line.item for line in self.lines]
        for line in self.lines:
            if line.parts:
                codes += [part.item for part in line.parts]
        return tuple(dict.fromkeys(codes))

    @property
    def needs(self) -> tuple[OrderNeed, ...]:
        """What it takes from stock, line by line; a kit needs its components."""
        rows: list[OrderNeed] = []
        for line in self.lines:
            if line.parts:
                rows += line.needs
            else:
                rows.append(_new(OrderNeed, (line.ref, line.ref, line.item, line.steps)))
        return tuple(rows)

    def need(self, ref: str) -> OrderNeed | None:
        """The need of this ref; None where the order has none (any more)."""
        return next((need for need in self.needs if need.ref == ref), None)

    def need_of(self, name: str) -> OrderNeed:
        """The need of this ref, or the only one of this item.

        Raises:
            InvalidInput: (`invalid_input`) none or several; the refs are given.
        """
        return named(self.needs, name, "needs")

    def line(self, ref: str) -> OrderLine:
        """The line of this ref, or the only line of this item.

        Raises:
            InvalidInput: (`invalid_input`) none or several; the refs are given.
        """
        return named(self.lines, ref, "lines")

    @property
    def total(self) -> Money | None:
        """The sum of the line totals; None where a line has no price. A sample costs nothing.

        Raises:
            CurrencyMismatch: (`currency_mismatch`) lines in several currencies.
        """
        rows = [line.total for line in self.lines if not (line.sample and line.price is None)]
        if not rows or any(total is None for total in rows):
            return None
        first, *rest = [total for total in rows if total is not None]
        return sum(rest, first)

    @property
    def totals(self) -> Totals | None:
        """Goods, discount, shipping, tax, net and gross; None where a line has no price.

        Raises:
            CurrencyMismatch: (`currency_mismatch`) several currencies.
        """
        goods = self.total
        if goods is None:
            return None
        tax = sum([line.tax for line in self.lines if line.tax is not None], self.tax if self.tax is not None else goods * 0)
        return totals(goods, self.discount, self.shipping_price, tax, included=self.tax_included)


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
    if now == "merged":
        return OrderStatus.MERGED
    gone = sum(line.shipped + line.delivered for line in lines)
    still_open = [line for line in lines if line.shipped + line.delivered < line.ordered]
    if now == "closed" and not gone:
        return OrderStatus.CANCELLED
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
        OrderStatus.MERGED: "zusammengelegt",
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
