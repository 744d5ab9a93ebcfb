"""What was agreed with a customer: prices for an order that is placed, and whether it may go on. Part of the order desk."""

from __future__ import annotations

from collections.abc import Sequence

from krafte_core.desks.holding import put_on_hold
from krafte_core.errors import CurrencyMismatch, Unknown
from krafte_core.holds import TERMS, holds
from krafte_core.money import Money
from krafte_core.orders import CustomerOrder, OrderLine
from krafte_core.prices import PriceList, priced, verdict
from krafte_core.work import Work


def agreed(work: Work, customer: str, prices: str | None = None) -> PriceList | None:
    """The terms that hold for a customer: those of a price list, with the customer's own on it; None where nothing was agreed.

    Raises:
        Unknown: (`unknown`) no such price list.
    """
    catalogue = work.catalogue
    known = catalogue.customers.get(customer) if catalogue.customers else None
    if prices is None and known is None:
        return None
    name = prices if prices is not None else known.prices if known is not None else ""
    if name and (not isinstance(name, str) or name not in catalogue.price_lists):
        raise Unknown("price list", name, tuple(catalogue.price_lists))
    found = catalogue.price_lists.get(name)
    return known.terms(found) if known is not None else found


def with_prices(work: Work, lines: Sequence[OrderLine], terms: PriceList | None, *, as_told: bool = False) -> Sequence[OrderLine]:
    """The lines with the prices of the list; what a line says itself stays.

    Args:
        work: the command.
        lines: as given.
        terms: as `agreed`; without prices the lines stay as they are.
        as_told: leave a line without a price where the list has none, instead of refusing it.

    Raises:
        Unknown: (`unknown`) the list has no price for an item.
    """
    if terms is None or not terms.prices:
        return lines
    rows: list[OrderLine] = []
    for line in lines:
        try:
            rows += priced([line], terms, work.catalogue.items, work.today)
        except Unknown:
            if not as_told:
                raise
            rows.append(line)
    return rows


def check_terms(work: Work, order: CustomerOrder, terms: PriceList | None, owed: Money | None = None) -> None:
    """Put an order on hold that is too small or beyond the credit limit; one that was held for another reason says the new one."""
    if terms is None or (terms.smallest_order is None and terms.credit_limit is None):
        return
    try:
        reasons = _reasons(work, order, terms, owed)
    except CurrencyMismatch as problem:
        reasons = (str(problem),)
    told = "; ".join(reasons)
    if told and told not in [hold.reason for hold in holds(work.reader.diary((order.number,))[order.number])]:
        put_on_hold(work, order, TERMS, told)


def _reasons(work: Work, order: CustomerOrder, terms: PriceList, owed: Money | None) -> tuple[str, ...]:
    if terms.credit_limit is None:
        return verdict(terms, order).hold
    work.touch(f"credit of {order.customer}")  # of two orders at the same moment the second one sees the first
    before = terms.credit_limit * 0 if owed is None else owed
    unknown = []
    for other in open_orders(work, order):
        whole = other.totals
        if whole is None:
            unknown.append(f"nobody knows what {other.number} comes to")
        else:
            before = whole.gross + before
    return (*verdict(terms, order, owed=before).hold, *unknown)


def open_orders(work: Work, order: CustomerOrder) -> Sequence[CustomerOrder]:
    """The customer's other orders of which something has still to leave."""
    found = work.reader.open_orders(order.customer)
    return sorted([other for other in found if other.number != order.number], key=lambda other: other.number)


def changed_lines(work: Work, order: CustomerOrder, lines: Sequence[OrderLine]) -> Sequence[OrderLine]:
    """The lines of a change; those of items that the order does not have yet are priced as if they were placed today."""
    terms = agreed(work, order.customer)
    known = {line.item for line in order.lines}
    refs = {line.ref for line in order.lines}
    if terms is None:
        return lines
    return [line if line.item in known or line.ref in refs else with_prices(work, [line], terms)[0] for line in lines]


def keep_terms(work: Work, before: CustomerOrder, order: CustomerOrder) -> None:
    """After a change of what an order comes to: it must still be large enough and within the credit limit, or somebody must decide."""
    terms = agreed(work, order.customer)
    if terms is not None and order.totals != before.totals:
        check_terms(work, order, terms)
