"""Decisions about lots: hold, release, reject, extend. Part of the stock desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import attrs

from krafte_core.allocation import Allocation, Loss
from krafte_core.catalogue import in_process
from krafte_core.diary import LOT_STEPS, allow, lot_document
from krafte_core.errors import InvalidInput
from krafte_core.events import Event, LotDecided
from krafte_core.items import note
from krafte_core.netting import Displaced, drop_expired_quotes, lose, lot_links
from krafte_core.office import Office
from krafte_core.production import ProductionOrder
from krafte_core.stock import LINE, Lot
from krafte_core.store import LotKey
from krafte_core.times import day
from krafte_core.work import Work


@attrs.frozen
class Decided:
    """What a decision about lots did: the lots as they are now, whose links it blocked, and who lost them."""

    step: str
    lots: tuple[Lot, ...]
    blocked: tuple[Displaced, ...]
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


class LotDecisions:
    """What `shop.stock` decides about lots."""

    _office: Office

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

    def hold_recalled(self, lots: Iterable[Any], *, reason: str, key: str | None = None, by: str | None = None) -> Decided:
        """The same for a recall, which is written down with it: partners are told "recalled" and not just "held"."""
        return self._decided("hold", _keys(lots, None), reason, key, by, {}, {"because": "recall"})

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
        return self._decided(step, _keys(item, lot), reason, key, by, fields)

    def _decided(
        self,
        step: str,
        keys: Sequence[LotKey],
        reason: str,
        key: str | None,
        by: str | None,
        fields: Mapping[str, Any],
        more: Mapping[str, str] | None = None,
    ) -> Decided:
        """A decision about lots; `more` is written down with it, and changes nothing of the lots."""

        def decide(work: Work) -> Decided:
            drop_expired_quotes(work, list(dict.fromkeys(code for code, _ in keys)))
            lots = [_decided(work, name, step, reason, fields, more or {}) for name in keys]
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

        return self._office.run(
            decide, key=key, content=(step, tuple(keys), note(reason, "reason"), repr({**fields, **(more or {})})), by=by
        )


def _keys(item: str | Iterable[Any], lot: str | None) -> list[LotKey]:
    if isinstance(item, str):
        if lot is None:
            raise InvalidInput("lot", lot, "the lot's code, or a list of lots instead of the item")
        return [(item, lot)]
    rows = [*item] if isinstance(item, Iterable) else [item]
    if not all(hasattr(one, "item") and hasattr(one, "code") for one in rows):
        raise InvalidInput("item", rows, "an item's code, or a list of lots")
    return list(dict.fromkeys((one.item, one.code) for one in rows))


def _decided(work: Work, name: LotKey, step: str, reason: str, fields: Mapping[str, Any], more: Mapping[str, str]) -> Lot:
    before = work.lot(*name)
    document = lot_document(*name)
    after = allow(LOT_STEPS, document, before.disposition, step)
    details = tuple((field, str(value)) for field, value in {**fields, **more}.items())
    work.note(document, step, reason=reason, details=details)
    work.tell(LotDecided(work.at, document, *name, step, reason))
    return work.change_lot(before, disposition=after, **fields)


def _who(work: Work, links: Sequence[Allocation]) -> Iterable[Displaced]:
    papers = work.reader.papers({link.demand for link in links})
    for link in links:
        run = link.demand if isinstance(papers[link.demand].paper, ProductionOrder) else None
        yield Displaced(None if run else link.demand, run, link.line, link.item, work.item(link.item).quantity(link.covers))


def _at_work(work: Work, keys: Sequence[LotKey]) -> Iterable[Displaced]:
    """The runs that have a part of the lots on their line."""
    for rows in work.reader.standing(keys).values():
        for row in rows:
            if in_process(row.place):
                item = row.lot.item
                yield Displaced(None, row.place.removeprefix(LINE), item, item, work.item(item).quantity(row.on_hand))
