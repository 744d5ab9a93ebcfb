"""Writing an order down: what its lines, terms and address must be before it gets its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.addresses import Address
from krafte_core.desks.agreeing import agreed, check_terms, with_prices
from krafte_core.errors import CurrencyMismatch, InvalidInput
from krafte_core.events import OrderPlaced
from krafte_core.items import Item, code, note, one_of
from krafte_core.money import Money, price
from krafte_core.orders import DELIVERIES, CustomerOrder, OrderLine
from krafte_core.straight import straight
from krafte_core.terms import discount
from krafte_core.work import Work

MOST_LINES = 10_000
MOST_PRIORITY = 1_000_000
_PLAIN: Mapping[str, Any] = {}
_ONE = Fraction(1)
_line, _order, _placed = straight(OrderLine), straight(CustomerOrder), straight(OrderPlaced)


def listed(lines: Any) -> tuple[OrderLine, ...]:
    """The lines as they were given.

    Raises:
        InvalidInput: (`invalid_input`) something else than order lines; none, or more than ten thousand.

    >>> [line.item for line in listed([OrderLine("soap", "2 each")])]
    ['soap']
    """
    if not isinstance(lines, Sequence) or not all(isinstance(line, OrderLine) for line in lines):
        raise InvalidInput("lines", lines, "a list of OrderLine")
    if not 0 < len(lines) <= MOST_LINES:
        raise InvalidInput("lines", f"{len(lines)} lines", f"1 to {MOST_LINES}")
    return tuple(lines)


def address(given: Any) -> Address | None:
    """The address, if its texts can be kept.

    >>> address(None) is None
    True
    """
    if given is not None and not isinstance(given, Address):
        raise InvalidInput("ship_to", given, "an Address")
    for field in attrs.fields(Address) if given is not None else ():
        note(getattr(given, field.name), f"ship_to.{field.name}")
    return given


def whole(value: int, field: str) -> int:
    """The value, if it is a whole number of a sane size.

    >>> whole(5, "priority")
    5
    """
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST_PRIORITY:
        raise InvalidInput(field, value, f"a whole number, at most {MOST_PRIORITY}")
    return value


def order_terms(delivery: str, off: Any, shipping_price: Any, tax: Any, included: Any) -> Mapping[str, Any]:
    """The terms of a whole order, by the names of its fields; nothing where nothing was said.

    >>> str(order_terms("partial", None, "4.90 EUR", None, False)["shipping_price"])
    '4.90 EUR'
    """
    if delivery == "partial" and off is None and shipping_price is None and tax is None and included is False:
        return _PLAIN
    if not isinstance(included, bool):
        raise InvalidInput("tax_included", included, "True or False")
    return {
        "delivery": one_of(delivery, DELIVERIES, "delivery"),
        "discount": discount(off),
        "shipping_price": price(shipping_price),
        "tax": price(tax),
        "tax_included": included,
    }


def checked_lines(work: Work, lines: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    """The lines in the items' own units, each with a ref of its own, its pack and its composition."""
    checked: list[OrderLine] = []
    refs: set[str] = set()
    kits = work.catalogue.kits
    for place, line in enumerate(lines, 1):
        item = work.item(line.item)
        steps = item.positive(line.amount, f"line {place} ({line.item})")
        ref = code(line.ref, f"line {place}: ref") if line.ref else str(place)
        if ref in refs or "/" in ref or "+" in ref:
            raise InvalidInput(f"line {place}: ref", ref, "a name of its own, without a slash or a plus")
        refs.add(ref)
        checked.append(
            _line(
                line.item,
                item.quantity(steps),
                price=line.price,
                per=line.per,
                discount=line.discount,
                tax=line.tax,
                sample=line.sample,
                over=line.over,
                under=line.under,
                ref=ref,
                note=note(line.note),
                attributes=line.attributes,
                given=line.amount if isinstance(line.amount, str) else str(line.amount),
                steps=steps,
                parts=kits[line.item] if kits and line.item in kits else (),
                pack=_pack(item, line.per, place) if line.per else _ONE,
            )
        )
        if isinstance(line.discount, Money):
            _within(checked[-1], place)
    return tuple(checked)


def _pack(item: Item, per: str, place: int) -> Fraction:
    """How many of the item's unit a price is for."""
    name = code(per, f"line {place}: per")
    return item.ratio(name) / item.ratio(item.unit)


def _within(line: OrderLine, place: int) -> None:
    """A discount in money is in the price's currency and at most the price."""
    off = line.discount
    if line.price is None or not isinstance(off, Money):
        raise InvalidInput(f"line {place}: discount", str(off), "a price that it is taken off")
    if line.price.currency != off.currency:
        raise CurrencyMismatch(f"line {place}: discount", off.currency, line.price.currency)
    total = line.total
    if total is not None and total.amount < 0:
        raise InvalidInput(f"line {place}: discount", str(off), "at most what the line costs")


def file_order(work: Work, order: CustomerOrder) -> CustomerOrder:
    """Write a new order and tell it."""
    work.file(order, new=True)
    work.step(order, "", "place")
    work.tell(_placed(work.at, order.number, order.customer))
    return order


def write_down(
    work: Work,
    customer: str,
    lines: Sequence[OrderLine],
    fields: Mapping[str, Any],
    *,
    prices: str | None = None,
    owed: Money | None = None,
    as_told: bool = False,
) -> CustomerOrder:
    """Write a new order by the customer's terms: lines without a price get one, and what does not fit the terms is held.

    Args:
        work: the command.
        customer, lines: as given.
        fields: the other fields of the order.
        prices, owed: see `shop.orders.place`.
        as_told: an import: a line for which the list has no price stays without.
    """
    terms = agreed(work, customer, prices)
    checked = checked_lines(work, with_prices(work, lines, terms, as_told=as_told))
    work.catalogue.method(fields["shipping"])
    order = file_order(work, _order(work.number("CO"), customer, checked, placed_at=work.at, **fields))
    check_terms(work, order, terms, owed)
    return order
