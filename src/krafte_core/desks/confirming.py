"""Covering what is open of an order: the netting behind `confirm`, and behind every change of an order that is confirmed."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from datetime import date

import attrs

from krafte_core.allocation import LOT, PICKED, QUOTED, RUN, Allocation, displaced
from krafte_core.availability import Shortage, shortages
from krafte_core.charging import formula_of
from krafte_core.coverage import NEVER, Batch, Booking, Cover, lacking
from krafte_core.desks.holding import going_on
from krafte_core.desks.needs import Kept, OrderNeeds, accept_quote, promised_date, reach_of
from krafte_core.desks.releasing import place_again, resize
from krafte_core.errors import BeyondHorizon, NeverFits, Short
from krafte_core.events import Event, OrderConfirmed
from krafte_core.netting import Displaced, Writer, demand_ranks, drop_expired_quotes, lose
from krafte_core.orders import CustomerOrder
from krafte_core.production import ProductionOrder
from krafte_core.scheduling import Search
from krafte_core.stock import pick, unusable
from krafte_core.straight import straight
from krafte_core.work import Seen, Work


@attrs.frozen
class Confirmed:
    """What `confirm` did: the promised date, the runs it planned, what is still short, and who was displaced by force."""

    order: str
    promised: date | None
    productions: tuple[str, ...]
    shortages: tuple[Shortage, ...]
    events: tuple[Event, ...]
    displaced: tuple[Displaced, ...] = ()


@attrs.frozen
class Netted:
    """What netting an order again gave: the date, the new runs, what is short, and the state that the order was in."""

    promised: date | None
    productions: tuple[str, ...]
    shortages: tuple[Shortage, ...]
    state: str

    @property
    def details(self) -> tuple[tuple[str, str], ...]:
        """The date as the diary keeps it."""
        return (("promised", self.promised.isoformat()),) if self.promised else ()


_confirmed, _netted, _told = straight(Confirmed), straight(Netted), straight(OrderConfirmed)


def net(work: Work, order: CustomerOrder, kept: Kept, reach: Sequence[str], *, make: bool = True, when_short: str = "wait") -> Netted:
    """Cover what is open of an order and write it down.

    Raises:
        Short: (`short`) with `when_short="refuse"`: what is missing per item, and when it could be there.
    """
    needs, search, covers = kept.plan(work, order, reach, make=make, renew=True)
    missing = lacking(covers) if search.lacks else {}
    short = shortages(missing, covers, work.catalogue.item) if missing else ()
    promised = promised_date(work, needs, search, covers)
    if short and when_short == "refuse":
        raise Short(short, promised)
    writer = Writer(work)
    needs.write(writer, covers)
    return _netted(promised, tuple([run.number for run in writer.runs.values()]), short, needs.state)


def confirm(work: Work, name: str, kept: Kept, *, make: bool, when_short: str, force: bool) -> Confirmed:
    """The decision behind `shop.orders.confirm`."""
    paper = work.paper(CustomerOrder, name)
    reach = reach_of(work, paper.items)
    if drop_expired_quotes(work, reach):
        accept_quote(work, paper)
    going_on(work, paper, "confirm")
    losers = take_for(work, paper) if force else ()
    done = net(work, paper, kept, reach, make=make, when_short=when_short)
    work.step(paper, done.state, "confirm", details=done.details)
    work.tell(_told(work.at, paper.number, paper.customer, done.promised))
    events = work.changes.events if not losers else work.told()
    return _confirmed(paper.number, done.promised, done.productions, done.shortages, tuple(events), losers)


def take_for(work: Work, order: CustomerOrder) -> tuple[Displaced, ...]:
    """By force: finished goods that are reserved for others become free for this order, as far as free stock is not enough."""
    needs = OrderNeeds(work, order, renew=True)
    rows: list[Displaced] = []
    wanted: dict[str, int] = {}
    for need, steps in needs.lines:
        wanted[need.item] = wanted.get(need.item, 0) + steps
    for item, steps in wanted.items():
        rule, order_of = work.catalogue.pickings[item]
        rows_of, usable, owners = work.reader.lots_of(item, order_of), work.catalogue.usable_places, work.owners(order.customer)
        missing = pick(rule, rows_of, steps, needs.on, usable_places=usable, owners=owners).missing
        if missing:
            rows += take(work, order.number, item, missing, needs.on)
            work.settle()
    return tuple(rows)


def take(
    work: Work, order: str, item: str, steps: int, on: date, lot: str | None = None, place: str | None = None, *,
    usable: Container[str] | None = None,
) -> tuple[Displaced, ...]:  # fmt: skip
    """Reserved stock of others becomes free, in release order; what is picked or quoted stays where it is."""
    usable = work.catalogue.usable_places if usable is None else usable
    rows = [
        row for row in work.reader.stocked((item,))[item]
        if row.place in usable and unusable(row.lot, on) is None and lot in (None, row.lot.code) and place in (None, row.place)
    ]  # fmt: skip
    supplies = list(dict.fromkeys((LOT, item, row.lot.code) for row in rows))
    places = {(row.lot.code, row.place) for row in rows}
    claims = work.reader.claims(supplies)
    links = [link for supply in supplies for link in claims[supply] if _may_lose(link, order) and (link.ref, link.place) in places]
    if not links:
        return ()
    ranks = demand_ranks(work, links)
    return lose(work, displaced(links, steps, lambda link: ranks[link.demand]), f"taken for {order}")


def _may_lose(link: Allocation, order: str) -> bool:
    return link.demand != order and link.firmness not in (PICKED, QUOTED)


def grow(work: Work, order: CustomerOrder, reach: Sequence[str]) -> tuple[str, ...]:
    """Planned runs of the order make more, where that is as good as a run of its own; the numbers of those that grew.

    Their batch rule must allow it, what they need more of must be there when they begin, and they must still begin when they would
    have begun: nobody waits for the change. A run of a recipe that splits freely must be done no later than more runs would be.
    """
    needs = OrderNeeds(work, order)
    own = {link.ref for link in needs.links if link.source == RUN}
    runs = {run.item: run for run, state, _ in reversed(needs.runs) if state == "planned" and run.number in own}
    if not runs:
        return ()
    covers = needs.search(Search(Seen(work, reach, customer=order.customer)))
    grown: dict[str, None] = {}
    for (need, _), cover in zip(needs.lines, covers, strict=False):
        run = runs.get(need.item)
        if run is not None and cover.made and _grown(work, order.number, need.ref, run, cover):
            grown[run.number] = None
    if grown:
        work.settle()
    before = {run.number: run for run in runs.values()}
    for number in grown:
        place_again(work, work.paper(ProductionOrder, number), before[number])
        work.settle()
    return tuple(grown)


class _Without(Seen):
    """The situation as if a run had no time at the work centers yet."""

    run = ""

    def bookings(self, work_center: str) -> Sequence[Booking]:
        """See `Situation`."""
        return [row for row in super().bookings(work_center) if row.paper != self.run]


def _end_as_planned(work: Work, run: ProductionOrder, steps: int, begins: float) -> float:
    """When the run would have made so many steps if it begins when it would have begun; `NEVER` if it cannot."""
    seen = _Without(work, work.catalogue.reach(run.item))
    seen.run = run.number
    batch = Batch(formula_of(work, run), steps, 0, ready=begins)
    try:
        Search(seen).place(batch)
    except (NeverFits, BeyondHorizon):
        return NEVER
    return batch.end if not batch.tasks or batch.tasks[0].start <= begins else NEVER


def _grown(work: Work, order: str, need: str, run: ProductionOrder, cover: Cover) -> bool:
    begins = max(float(work.now), run.planned_start.timestamp()) if run.planned_start else float(work.now)
    if max([batch.ready for batch, _ in cover.made]) > begins:
        return False
    now: ProductionOrder = work.paper(ProductionOrder, run)  # an earlier line may have made it grow
    more = sum([steps for _, steps in cover.made])
    formula = formula_of(work, now)
    sizes, latest = formula.batches(now.steps + more), max([batch.end for batch, _ in cover.made]) if formula.freely else math.inf
    if len(sizes) != 1 or (end := _end_as_planned(work, now, sizes[0], begins)) == NEVER or end > latest:
        return False
    resize(work, now, sizes[0])
    link = Allocation(order, need, RUN, run.item, run.number, "", more, more)
    before = [row for row in work.reader.links((order,))[order] if row[:6] == link[:6]]
    work.link(link, before[0] if before else None)
    return True
