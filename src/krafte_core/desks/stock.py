"""The stock desk: receive lots, say what there is, decide about lots, and write down what happened to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import attrs

from krafte_core.allocation import Loss
from krafte_core.availability import aligned
from krafte_core.catalogue import in_process
from krafte_core.diary import LOT_STEPS, Entry, allow, lot_document
from krafte_core.errors import AlreadyExists, InvalidInput, TooMuch, told
from krafte_core.events import Event, LotDecided, LotReceived, StockChanged
from krafte_core.items import Item, code, note
from krafte_core.money import Money, money
from krafte_core.netting import Displaced, drop_expired_quotes, lose, lot_links, squeeze
from krafte_core.office import Office
from krafte_core.production import ProductionOrder
from krafte_core.quantities import Quantity
from krafte_core.stock import COUNT, FOUND, LINE, SCRAP, STOCK, SUPPLIER, Lot, Move, Stocked, subtree, unusable
from krafte_core.store import LotKey
from krafte_core.times import day
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


@attrs.frozen
class Decided:
    """What a decision about lots did: the lots as they are now, whose links it blocked, and who lost them."""

    step: str
    lots: tuple[Lot, ...]
    blocked: tuple[Displaced, ...]
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


@attrs.frozen
class Changed:
    """What a fact about a lot did: the difference to what the books said, and who lost their promise by it."""

    lot: Lot
    difference: Quantity
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


class StockDesk:
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

        Raises:
            AlreadyExists: (`already_exists`) the item has a lot of this code. Unknown: (`unknown`) item or place.
            InvalidInput: an amount of zero or less, or that is no whole step.

        >>> from krafte_core import Item, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("lye", unit="kg"))
        >>> shop.stock.receive("lye", "5 kg", lot="NA-1").code
        'NA-1'
        """
        content = ("receive", item, told(amount), lot, supplier, supplier_lot, expires, owner, told(unit_cost), place, attributes)
        fields: dict[str, Any] = {
            "supplier": None if supplier is None else code(supplier, "supplier"),
            "supplier_lot": None if supplier_lot is None else code(supplier_lot, "supplier_lot"),
            "expires": None if expires is None else day(expires),
            "owner": None if owner is None else code(owner, "owner"),
            "unit_cost": None if unit_cost is None else money(unit_cost),
            "attributes": attributes or (),
        }

        def decide(work: Work) -> Lot:
            steps = work.item(item).positive(amount)
            return arrive(work, item, steps, lot, place, **fields)

        return self._office.run(decide, key=key, content=content, by=by)

    def found(
        self, item: str, amount: Any, *, lot: str | None = None, expires: date | str | None = None, place: str = STOCK,
        reason: str = "", key: str | None = None, by: str | None = None,
    ) -> Lot:  # fmt: skip
        """Stock that was found and that no document explains becomes a lot of its own.

        Raises:
            AlreadyExists: (`already_exists`) count the lot instead. And what `receive` raises.
        """
        until = None if expires is None else day(expires)

        def decide(work: Work) -> Lot:
            steps = work.item(item).positive(amount)
            return arrive(work, item, steps, lot, place, source=FOUND, reason=reason, origin="find", expires=until)

        return self._office.run(
            decide, key=key, content=("found", item, told(amount), lot, expires, place, note(reason, "reason")), by=by
        )

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

    # deciding about lots ----------------------------------------------------------------------------------------------

    def hold(
        self,
        item: str | Iterable[Any],
        *,
        lot: str | None = None,
        reason: str = "",
        key: str | None = None,
        by: str | None = None,
    ) -> Decided:
        """Block a lot, or many in one command (`hold(recall.lots, reason=...)`). Links stay and are blocked until it is released.

        Raises:
            NotAllowed: (`not_allowed`) held or rejected already. Unknown: (`unknown`) no such lot.
        """
        return self._decide("hold", item, lot, reason, key, by)

    def release(
        self,
        item: str | Iterable[Any],
        *,
        lot: str | None = None,
        reason: str = "",
        key: str | None = None,
        by: str | None = None,
    ) -> Decided:
        """Allow the use of a lot that waits or is held; links that were blocked count again.

        Raises:
            NotAllowed: (`not_allowed`) released already, or rejected. Unknown: (`unknown`) no such lot.
        """
        return self._decide("release", item, lot, reason, key, by)

    def reject(
        self,
        item: str | Iterable[Any],
        *,
        lot: str | None = None,
        reason: str = "",
        key: str | None = None,
        by: str | None = None,
    ) -> Decided:
        """Refuse a lot for good: it can only be scrapped; the needs that it covered are open again and named.

        Raises:
            NotAllowed: (`not_allowed`) rejected already. Unknown: (`unknown`) no such lot.
        """
        return self._decide("reject", item, lot, reason, key, by)

    def extend(
        self, item: str, *, lot: str, expires: date | str, reason: str = "", key: str | None = None, by: str | None = None
    ) -> Decided:
        """Move the last day of a lot after a retest; links that were blocked by the old date count again.

        Raises:
            NotAllowed: (`not_allowed`) the lot is rejected. Unknown: (`unknown`) no such lot.
        """
        return self._decide("extend", item, lot, reason, key, by, expires=day(expires))

    def _decide(
        self, step: str, item: str | Iterable[Any], lot: str | None, reason: str, key: str | None, by: str | None, **fields: Any
    ) -> Decided:
        keys = _keys(item, lot)

        def decide(work: Work) -> Decided:
            drop_expired_quotes(work, list(dict.fromkeys(code for code, _ in keys)))
            lots = [_decided(work, name, step, reason, fields) for name in keys]
            blocked: tuple[Displaced, ...] = ()
            displaced: tuple[Displaced, ...] = ()
            if step in ("hold", "reject"):
                links = [*lot_links(work, keys)]
                if step == "hold":
                    blocked = (*_who(work, links), *_at_work(work, keys))
                else:
                    losses = [Loss(link, link.takes, link.covers) for link in links]
                    displaced = (*lose(work, losses, reason or "rejected"), *_at_work(work, keys))
            return Decided(step, tuple(lots), blocked, displaced, tuple(work.changes.events))

        return self._office.run(decide, key=key, content=(step, tuple(keys), note(reason, "reason"), repr(fields)), by=by)

    # what happened ----------------------------------------------------------------------------------------------------

    def scrap(
        self,
        item: str,
        amount: Any,
        *,
        lot: str,
        place: str | None = None,
        reason: str = "",
        key: str | None = None,
        by: str | None = None,
    ) -> Changed:
        """A part of a lot is gone: broken, spoiled, thrown away. A fact: promises shrink in release order, and the losers are named.

        Args:
            item, lot: which lot; `place`: where, needed only if it stands at several places.
            amount: at most what is there.

        Raises:
            TooMuch: (`too_much`) more than is there. Unknown: (`unknown`) no such lot. InvalidInput: which place?
        """

        def decide(work: Work) -> Changed:
            known = work.item(item)
            steps = known.positive(amount)
            drop_expired_quotes(work, (item,))
            row = _where(work, item, lot, place)
            if steps > row.on_hand:
                raise TooMuch(
                    f"lot {lot} of {item} in {row.place}", known.quantity(steps), known.quantity(row.on_hand), "count it first"
                )
            return _changed(work, known, row, -steps, SCRAP, "scrap", reason)

        return self._office.run(decide, key=key, content=("scrap", item, told(amount), lot, place, note(reason, "reason")), by=by)

    def count(
        self,
        item: str,
        amount: Any,
        *,
        lot: str,
        place: str | None = None,
        reason: str = "",
        key: str | None = None,
        by: str | None = None,
    ) -> Changed:
        """What was counted is what there is. A fact: the difference is posted, promises beyond it shrink, the losers are named.

        Args:
            item, lot: which lot; `place`: where, needed only if it stands at several places.
            amount: what is there, zero or more.

        Raises:
            Unknown: (`unknown`) no such lot. InvalidInput: which place? an amount below zero.
        """

        def decide(work: Work) -> Changed:
            known = work.item(item)
            steps = known.steps(amount)
            if steps < 0:
                raise InvalidInput("amount", str(amount), "zero or more")
            drop_expired_quotes(work, (item,))
            row = _where(work, item, lot, place)
            return _changed(work, known, row, steps - row.on_hand, COUNT, "count", reason)

        return self._office.run(decide, key=key, content=("count", item, told(amount), lot, place, note(reason, "reason")), by=by)

    def transfer(
        self,
        item: str,
        amount: Any,
        *,
        lot: str,
        to: str,
        place: str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Lot:
        """Move a part of a lot to another place; what is allocated stays where it is, and so does what lies on a run's line.

        Raises:
            TooMuch: (`too_much`) more than is free there. Unknown: (`unknown`) lot or place. InvalidInput: which place?
        """

        def decide(work: Work) -> Lot:
            known = work.item(item)
            steps = known.positive(amount)
            work.catalogue.place(to)
            drop_expired_quotes(work, (item,))
            row = _where(work, item, lot, place)
            free = 0 if row.place == to or in_process(row.place) else row.free
            if steps > free:
                raise TooMuch(f"free of lot {lot} of {item} in {row.place}", known.quantity(steps), known.quantity(free))
            work.guard(row.lot)
            work.post("transfer", "", [Move(item, lot, steps, row.place, to)])
            return row.lot

        return self._office.run(decide, key=key, content=("transfer", item, told(amount), lot, to, place), by=by)


def arrive(
    work: Work,
    item: str,
    steps: int,
    lot: str | None,
    place: str,
    *,
    source: str = SUPPLIER,
    paper: str = "",
    line: str = "",
    reason: str = "",
    **fields: Any,
) -> Lot:
    """A new lot comes into the house."""
    known = work.item(item)
    work.catalogue.place(place)
    if lot is not None and work.reader.lots([(item, code(lot, "lot"))]):
        raise AlreadyExists(f"lot of {item}", lot)
    name = lot if lot is not None else work.number("L")
    while lot is None and work.reader.lots([(item, name)]):  # somebody has written this very code by hand
        name = work.number("L")
    waits = known.release == "by decision"
    row = Lot(item, name, paper=paper, received_at=work.at, disposition="waiting" if waits else "released", **fields)
    work.new_lot(row)
    work.post("find" if source == FOUND else "receive", paper, [Move(item, name, steps, source, place, line)], reason=reason)
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


def _keys(item: str | Iterable[Any], lot: str | None) -> list[LotKey]:
    if isinstance(item, str):
        if lot is None:
            raise InvalidInput("lot", lot, "the lot's code, or a list of lots instead of the item")
        return [(item, lot)]
    rows: Iterable[Any] = item
    return list(dict.fromkeys((one.item, one.code) for one in rows))


def _decided(work: Work, name: LotKey, step: str, reason: str, fields: Mapping[str, Any]) -> Lot:
    before = work.lot(*name)
    document = lot_document(*name)
    after = allow(LOT_STEPS, document, before.disposition, step)
    details = tuple((field, str(value)) for field, value in fields.items())
    work.note(document, step, reason=reason, details=details)
    work.tell(LotDecided(work.at, document, *name, step, reason))
    return work.change_lot(before, disposition=after, **fields)


def _who(work: Work, links: Sequence[Any]) -> Iterable[Displaced]:
    papers = work.reader.papers({link.demand for link in links})
    for link in links:
        run = link.demand if hasattr(papers[link.demand].paper, "needs") else None
        yield Displaced(None if run else link.demand, run, link.line, link.item, work.item(link.item).quantity(link.covers))


def _at_work(work: Work, keys: Sequence[LotKey]) -> Iterable[Displaced]:
    """The runs that have a part of the lots on their line."""
    for rows in work.reader.standing(keys).values():
        for row in rows:
            if in_process(row.place):
                item = row.lot.item
                yield Displaced(None, row.place.removeprefix(LINE), item, item, work.item(item).quantity(row.on_hand))


def _where(work: Work, item: str, lot: str, place: str | None) -> Stocked:
    """Where the lot stands: at the place given, or at the only one; a lot that is used up stands nowhere and in `stock`."""
    found = work.lot(item, lot)
    work.guard(found)
    rows = [row for row in work.reader.standing([(item, lot)])[item, lot] if place is None or row.place == place]
    if len(rows) > 1:
        raise InvalidInput("place", place, "one of " + ", ".join(row.place for row in rows))
    if place is not None and not (in_process(place) and _runs(work, place.removeprefix(LINE))):
        work.catalogue.place(place)
    return rows[0] if rows else Stocked(found, place or STOCK, 0, 0)


def _runs(work: Work, number: str) -> bool:
    """Whether there is a run of this number at work now, so that its line is a place."""
    filed = work.reader.papers((number,)).get(number)
    return filed is not None and isinstance(filed.paper, ProductionOrder) and work.state(filed.paper) == "started"


def _changed(work: Work, item: Item, row: Stocked, difference: int, other: str, kind: str, reason: str) -> Changed:
    """Post the difference; promises beyond what is left shrink in the same command."""
    lot, place = row.lot, row.place
    displaced: tuple[Displaced, ...] = ()
    if difference < 0:
        left = row.on_hand + difference
        links = [link for link in lot_links(work, [(lot.item, lot.code)]) if link.place == place]
        displaced = squeeze(work, links, row.allocated - left, reason or kind)
        if in_process(place):
            displaced += (Displaced(None, place.removeprefix(LINE), lot.item, lot.item, item.quantity(-difference)),)
    if difference:
        source, target = (place, other) if difference < 0 else (other, place)
        work.post(kind, "", [Move(lot.item, lot.code, abs(difference), source, target)], reason=reason)
        amount = item.quantity(difference)
        work.tell(StockChanged(work.at, lot_document(lot.item, lot.code), lot.item, lot.code, kind, amount, reason))
    return Changed(lot, item.quantity(difference), displaced, tuple(work.changes.events))
