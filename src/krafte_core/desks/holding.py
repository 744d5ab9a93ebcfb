"""Holds of orders: nothing more is planned, made or sent until somebody decides. Part of the order desk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from krafte_core.allocation import RUN
from krafte_core.diary import allow
from krafte_core.errors import InvalidInput, NotAllowed
from krafte_core.events import Event, OrderHeld, OrderReleased
from krafte_core.holds import BY_HAND, CHANNEL, KINDS, Hold, holds
from krafte_core.items import note, one_of
from krafte_core.office import Office
from krafte_core.orders import ORDER_STEPS, CustomerOrder
from krafte_core.production import ProductionOrder
from krafte_core.work import Work, number_of


@attrs.frozen
class Held:
    """What `hold` or `release` did: what holds the order now."""

    order: str
    holds: tuple[Hold, ...]
    events: tuple[Event, ...]


class OrderHolds:
    """What `shop.orders` does with orders that must wait for a decision."""

    _office: Office

    def hold(
        self, order: CustomerOrder | str, *, reason: str, kind: str = BY_HAND, key: str | None = None, by: str | None = None
    ) -> Held:
        """Stop an order: it is not confirmed, runs that are for held orders alone do not begin, nothing of it is sent.

        The order stays as it is, and so do its links: nobody else gets what is reserved for it. What has begun goes on.

        Args:
            order: placed or confirmed.
            reason: what the board shows.
            kind: one hold of each kind; another of the same kind takes its place.

        Raises:
            InvalidInput: (`invalid_input`) no reason, an unknown kind. NotAllowed: (`not_allowed`) cancelled, closed or merged.

        Undone by: `shop.orders.release`.

        >>> from krafte_core import Item, OrderLine, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"))
        >>> order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "2 each")])
        >>> done = shop.orders.hold(order, reason="address unclear")
        >>> [(row.kind, row.reason) for row in shop.orders.board().rows]
        [('held', 'address unclear')]
        >>> shop.orders.release(order).holds
        ()
        """
        name = number_of(order)
        one_of(kind, KINDS, "kind")
        if not note(reason, "reason").strip():
            raise InvalidInput("reason", reason, "why nothing more may happen to the order")

        def decide(work: Work) -> Held:
            paper: CustomerOrder = work.paper(CustomerOrder, name)
            put_on_hold(work, paper, kind, reason)
            return _done(work, paper)

        return self._office.run(decide, key=key, content=("hold", name, kind, reason), by=by)

    def release(
        self,
        order: CustomerOrder | str,
        *,
        kind: str | None = None,
        reason: str = "",
        key: str | None = None,
        by: str | None = None,
    ) -> Held:
        """Decide that an order goes on: end its holds, or the one of a kind.

        A hold that a channel asked for does not come again by the same wish of the buyer.

        Raises:
            InvalidInput: (`invalid_input`) nothing (of this kind) holds it. NotAllowed: (`not_allowed`) cancelled, closed or merged.

        Undone by: `shop.orders.hold`.
        """
        name = number_of(order)
        if kind is not None:
            one_of(kind, KINDS, "kind")

        def decide(work: Work) -> Held:
            paper: CustomerOrder = work.paper(CustomerOrder, name)
            found = [hold for hold in holds(work.reader.diary((name,))[name]) if kind in (None, hold.kind)]
            if not found:
                raise InvalidInput("kind", kind, f"a hold that {name} has")
            for hold in found:
                end_hold(work, paper, hold.kind, reason)
            return _done(work, paper)

        return self._office.run(decide, key=key, content=("release", name, kind, note(reason, "reason")), by=by)

    def holds(self, order: CustomerOrder | str) -> tuple[Hold, ...]:
        """What holds an order; nothing where it may go on.

        Raises:
            Unknown: (`unknown`) no such order.
        """
        with self._office.look() as work:
            number = work.paper(CustomerOrder, order).number
            return holds(work.reader.diary((number,))[number])


def _done(work: Work, order: CustomerOrder) -> Held:
    own = [entry for entry in work.changes.diary if entry.document == order.number]
    before = work.reader.diary((order.number,))[order.number]
    return Held(order.number, holds([*before, *own]), tuple(work.changes.events))


def put_on_hold(work: Work, order: CustomerOrder, kind: str, reason: str) -> None:
    """Write a hold into the diary of an order, and tell it.

    The runs behind the order are guarded with it: one that begins at the same moment has begun before, or sees the hold.
    """
    for run in _runs_behind(work, order.number):
        work.touch(run)
    work.step(order, work.state(order), "hold", reason=reason, details=(("kind", kind),))
    work.tell(OrderHeld(work.at, order.number, order.customer, reason))


def _runs_behind(work: Work, order: str) -> Iterable[str]:
    """The runs that an order counts on, and those that they count on."""
    frontier, found = [order], dict[str, None]()
    while frontier:
        links = work.reader.links(frontier).values()
        frontier = [link.ref for rows in links for link in rows if link.source == RUN and link.ref not in found]
        found |= dict.fromkeys(frontier)
    return found


def end_hold(work: Work, order: CustomerOrder, kind: str, reason: str = "") -> None:
    """Write into the diary of an order that a hold has ended, and tell it."""
    work.step(order, work.state(order), "release", reason=reason, details=(("kind", kind),))
    work.tell(OrderReleased(work.at, order.number, order.customer, reason))


def follow_channel(work: Work, order: CustomerOrder, before: str, now: str) -> None:
    """Carry over what a channel says now: a new reason holds the order, one that is gone does not hold it any more.

    What has not changed changes nothing: who released the order has decided about it.
    """
    if now == before or "hold" not in ORDER_STEPS[work.state(order)]:
        return
    if now:
        put_on_hold(work, order, CHANNEL, now)
    elif any(hold.kind == CHANNEL for hold in holds(work.reader.diary((order.number,))[order.number])):
        end_hold(work, order, CHANNEL, "the channel does not ask for it any more")


def keep_holds(work: Work, holding: str, order: CustomerOrder) -> None:
    """What holds one order holds also what became of it: a part, or the order that it was taken into."""
    for hold in holds(work.reader.diary((holding,))[holding]):
        put_on_hold(work, order, hold.kind, hold.reason)


def going_on(work: Work, order: CustomerOrder, step: str) -> str:
    """The state of an order, if it may take a step and nothing holds it.

    Raises:
        NotAllowed: (`not_allowed`) the table has no such step here, or it is on hold: why, and what ends it.
    """
    name = order.number
    entries = work.reader.diary((name,))[name]
    now = work.state(order, entries)
    allow(ORDER_STEPS, name, now, step)
    found = holds(entries)
    if found:
        raise NotAllowed(name, _words(found), step, ("release", "cancel"))
    return now


def _words(found: Sequence[Hold]) -> str:
    return f"on hold ({'; '.join(hold.reason for hold in found)})"


def refuse_stopped(work: Work, run: ProductionOrder, step: str) -> None:
    """A run that is for held orders alone does not begin; one that somebody else waits for does.

    Raises:
        NotAllowed: (`not_allowed`) with the orders.
    """
    found = _stopped(work, run, {})
    if found:
        raise NotAllowed(run.number, "for orders on hold only", step, tuple(f"release {order}" for order in found))


def _stopped(work: Work, run: ProductionOrder, known: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The held orders that a run is for; nothing where it is for anybody else, or for stock."""
    number, supplies = run.number, run.supplies
    if number in known:
        return known[number]
    known[number] = ()
    claims = work.reader.claims(supplies)
    demands: dict[str, None] = {}
    for supply in supplies:
        for link in claims[supply]:
            demands[link.demand] = None
    diaries = work.reader.diary(demands)
    found: dict[str, None] = {}
    for demand in demands:
        entries = diaries[demand]
        if entries and entries[0][1] == "place":  # an order; one that goes on ends the search
            if not holds(entries):
                return ()
            found[demand] = None
            continue
        filed = work.reader.papers((demand,)).get(demand)
        upper = filed.paper if filed is not None else None
        above = _stopped(work, upper, known) if isinstance(upper, ProductionOrder) else ()
        if not above:
            return ()
        found |= dict.fromkeys(above)
    known[number] = tuple(found)
    return known[number]
