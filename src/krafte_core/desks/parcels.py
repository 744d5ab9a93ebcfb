"""Parcels: what was shipped lies in packages, and carriers tell how they travel. Part of the shipping desk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import attrs

from krafte_core.diary import Entry
from krafte_core.errors import InvalidInput
from krafte_core.events import Event, OrderDelivered
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder
from krafte_core.packing import Box, packed
from krafte_core.shipping import Shipment
from krafte_core.stock import CUSTOMER
from krafte_core.times import instant
from krafte_core.tracking import RETURNED, TrackingEvent, arrived, journey, unknown_codes
from krafte_core.work import Work, number_of

MOST_EVENTS = 1_000


@attrs.frozen
class Tracked:
    """What `track` did.

    Args:
        shipment: its number.
        state: `"shipped"`, or `"delivered"` once every parcel has arrived.
        new: the events that were not known before, in the order in which they happened.
        unknown: codes that nobody could tell the meaning of: they are kept and move nothing.
        returned: parcels that came back: receive the return.
        orders: the orders that were served by it, where they are delivered by this.
    """

    shipment: str
    state: str
    new: tuple[TrackingEvent, ...] = ()
    unknown: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()


class Parcels:
    """What `shop.shipping` knows of packages and their way."""

    _office: Office

    def pack(
        self,
        shipment: Shipment | str,
        boxes: Sequence[Box] = (),
        *,
        weigh: bool = True,
        key: str | None = None,
        by: str | None = None,
    ) -> Shipment:
        """Say what lies in which parcel; every amount that left is in exactly one. It may be said again until it has arrived.

        Args:
            shipment: on its way.
            boxes: default one that holds everything.
            weigh: False leaves open what a parcel weighs where items do not say it.

        Raises:
            InvalidInput: (`invalid_input`) something in no box, an empty one, or nobody knows what it weighs. TooMuch: (`too_much`)
            NotAllowed: (`not_allowed`) it has arrived. Unknown: (`unknown`) no such shipment, or packaging that is no item.

        Undone by: `shop.shipping.pack` again.

        >>> from krafte_core import Item, OrderLine, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each", packs={"each": "95 g"}), Item("carton", unit="each", packs={"each": "120 g"}))
        >>> lot = shop.stock.receive("soap", "10 each", lot="S-1")
        >>> order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "5 each")])
        >>> done = shop.orders.confirm(order)
        >>> shipment = shop.shipping.pack(shop.shipping.ship(order), [Box(packaging={"carton": "1 each"})])
        >>> str(shipment.packages[0].weight)
        '0.595 kg'
        """
        name = number_of(shipment)
        if isinstance(boxes, Box) or not all(isinstance(box, Box) for box in boxes):
            raise InvalidInput("boxes", boxes, "a list of Box")
        rows = tuple(boxes) or (Box(),)

        def decide(work: Work) -> Shipment:
            paper: Shipment = work.paper(Shipment, name)
            work.step(paper, work.state(paper), "pack")
            names = {*paper.items, *(item for box in rows for item, _ in box.packaging)}
            found = packed(paper.lines, rows, {item: work.item(item) for item in names}, weigh=weigh)
            after = attrs.evolve(paper, packages=found, version=paper.version + 1)
            work.file(after)
            return after

        return self._office.run(decide, key=key, content=("pack", name, rows, weigh), by=by)

    def track(
        self, shipment: Shipment | str, events: Sequence[TrackingEvent], *, key: str | None = None, by: str | None = None
    ) -> Tracked:
        """Take in what a carrier says of a shipment's parcels; once all of them have arrived, the shipment has.

        Events may come twice, late and in any order: what was known already changes nothing. Orders are told as delivered once.

        Args:
            shipment: its number or itself.
            events: as a carrier's `read_tracking` gave them; a code that nobody knows is kept, named, and moves nothing.

        Raises:
            InvalidInput: (`invalid_input`) an event of another parcel, or more than a thousand at once.
            Unknown: (`unknown`) no such shipment.
        """
        name = number_of(shipment)
        given = tuple(events)
        if not all(isinstance(event, TrackingEvent) for event in given) or len(given) > MOST_EVENTS:
            raise InvalidInput("events", f"{len(given)} values", f"at most {MOST_EVENTS} TrackingEvents")

        def decide(work: Work) -> Tracked:
            paper: Shipment = work.paper(Shipment, name)
            return _tracked(work, paper, given)

        return self._office.run(decide, key=key, content=("track", name, given), by=by)

    def journey(self, shipment: Shipment | str) -> tuple[TrackingEvent, ...]:
        """Everything that carriers said of a shipment's parcels, in the order in which it happened.

        Raises:
            Unknown: (`unknown`) no such shipment.
        """
        with self._office.look() as work:
            number = work.paper(Shipment, shipment).number
            return journey(_known(work.reader.diary((number,))[number]))

    def of(self, order: CustomerOrder | str) -> tuple[Shipment, ...]:
        """The shipments of an order, in the order of leaving.

        Raises:
            Unknown: (`unknown`) no such order.
        """
        with self._office.look() as work:
            number = work.paper(CustomerOrder, order).number
            return shipments_of(work, number)


def shipments_of(work: Work, order: str) -> tuple[Shipment, ...]:
    """The shipments that brought anything of an order."""
    rows = [
        posting.paper for posting in work.reader.postings(papers=[order]) if any(move.target == CUSTOMER for move in posting.moves)
    ]
    found = work.reader.papers(dict.fromkeys(rows))
    return tuple(row.paper for row in found.values() if isinstance(row.paper, Shipment) and order in row.paper.orders)


def _tracked(work: Work, paper: Shipment, given: Sequence[TrackingEvent]) -> Tracked:
    numbers = paper.numbers
    for event in given:
        if event.tracking not in numbers:
            raise InvalidInput("events", event.tracking, f"events of {paper.number}: " + (", ".join(numbers) or "it has no number"))
    entries = work.reader.diary((paper.number,))[paper.number]
    known = _known(entries)
    seen = {event.identity for event in known}
    new = tuple(event for event in journey(given) if event.identity not in seen)
    state = work.state(paper, entries)
    for event in new:
        work.step(paper, state, "track", details=_details(event))
    at = arrived((*known, *new), numbers)
    orders: tuple[str, ...] = ()
    if at is not None and state == "shipped":
        state, orders = arrive(work, paper, at), paper.orders
    back = tuple(sorted({event.tracking for event in new if event.kind == RETURNED}))
    return Tracked(paper.number, state, new, unknown_codes(new), back, orders, tuple(work.changes.events))


def arrive(work: Work, paper: Shipment, at: datetime | None = None) -> str:
    """A shipment has arrived: the step, and the news for every order that it served."""
    after = work.step(paper, work.state(paper), "deliver", details=(("at", at.isoformat()),) if at is not None else ())
    for order in paper.orders:
        work.tell(OrderDelivered(work.at, order, paper.customer, paper.number))
    return after


def _details(event: TrackingEvent) -> tuple[tuple[str, str], ...]:
    told: dict[str, Any] = attrs.asdict(event) | {"at": event.at.isoformat()}
    return tuple((name, value) for name, value in told.items() if value)


def _known(entries: Iterable[Entry]) -> list[TrackingEvent]:
    """The events that stand in a shipment's diary."""
    rows = [dict(entry.details) for entry in entries if entry.step == "track"]
    return [
        TrackingEvent(
            row["tracking"], row.get("code", ""), instant(row["at"]), kind=row.get("kind", ""), place=row.get("place", ""),
            text=row.get("text", ""),
        )
        for row in rows
    ]  # fmt: skip
