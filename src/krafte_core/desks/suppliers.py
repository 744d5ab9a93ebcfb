"""What changes after an order went to a supplier: amounts, prices, dates, cancelled lines, and goods that go back.

Part of the purchasing desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from krafte_core.allocation import PURCHASE, Allocation
from krafte_core.backdating import business_time
from krafte_core.desks.describing import as_lot
from krafte_core.desks.facts import changed, where
from krafte_core.desks.lateness import Late, moved
from krafte_core.diary import allow, lot_document
from krafte_core.errors import InvalidInput, StaleVersion, TooMuch
from krafte_core.events import Event, PurchaseCancelled, PurchaseChanged, PurchaseRescheduled, SentBack
from krafte_core.items import note
from krafte_core.money import Money, money
from krafte_core.netting import Displaced, drop_expired_quotes, squeeze
from krafte_core.office import Office
from krafte_core.purchasing import PURCHASE_STEPS, PurchaseLine, PurchaseOrder
from krafte_core.quantities import Quantity
from krafte_core.stock import SUPPLIER, Lot
from krafte_core.times import instant
from krafte_core.wording import told
from krafte_core.work import Work, arrived, number_of


@attrs.frozen
class LineChanged:
    """What a change of a purchase line did: the purchase order as it is now, and who counted on more."""

    purchase: PurchaseOrder
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


@attrs.frozen
class Rescheduled:
    """What another delivery time did: the purchase order as it is now, and the orders that it makes late."""

    purchase: PurchaseOrder
    late: tuple[Late, ...]
    events: tuple[Event, ...]


@attrs.frozen
class SentOff:
    """What went back to a supplier, and who lost a promise by it."""

    lot: Lot
    amount: Quantity
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


class PurchaseChanges:
    """What `shop.purchasing` changes and sends back."""

    _office: Office

    def change(
        self,
        purchase: PurchaseOrder | str,
        item: str,
        *,
        amount: Any = None,
        price: Money | str | None = None,
        if_version: int | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> LineChanged:
        """The supplier confirms another amount or price of a line.

        Args:
            purchase: the purchase order; `item` its line, by item or by ref.
            amount: how much the line is now, in all; not below what has come.
            if_version: the version that the caller read.

        Raises:
            NotAllowed: (`not_allowed`) closed or cancelled. TooMuch: (`too_much`) more has come already.
            StaleVersion: (`stale_version`) somebody changed it meanwhile.
        """
        name, cost = number_of(purchase), None if price is None else money(price)

        def decide(work: Work) -> LineChanged:
            paper = _at_version(work, name, if_version)
            allow(PURCHASE_STEPS, name, work.state(paper), "change")
            line = paper.line(item)
            known = work.item(line.item)
            steps = line.steps if amount is None else known.positive(amount)
            came = arrived(work, [paper]).get((name, line.ref), 0)
            if steps < came:
                raise TooMuch(f"received of {line.item}", known.quantity(came), known.quantity(steps), "send the rest back")
            return _changed(work, paper, line, steps, price=cost or line.price)

        content = ("change", name, item, told(amount), cost, if_version)
        return self._office.run(decide, key=key, content=content, by=by)

    def reschedule(
        self,
        purchase: PurchaseOrder | str,
        expected: datetime | str,
        *,
        item: str | None = None,
        reason: str = "",
        key: str | None = None,
        by: str | None = None,
    ) -> Rescheduled:
        """The supplier names another time, for the whole order or for one line. Links stay; who becomes late is named.

        Raises:
            NotAllowed: (`not_allowed`) closed or cancelled. Unknown: (`unknown`) no such purchase order.
        """
        name, at = number_of(purchase), instant(expected, self._office.zone)

        def decide(work: Work) -> Rescheduled:
            paper: PurchaseOrder = work.paper(PurchaseOrder, name)
            work.step(paper, work.state(paper), "reschedule", reason=reason, details=(("expected", at.isoformat()),))
            moves = paper.lines if item is None else (paper.line(item),)
            lines = tuple(attrs.evolve(line, expected=None if item is None else at) if line in moves else line for line in paper.lines)
            after = attrs.evolve(paper, lines=lines, expected=at if item is None else paper.expected, version=paper.version + 1)
            work.file(after)
            for line in moves:
                work.tell(PurchaseRescheduled(work.at, name, paper.supplier, line.item, at))
            late = moved(work, [(PURCHASE, line.item, name) for line in moves])
            return Rescheduled(after, late, work.told())

        content = ("reschedule", name, at, item, note(reason, "reason"))
        return self._office.run(decide, key=key, content=content, by=by)

    def cancel(
        self,
        purchase: PurchaseOrder | str,
        *,
        item: str | None = None,
        reason: str = "",
        key: str | None = None,
        by: str | None = None,
    ) -> tuple[Displaced, ...]:
        """What has not come will not come, of the whole order or of one line; the needs that counted on it are open again and named.

        Raises:
            NotAllowed: (`not_allowed`) closed or cancelled already. Unknown: (`unknown`) no such purchase order.
        """
        name = number_of(purchase)

        def decide(work: Work) -> tuple[Displaced, ...]:
            paper: PurchaseOrder = work.paper(PurchaseOrder, name)
            drop_expired_quotes(work, paper.items)
            if item is not None and len(paper.lines) > 1:
                line = paper.line(item)
                came = arrived(work, [paper]).get((name, line.ref), 0)
                return _changed(work, paper, line, came, reason=reason).displaced
            work.step(paper, work.state(paper), "cancel", reason=reason)
            links = _links(work, name, paper.lines if item is None else (paper.line(item),))
            work.tell(PurchaseCancelled(work.at, name, paper.supplier))
            return squeeze(work, links, sum(link.takes for link in links), reason or "purchase cancelled")

        return self._office.run(decide, key=key, content=("cancel", name, item, note(reason, "reason")), by=by)

    def send_back(
        self,
        item: str,
        amount: Any,
        *,
        lot: str,
        place: str | None = None,
        force: bool = False,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> SentOff:
        """A part of a lot goes back to its supplier.

        Args:
            item, lot: which lot; `place`: where, needed only if it stands at several places.
            amount: at most what is free there; with `force` at most what is there: then promises are lost and named.

        Raises:
            TooMuch: (`too_much`) more than is free. InvalidInput: the lot did not come from a supplier. Unknown: no such lot.
        """
        at = business_time(happened_at, self._office.zone)

        def decide(work: Work) -> SentOff:
            known = work.item(item)
            steps = as_lot(work, known, lot, amount).positive(amount)
            drop_expired_quotes(work, (item,))
            row = where(work, item, lot, place)
            if row.lot.origin != "receipt":
                raise InvalidInput("lot", lot, f"a lot that came from a supplier, not of origin {row.lot.origin}")
            most, offer = (row.on_hand, "") if force else (row.free, "force=True takes what is promised, too")
            too_much = TooMuch(f"free of lot {lot} of {item} in {row.place}", known.quantity(steps), known.quantity(most), offer)
            if at is None and steps > most:
                raise too_much
            gone = changed(work, known, row, -steps, SUPPLIER, "send_back", reason, at, row.lot.paper)
            if gone.displaced and not force:  # dated back, it may be more than is free today: where it was counted since
                raise too_much
            work.tell(SentBack(work.at, lot_document(item, lot), row.lot.supplier or "", item, lot, known.quantity(steps), reason))
            return SentOff(row.lot, known.quantity(steps), gone.displaced, tuple(work.changes.events))

        content = ("send_back", item, told(amount), lot, place, force, note(reason, "reason"), at)
        return self._office.run(decide, key=key, content=content, by=by)


def _at_version(work: Work, name: str, wanted: int | None) -> PurchaseOrder:
    paper: PurchaseOrder = work.paper(PurchaseOrder, name)
    if wanted is not None and paper.version != wanted:
        raise StaleVersion(name, wanted, paper.version)
    return paper


def _links(work: Work, name: str, lines: Sequence[PurchaseLine]) -> list[Allocation]:
    """The links that draw on these lines."""
    supplies = list(dict.fromkeys((PURCHASE, line.item, name) for line in lines))
    refs = {line.ref for line in lines}
    found = work.reader.claims(supplies)
    return [link for supply in supplies for link in found[supply] if link.place in refs]


def _changed(
    work: Work, paper: PurchaseOrder, line: PurchaseLine, steps: int, *, reason: str = "", price: Money | None = None
) -> LineChanged:
    """Write another amount or price of a line; who counted on more than is still to come is named."""
    known, name = work.item(line.item), paper.number
    amount = known.quantity(steps)
    now = work.step(paper, work.state(paper), "change", reason=reason, details=(("line", line.ref), ("amount", str(amount))))
    line_after = attrs.evolve(line, steps=steps, amount=amount, price=price or line.price)
    lines = tuple(line_after if one.ref == line.ref else one for one in paper.lines)
    after = attrs.evolve(paper, lines=lines, version=paper.version + 1)
    work.file(after)
    came = arrived(work, [paper])
    links = _links(work, name, [line])
    excess = sum(link.takes for link in links) - (steps - came.get((name, line.ref), 0))
    losers = squeeze(work, links, excess, reason or f"{name} brings less")
    if all(came.get((name, one.ref), 0) >= one.steps for one in lines):
        work.step(after, now, "close")
    work.tell(PurchaseChanged(work.at, name, paper.supplier, line.item, amount))
    return LineChanged(after, losers, tuple(work.changes.events))
