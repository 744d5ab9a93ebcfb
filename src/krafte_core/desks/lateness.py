"""Who is late: the orders behind a supply that moved, and when they are expected now.

Three dates never mix: requested is the customer's wish, promised was given and stands in the diary, expected is computed now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import attrs

from krafte_core.allocation import PURCHASE, Allocation
from krafte_core.coverage import NEVER
from krafte_core.desks.needs import OrderNeeds, arrival_of, promise_for
from krafte_core.diary import Entry
from krafte_core.events import OrderLate
from krafte_core.orders import CustomerOrder
from krafte_core.production import ProductionOrder
from krafte_core.purchasing import PurchaseOrder
from krafte_core.scheduling import Search
from krafte_core.store import SupplyKey
from krafte_core.times import epoch
from krafte_core.work import Seen, Work


@attrs.frozen
class Late:
    """An order that will be later than promised (or, without a promise, than requested); `expected` None: nobody can tell."""

    order: str
    customer: str
    requested: date | None
    promised: date | None
    expected: date | None

    @property
    def days(self) -> int | None:
        """By how many days."""
        due = self.promised or self.requested
        return None if due is None or self.expected is None else (self.expected - due).days


def promised_of(entries: Iterable[Entry]) -> date | None:
    """The date that was given to the customer last.

    >>> from datetime import datetime
    >>> promised_of([Entry("CO-1", "confirm", datetime(2026, 1, 1), details=(("promised", "2026-01-09"),))])
    datetime.date(2026, 1, 9)
    """
    told = [(entry.step, dict(entry.details)) for entry in entries]
    given = [details.get("promised") for step, details in told if step == "confirm" or "promised" in details]
    last = given[-1] if given else None
    return date.fromisoformat(last) if last else None


def behind(work: Work, supplies: Iterable[SupplyKey]) -> list[str]:
    """The orders that wait for any of these supplies, directly or through the runs that will use them; in the order of numbers."""
    frontier = [*supplies]
    seen: set[SupplyKey] = set()
    orders: set[str] = set()
    while frontier:
        seen.update(frontier)
        claims = work.reader.claims(frontier)
        filed = work.reader.papers({link.demand for links in claims.values() for link in links})
        papers = [row.paper for row in filed.values()]
        orders.update(paper.number for paper in papers if isinstance(paper, CustomerOrder))
        runs = [supply for paper in papers if isinstance(paper, ProductionOrder) for supply in paper.supplies]
        frontier = [supply for supply in runs if supply not in seen]
    return sorted(orders, key=lambda number: (len(number), number))


def late(work: Work, orders: Sequence[str]) -> tuple[Late, ...]:
    """Those of the orders that will be later than promised or, without a promise, than requested; and an event for each."""
    filed, diaries = work.reader.papers(orders), work.reader.diary(orders)
    rows = []
    for number in orders:
        paper = filed[number].paper
        found = expected(work, paper)
        row = Late(number, paper.customer, paper.requested, promised_of(diaries[number]), found)
        due = row.promised or row.requested
        if found is None or (due is not None and found > due):
            rows.append(row)
    return tuple(rows)


def expected(work: Work, order: CustomerOrder) -> date | None:
    """The day on which an order would arrive as things stand now; None where nobody can tell."""
    needs = OrderNeeds(work, order)
    if not needs.runs and not any(steps for _, steps in needs.lines):
        at = arrival_of(work, order, Search(Seen(work, ())))(_last_purchase(work, needs.links))
        return work.day(at)  # its links tell it, there is nothing to search
    arrival = promise_for(work, needs, frozenset()).arrival
    return None if arrival is None else work.day(arrival.timestamp())


def _last_purchase(work: Work, links: Iterable[Allocation]) -> float:
    """When the last purchase that is linked will be here; now, if there is none."""
    lines = {(link.ref, link.place) for link in links if link.source == PURCHASE}
    filed = work.reader.papers({number for number, _ in lines}) if lines else {}
    times = [epoch(paper.due(paper.line(line))) for number, line in lines for paper in (filed[number].paper,)]
    return float(max([work.now, *times]))


def moved(work: Work, supplies: Iterable[SupplyKey], *, besides: str = "") -> tuple[Late, ...]:
    """After supplies have moved: the orders that this makes late, each told of by an event.

    Who was late before is not made late by it. Where no supply comes later than before, nobody is, and nothing is searched.

    Args:
        besides: an order that is not to be named: the one that moved them.
    """
    work.settle()
    before = work.before()
    orders = [number for number in behind(work, [one for one in supplies if _comes_later(work, before, one)]) if number != besides]
    now = late(work, orders) if orders else ()
    was = {row.order for row in late(before, [row.order for row in now])} if now else set()
    rows = tuple(row for row in now if row.order not in was)
    for row in rows:
        work.tell(OrderLate(work.at, row.order, row.customer, row.promised, row.expected))
    return rows


def _comes_later(work: Work, before: Work, supply: SupplyKey) -> bool:
    """Whether a supply comes later than it did before the command; what is new may be a part of something that was to come sooner."""
    item, number = supply[1:]
    old = before.reader.papers([number]).get(number)
    return old is None or any(
        at > was for at, was in zip(_comes(work.reader.papers([number])[number].paper, item), _comes(old.paper, item), strict=True)
    )


def _comes(paper: ProductionOrder | PurchaseOrder, item: str) -> list[float]:
    if isinstance(paper, PurchaseOrder):
        return [epoch(paper.due(line)) for line in paper.lines if line.item == item]
    return [epoch(paper.planned_end) if paper.planned_end else NEVER]
