"""Decisions about lots: measure, declare, hold, release, reject, extend. Part of the stock desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import attrs

from krafte_core.allocation import Allocation, Loss
from krafte_core.backdating import business_time, date_back, happened
from krafte_core.catalogue import in_process
from krafte_core.diary import LOT_STEPS, Entry, allow, lot_document
from krafte_core.errors import InvalidInput, LotNotUsable
from krafte_core.events import Event, LotDecided
from krafte_core.items import note
from krafte_core.netting import Displaced, count_again, drop_expired_quotes, lose, lot_links
from krafte_core.office import Office
from krafte_core.potency import told_of_lot
from krafte_core.production import ProductionOrder
from krafte_core.quality import MEASURE, Measured, details, measured, open_checks, readings
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

    def release(
        self,
        item: str | Iterable[Any],
        *,
        lot: str | None = None,
        reason: str = "",
        despite: bool = False,
        key: str | None = None,
        by: str | None = None,
    ) -> Decided:
        """Allow the use of a lot that waits or is held; links that were blocked count again.

        Args:
            item, lot: a lot, or many in one command.
            reason: why.
            despite: although a quality check was not made or does not keep its limits; needs a reason, and is written down.
            key, by: as everywhere.

        Raises:
            NotAllowed: (`not_allowed`) released already, or rejected. Unknown: (`unknown`) no such lot.
            LotNotUsable: (`lot_not_usable`) the checks of the item speak against it, each named with its value and limits.
        """
        if despite and not note(reason, "reason"):
            raise InvalidInput("reason", reason, "a text: why the lot may be used despite its checks")
        return self._decided("release", _keys(item, lot), reason, key, by, {}, despite=despite)

    def measure(
        self,
        item: str,
        values: Mapping[str, Any],
        *,
        lot: str,
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> tuple[Measured, ...]:
        """Write down what was measured of a lot, beside the limits of its item's checks; nothing is blocked or released by it.

        Args:
            item: the item's code.
            values: per check its value, as text (`{"pH": "9.8"}`); an item without checks takes any names.
            lot: the lot's code.
            happened_at: when it was measured; default now.
            key: the same command only once. by: who measured, where it is not the workshop's own signature.

        Raises:
            InvalidInput: (`invalid_input`) a name that is no check of the item; a value that is no number. Unknown: (`unknown`).

        >>> from krafte_core import Item, Workshop
        >>> from krafte_core.quality import Check
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="kg", checks=[Check("pH", least="9", most="10.5")]))
        >>> lot = shop.stock.opening("soap", "5 kg", lot="S-1")
        >>> [row.within for row in shop.stock.measure("soap", {"pH": "11"}, lot="S-1")]
        [False]
        """
        found = {name: measured(value, f"values[{name!r}]") for name, value in values.items()}
        at = business_time(happened_at, self._office.zone)

        def decide(work: Work) -> tuple[Measured, ...]:
            wanted = work.item(item).checks
            names = [check.name for check in wanted]
            for name in found:
                if names and name not in names:
                    raise InvalidInput("values", name, "one of " + ", ".join(names))
            if not found:
                raise InvalidInput("values", "none", "at least one measured value")
            known = work.lot(item, lot)
            date_back(work, at)
            if at is not None and at < known.received_at:
                raise InvalidInput("happened_at", str(at), f"not before {known.received_at}, when lot {lot} of {item} came")
            document, rows = lot_document(item, lot), details(found, wanted) + happened(at)
            work.note(document, MEASURE, details=rows)
            return readings(item, lot, [Entry(document, MEASURE, work.at, work.by, "", rows)])

        return self._office.run(decide, key=key, content=("measure", item, lot, repr(sorted(found.items())), at), by=by)

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

    def declare(
        self, item: str, attributes: Mapping[str, Any], *, lot: str, reason: str = "", key: str | None = None, by: str | None = None
    ) -> Decided:
        """Write down what a lot is, after it came: the content that the laboratory found, its density, the host's own attributes.

        What is reserved of it for runs that count on its content counts anew: what is too much is free, who is covered less is named.

        Args:
            item, lot: which lot.
            attributes: as at receipt, `{"potency": "35 %"}`; others that it has stay.
            reason: why. key, by: as everywhere.

        Raises:
            NotAllowed: (`not_allowed`) the lot is rejected. Unknown: (`unknown`) no such lot.
            InvalidInput: (`invalid_input`) no content.

        >>> from krafte_core import Item, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("acid", unit="kg"))
        >>> lot = shop.stock.receive("acid", "5 kg", lot="A-1")
        >>> shop.stock.declare("acid", {"potency": "80 %"}, lot="A-1").lots[0].attributes
        (('potency', '80 %'),)
        """
        own = told_of_lot(attributes)
        if not own:
            raise InvalidInput("attributes", attributes, "at least one")

        def decide(work: Work) -> Decided:
            drop_expired_quotes(work, [item])
            same = _decided(work, (item, lot), "declare", reason, {}, dict(own))
            new = work.change_lot(same, attributes=dict(same.attributes) | dict(own))
            displaced = count_again(work, new, reason or f"{item} {lot} was declared anew")
            return Decided("declare", (new,), (), displaced, tuple(work.changes.events))

        return self._office.run(decide, key=key, content=("declare", item, lot, own, note(reason, "reason")), by=by)

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
        *,
        despite: bool = False,
    ) -> Decided:
        """A decision about lots; `more` is written down with it, and changes nothing of the lots."""

        def decide(work: Work) -> Decided:
            return decide_lots(work, step, keys, reason, fields, more, despite=despite)

        said = {**fields, **(more or {}), **({"despite": True} if despite else {})}
        return self._office.run(decide, key=key, content=(step, tuple(keys), note(reason, "reason"), repr(said)), by=by)


def decide_lots(
    work: Work,
    step: str,
    keys: Sequence[LotKey],
    reason: str,
    fields: Mapping[str, Any],
    more: Mapping[str, str] | None = None,
    *,
    despite: bool = False,
) -> Decided:
    """Take the same step with each of these lots, and say whom it blocks or who loses a promise by it."""
    drop_expired_quotes(work, list(dict.fromkeys(code for code, _ in keys)))
    against = {name: _against(work, name, despite=despite) if step == "release" else {} for name in keys}
    lots = [_decided(work, name, step, reason, fields, against[name] | dict(more or {})) for name in keys]
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


def _keys(item: str | Iterable[Any], lot: str | None) -> list[LotKey]:
    if isinstance(item, str):
        if lot is None:
            raise InvalidInput("lot", lot, "the lot's code, or a list of lots instead of the item")
        return [(item, lot)]
    rows = [*item] if isinstance(item, Iterable) else [item]
    if not all(hasattr(one, "item") and hasattr(one, "code") for one in rows):
        raise InvalidInput("item", rows, "an item's code, or a list of lots")
    return list(dict.fromkeys((one.item, one.code) for one in rows))


def _against(work: Work, name: LotKey, *, despite: bool) -> dict[str, str]:
    """What the checks of the item say against a release, for the diary; where nobody insists, it is refused."""
    wanted = work.item(name[0]).checks
    if not wanted:
        return {}
    document = lot_document(*name)
    found = open_checks(wanted, readings(*name, work.reader.diary([document])[document]))
    against = "; ".join(" ".join(row) for row in found)
    if found and not despite:
        raise LotNotUsable(*name, f"{against} (measure it, or release it despite that with a reason)")
    return {"despite": against} if found else {}


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
