"""Goods come back from a customer. Part of the shipping desk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from krafte_core.backdating import business_time, enter
from krafte_core.errors import InvalidInput, LotUnknown, NotAllowed, TooMuch
from krafte_core.events import Event, OrderReturned
from krafte_core.items import note
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder, OrderNeed
from krafte_core.quantities import Quantity
from krafte_core.stock import CUSTOMER, QUARANTINE, REDELIVER, Lot, Move
from krafte_core.store import LotKey
from krafte_core.wording import told
from krafte_core.work import Work, number_of


@attrs.frozen
class Returned:
    """What came back: the lots with their amounts, and whether the customer still wants to be served."""

    order: str
    lots: tuple[tuple[Lot, Quantity], ...]
    reopened: bool
    events: tuple[Event, ...]


class Returns:
    """What `shop.shipping` takes back."""

    _office: Office

    def receive_return(
        self,
        order: CustomerOrder | str,
        *,
        amounts: Mapping[str, Any],
        lot: str | None = None,
        unknown_lot: bool = False,
        to: str = QUARANTINE,
        reopen: bool = False,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Returned:
        """Goods of an order come back: into the lot that was shipped, at a place of choice.

        Args:
            order: the order that they were shipped for.
            amounts: how much of which item (or line ref), at most what was shipped and has not come back. A kit comes back as
                one, with all its components in their proportion, or by its components.
            lot: the lot's code, as it stands on the goods; it may be left out where only one lot was shipped. Of a kit it is
                the lot of the component that was shipped from it.
            unknown_lot: nobody can tell the lot any more: the goods become a lot of their own, which the trace shows as undecided
                among those that were shipped.
            to: the place; default `quarantine`, where nothing is used or sold.
            reopen: the customer still wants the goods: the need is open again.

        Raises:
            TooMuch: (`too_much`) more than was shipped. LotUnknown: (`lot_unknown`) several lots were shipped; they are given.
            NotAllowed: (`not_allowed`) nothing was shipped. Unknown: (`unknown`) no such order or place.

        >>> from krafte_core import Item, OrderLine, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"))
        >>> lot = shop.stock.receive("soap", "20 each", lot="S-1")
        >>> order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "12 each")])
        >>> confirmed, shipment = shop.orders.confirm(order), shop.shipping.ship(order)
        >>> shop.shipping.receive_return(order, amounts={"soap": "2 each"}).lots[0][0].code
        'S-1'
        """
        name, at = number_of(order), business_time(happened_at, self._office.zone)
        asked = _asked(amounts, lot if unknown_lot else None)

        def decide(work: Work) -> Returned:
            paper: CustomerOrder = work.paper(CustomerOrder, name)
            work.catalogue.place(to)
            _step(work, paper, reason, reopen=reopen)
            out = outstanding(work, name, at)
            asked_for = [_meant(work, paper, wanted, amount, out, lot) for wanted, amount in amounts.items()]
            rows = [_row(work, *one, out, unknown_lot) for needs in asked_for for one in needs]
            lots = [(line, _goods(work, name, line.item, which, at), steps) for line, which, steps in rows]
            moves = [Move(goods.item, goods.code, steps, CUSTOMER, to, f"{name}/{line.ref}") for line, goods, steps in lots]
            enter(work, REDELIVER if reopen else "return", name, moves, at=at, reason=reason)
            back = tuple((goods, work.item(goods.item).quantity(steps)) for _, goods, steps in lots)
            for goods, amount in back:
                work.tell(OrderReturned(work.at, name, paper.customer, goods.item, goods.code, amount, reason))
            return Returned(name, back, reopen, tuple(work.changes.events))

        content = ("return", name, asked, lot, unknown_lot, to, reopen, note(reason, "reason"), at)
        return self._office.run(decide, key=key, content=content, by=by)


def _asked(amounts: Any, known: str | None) -> tuple[tuple[object, object], ...]:
    if not isinstance(amounts, Mapping) or not amounts:
        raise InvalidInput("amounts", amounts, "an amount per item or line")
    if known is not None:
        raise InvalidInput("unknown_lot", known, "a lot, or that it is unknown")
    return tuple((told(wanted), told(amount)) for wanted, amount in amounts.items())


def _step(work: Work, order: CustomerOrder, reason: str, *, reopen: bool) -> None:
    now = work.state(order)
    if reopen and now == "closed":
        raise NotAllowed(order.number, now, "open the need again", ("reopen the order",))
    work.step(order, now, "return", reason=reason)
    if reopen:
        work.changes.opened.add(order.number)  # all of it may have gone


def outstanding(work: Work, order: str, at: datetime | None = None) -> Mapping[tuple[str, LotKey], int]:
    """Steps per line and lot that the customer has: shipped (by then, if it is told when) and not come back."""
    sums: dict[tuple[str, LotKey], int] = {}
    for posting in work.reader.postings(papers=[order]):
        for move in posting.moves:
            number, _, line = move.line.partition("/")
            change = move.steps * ((move.target == CUSTOMER) - (move.source == CUSTOMER))
            if number == order and change and not (at is not None and change > 0 and posting.happened_at > at):
                key = (line, (move.item, move.lot))
                sums[key] = sums.get(key, 0) + change
    return {key: steps for key, steps in sums.items() if steps > 0}


def _meant(
    work: Work, order: CustomerOrder, wanted: str, amount: Any, out: Mapping[tuple[str, LotKey], int], lot: str | None
) -> list[tuple[OrderNeed, int, str | None]]:
    """The needs that are meant, how much of each, and the lot that is named: of a kit every component."""
    kits = [line for line in order.lines if line.parts and wanted in (line.ref, line.item)]
    if not kits:
        need = order.need_of(wanted)
        return [(need, work.item(need.item).positive(amount, f"amounts[{wanted!r}]"), lot)]
    kit = order.line(wanted)
    sets = work.item(kit.item).positive(amount, f"amounts[{wanted!r}]")
    known = {(ref, code) for ref, (_, code) in out}
    if lot is not None and not any((need.ref, lot) in known for need in kit.needs):
        lots = sorted({code for ref, code in known if ref in {need.ref for need in kit.needs}})
        raise InvalidInput("lot", lot, f"one of {', '.join(lots) or 'no lots: nothing was shipped'}")
    return [
        (need, part.steps * sets, lot if (need.ref, lot) in known else None) for need, part in zip(kit.needs, kit.parts, strict=True)
    ]


def _row(
    work: Work, line: OrderNeed, steps: int, lot: str | None, out: Mapping[tuple[str, LotKey], int], unknown: bool
) -> tuple[OrderNeed, LotKey | None, int]:
    item = work.item(line.item)
    sent = {key: there for (ref, key), there in out.items() if ref == line.ref}
    if lot is None and not unknown and len(sent) > 1:
        raise LotUnknown(line.item, tuple(sorted(code for _, code in sent)))
    chosen = (line.item, lot) if lot is not None else next(iter(sent)) if len(sent) == 1 and not unknown else None
    most = sum(sent.values()) if chosen is None else sent.get(chosen, 0)
    if steps > most:
        what = f"returned of {line.item}" + (f" lot {chosen[1]}" if chosen else "")
        raise TooMuch(what, item.quantity(steps), item.quantity(most), "no more has been shipped")
    return line, chosen, steps


def _goods(work: Work, order: str, item: str, known: LotKey | None, at: datetime | None) -> Lot:
    """The lot that the goods are of; one of its own for goods that nobody can tell the lot of."""
    if known is not None:
        return work.reader.lots([known])[known]
    name = work.number("L")
    while work.reader.lots([(item, name)]):
        name = work.number("L")
    waits = work.item(item).release == "by decision"
    lot = Lot(item, name, origin="return", paper=order, received_at=at or work.at, disposition="waiting" if waits else "released")
    work.new_lot(lot)
    return lot
