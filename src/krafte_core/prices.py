"""What was agreed with customers: prices by amount and day, discounts, the smallest order, the credit limit. Pure functions on values.

>>> soap = Item("soap", unit="each", packs={"case": 12})
>>> rows = [Price("soap", "3.00 EUR"), Price("soap", "2.70 EUR", since="10 case"), Price("soap", "33.00 EUR", per="case")]
>>> prices = PriceList("trade", rows)
>>> [str(price_of(prices, soap, amount, date(2026, 11, 23)).price) for amount in ("5 each", "120 each")]
['33.00 EUR', '2.70 EUR']
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.errors import CurrencyMismatch, InvalidInput, Unknown
from krafte_core.items import Item, code
from krafte_core.items import attributes as pairs
from krafte_core.money import Money, money
from krafte_core.money import price as read_price
from krafte_core.orders import CustomerOrder, OrderLine
from krafte_core.terms import Discount
from krafte_core.terms import discount as read_discount
from krafte_core.times import day


def _day(given: date | str | None) -> date | None:
    return None if given is None else day(given)


@attrs.frozen
class Price:
    """A price of an item, from an amount on and on certain days.

    Args:
        item: the item's code.
        price: for one of `per`, a unit or pack of the item; default its own unit.
        since: the smallest amount of a line that it holds for (`"10 case"`); default any.
        first, last: the days on which it holds, both included; default always.
    """

    item: str = attrs.field(converter=code)
    price: Money = attrs.field(converter=money)
    per: str = attrs.field(default="", kw_only=True)
    since: str = attrs.field(default="", kw_only=True)
    first: date | None = attrs.field(default=None, kw_only=True, converter=_day)
    last: date | None = attrs.field(default=None, kw_only=True, converter=_day)


def _rows(given: Iterable[Price]) -> tuple[Price, ...]:
    return tuple(given)


@attrs.frozen
class PriceList:
    """What a customer, or a group of them, pays and may order.

    Args:
        code: its name.
        prices: the rows; of those that hold, the one for the largest amount counts, then the one that began last, then the cheapest.
        discount: off every line that has no discount of its own.
        smallest_order: what an order must come to at least.
        credit_limit: what may be open in all, this order included.
    """

    code: str = attrs.field(converter=code)
    prices: tuple[Price, ...] = attrs.field(converter=_rows)
    discount: Discount | None = attrs.field(default=None, kw_only=True, converter=read_discount)
    smallest_order: Money | None = attrs.field(default=None, kw_only=True, converter=read_price)
    credit_limit: Money | None = attrs.field(default=None, kw_only=True, converter=read_price)


@attrs.frozen
class Customer:
    """What was agreed with one customer; register it, and every order that is placed under its code is priced and checked.

    Args:
        code: the customer's name in orders; a number, where it is a person whose data may have to be erased one day.
        name: what people call it.
        prices: the code of a price list.
        discount, smallest_order, credit_limit: where they differ from those of the price list.

    >>> Customer("Hotel Post", prices="trade", credit_limit="500 EUR").prices
    'trade'
    """

    code: str = attrs.field(converter=code)
    name: str = attrs.field(default="", kw_only=True)
    prices: str = attrs.field(default="", kw_only=True)
    discount: Discount | None = attrs.field(default=None, kw_only=True, converter=read_discount)
    smallest_order: Money | None = attrs.field(default=None, kw_only=True, converter=read_price)
    credit_limit: Money | None = attrs.field(default=None, kw_only=True, converter=read_price)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=pairs)

    def terms(self, prices: PriceList | None) -> PriceList:
        """The price list with the customer's own terms on it.

        >>> trade = PriceList("trade", [], discount="5 %")
        >>> Customer("Hotel Post", credit_limit="500 EUR").terms(trade).discount
        Fraction(1, 20)
        """
        told = {name: getattr(self, name) for name in ("discount", "smallest_order", "credit_limit")}
        own = {name: value for name, value in told.items() if value is not None}
        return attrs.evolve(prices if prices is not None else PriceList(self.code, ()), **own)


@attrs.frozen(kw_only=True)
class Verdict:
    """Whether an order may go on; `hold` says why a person must look at it first, with the amounts."""

    total: Money | None
    hold: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing holds it."""
        return not self.hold


def price_of(prices: PriceList, item: Item, amount: Any, on: date) -> Price:
    """The row that holds for so much of an item on a day.

    Raises:
        Unknown: (`unknown`) the list has no price for it; InvalidInput: an amount that is none.
    """
    steps = item.steps(amount)
    best: tuple[int, date, Fraction] | None = None
    found: Price | None = None
    for row in prices.prices:
        if row.item != item.code or (row.first and on < row.first) or (row.last and on > row.last):
            continue
        floor = item.steps(row.since) if row.since else 0
        if floor > steps:
            continue
        rank = (floor, row.first or date.min, -Fraction(row.price.amount) / item.ratio(row.per or item.unit))
        if best is None or rank > best:
            best, found = rank, row
    if found is None:
        named = tuple(dict.fromkeys(row.item for row in prices.prices))
        raise Unknown(f"price in {prices.code} on {on} for", item.code, named)
    return found


def priced(lines: Sequence[OrderLine], prices: PriceList, items: Mapping[str, Item], on: date) -> tuple[OrderLine, ...]:
    """The lines with the list's prices and discount; a price or discount that a line has already stays.

    >>> soap = Item("soap", unit="each")
    >>> prices = PriceList("trade", [Price("soap", "3 EUR")], discount="5 %")
    >>> rows = priced([OrderLine("soap", "5 each")], prices, {"soap": soap}, date(2026, 1, 1))
    >>> str(rows[0].price), rows[0].discount
    ('3.00 EUR', Fraction(1, 20))
    """
    done = []
    for line in lines:
        if line.sample or line.price is not None:
            done.append(line)
            continue
        if line.item not in items:
            raise Unknown("item", line.item, tuple(items))
        row = price_of(prices, items[line.item], line.amount, on)
        off = line.discount if line.discount is not None else prices.discount
        done.append(attrs.evolve(line, price=row.price, per=row.per, discount=off))
    return tuple(done)


def verdict(prices: PriceList, order: CustomerOrder, *, owed: Money | str | None = None) -> Verdict:
    """Whether an order is large enough and within the credit limit; `owed` is what the customer owes already.

    The goods make an order large enough; what the customer pays for all of it, shipping and taxes included, counts to the credit. An
    order without a total (a line without price) is held: nobody can tell what it comes to.

    Raises:
        CurrencyMismatch: (`currency_mismatch`) the list and the order in several currencies. InvalidInput: (`invalid_input`)
    """
    total, whole = order.total, order.totals
    if total is None or whole is None:
        return Verdict(total=None, hold=("a line has no price",))
    hold = []
    if prices.smallest_order is not None and _same(total, prices.smallest_order) < prices.smallest_order:
        hold.append(f"{total} is less than the smallest order of {prices.smallest_order}")
    if prices.credit_limit is not None:
        before = money(owed) if owed is not None else total * 0
        open_then = _same(before, whole.gross) + whole.gross
        if _same(open_then, prices.credit_limit) > prices.credit_limit:
            hold.append(f"{open_then} would be open, the credit limit is {prices.credit_limit}")
    return Verdict(total=total, hold=tuple(hold))


def _same(one: Money, other: Money) -> Money:
    if one.currency != other.currency:
        raise CurrencyMismatch("prices", one.currency, other.currency)
    return one


def check_list(prices: PriceList, items: Mapping[str, Item]) -> tuple[str, ...]:
    """What is wrong with a list: unknown items, units without a bridge, days that end before they begin, two currencies.

    >>> check_list(PriceList("trade", [Price("saop", "1 EUR")]), {})
    ("row 1: no item 'saop'",)
    """
    problems = []
    terms = [one for one in (prices.discount, prices.smallest_order, prices.credit_limit) if isinstance(one, Money)]
    currencies = {row.price.currency for row in prices.prices} | {one.currency for one in terms}
    if len(currencies) > 1:
        problems.append("several currencies: " + ", ".join(sorted(currencies)))
    for place, row in enumerate(prices.prices, 1):
        if row.price.amount < 0:
            problems.append(f"row {place}: {row.price} is below zero")
        if row.item not in items:
            problems.append(f"row {place}: no item {row.item!r}")
            continue
        if row.first and row.last and row.last < row.first:
            problems.append(f"row {place}: ends on {row.last}, before it begins on {row.first}")
        try:
            items[row.item].ratio(row.per or items[row.item].unit)
            items[row.item].steps(row.since) if row.since else None
        except InvalidInput as problem:
            problems.append(f"row {place}: {problem}")
    return tuple(problems)
