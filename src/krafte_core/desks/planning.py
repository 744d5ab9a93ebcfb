"""The planning desk: plan the whole order book, ask what could be delivered on top of it, and accept what it proposes."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import date, datetime
from typing import Protocol

from krafte_core.allocation import rank
from krafte_core.asking import Want, asked
from krafte_core.charging import Charge
from krafte_core.coverage import NEVER
from krafte_core.demands import Asked, Demand, Keep
from krafte_core.desks.accepting import Accepted, write_plan
from krafte_core.desks.advancing import Advanced, Earlier, advance, earlier
from krafte_core.desks.mending import Mended, mend
from krafte_core.durations import duration
from krafte_core.errors import Conflict, InvalidInput, NotPositive, Unknown
from krafte_core.forecasts import Forecast, rest_of
from krafte_core.items import one_of
from krafte_core.netting import drop_expired_quotes, open_inputs, open_needs
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder, OrderLine
from krafte_core.plan import Plan
from krafte_core.planner import TAKING
from krafte_core.planning import Case, Progress, plan_case
from krafte_core.production import ProductionOrder
from krafte_core.promise import Promise
from krafte_core.proposals import Proposals, proposals_of
from krafte_core.roles import follows_contents
from krafte_core.snapshot import SituationSnapshot
from krafte_core.supplying import EVERY_DAY
from krafte_core.times import day, end_of_day, epoch, instant
from krafte_core.work import Seen, Work, number_of

ORDERS = ("open", "confirmed")


class Forked(Protocol):
    """A workshop, as far as planning goes."""

    @property
    def planning(self) -> PlanningDesk:
        """Its planning desk."""


class PlanningDesk:
    """`shop.planning`."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office
        self._lock = threading.Lock()

    def plan(
        self,
        *,
        orders: str = "open",
        taking: str = "borrow",
        also: Sequence[Demand] = (),
        ready_by: Mapping[str, datetime | str] | None = None,
        keep: Mapping[str, tuple[str, str]] | None = None,
        parts: Mapping[str, str] | None = None,
        latest: Mapping[str, datetime | str] | None = None,
        cover: Mapping[str, str] | None = None,
        forecasts: Sequence[Forecast] = (),
        progress: Progress | None = None,
    ) -> Plan:
        """Plan everything that is open, on all levels, with finite capacity; nothing is written.

        Args:
            orders: `"open"` plans every order that is not shipped, `"confirmed"` only those that were confirmed.
            taking: `"borrow"` lets an urgent need take what a later one counts on and can get again in time; `"untouchable"` does not.
            also: other demands of the host.
            ready_by: instants by which orders must be ready, where more is known than the requested day (the lorry leaves at two).
            keep: make to stock: `{"soap": ("20 each", "50 each")}` fills up to the second if less than the first will be left. Default
                the minimum and target of every item that has them; `{}` for none.
            parts: orders of which each line may leave in parts, with the smallest part: `{"CO-1": "10 each"}`; as much as can be
                leaves on the due date, the rest as soon as it can. What is delivered complete has all its lines ready at one moment.
            latest: instants after which an order is not wanted any more: it is planned for then, if that is before the requested day
                ends, and what cannot be ready by then is not planned.
            cover: period cover: `{"soap": "7 days"}` makes at once what orders want within seven days, and buys so as well.
            forecasts: what is expected to be ordered; what is ordered already counts against it, the rest comes after every order.
            progress: told now and then (done, of how many); to cancel, let it raise.

        >>> from krafte_core import Ingredient, Item, Operation, OrderLine, Recipe, WorkCenter, Workshop
        >>> from krafte_core.testing import FakeClock
        >>> shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
        >>> shop.register(
        ...     Item("soap", unit="each"),
        ...     WorkCenter("bench", hours="Mon-Fri 08:00-16:00"),
        ...     Recipe("soap", makes="10 each", operations=[Operation("mould", at="bench", run="1 h")]),
        ... )
        >>> order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "20 each")], requested="2026-11-26")
        >>> print(shop.planning.plan().table())
        make    item   amount             start               end             for
        make-1  soap  20 each  2026-11-26 14:00  2026-11-26 16:00  CO-2026-11-001
        """
        one_of(orders, ORDERS, "orders")
        one_of(taking, TAKING, "taking")
        for one in also:
            if not isinstance(one, Demand):
                raise InvalidInput("also", one, "a list of Demand")
        ready, last = self._instants(ready_by), self._instants(latest)
        pieces = tuple(sorted((number_of(order), str(least)) for order, least in (parts or {}).items()))
        if not all(isinstance(one, Forecast) for one in forecasts):
            raise InvalidInput("forecasts", forecasts, "a list of Forecast")
        with self._office.look() as work:
            wanted = sorted((cover or {}).items())
            periods = tuple((work.catalogue.stocked(item, "cover").code, _period(time)) for item, time in wanted)
            others = (*also, *(forecast_demands(work, forecasts) if forecasts else ()))
            how = Asked(orders, taking, others, ready, kept(work, keep), pieces, last, periods)
            return planned(work, how, progress=progress)

    def _instants(self, given: Mapping[str, datetime | str] | None) -> tuple[tuple[str, int], ...]:
        return tuple(sorted((number_of(order), epoch(instant(at, self._office.zone))) for order, at in (given or {}).items()))

    def propose(
        self, *, orders: str = "confirmed", taking: str = "borrow", keep: Mapping[str, tuple[str, str]] | None = None
    ) -> Proposals:
        """What to make and to buy now: what runs below its minimum, and what confirmed orders and runs lack. Nothing is written.

        What is there and nobody wants is used first, then what comes; only the rest is proposed. `accept` writes it down, all of it or
        line by line; accepted as a whole and asked again, it proposes nothing.

        Args:
            orders: `"confirmed"`, or `"open"` for those that were only placed, too.
            taking: as for `plan`. keep: as for `plan`; default the minimum and target of every item that has them.

        >>> from krafte_core import Item, Offer, Recipe, Supplier, Workshop
        >>> from krafte_core.testing import FakeClock
        >>> shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
        >>> shop.register(
        ...     Item("soap", unit="each", minimum="20 each", target="50 each"), Recipe("soap", makes="10 each"),
        ...     Item("jar", unit="each", minimum="1 dozen"), Supplier("glass", offers=[Offer("jar", lead_time="3 days")]),
        ... )
        >>> proposals = shop.planning.propose()
        >>> print(proposals.table())
        begin          ref     make or buy  item   amount       ready    for
        2026-11-23  make-1            make  soap  50 each  2026-11-23  stock
        2026-11-23   buy-1  buy from glass   jar  12 each  2026-11-26  stock
        >>> len(shop.planning.accept(proposals).productions), len(shop.planning.propose())
        (1, 0)
        """
        return proposals_of(self.plan(orders=orders, taking=taking, keep=keep), self._office.zone)

    def case(self, *, taking: str = "borrow") -> Case:
        """All that a plan is made of, as plain values: `plan_case` plans it, here or in another process."""
        with self._office.look() as work:
            return case_of(work, Asked(taking=taking))

    def scenarios(self, shops: Mapping[str, Forked], *, executor: Executor | None = None, taking: str = "borrow") -> dict[str, Plan]:
        """Plan several workshops, such as forks with something changed, and compare.

        Args:
            shops: by a name of your choice.
            executor: any `concurrent.futures.Executor`: threads, processes, or that of a Dask client. The plans are the same.
            taking: as for `plan`.

        >>> from krafte_core import Workshop
        >>> shop = Workshop.in_memory()
        >>> {name: str(plan) for name, plan in shop.planning.scenarios({"as it is": shop}).items()}
        {'as it is': '0 needs, 0 late; 0 batches to make, 0 purchases'}
        """
        one_of(taking, TAKING, "taking")
        cases = {name: shop.planning.case(taking=taking) for name, shop in shops.items()}
        if executor is None:
            return {name: plan_case(case) for name, case in cases.items()}
        running = {name: executor.submit(plan_case, case) for name, case in cases.items()}
        return {name: future.result() for name, future in running.items()}

    def accept(
        self,
        plan: Plan | Proposals,
        *,
        makes: Collection[str] | None = None,
        buys: Collection[str] | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Accepted:
        """Write down what a plan proposes: runs with their bookings, purchase orders, and who gets what, pegged.

        What is accepted is planned from now on: whoever plans again gets it as it is. The books must still be those of the plan.

        Args:
            plan: what `plan` or `propose` answered.
            makes: the batches to accept, by their `ref` in the plan; default all. `buys`: the purchases; default all.
            key: the host's idempotency key. by: who signs.

        Raises:
            Conflict: (`conflict`) something was written since the plan was made: plan again. Unknown: (`unknown`) no such ref.
        """
        if isinstance(plan, Proposals):
            plan = plan.plan
        chosen = _chosen("make", makes, [one.ref for one in plan.makes]), _chosen("buy", buys, [one.ref for one in plan.buys])

        def decide(work: Work) -> Accepted:
            if not _still(work, plan):
                raise Conflict("the plan, made of an earlier moment of the books; plan again", 1)
            return write_plan(work, plan, *chosen)

        return self._office.run(decide, key=key, content=("accept", plan.asked, plan.now, chosen), by=by)

    def mend(self, *, key: str | None = None, by: str | None = None) -> Mended:
        """Move the planned runs that cannot be made any more when they were planned; nothing else moves, and what moved is told.

        A delivery is late, a work center is closed or has less room, a run should have begun: each such run moves to the first time at
        which it can be made, around everything that stays. Released runs never move; they are told, with the reason. In a preview
        (`shop.preview()`) it only shows what it would do.

        Args:
            key: the host's idempotency key. by: who signs.

        >>> from krafte_core import Workshop
        >>> print(Workshop.in_memory().planning.mend())
        nothing has to move
        """
        return self._office.run(mend, key=key, content=("mend",), by=by)

    def earlier(self, orders: Sequence[CustomerOrder | str] | None = None) -> tuple[Earlier, ...]:
        """Which orders could be there earlier than they are expected: stock was found, a delivery comes sooner. Nothing is written.

        Args:
            orders: default every one that will be later than promised (or, without a promise, than requested).

        >>> from krafte_core import Workshop
        >>> Workshop.in_memory().planning.earlier()
        ()
        """
        names = _numbers(orders)
        with self._office.look() as work:
            return earlier(work, names)

    def advance(
        self, orders: Sequence[CustomerOrder | str] | None = None, *, key: str | None = None, by: str | None = None
    ) -> Advanced:
        """Bring orders forward that could be earlier: what they count on is chosen again, their planned runs move to now.

        Only what is there or on its way already is used, and only the runs that are planned for the order alone move; released runs
        never do, and what others count on stays theirs. An order that would not be a day earlier stays as it is.

        Args:
            orders: default every one that will be late, the most urgent first.
            key: the host's idempotency key. by: who signs.

        >>> from krafte_core import Workshop
        >>> print(Workshop.in_memory().planning.advance())
        nothing can be earlier
        """
        names = _numbers(orders)
        return self._office.run(lambda work: advance(work, names), key=key, content=("advance", names), by=by)

    def promise(
        self,
        lines: Sequence[OrderLine],
        *,
        plan: Plan | None = None,
        requested: date | str | None = None,
        shipping: str | None = None,
        relax: bool = False,
    ) -> Promise:
        """When could we deliver this on top of the plan, and why then? Nothing is held, and every planned order keeps its date.

        Args:
            lines: what is asked for.
            plan: asked of the moment that it was made for; default a plan of now. Who asks often makes one plan and gives it.
            requested: the customer's wish, a day.
            shipping: the code of a shipping method.
            relax: look for the binding step, too: one more search for every purchase and queue of the chain.

        Raises:
            Unknown: (`unknown`) an item or a shipping method. InvalidInput: (`invalid_input`) an amount.
        """
        wish = None if requested is None else day(requested)
        with self._office.look() as work:
            found = plan or planned(work)
            method = work.catalogue.method(shipping)
            wants = _wants(work, lines)
        for want in wants:
            if want.item not in found.items:
                raise Unknown("item of the plan", want.item, tuple(found.items))
        board = found.planner.board

        def arrival(at: float) -> float:
            return at if method is None else board.later(at, method.transit, method.calendar)

        name = None if method is None else method.code
        with self._lock:
            return asked(found, wants, arrival=arrival, method=name, requested=wish, zone=self._office.zone, relax=relax)


def _numbers(orders: Sequence[CustomerOrder | str] | None) -> tuple[str, ...] | None:
    if isinstance(orders, str | CustomerOrder):
        raise InvalidInput("orders", orders, "a list of orders")
    return None if orders is None else tuple(number_of(order) for order in orders)


def kept(work: Work, wishes: Mapping[str, tuple[str, str]] | None) -> tuple[Keep, ...]:
    """What is kept in stock, each item before those that it is made of: filling it up uses them."""
    if wishes is None:
        wishes = {code: (item.minimum, item.target) for code, item in work.catalogue.items.items() if item.minimum and item.target}
    found = [Keep(code, *work.catalogue.stocked(code, "keep").kept(*pair)) for code, pair in wishes.items()]
    return tuple(sorted(found, key=lambda one: (-len(work.catalogue.reach(one.item)), one.item)))


def _period(time: str) -> int:
    found = duration(time, "elapsed", "cover").seconds
    if not found:
        raise NotPositive("cover", time, "a period that takes time")
    return found


def _wants(work: Work, lines: Sequence[OrderLine]) -> list[Want]:
    if not isinstance(lines, Sequence) or not lines or not all(isinstance(line, OrderLine) for line in lines):
        raise InvalidInput("lines", lines, "a list of at least one OrderLine")
    found = []
    for n, line in enumerate(lines, 1):
        item, ref = work.item(line.item), line.ref or str(n)
        steps = item.positive(line.amount)
        parts = work.catalogue.kits[item.code] if item.kit else ()
        found += [Want(f"{ref}+{part.item}", part.item, part.steps * steps) for part in parts] or [Want(ref, item.code, steps)]
    return found


def planned(work: Work, how: Asked = Asked(), *, now: int | None = None, progress: Progress | None = None) -> Plan:  # noqa: B008
    """A plan of everything that is open in the books."""
    return plan_case(case_of(work, how, now=now), progress)


def _still(work: Work, plan: Plan) -> bool:
    """Whether the books would give the same plan once more."""
    try:
        return planned(work, plan.asked, now=plan.now).same_as(plan)
    except Unknown:  # an order that it was asked about is gone
        return False


def case_of(work: Work, how: Asked, *, now: int | None = None) -> Case:
    """Everything that is open in the books, and all that it may need."""
    items = tuple(work.catalogue.items)
    drop_expired_quotes(work, items)
    seen = Seen(work, items)
    seen.now = work.now if now is None else now
    orders = [*order_demands(work, items, dict(how.ready_by), confirmed=how.orders == "confirmed")]
    if how.parts or how.latest or how.ready_by:
        orders = _with_policies(work, orders, how)
    return Case(SituationSnapshot(seen, items, work.catalogue.span(work.at)), (*run_demands(work, items), *orders, *how.also), how)


def _with_policies(work: Work, demands: Sequence[Demand], how: Asked) -> list[Demand]:
    """Which orders may leave in parts, and after when they are not wanted any more, which is also when they must be ready.

    Raises:
        Unknown: (`unknown`) an order that is not open.
    """
    known, parts, latest = {demand.ref for demand in demands}, dict(how.parts), dict(how.latest)
    for ref, _ in (*how.parts, *how.latest, *how.ready_by):
        if ref not in known:
            raise Unknown("open order", ref, tuple(sorted(known)))
    found = []
    for demand in demands if parts or latest else ():
        least = work.item(demand.item).positive(parts[demand.ref], "parts") if demand.ref in parts else 0
        if least and demand.together:
            raise InvalidInput("parts", demand.ref, "an order that may be delivered in parts")
        last = latest.get(demand.ref, NEVER)
        found.append(demand._replace(least=least, latest=last, due=min(demand.due, last)))
    return found or [*demands]


def _chosen(kind: str, refs: Collection[str] | None, every: Sequence[str]) -> frozenset[str]:
    known = frozenset(every)
    for ref in refs or ():
        if ref not in known:
            raise Unknown(f"{kind} of the plan", ref, tuple(every))
    return known if refs is None else frozenset(refs)


def forecast_demands(work: Work, forecasts: Sequence[Forecast]) -> Iterator[Demand]:
    """What of the forecasts is not ordered yet; every open order counts, placed, confirmed or covered."""
    codes = list(dict.fromkeys(work.catalogue.stocked(one.item, "forecasts").code for one in forecasts))
    filed = {row.paper.number: row for rows in work.reader.open_papers("order", codes).values() for row in rows}
    work.known(filed.values())
    orders: list[CustomerOrder] = [row.paper for row in filed.values() if work.state(row.paper) != "cancelled"]
    ordered = [(need.item, one.requested, need.steps) for one in orders if one.requested for need in one.needs]
    return rest_of(forecasts, ordered, lambda one: work.item(one.item).positive(one.amount), work.catalogue.zone, work.now)


def order_demands(work: Work, items: Sequence[str], exact: Mapping[str, int], *, confirmed: bool = False) -> Iterator[Demand]:
    """What is open of every order, line by line; due so that it arrives by the end of the requested day, or as `exact` says."""
    filed = {row.paper.number: row for rows in work.reader.open_papers("order", items).values() for row in rows}
    work.known(filed.values())
    links = work.reader.links(filed)
    seen = Seen(work, ())
    ends: dict[tuple[date | None, str | None], tuple[float, float]] = {}
    for number, row in filed.items():
        order: CustomerOrder = row.paper
        state = work.state(order)
        if state == "cancelled" or (confirmed and state != "confirmed"):
            continue
        key = (order.requested, order.shipping)
        if key not in ends:
            ends[key] = _due(work, seen, *key)
        due, lasts = ends[key]
        due = exact.get(number, due)
        place = rank(order.priority, order.requested, order.placed_at, number)
        together = order.delivery == "complete" and len(order.needs) > 1
        for need, steps in open_needs(work, order, links[number], fresh=state == "placed"):
            if steps > 0:
                yield Demand(number, need.ref, need.item, steps, due, place, "order", lasts, 0, NEVER, together)


def _due(work: Work, seen: Seen, requested: date | None, shipping: str | None) -> tuple[float, float]:
    """When it must leave to arrive by the end of the day, and until when its lots must be good."""
    if requested is None:
        return NEVER, 0
    end = int(end_of_day(requested, work.catalogue.zone).timestamp()) - 1  # midnight is the next day
    method = work.catalogue.method(shipping)
    if method is None:
        return end, end
    transit = method.transit
    if transit.kind == "working days":
        timeline = seen.timeline(method.calendar or EVERY_DAY)
        return timeline.subtract_days(end, transit.days), end
    return end - transit.seconds, end


def run_demands(work: Work, items: Sequence[str]) -> Iterator[Demand]:
    """What runs that have not begun still lack; it is wanted when they are planned to start."""
    filed = {row.paper.number: row for rows in work.reader.open_papers("production", items).values() for row in rows}
    work.known(filed.values())
    links = work.reader.links(filed) if filed else {}
    for number, row in filed.items():
        run: ProductionOrder = row.paper
        if work.state(run) in ("planned", "released") and run.at is None:
            start = int(run.planned_start.timestamp()) if run.planned_start else work.now
            place = rank(0, run.planned_start.date() if run.planned_start else None, run.planned_at, number)
            since = max(start, work.now)
            if run.by_choice:
                for line, steps in Charge(work, run, links[number]).wanted():
                    own = None if follows_contents(line) else line
                    yield Demand(number, line.ref, line.item, steps, since, place, "run", of=own)
            for need in open_inputs(work, run, links[number]) if not run.by_choice else ():
                yield Demand(number, need.line, need.item, need.steps, since, place, "run")
