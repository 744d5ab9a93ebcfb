"""Bringing orders forward after good news: stock was found, a delivery comes sooner, another order is cancelled.

What was planned stays where it is, also when it could be sooner by now: nobody wants a workshop that moves all the time. So it is
asked for: which orders could be earlier, and bring these forward. An order gives back what it counts on and has not got yet, its
planned runs give back their time, and all of it is covered and placed again from now on, out of what is there and on its way. Nothing
new is made or bought for it, what others count on stays theirs, and a run that is released, or that somebody else waits for as well,
never moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import attrs

from krafte_core.allocation import LOT, PEGGED, PICKED, QUOTED, RESERVED, RUN, rank
from krafte_core.coverage import lacking
from krafte_core.desks.lateness import expected, promised_of
from krafte_core.desks.mending import MovedRun
from krafte_core.desks.needs import OrderNeeds, reach_of
from krafte_core.diary import allow
from krafte_core.errors import BeyondHorizon, NeverFits
from krafte_core.events import Event, ProductionRescheduled
from krafte_core.netting import Writer, linked_runs
from krafte_core.orders import ORDER_STEPS, CustomerOrder
from krafte_core.production import ProductionOrder
from krafte_core.scheduling import Search
from krafte_core.work import Seen, Work


@attrs.frozen
class Earlier:
    """An order that could be there earlier (or is, now that it was brought forward): on `after` instead of `before`."""

    order: str
    customer: str
    requested: date | None
    promised: date | None
    before: date | None
    after: date

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.order} ({self.customer}): {self.after} instead of {self.before or 'nobody knows when'}"


@attrs.frozen
class Advanced:
    """What bringing forward did: the orders that are earlier now, and the runs that moved for them."""

    orders: tuple[Earlier, ...]
    moved: tuple[MovedRun, ...]
    events: tuple[Event, ...]

    def __str__(self) -> str:
        """One line for each order and each run."""
        return "\n".join(map(str, (*self.orders, *self.moved))) or "nothing can be earlier"


def earlier(work: Work, names: Sequence[str] | None) -> tuple[Earlier, ...]:
    """Those of the orders that could be earlier, each asked for itself; default all that will be late."""
    return tuple(found for order in _orders(work, names) if (found := _could(work, order)[0]) is not None)


def advance(work: Work, names: Sequence[str] | None) -> Advanced:
    """The decision behind `shop.planning.advance`: one order after the other, the most urgent first."""
    orders, moved = list[Earlier](), list[MovedRun]()
    for order in _orders(work, names):
        found, chained = _could(work, order)
        if found is not None:
            moved += _anew(work, order, chained=chained) or ()
            orders.append(found)
    return Advanced(tuple(orders), tuple(sorted(moved, key=lambda one: (one.start, one.production))), work.told())


def _orders(work: Work, names: Sequence[str] | None) -> list[CustomerOrder]:
    """The orders of these numbers, or every confirmed one that will be later than promised or requested; the most urgent first."""
    if names is not None:
        found: list[CustomerOrder] = [work.paper(CustomerOrder, name) for name in dict.fromkeys(names)]
        for order in found:
            allow(ORDER_STEPS, order.number, work.state(order), "confirm")
    else:
        filed = {row.paper.number: row for rows in work.reader.open_papers("order", [*work.catalogue.items]).values() for row in rows}
        work.known(filed.values())
        found = [row.paper for row in filed.values() if work.state(row.paper) in ("placed", "confirmed") and _is_late(work, row.paper)]
    return sorted(found, key=lambda one: rank(one.priority, one.requested, one.placed_at, one.number))


def _is_late(work: Work, order: CustomerOrder) -> bool:
    due = promised_of(work.reader.diary((order.number,))[order.number]) or order.requested
    if due is None or not work.reader.links((order.number,))[order.number]:
        return False
    when = expected(work, order)
    return when is None or when > due


def _could(work: Work, order: CustomerOrder) -> tuple[Earlier | None, bool]:
    """Tried on the side: whether the order would be earlier, and whether its runs go on waiting for each other then."""
    work.settle()
    before = expected(work, order)
    for chained in (True, False):
        trial = work.trial()
        try:
            after = None if _anew(trial, order, chained=chained) is None else expected(trial, order)
        except (BeyondHorizon, NeverFits):
            continue
        if after is not None and (before is None or after < before):
            promised = promised_of(work.reader.diary((order.number,))[order.number])
            return Earlier(order.number, order.customer, order.requested, promised, before, after), chained
    return None, True


class _Again(OrderNeeds):
    """The needs of an order and of its own runs, which are all placed again from now on."""

    def __init__(self, work: Work, order: CustomerOrder, runs: Iterable[str]) -> None:
        super().__init__(work, order)
        self.moved = dict.fromkeys(runs, float(work.now))
        self._follow([*runs])
        self._own = len(self.runs), len(self.inputs)


def _anew(work: Work, order: CustomerOrder, *, chained: bool) -> list[MovedRun] | None:
    """Cover and place the order again from now on, out of what there is; the runs that moved, None where something would be missing.

    `chained` runs of the order keep what they count on of each other.
    """
    runs = _own_runs(work, order)
    links = [link for links in work.reader.links((order.number, *runs)).values() for link in links]
    given = [link for link in links if link.source != LOT and link.firmness not in (PICKED, QUOTED)]
    given = [link for link in given if not (chained and link.ref in runs)]
    for link in given:
        work.unlink(link)
    for number in runs:
        for booking in work.reader.booked_for((number,))[number]:
            work.unbook(booking)
    work.settle()
    needs = _Again(work, order, runs)
    reach = reach_of(work, [*order.items, *(run.item for run in runs.values())])
    covers = needs.search(Search(Seen(work, reach, customer=order.customer), make=False, buy=False))
    if lacking(covers):
        return None
    needs.write(Writer(work, PEGGED if links and all(link.firmness == PEGGED for link in links) else RESERVED), covers)
    work.settle()
    return [found for run in runs.values() if (found := _moved(work, order, run)) is not None]


def _own_runs(work: Work, order: CustomerOrder) -> dict[str, ProductionOrder]:
    """The runs that are planned for this order and for nobody else, each before those that it waits for."""
    numbers = [link.ref for link in work.reader.links((order.number,))[order.number] if link.source == RUN]
    found = {run.number: run for run, state, _ in linked_runs(work, numbers) if state == "planned" and run.planned_start}
    while True:
        claims = work.reader.claims([supply for run in found.values() for supply in run.supplies])
        own = {order.number, *found}
        shared = [number for (_, _, number), links in claims.items() if any(link.demand not in own for link in links)]
        if not shared:
            return found
        found = {number: run for number, run in found.items() if number not in shared}


def _moved(work: Work, order: CustomerOrder, before: ProductionOrder) -> MovedRun | None:
    """What is told of a run, and written into its diary, if it is made at another time now."""
    now: ProductionOrder = work.paper(ProductionOrder, before.number)
    if (now.planned_start, now.planned_end) == (before.planned_start, before.planned_end):
        return None
    why = f"{order.number} is brought forward"
    work.step(now, "planned", "reschedule", reason=why)
    work.tell(ProductionRescheduled(work.at, now.number, now.item, now.planned_start, now.planned_end))
    times = before.planned_start, before.planned_end, now.planned_start, now.planned_end
    return MovedRun(now.number, now.item, *times, why)  # type: ignore[arg-type]
