"""A lot becomes another one: split, blended, regraded. Part of the stock desk.

Each is a small run of its own in the trace: the old lots went in, the new one came out, under a number of the series `LC`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import attrs

from krafte_core.backdating import business_time, could_take, date_back, fit_in
from krafte_core.desks.describing import as_lot
from krafte_core.desks.facts import take_along, where
from krafte_core.diary import lot_document
from krafte_core.errors import AlreadyExists, InvalidInput, TooMuch
from krafte_core.events import Event, LotConverted
from krafte_core.items import Item, code, note
from krafte_core.netting import Displaced, drop_expired_quotes, lot_links, squeeze
from krafte_core.office import Office
from krafte_core.potency import blended
from krafte_core.quantities import Quantity
from krafte_core.stock import PRODUCTION, STOCK, Lot, Move, Stocked, unusable
from krafte_core.wording import told
from krafte_core.work import Work


@attrs.frozen
class Converted:
    """What became of lots: the new lot, how much of it there is, under which number, and who lost a promise by it."""

    number: str
    kind: str
    lot: Lot
    amount: Quantity
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


class LotConversions:
    """What `shop.stock` makes of lots."""

    _office: Office

    def split(
        self,
        item: str,
        amount: Any,
        *,
        lot: str,
        into: str | None = None,
        place: str | None = None,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Converted:
        """A part of a lot gets a code of its own: the same goods, date and disposition; promises beyond the rest follow the part.

        Args:
            item, lot: which lot; `place`: where, needed only if it stands at several places.
            amount: at most what is there.
            into: the code of the part; default the next number of the series `L`.
            happened_at: when; default now. Dated back, it must have been there then and ever since.

        Raises:
            TooMuch: (`too_much`) more than is there. AlreadyExists: (`already_exists`) a lot `into`. Unknown: (`unknown`) no such lot.

        >>> from krafte_core import Item, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("oil", unit="kg"))
        >>> drum = shop.stock.receive("oil", "200 kg", lot="D-1")
        >>> shop.stock.split("oil", "20 kg", lot="D-1", into="D-1a").lot.code
        'D-1a'
        """
        at = business_time(happened_at, self._office.zone)

        def decide(work: Work) -> Converted:
            date_back(work, at)
            known = work.item(item)
            steps = as_lot(work, known, lot, amount).positive(amount)
            drop_expired_quotes(work, (item,))
            row = _taken(work, known, lot, place, steps, row_most=True)
            new = _new_lot(work, row.lot, item, into)
            take_along(work, row, steps, new, row.place)
            return _convert(work, "split", [(row, steps)], new, steps, row.place, reason)

        content = ("split", item, told(amount), lot, into, place, note(reason, "reason"), at)
        return self._office.run(decide, key=key, content=content, by=by)

    def blend(
        self,
        item: str,
        amounts: Mapping[str, Any],
        *,
        into: str | None = None,
        place: str | None = None,
        to: str = STOCK,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Converted:
        """Lots of one item are poured together: a new lot, good until the first of them expires; promises follow it.

        Args:
            item: the item.
            amounts: how much of each lot, `{"D-1": "20 kg", "D-2": "5 kg"}`.
            into: the code of the blend; default the next number of the series `L`.
            place: where the lots stand, needed only if one stands at several places; `to` where the blend goes.
            happened_at: when; default now.

        Raises:
            TooMuch: (`too_much`) more than is there. LotNotUsable: (`lot_not_usable`) a lot that is held, waits or has expired.
            InvalidInput: fewer than two lots, or lots of different owners.
        """
        at = business_time(happened_at, self._office.zone)

        def decide(work: Work) -> Converted:
            date_back(work, at)
            known = work.item(item)
            work.catalogue.place(to)
            drop_expired_quotes(work, (item,))
            parts = _parts(work, known, amounts, place)
            first = min((row.lot for row, _ in parts), key=lambda one: (one.expires or date.max, one.code))
            own = blended([(row.lot, steps) for row, steps in parts])
            new = _new_lot(work, first, item, into, supplier=None, supplier_lot=None, unit_cost=None, attributes=own)
            for row, steps in parts:
                take_along(work, row, steps, new, to)
            return _convert(work, "blend", parts, new, sum(steps for _, steps in parts), to, reason)

        content = ("blend", item, _listed(amounts), into, place, to, note(reason, "reason"), at)
        return self._office.run(decide, key=key, content=content, by=by)

    def regrade(
        self,
        item: str,
        amount: Any,
        *,
        lot: str,
        to: str,
        made: Any = None,
        into: str | None = None,
        place: str | None = None,
        force: bool = False,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Converted:
        """A part of a lot becomes stock of another item: second choice, a smaller pack, bulk for rework.

        Args:
            item, lot: which lot; `place`: where, needed only if it stands at several places.
            amount: at most what is free there; with `force` at most what is there: then promises are lost and named.
            to: the other item.
            made: how much of it; needed if it has another unit, default the same amount.
            into: the new lot's code; default the old one's.
            happened_at: when; default now.

        Raises:
            TooMuch: (`too_much`) more than is free. AlreadyExists: (`already_exists`) the lot. InvalidInput: how much was made?
        """
        at = business_time(happened_at, self._office.zone)

        def decide(work: Work) -> Converted:
            date_back(work, at)
            known, other = work.item(item), work.item(to)
            if known.code == other.code:
                raise InvalidInput("to", to, "another item")
            steps = as_lot(work, known, lot, amount).positive(amount)
            drop_expired_quotes(work, (item,))
            row = _taken(work, known, lot, place, steps, row_most=force)
            got = _yielded(known, other, amount, made)
            waits = "waiting" if other.release == "by decision" else "released"
            new = _new_lot(work, row.lot, to, into or row.lot.code, unit_cost=None, disposition=waits)
            losers = _lost(work, row, steps, reason or "regraded")
            done = _convert(work, "regrade", [(row, steps)], new, got, row.place, reason)
            return attrs.evolve(done, displaced=losers, events=tuple(work.changes.events))

        content = ("regrade", item, told(amount), lot, to, told(made), into, place, force, note(reason, "reason"), at)
        return self._office.run(decide, key=key, content=content, by=by)


def _taken(work: Work, item: Item, lot: str, place: str | None, steps: int, *, row_most: bool) -> Stocked:
    """The row to take from: all that is there (`row_most`), or only what is free."""
    row = where(work, item.code, lot, place)
    most = row.on_hand if row_most else row.free
    if work.happened != work.at:  # and what was there then, and ever since
        most = min(most, could_take(work, (item.code, lot, row.place), work.happened))
    if steps > most:
        what = f"lot {lot} of {item.code} in {row.place}" if row_most else f"free of lot {lot} of {item.code} in {row.place}"
        raise TooMuch(what, item.quantity(steps), item.quantity(most), "" if row_most else "force=True takes what is promised, too")
    return row


def _new_lot(work: Work, like: Lot, item: str, into: str | None, **fields: Any) -> Lot:
    """A lot with the dates, owner and disposition of another."""
    if into is not None and work.reader.lots([(item, code(into, "into"))]):
        raise AlreadyExists(f"lot of {item}", into)
    name = into if into is not None else work.number("L")
    while into is None and work.reader.lots([(item, name)]):
        name = work.number("L")
    lot = attrs.evolve(
        like, item=item, code=name, origin="conversion", paper=work.number("LC"), received_at=work.happened, revision=1, **fields
    )
    work.new_lot(lot)
    return lot


def _convert(work: Work, kind: str, parts: Sequence[tuple[Stocked, int]], new: Lot, got: int, to: str, reason: str) -> Converted:
    moves = [Move(row.lot.item, row.lot.code, steps, row.place, PRODUCTION) for row, steps in parts]
    work.post(kind, new.paper, [*moves, Move(new.item, new.code, got, PRODUCTION, to)], reason=reason)
    fit_in(work)
    amount = work.item(new.item).quantity(got)
    sources = tuple(dict.fromkeys(row.lot.code for row, _ in parts))
    work.tell(LotConverted(work.at, lot_document(new.item, new.code), new.item, new.code, kind, sources, amount, reason))
    return Converted(new.paper, kind, new, amount, (), tuple(work.changes.events))


def _parts(work: Work, item: Item, amounts: Any, place: str | None) -> list[tuple[Stocked, int]]:
    if not isinstance(amounts, Mapping) or len(amounts) < 2:
        raise InvalidInput("amounts", amounts, "amounts of two lots or more, {lot: amount}")
    parts = []
    for lot, amount in amounts.items():
        steps = as_lot(work, item, lot, amount).positive(amount, f"amounts[{lot!r}]")
        row = _taken(work, item, lot, place, steps, row_most=True)
        reason = unusable(row.lot, work.day_then)
        if reason is not None:
            raise work.refuse_lot(item.code, lot, reason)
        parts.append((row, steps))
    owners = {row.lot.owner for row, _ in parts}
    if len(owners) > 1:
        raise InvalidInput("amounts", sorted(map(str, owners)), "lots of one owner")
    return parts


def _listed(amounts: Any) -> object:
    return tuple((told(lot), told(amount)) for lot, amount in amounts.items()) if isinstance(amounts, Mapping) else told(amounts)


def _yielded(item: Item, other: Item, amount: Any, made: Any) -> int:
    if made is not None:
        return other.positive(made, "made")
    if item.unit != other.unit:
        raise InvalidInput("made", None, f"how much {other.code} came of {amount} {item.code}, in {other.unit}")
    return other.positive(item.quantity(item.positive(amount)))


def _lost(work: Work, row: Stocked, steps: int, reason: str) -> tuple[Displaced, ...]:
    links = [link for link in lot_links(work, [(row.lot.item, row.lot.code)]) if link.place == row.place]
    return squeeze(work, links, row.allocated - (row.on_hand - steps), reason)
