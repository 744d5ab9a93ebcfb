"""What happened to stock: scrapped, counted, sampled, moved. Part of the stock desk.

Facts are never refused because of promises: the links shrink in release order in the same command, and the losers are named.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from krafte_core.allocation import displaced
from krafte_core.backdating import business_time, enter, mark, timeline
from krafte_core.catalogue import in_process
from krafte_core.desks.describing import as_lot
from krafte_core.diary import lot_document
from krafte_core.errors import InvalidInput, TooMuch
from krafte_core.events import Event, StockChanged
from krafte_core.history import stood
from krafte_core.items import Item, note
from krafte_core.netting import Displaced, demand_ranks, drop_expired_quotes, lot_links, squeeze
from krafte_core.office import Office
from krafte_core.production import ProductionOrder
from krafte_core.quantities import Quantity
from krafte_core.stock import COUNT, LINE, SAMPLE, SCRAP, STOCK, Lot, Move, Stocked
from krafte_core.wording import told
from krafte_core.work import Work


@attrs.frozen
class Changed:
    """What a fact about a lot did: the difference to what the books said, and who lost their promise by it."""

    lot: Lot
    difference: Quantity
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


class StockFacts:
    """What `shop.stock` writes down."""

    _office: Office

    def scrap(
        self,
        item: str,
        amount: Any,
        *,
        lot: str,
        place: str | None = None,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Changed:
        """A part of a lot is gone: broken, spoiled, thrown away. Promises shrink in release order, and the losers are named.

        Args:
            item, lot: which lot; `place`: where, needed only if it stands at several places.
            amount: at most what is there.
            happened_at: when; default now. Dated back, it must have been there then and ever since.

        Raises:
            TooMuch: (`too_much`) more than is there. Unknown: (`unknown`) no such lot. InvalidInput: which place?

        >>> from krafte_core import Item, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("jar", unit="each"))
        >>> lot = shop.stock.receive("jar", "60 each", lot="J-1")
        >>> str(shop.stock.scrap("jar", "4 each", lot="J-1", reason="fell").difference)
        '-4 each'
        """
        return self._gone("scrap", SCRAP, item, amount, lot, place, reason, happened_at, key, by)

    def sample(
        self,
        item: str,
        amount: Any,
        *,
        lot: str,
        place: str | None = None,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Changed:
        """A part of a lot was taken for the laboratory, the shelf of retained samples, or a trade fair; as `scrap`, but kept apart.

        Raises:
            TooMuch: (`too_much`), Unknown: (`unknown`), InvalidInput: as `scrap`.
        """
        return self._gone("sample", SAMPLE, item, amount, lot, place, reason, happened_at, key, by)

    def _gone(
        self, kind: str, other: str, item: str, amount: Any, lot: str, place: str | None, reason: str,
        happened_at: datetime | str | None, key: str | None, by: str | None,
    ) -> Changed:  # fmt: skip
        at = business_time(happened_at, self._office.zone)

        def decide(work: Work) -> Changed:
            known = work.item(item)
            steps = as_lot(work, known, lot, amount).positive(amount)
            drop_expired_quotes(work, (item,))
            row = where(work, item, lot, place)
            if at is None and steps > row.on_hand:
                what = f"lot {lot} of {item} in {row.place}"
                raise TooMuch(what, known.quantity(steps), known.quantity(row.on_hand), "count it first")
            return changed(work, known, row, -steps, other, kind, reason, at)

        content = (kind, item, told(amount), lot, place, note(reason, "reason"), at)
        return self._office.run(decide, key=key, content=content, by=by)

    def count(
        self,
        item: str,
        amount: Any,
        *,
        lot: str,
        place: str | None = None,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Changed:
        """What was counted is what there is: the difference is posted, promises beyond it shrink, the losers are named.

        A count is an absolute mark. Whatever is dated before it later on, what stood there at the count stays what was counted.

        Args:
            item, lot: which lot; `place`: where, needed only if it stands at several places.
            amount: what is there, zero or more.
            happened_at: when it was counted; default now.

        Raises:
            Unknown: (`unknown`) no such lot. InvalidInput: which place? an amount below zero.
            TooMuch: (`too_much`) dated back, and more was used since than was counted.
        """
        at = business_time(happened_at, self._office.zone)

        def decide(work: Work) -> Changed:
            known = work.item(item)
            steps = as_lot(work, known, lot, amount).steps(amount)
            if steps < 0:
                raise InvalidInput("amount", str(amount), "zero or more")
            drop_expired_quotes(work, (item,))
            row = where(work, item, lot, place)
            there = row.on_hand if at is None else stood(timeline(work, (item, lot, row.place)), at)
            found = changed(work, known, row, steps - there, COUNT, "count", reason, at)
            mark(work, (item, lot, row.place), at or work.at, str(known.quantity(steps)))
            return found

        content = ("count", item, told(amount), lot, place, note(reason, "reason"), at)
        return self._office.run(decide, key=key, content=content, by=by)

    def transfer(
        self,
        item: str,
        amount: Any,
        *,
        lot: str,
        to: str,
        place: str | None = None,
        reserved: bool = False,
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Lot:
        """Move a part of a lot to another place, shelf or site; what lies on a run's line stays there.

        Args:
            item, lot: which lot; `place`: from where, needed only if it stands at several places.
            amount: at most what is free there, or, with `reserved`, what is there: then promises move along, the least urgent first.
            to: the place it goes to.

        Raises:
            TooMuch: (`too_much`) more than is free there. Unknown: (`unknown`) lot or place. InvalidInput: which place?
        """
        at = business_time(happened_at, self._office.zone)

        def decide(work: Work) -> Lot:
            known = work.item(item)
            steps = as_lot(work, known, lot, amount).positive(amount)
            work.catalogue.place(to)
            drop_expired_quotes(work, (item,))
            row = where(work, item, lot, place)
            most = 0 if row.place == to or in_process(row.place) else row.on_hand if reserved else row.free
            if steps > most:
                raise TooMuch(f"free of lot {lot} of {item} in {row.place}", known.quantity(steps), known.quantity(most))
            work.guard(row.lot)
            take_along(work, row, steps, row.lot, to)
            enter(work, "transfer", "", [Move(item, lot, steps, row.place, to)], at=at)
            return row.lot

        content = ("transfer", item, told(amount), lot, to, place, reserved, at)
        return self._office.run(decide, key=key, content=content, by=by)


def where(work: Work, item: str, lot: str, place: str | None) -> Stocked:
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


def changed(
    work: Work, item: Item, row: Stocked, difference: int, other: str, kind: str, reason: str, at: datetime | None = None,
    paper: str = "",
) -> Changed:  # fmt: skip
    """Post the difference; promises beyond what is left today shrink in the same command."""
    lot, place = row.lot, row.place
    if not difference:
        return Changed(lot, item.quantity(0), (), tuple(work.changes.events))
    source, target = (place, other) if difference < 0 else (other, place)
    moves = [Move(lot.item, lot.code, abs(difference), source, target)]
    today = enter(work, kind, paper, moves, at=at, reason=reason).get((lot.item, lot.code, place), 0)
    losers: tuple[Displaced, ...] = ()
    if today < 0:
        links = [link for link in lot_links(work, [(lot.item, lot.code)]) if link.place == place]
        losers = squeeze(work, links, row.allocated - row.on_hand - today, reason or kind)
        if in_process(place):
            losers += (Displaced(None, place.removeprefix(LINE), lot.item, lot.item, item.quantity(-difference)),)
    amount = item.quantity(difference)
    work.tell(StockChanged(work.at, lot_document(lot.item, lot.code), lot.item, lot.code, kind, amount, reason))
    return Changed(lot, amount, losers, tuple(work.changes.events))


def take_along(work: Work, row: Stocked, steps: int, lot: Lot, place: str) -> None:
    """So much of what stands there becomes (a part of) another lot or stands elsewhere: promises beyond the rest follow it."""
    excess = row.allocated - (row.on_hand - steps)
    if excess <= 0:
        return
    known = {link[:6]: link for link in lot_links(work, {(row.lot.item, row.lot.code): None, (lot.item, lot.code): None})}
    links = [link for link in known.values() if (link.ref, link.place) == (row.lot.code, row.place)]
    ranks = demand_ranks(work, links)
    for link, takes, covers in displaced(links, excess, lambda link: ranks[link.demand]):
        work.unlink(link, takes, covers)
        work.touch(link.demand)
        moved = link._replace(ref=lot.code, place=place, takes=takes, covers=covers)
        work.link(moved, known.get(moved[:6]))
