"""The shipping desk: what is allocated leaves the house, and arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import attrs

from krafte_core.allocation import LOT, QUOTED, Allocation
from krafte_core.availability import Shortage, aligned
from krafte_core.desks.departing import depart
from krafte_core.desks.returns import Returns
from krafte_core.errors import InvalidInput, Short, told
from krafte_core.events import Event, OrderDelivered, OrderShipped
from krafte_core.items import attributes as pairs
from krafte_core.items import note
from krafte_core.netting import shipped
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder, OrderLine
from krafte_core.quantities import Quantity
from krafte_core.shipping import Shipment, ShipmentLine
from krafte_core.stock import CUSTOMER, Lot, Move, unusable
from krafte_core.work import Work, arrival_day, number_of


@attrs.frozen
class Delivered:
    """What `deliver` did: the shipment and the orders that it served."""

    shipment: str
    orders: tuple[str, ...]
    events: tuple[Event, ...]


class _Ready(NamedTuple):
    link: Allocation
    lot: Lot


class ShippingDesk(Returns):
    """`shop.shipping`."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    def ship(
        self,
        orders: CustomerOrder | str | Sequence[CustomerOrder | str],
        *,
        amounts: Mapping[str, Any] | None = None,
        carrier: str = "",
        tracking: str = "",
        attributes: Mapping[str, Any] | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Shipment:
        """Send what is allocated and usable of one order, or of several of one customer, in one shipment.

        Args:
            orders: confirmed orders.
            amounts: how much per item (or line ref) of a single order; default everything that is ready.
            carrier, tracking: as the host knows them.

        Raises:
            Short: (`short`) nothing is ready, or less than was asked for; with what blocks it.
            NotAllowed: (`not_allowed`) not confirmed, or cancelled. InvalidInput: orders of several customers.
        """
        names = [number_of(one) for one in ([orders] if isinstance(orders, str) or hasattr(orders, "number") else orders)]
        extra = pairs(attributes)
        content = ("ship", tuple(names), _asked(amounts), note(carrier, "carrier"), note(tracking, "tracking"), extra)

        def decide(work: Work) -> Shipment:
            papers: list[CustomerOrder] = [work.paper(CustomerOrder, name) for name in names]
            _one_customer(papers, amounts)
            for paper in papers:
                work.step(paper, work.state(paper), "ship")
            lines: list[ShipmentLine] = []
            moves: list[Move] = []
            for paper in papers:
                chosen = _chosen(work, paper, amounts)
                depart(work, paper, [(row.link, steps) for row, steps in chosen])
                for ready, steps in chosen:
                    _leave(work, paper.number, ready, steps, lines, moves)
            number = work.number("SH")
            first = papers[0]
            shipment = Shipment(
                number, first.customer, tuple(lines), shipped_at=work.at, method=first.shipping, carrier=carrier,
                tracking=tracking, ship_to=first.ship_to, attributes=extra,
            )  # fmt: skip
            work.file(shipment, new=True)
            work.step(shipment, "", "ship")
            work.post("ship", number, moves)
            for name in shipment.orders:
                work.tell(OrderShipped(work.at, name, first.customer, number, carrier, tracking))
            return shipment

        return self._office.run(decide, key=key, content=content, by=by)

    def deliver(self, shipment: Shipment | str, *, key: str | None = None, by: str | None = None) -> Delivered:
        """The shipment has arrived.

        Raises:
            NotAllowed: (`not_allowed`) delivered already. Unknown: (`unknown`) no such shipment.
        """
        name = number_of(shipment)

        def decide(work: Work) -> Delivered:
            paper: Shipment = work.paper(Shipment, name)
            work.step(paper, work.state(paper), "deliver")
            for order in paper.orders:
                work.tell(OrderDelivered(work.at, order, paper.customer, name))
            return Delivered(name, paper.orders, tuple(work.changes.events))

        return self._office.run(decide, key=key, content=("deliver", name), by=by)

    def get(self, shipment: Shipment | str) -> Shipment:
        """The shipment.

        Raises:
            Unknown: (`unknown`) no such shipment.
        """
        with self._office.look() as work:
            paper: Shipment = work.paper(Shipment, shipment)
            return paper

    def find(self, *, customer: str | None = None, after: str = "", limit: int = 100) -> tuple[Shipment, ...]:
        """A page of shipments in the order of writing, after the given number."""
        criteria = {} if customer is None else {"customer": customer}
        with self._office.look() as work:
            return tuple(work.reader.find("shipment", after=after, limit=limit, **criteria))  # type: ignore[arg-type]

    def table(self, *, customer: str | None = None, after: str = "", limit: int = 100) -> str:
        """The shipments at a glance: number, customer, order, item, lot, amount, state."""
        criteria = {} if customer is None else {"customer": customer}
        with self._office.look() as work:
            papers: Sequence[Any] = work.reader.find("shipment", after=after, limit=limit, **criteria)
            rows = [
                (paper.number, paper.customer, line.order, line.item, line.lot, str(line.amount), work.state(paper))
                for paper in papers
                for line in paper.lines
            ]
            return "\n".join(aligned(("shipment", "customer", "order", "item", "lot", "amount", "state"), rows))


def _asked(amounts: Any) -> object:
    """The amounts as the key remembers them."""
    if amounts is None:
        return None
    if not isinstance(amounts, Mapping) or not amounts:
        raise InvalidInput("amounts", amounts, "an amount per item or line")
    return tuple((told(name), told(amount)) for name, amount in amounts.items())


def _one_customer(papers: Sequence[CustomerOrder], amounts: Mapping[str, Any] | None) -> None:
    if not papers or len({(paper.customer, paper.ship_to) for paper in papers}) > 1:
        raise InvalidInput("orders", [paper.number for paper in papers], "orders of one customer to one address")
    if amounts is not None and len(papers) > 1:
        raise InvalidInput("amounts", [*amounts], "amounts for a single order; ship several in whole, or one by one")


def _chosen(work: Work, order: CustomerOrder, amounts: Mapping[str, Any] | None) -> list[tuple[_Ready, int]]:
    """What leaves for an order: per line the usable links in expiry order, up to the amount asked for; kits only whole."""
    ready, blocked = _ready(work, order)
    if amounts is None:
        chosen = [one for line in order.lines for one in _of_line(work, order, line, ready, None)]
        if not chosen:
            raise Short(tuple(_shortage(work, line, line.steps, 0, blocked) for line in order.lines))
        return chosen
    chosen = []
    lines = [order.line(name) for name in amounts]
    if len({line.ref for line in lines}) < len(lines):
        raise InvalidInput("amounts", [*amounts], "every line once, by its ref or its item")
    for (name, amount), line in zip(amounts.items(), lines, strict=True):
        left = work.item(line.item).positive(amount, f"amounts[{name!r}]")
        there = _there(work, order, line, ready)
        if left > there:
            raise Short((_shortage(work, line, left, there, blocked),))
        chosen += _of_line(work, order, line, ready, left)
    return chosen


def _sums(line: OrderLine, ready: Mapping[str, Sequence[_Ready]]) -> dict[str, int]:
    return {need.ref: sum([row.link.takes for row in ready.get(need.ref, ())]) for need in line.needs}


def _there(work: Work, order: CustomerOrder, line: OrderLine, ready: Mapping[str, Sequence[_Ready]]) -> int:
    """Steps of the line that may leave: of a kit as many as are whole with what has left before."""
    sums = _sums(line, ready)
    if not line.parts:
        return sums[line.ref]
    before = shipped(work, order.number)
    return line.whole({ref: steps + before.get(ref, 0) for ref, steps in sums.items()}) - line.whole(before)


def _of_line(
    work: Work, order: CustomerOrder, line: OrderLine, ready: Mapping[str, Sequence[_Ready]], steps: int | None
) -> list[tuple[_Ready, int]]:
    if not line.parts:
        return _taken(ready.get(line.ref, ()), steps)
    kits = _there(work, order, line, ready) if steps is None else steps
    before = shipped(work, order.number)
    upto = line.whole(before) + kits
    return [
        row
        for need, part in zip(line.needs, line.parts, strict=True)
        for row in _taken(ready.get(need.ref, ()), max(0, part.steps * upto - before.get(need.ref, 0)) if kits else 0)
    ]


def _taken(rows: Sequence[_Ready], steps: int | None) -> list[tuple[_Ready, int]]:
    if steps is None:
        return [(row, row.link.takes) for row in rows]
    chosen = []
    for row in rows:
        took = min(steps, row.link.takes)
        if took:
            chosen.append((row, took))
            steps -= took
    return chosen


def _ready(work: Work, order: CustomerOrder) -> tuple[dict[str, list[_Ready]], list[str]]:
    """The links of each line that may leave, and why the others may not."""
    links = [link for link in work.reader.links((order.number,))[order.number] if link.source == LOT and link.firmness != QUOTED]
    lots = work.reader.lots((link.item, link.ref) for link in links)
    arrives = arrival_day(work, order.shipping)
    ready: dict[str, list[_Ready]] = {}
    blocked = []
    for link in links:
        lot = lots[link.item, link.ref]
        reason = unusable(lot, arrives)
        if reason is None and not work.catalogue.usable_place(link.place):
            reason = f"in {link.place}"
        if reason is None:
            ready.setdefault(link.line, []).append(_Ready(link, lot))
        else:
            blocked.append(f"{lot.item} {lot.code}: {reason}")
    for rows in ready.values():
        if len(rows) > 1:
            rows.sort(key=lambda row: (row.lot.expires or date.max, row.lot.received_at, row.lot.code))
    return ready, blocked


def _shortage(work: Work, line: OrderLine, needed: int, there: int, blocked: Sequence[str]) -> Shortage:
    quantity = work.item(line.item).quantity
    name = f"{line.item} ({'; '.join(blocked)})" if blocked else line.item
    return Shortage(name, quantity(needed), quantity(there), quantity(needed - there))


def _leave(work: Work, order: str, ready: _Ready, steps: int, lines: list[ShipmentLine], moves: list[Move]) -> None:
    link, lot = ready
    covers = link.covers if steps == link.takes else link.covers * steps // link.takes
    work.unlink(link, steps, covers)
    work.guard(lot)
    moves.append(Move(link.item, link.ref, steps, link.place, CUSTOMER, f"{order}/{link.line}"))
    amount: Quantity = work.item(link.item).quantity(steps)
    lines.append(ShipmentLine(order, link.line, link.item, link.ref, amount, steps))
