"""What to make and to buy next, as a list to be signed: for what runs low, for what confirmed orders and runs still lack.

A list of proposals is a plan, told line by line. Accepted as a whole, the next list has nothing of it any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import attrs

from krafte_core.plan import Plan
from krafte_core.quantities import Quantity
from krafte_core.tables import aligned
from krafte_core.times import local_date


@attrs.frozen
class Proposal:
    """One line: make or buy so much of an item.

    Attributes:
        ref: its name within the list; `accept` takes it.
        kind: `"make"` or `"buy"`; `supplier` is where to buy.
        start: when the work begins, or by when to order; `ready`: when it will be there.
        reason: the order or run that lacks it, or `"stock"`.
    """

    ref: str
    kind: str
    item: str
    amount: Quantity
    start: datetime
    ready: datetime
    reason: str
    supplier: str = ""


@attrs.frozen
class Low:
    """An item that would fall below its minimum.

    `left` is what would be left of all that is there and comes, after all that is wanted. `proposed` is what the list makes or buys of
    it; less than it takes to reach the target where `problem` says why.
    """

    item: str
    minimum: Quantity
    target: Quantity
    left: Quantity
    proposed: Quantity
    problem: str = ""


@attrs.frozen
class Proposals:
    """All proposals of a moment, the first to begin first, and what runs low."""

    rows: tuple[Proposal, ...]
    low: tuple[Low, ...]
    plan: Plan = attrs.field(eq=False, repr=False)
    zone: str = "UTC"

    def __iter__(self) -> Iterator[Proposal]:
        """One after the other."""
        return iter(self.rows)

    def __len__(self) -> int:
        """How many."""
        return len(self.rows)

    def table(self) -> str:
        """The list to be signed: when to begin (or to order), what, how much, for whom, when it is there."""
        head = ("begin", "ref", "make or buy", "item", "amount", "ready", "for")
        rows = [
            (str(local_date(row.start, self.zone)), row.ref, row.kind + (f" from {row.supplier}" if row.supplier else ""), row.item,
             str(row.amount), str(local_date(row.ready, self.zone)), row.reason)
            for row in self.rows
        ]  # fmt: skip
        return "\n".join(aligned(head, rows))

    def __str__(self) -> str:
        """The table; what cannot be filled up stands below it."""
        problems = [f"{row.item}: {row.left} left, below {row.minimum}; {row.problem}" for row in self.low if row.problem]
        return "\n".join([self.table(), *problems])


def proposals_of(plan: Plan, zone: str) -> Proposals:
    """A plan as a list of proposals."""
    rows = [Proposal(row.ref, "make", row.item, row.amount, row.start, row.end, row.reason) for row in plan.to_make()]
    rows += [Proposal(row.ref, "buy", row.item, row.amount, row.order_by, row.at, row.reason, row.supplier) for row in plan.to_buy()]
    low = []
    for keep in plan.asked.keep:
        (left, after, why), item = plan.left[keep.item], plan.items[keep.item]
        if left < keep.minimum:
            problem = "" if after >= keep.target else why
            minimum, target = item.quantity(keep.minimum), item.quantity(keep.target)
            low.append(Low(keep.item, minimum, target, item.quantity(left), item.quantity(after - left), problem))
    return Proposals(tuple(sorted(rows, key=lambda row: (row.start, row.ready, row.ref))), tuple(low), plan, zone)
