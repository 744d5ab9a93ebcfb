"""The shipping desk: what is allocated leaves the house, and arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from krafte_core.backdating import business_time, date_back, enter, happened
from krafte_core.desks.choosing import Amounts, Choice, Leaving, Lots
from krafte_core.desks.holding import going_on
from krafte_core.desks.parcels import Parcels, arrive
from krafte_core.desks.returns import Returns
from krafte_core.diary import allow
from krafte_core.errors import InvalidInput
from krafte_core.events import Event, OrderShipped
from krafte_core.items import attributes as pairs
from krafte_core.items import note
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder
from krafte_core.shipping import SHIPMENT_STEPS, Shipment, ShipmentLine
from krafte_core.stock import CUSTOMER, Move
from krafte_core.straight import straight
from krafte_core.tables import aligned
from krafte_core.wording import told
from krafte_core.work import Work, number_of


@attrs.frozen
class Delivered:
    """What `deliver` did: the shipment and the orders that it served."""

    shipment: str
    orders: tuple[str, ...]
    events: tuple[Event, ...]


_shipment, _line, _told = straight(Shipment), straight(ShipmentLine), straight(OrderShipped)


class ShippingDesk(Returns, Parcels):
    """`shop.shipping`."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    def ship(
        self,
        orders: CustomerOrder | str | Sequence[CustomerOrder | str],
        *,
        amounts: Amounts | None = None,
        lots: Lots | None = None,
        force: bool = False,
        carrier: str = "",
        tracking: str = "",
        attributes: Mapping[str, Any] | None = None,
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Shipment:
        """Send what is allocated and usable of one order, or of several of one customer, in one shipment.

        Args:
            orders: confirmed orders.
            amounts: how much per item (or line ref) of a single order; default everything that is ready. Beyond what is allocated it
                takes what is free, within the line's tolerance.
            lots: what really left of a single order, where that differs from what was allocated: `{"sauce": {"S-2": "10 each"}}`.
            force: take lots that were asked for by name also from those that they are promised to; `CoverLost` events name them.
            carrier, tracking: as the host knows them.
            happened_at: when it left; default now.

        Raises:
            Short: (`short`) nothing is ready, or less than was asked for; with what blocks it.
            TooMuch: (`too_much`) more than was ordered and the line's tolerance. LotNotUsable: (`lot_not_usable`) a lot by name.
            NotAllowed: (`not_allowed`) not confirmed, or cancelled. InvalidInput: orders of several customers.
        """
        names = [number_of(one) for one in ([orders] if isinstance(orders, str) or hasattr(orders, "number") else orders)]
        extra = pairs(attributes)
        at = business_time(happened_at, self._office.zone)
        asked = (_asked(amounts, "amounts"), _asked_lots(lots), force)
        content = ("ship", tuple(names), asked, note(carrier, "carrier"), note(tracking, "tracking"), extra, at)

        def decide(work: Work) -> Shipment:
            papers: list[CustomerOrder] = [work.paper(CustomerOrder, name) for name in names]
            _one_customer(papers, amounts, lots)
            lines, moves = _loaded(work, papers, amounts, lots, force=force)
            number = work.number("SH")
            first = papers[0]
            shipment = _shipment(
                number, first.customer, tuple(lines), shipped_at=at or work.at, method=first.shipping, carrier=carrier,
                tracking=tracking, ship_to=first.ship_to, attributes=extra,
            )  # fmt: skip
            work.file(shipment, new=True)
            work.step(shipment, "", "ship", details=happened(at))
            if at is None:
                work.post("ship", number, moves)
            else:
                enter(work, "ship", number, moves, at=at)
            for name in shipment.orders:
                work.tell(_told(work.at, name, first.customer, number, carrier, tracking))
            return shipment

        return self._office.run(decide, key=key, content=content, by=by)

    def deliver(
        self,
        shipment: Shipment | str,
        *,
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Delivered:
        """The shipment has arrived.

        Args:
            shipment: on its way.
            happened_at: when it arrived; default now, not before it left.

        Raises:
            NotAllowed: (`not_allowed`) delivered already. Unknown: (`unknown`) no such shipment. InvalidInput: the time.
        """
        name, at = number_of(shipment), business_time(happened_at, self._office.zone)

        def decide(work: Work) -> Delivered:
            paper: Shipment = work.paper(Shipment, name)
            allow(SHIPMENT_STEPS, name, work.state(paper), "deliver")
            date_back(work, at)
            if at is not None and at < paper.shipped_at:
                raise InvalidInput("happened_at", str(at), f"not before {paper.shipped_at}, when {name} left")
            arrive(work, paper, at)
            return Delivered(name, paper.orders, tuple(work.changes.events))

        return self._office.run(decide, key=key, content=("deliver", name, at), by=by)

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


def _mapping(given: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or not given:
        raise InvalidInput(field, given, "an amount per item or line, or per lot")
    return given


def _asked(amounts: Any, field: str) -> object:
    """The amounts as the key remembers them."""
    if amounts is None:
        return None
    return tuple((told(name), told(amount)) for name, amount in _mapping(amounts, field).items())


def _asked_lots(lots: Any) -> object:
    return None if lots is None else tuple((told(name), _asked(given, "lots")) for name, given in _mapping(lots, "lots").items())


def _one_customer(papers: Sequence[CustomerOrder], amounts: Amounts | None, lots: Lots | None) -> None:
    if not papers or (len(papers) > 1 and len({(paper.customer, paper.ship_to) for paper in papers}) > 1):
        raise InvalidInput("orders", [paper.number for paper in papers], "orders of one customer to one address")
    asked = amounts if amounts is not None else lots
    if asked is not None and len(papers) > 1:
        raise InvalidInput("amounts", [*asked], "amounts for a single order; ship several in whole, or one by one")
    if amounts is not None and lots is not None:
        raise InvalidInput("lots", [*lots], "amounts, or amounts per lot")


def _loaded(
    work: Work, papers: Sequence[CustomerOrder], amounts: Amounts | None, lots: Lots | None, *, force: bool
) -> tuple[list[ShipmentLine], list[Move]]:
    """What leaves for all the orders, line by line and move by move."""
    for paper in papers:
        work.step(paper, going_on(work, paper, "ship"), "ship")
    lines: list[ShipmentLine] = []
    moves: list[Move] = []
    for paper in papers:
        choice = Choice(work, paper, force=force)
        choice.take(amounts, lots)
        for row in choice.chosen:
            _leave(work, paper.number, row, lines, moves)
        choice.settle()
    return lines, moves


def _leave(work: Work, order: str, row: Leaving, lines: list[ShipmentLine], moves: list[Move]) -> None:
    need, lot, place, steps, link = row
    if link is not None:
        work.unlink(link, steps, link.covers if steps == link.takes else link.covers * steps // link.takes)
    work.guard(lot)
    moves.append(Move(lot.item, lot.code, steps, place, CUSTOMER, f"{order}/{need}"))
    lines.append(_line(order, need, lot.item, lot.code, work.item(lot.item).quantity(steps), steps))
