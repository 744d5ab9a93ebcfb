"""A basket of orders: when could all of them be delivered, if each takes what it needs before the next one is asked for.

Asked for one by one, two orders are promised the same stock and the same hours. Here they share them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import attrs

from krafte_core.allocation import rank
from krafte_core.desks.confirming import net
from krafte_core.desks.needs import Kept, OrderNeeds, accept_quote, promise_for, reach_of
from krafte_core.errors import InvalidInput
from krafte_core.netting import drop_expired_quotes
from krafte_core.orders import CustomerOrder
from krafte_core.promise import Promise
from krafte_core.work import Work


@attrs.frozen
class Basket:
    """The promises of several orders that share what there is, the most urgent first."""

    promises: tuple[Promise, ...]

    @property
    def arrival(self) -> datetime | None:
        """When the last of them arrives; None where nobody can tell."""
        found = [one.arrival for one in self.promises if one.arrival is not None]
        return max(found) if len(found) == len(self.promises) else None

    @property
    def date(self) -> date | None:
        """The day on which the last of them arrives."""
        return None if self.arrival is None else max(one.date for one in self.promises if one.date is not None)

    def __str__(self) -> str:
        """One line for each order."""
        return "\n".join(map(str, self.promises))


def basket(work: Work, names: Sequence[str]) -> Basket:
    """The decision behind `shop.orders.promise_all`; nothing of it is stored."""
    orders: list[CustomerOrder] = [work.paper(CustomerOrder, name) for name in dict.fromkeys(names)]
    if not orders:
        raise InvalidInput("orders", names, "at least one order")
    drop_expired_quotes(work, reach_of(work, [code for order in orders for code in order.items]))
    work.settle()
    trial, found = work.trial(), []
    for order in sorted(orders, key=lambda one: rank(one.priority, one.requested, one.placed_at, one.number)):
        found.append(promise_for(trial, OrderNeeds(trial, order), frozenset(), back=True))
        accept_quote(trial, order)
        net(trial, order, Kept(), reach_of(trial, order.items))
        trial.settle()
    return Basket(tuple(found))
