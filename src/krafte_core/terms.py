"""The terms of an order in money: price per unit or pack, discount, tax, and how the whole adds up; exact, rounded once per line."""

from __future__ import annotations

from fractions import Fraction

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.money import Money, UnroundedMoney, money
from krafte_core.quantities import Quantity
from krafte_core.recipes import percent

Discount = Money | Fraction
"""An amount off the whole, or a share of it."""


def discount(given: Discount | str | None, field: str = "discount") -> Discount | None:
    """What is taken off: money as it is, a percentage such as `"10 %"` as a share; None for nothing.

    Raises:
        InvalidInput: (`invalid_input`) below zero, or more than everything.

    >>> discount("10 %"), str(discount("2.50 EUR"))
    (Fraction(1, 10), '2.50 EUR')
    """
    if given is None:
        return None
    if isinstance(given, Money) or (isinstance(given, str) and not given.rstrip().endswith("%")):
        off = money(given)
        if off.amount < 0:
            raise InvalidInput(field, str(given), "an amount of zero or more")
        return off
    return tolerance(given, field)


def tolerance(given: object, field: str) -> Fraction | None:
    """A share between nothing and the whole, from a text such as `"5 %"`; None where none is agreed.

    >>> tolerance("5 %", "over")
    Fraction(1, 20)
    """
    if given is None:
        return None
    share = percent(given, field)
    if not 0 <= share <= 1:
        raise InvalidInput(field, given, "a share from 0 % to 100 %")
    return share


def less(whole: Money | UnroundedMoney, off: Discount | None) -> UnroundedMoney:
    """The whole without its discount, exactly.

    >>> str(less(money("20 EUR"), discount("12.5 %")).rounded())
    '17.50 EUR'
    """
    exact = whole + UnroundedMoney(Fraction(0), whole.currency) if isinstance(whole, UnroundedMoney) else whole * Fraction(1)
    if off is None:
        return exact
    return exact * (1 - off) if isinstance(off, Fraction) else exact + -off


def line_total(price: Money, amount: Quantity, pack: Fraction, off: Discount | None) -> Money:
    """What a line costs: the price for each pack of so many units, less the discount; rounded half-even to the minor unit, once.

    >>> from krafte_core.quantities import qty
    >>> str(line_total(money("38 EUR"), qty("30 each"), Fraction(12), discount("10 %")))
    '85.50 EUR'
    """
    return less(price * (Fraction(amount.value) / pack), off).rounded()


@attrs.frozen
class Totals:
    """What an order costs: `goods` (the lines, each after its own discount), less `discount`, plus `shipping` and `tax`.

    `net` is without tax, `gross` is what the customer pays. Where the prices hold the tax already, `gross` is the sum and `net` is
    that less the tax.
    """

    goods: Money
    discount: Money
    shipping: Money
    tax: Money
    net: Money
    gross: Money


def totals(goods: Money, off: Discount | None, shipping: Money | None, tax: Money, *, included: bool) -> Totals:
    """The whole from its parts; the discount of the order is rounded once.

    >>> str(totals(money("100 EUR"), discount("5 %"), money("4.90 EUR"), money("18.98 EUR"), included=False).gross)
    '118.88 EUR'
    """
    nothing = Money(goods.amount * 0, goods.currency)
    taken = nothing if off is None else (goods * off).rounded() if isinstance(off, Fraction) else off
    carriage = shipping if shipping is not None else nothing
    known = goods - taken + carriage
    net, gross = (known - tax, known) if included else (known, known + tax)
    return Totals(goods, taken, carriage, tax, net, gross)
