"""What leaving the house does to an order: complete or not at all, where that was agreed; nothing more is open when all is gone."""

from __future__ import annotations

from collections.abc import Iterable

from krafte_core.allocation import Allocation
from krafte_core.availability import shortage
from krafte_core.errors import Short
from krafte_core.netting import shipped
from krafte_core.orders import CustomerOrder
from krafte_core.work import Work


def depart(work: Work, order: CustomerOrder, leaving: Iterable[tuple[Allocation, int]]) -> None:
    """So much of these links of an order leaves now.

    Raises:
        Short: (`short`) the order is delivered complete or not at all, and something would be left behind.
    """
    sums: dict[str, int] = {}
    for link, steps in leaving:
        sums[link.line] = sums.get(link.line, 0) + steps
    needs = order.needs
    if any(sums.get(need.ref, 0) < need.steps for need in needs):
        before = shipped(work, order.number)
        left = [(need, need.steps - before.get(need.ref, 0) - sums.get(need.ref, 0)) for need in needs]
        lacking = [(need, steps) for need, steps in left if steps > 0]
        if lacking and order.delivery == "complete":
            rows = [(work.item(need.item), need.steps, steps) for need, steps in lacking]
            raise Short(tuple([shortage(item.code, item.scale, wanted, wanted - steps) for item, wanted, steps in rows]))
        if lacking:
            return
    work.changes.closed.add(order.number)
