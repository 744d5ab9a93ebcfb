"""The stock desk: receive lots, say what there is, decide about lots, and write down what happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import attrs

from krafte_core.backdating import business_time, enter
from krafte_core.catalogue import in_process
from krafte_core.desks.closing import ClosedPeriods
from krafte_core.desks.conversions import LotConversions
from krafte_core.desks.facts import StockFacts
from krafte_core.desks.lots import LotDecisions
from krafte_core.diary import Entry, lot_document
from krafte_core.errors import AlreadyExists, InvalidInput
from krafte_core.events import LotReceived
from krafte_core.items import code, note
from krafte_core.money import Money, money
from krafte_core.netting import drop_expired_quotes
from krafte_core.office import Office
from krafte_core.potency import dense, told_of_lot
from krafte_core.quantities import Quantity
from krafte_core.stock import FOUND, STOCK, SUPPLIER, Lot, Move, Stocked, subtree, unusable
from krafte_core.tables import aligned
from krafte_core.times import day
from krafte_core.wording import told
from krafte_core.work import Work, incoming


@attrs.frozen
class Level:
    """How much there is of an item.

    `on_hand` is everything in the house; each part of it stands in exactly one of `available` (free and usable), `allocated`
    (usable and promised), `in_process` (on a run's line), `quarantined` (waits for its release, or in a blocked place) and
    `blocked` (held, rejected or expired). `incoming` is on its way, `incoming_free` of it nobody was promised.
    """

    item: str
    on_hand: Quantity
    available: Quantity
    allocated: Quantity
    in_process: Quantity
    quarantined: Quantity
    blocked: Quantity
    incoming: Quantity
    incoming_free: Quantity


@attrs.frozen
class Standing:
    """How much of a lot stands at a place, how much of that is allocated, and why it may not be used (empty: it may)."""

    lot: Lot
    place: str
    on_hand: Quantity
    allocated: Quantity
    reason: str


class StockDesk(LotDecisions, StockFacts, LotConversions, ClosedPeriods):
    """`shop.stock`."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    # coming in --------------------------------------------------------------------------------------------------------

    def receive(
        self,
        item: str,
        amount: Any,
        *,
        lot: str | None = None,
        supplier: str | None = None,
        supplier_lot: str | None = None,
        expires: date | str | None = None,
        owner: str | None = None,
        unit_cost: Money | str | None = None,
        place: str = STOCK,
        attributes: Mapping[str, Any] | None = None,
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Lot:
        """A delivery becomes a lot (without a purchase order: for one, see `shop.purchasing.receive`).

        Args:
            item: the item's code.
            amount: in any unit or pack that the item knows.
            lot: its own code; default the next number of the series `L`.
            supplier, supplier_lot: who delivered it, and the code he gave it.
            expires: the last day of use.
            owner: whose it is, where it is not ours.
            unit_cost: what one unit of the item cost.
            place: where it goes.
            attributes: of the lot, such as its own `potency` and `density`, or the host's own.
            happened_at: when it came; default now.

        Raises:
            AlreadyExists: (`already_exists`) the item has a lot of this code. Unknown: (`unknown`) item or place.
            InvalidInput: an amount of zero or less, or that is no whole step; a time that is still to come.

        >>> from krafte_core import Item, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("lye", unit="kg"))
        >>> shop.stock.receive("lye", "5 kg", lot="NA-1").code
        'NA-1'
        """
        at = business_time(happened_at, self._office.zone)
        content = ("receive", item, told(amount), lot, supplier, supplier_lot, expires, owner, told(unit_cost), place, attributes, at)
        fields: dict[str, Any] = {
            "at": at,
            "supplier": None if supplier is None else code(supplier, "supplier"),
            "supplier_lot": None if supplier_lot is None else code(supplier_lot, "supplier_lot"),
            "expires": None if expires is None else day(expires),
            "owner": None if owner is None else code(owner, "owner"),
            "unit_cost": None if unit_cost is None else money(unit_cost),
            "attributes": attributes or (),
        }

        def decide(work: Work) -> Lot:
            steps = dense(work.item(item), told_of_lot(attributes)).positive(amount)
            return arrive(work, item, steps, lot, place, **fields)

        return self._office.run(decide, key=key, content=content, by=by)

    def opening(
        self,
        item: str,
        amount: Any,
        *,
        lot: str | None = None,
        expires: date | str | None = None,
        owner: str | None = None,
        unit_cost: Money | str | None = None,
        place: str = STOCK,
        attributes: Mapping[str, Any] | None = None,
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Lot:
        """What was there when the books were opened: a lot as if it had just been delivered, posted as an opening balance.

        Raises:
            AlreadyExists: (`already_exists`) the item has a lot of this code. And what `receive` raises.
        """
        at = business_time(happened_at, self._office.zone)
        fields: dict[str, Any] = {
            "at": at,
            "expires": None if expires is None else day(expires),
            "owner": None if owner is None else code(owner, "owner"),
            "unit_cost": None if unit_cost is None else money(unit_cost),
            "attributes": attributes or (),
        }

        def decide(work: Work) -> Lot:
            steps = dense(work.item(item), told_of_lot(attributes)).positive(amount)
            return arrive(work, item, steps, lot, place, kind="open", **fields)

        content = ("opening", item, told(amount), lot, expires, owner, told(unit_cost), place, attributes, at)
        return self._office.run(decide, key=key, content=content, by=by)

    def found(
        self, item: str, amount: Any, *, lot: str | None = None, expires: date | str | None = None, place: str = STOCK,
        reason: str = "", happened_at: datetime | str | None = None, key: str | None = None, by: str | None = None,
    ) -> Lot:  # fmt: skip
        """Stock that was found and that no document explains becomes a lot of its own.

        Raises:
            AlreadyExists: (`already_exists`) count the lot instead. And what `receive` raises.
        """
        until = None if expires is None else day(expires)
        at = business_time(happened_at, self._office.zone)

        def decide(work: Work) -> Lot:
            steps = work.item(item).positive(amount)
            return arrive(work, item, steps, lot, place, kind="find", source=FOUND, reason=reason, at=at, origin="find", expires=until)

        content = ("found", item, told(amount), lot, expires, place, note(reason, "reason"), at)
        return self._office.run(decide, key=key, content=content, by=by)

    # asking -----------------------------------------------------------------------------------------------------------

    def level(self, item: str, *, place: str | None = None) -> Level:
        """How much there is of an item, in the whole house or at a place and everything within it.

        Raises:
            Unknown: (`unknown`) item or place.
        """
        with self._office.look() as work:
            known = work.item(item)
            drop_expired_quotes(work, [item])
            rows = work.reader.stocked((item,))[item]
            if place is not None:
                work.catalogue.place(place)
                within = subtree([*work.catalogue.places.values()], place)
                rows = [row for row in rows if row.place in within]
            coming = incoming(work, [item]).get(item, ()) if place is None else ()
            sums = dict.fromkeys(("on_hand", "available", "allocated", "in_process", "quarantined", "blocked"), 0)
            for row in rows:
                sums["on_hand"] += row.on_hand
                stage = _stage(work, row)
                if stage == "usable":
                    sums["available"] += row.free
                    sums["allocated"] += row.allocated
                else:
                    sums[stage] += row.on_hand
            sums["incoming"] = sum(row.open for row in coming)
            sums["incoming_free"] = sum(row.free for row in coming)
            return Level(item, **{name: known.quantity(steps) for name, steps in sums.items()})

    def lots(self, item: str) -> tuple[Standing, ...]:
        """Every lot of an item that is in the house, where it stands, first expired first.

        Raises:
            Unknown: (`unknown`) no such item.
        """
        with self._office.look() as work:
            known = work.item(item)
            drop_expired_quotes(work, [item])
            rows = sorted(work.reader.stocked((item,))[item], key=_by_expiry)
            return tuple(
                Standing(row.lot, row.place, known.quantity(row.on_hand), known.quantity(row.allocated), _reason(work, row))
                for row in rows
            )

    def lot(self, item: str, lot: str) -> Lot:
        """One lot, also one that is used up.

        Raises:
            Unknown: (`unknown`) item or lot.
        """
        with self._office.look() as work:
            work.item(item)
            return work.lot(item, lot)

    def history(self, item: str, lot: str) -> tuple[Entry, ...]:
        """The decisions about a lot: when, by whom, why."""
        with self._office.look() as work:
            work.lot(item, lot)
            document = lot_document(item, lot)
            return tuple(work.reader.diary((document,))[document])

    def table(self, *items: str) -> str:
        """Stock at a glance: one line per lot and place, of the given items or of all."""
        with self._office.look() as work:
            codes = [work.item(item).code for item in items] or [*work.catalogue.items]
            drop_expired_quotes(work, codes)
            stocked = work.reader.stocked(codes)
            rows = []
            for item in codes:
                quantity = work.item(item).quantity
                for row in sorted(stocked[item], key=_by_expiry):
                    cells = (quantity(row.on_hand), quantity(row.allocated), row.lot.expires or "", _reason(work, row))
                    rows.append((item, row.lot.code, row.place, *map(str, cells)))
            return "\n".join(aligned(("item", "lot", "place", "on hand", "allocated", "expires", "not usable"), rows))


def arrive(
    work: Work,
    item: str,
    steps: int,
    lot: str | None,
    place: str,
    *,
    kind: str = "receive",
    source: str = SUPPLIER,
    paper: str = "",
    line: str = "",
    reason: str = "",
    at: datetime | None = None,
    **fields: Any,
) -> Lot:
    """A new lot comes into the house."""
    known = work.catalogue.stocked(item)
    work.catalogue.place(place)
    if lot is not None and work.reader.lots([(item, code(lot, "lot"))]):
        raise AlreadyExists(f"lot of {item}", lot)
    if at is not None and at > work.at:
        raise InvalidInput("happened_at", str(at), f"now ({work.at}) or earlier")  # before a number is taken
    name = lot if lot is not None else work.number("L")
    while lot is None and work.reader.lots([(item, name)]):  # somebody has written this very code by hand
        name = work.number("L")
    waits = known.release == "by decision"
    if fields.get("attributes"):
        fields["attributes"] = told_of_lot(fields["attributes"])
    row = Lot(item, name, paper=paper, received_at=at or work.at, disposition="waiting" if waits else "released", **fields)
    work.new_lot(row)
    enter(work, kind, paper, [Move(item, name, steps, source, place, line)], at=at, reason=reason)
    work.tell(LotReceived(work.at, lot_document(item, name), item, name, known.quantity(steps)))
    return row


def _by_expiry(row: Stocked) -> tuple[Any, ...]:
    return (row.lot.expires or date.max, row.lot.received_at, row.lot.code, row.place)


def _reason(work: Work, row: Stocked) -> str:
    reason = unusable(row.lot, work.today)
    if reason is not None:
        return reason
    return "" if work.catalogue.usable_place(row.place) else f"in {row.place}"


def _stage(work: Work, row: Stocked) -> str:
    if in_process(row.place):
        return "in_process"
    if row.lot.disposition == "waiting" or (row.lot.disposition == "released" and not work.catalogue.usable_place(row.place)):
        return "quarantined"
    return "usable" if unusable(row.lot, work.today) is None and work.catalogue.usable_place(row.place) else "blocked"
