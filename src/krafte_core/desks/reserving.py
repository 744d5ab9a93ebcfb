"""The materials of a run that has not begun, decided by hand: reserve a lot, by force or as a whole container, and give it back.

What is reserved as a whole stands in two links: one covers what the run needs, the other holds the rest of the container and covers
nothing. The rest is the first to go when the container turns out to hold less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from krafte_core.allocation import LOT, PICKED, QUOTED, WHOLE, Allocation, Loss, from_lot
from krafte_core.availability import shortage
from krafte_core.desks.confirming import take
from krafte_core.desks.facts import where
from krafte_core.desks.handling import places_for
from krafte_core.desks.releasing import let_go
from krafte_core.diary import allow
from krafte_core.errors import InvalidInput, Short, TooMuch
from krafte_core.events import Event
from krafte_core.netting import Displaced, drop_expired_quotes, lose
from krafte_core.office import Office
from krafte_core.production import PRODUCTION_STEPS, Need, ProductionOrder
from krafte_core.quantities import Quantity
from krafte_core.stock import ORDERS, Taken, pick, unusable
from krafte_core.wording import told
from krafte_core.work import Work, number_of


@attrs.frozen
class KeptLot:
    """How much of which lot, where it stands, is kept for a material of a run; `rest` of it is not needed, but nobody else's."""

    line: str
    item: str
    lot: str
    place: str
    amount: Quantity
    rest: Quantity


@attrs.frozen
class RunLots:
    """What `allocate` or `free` did: the lots of the run now, and who lost a promise by force."""

    production: str
    lots: tuple[KeptLot, ...]
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


class ReservedMaterials:
    """What `shop.production` does with the lots of a run that has not begun."""

    _office: Office

    def allocate(
        self,
        production: ProductionOrder | str,
        item: str,
        amount: Any = None,
        *,
        lot: str | None = None,
        place: str | None = None,
        whole: bool = False,
        force: bool = False,
        key: str | None = None,
        by: str | None = None,
    ) -> RunLots:
        """Reserve lots for a material of a run that has not begun, in place of what it only expects from purchases and other runs.

        Args:
            production: planned or released; for a run at work there is `issue`.
            item: the material, or its line of the recipe.
            amount: how much; default all that no lot covers yet.
            lot, place: only of this lot, only there; default by the item's picking rule.
            whole: the whole container is for this run alone, beyond what it needs of it (a reel, a drum): name the lot.
            force: take what others have reserved, in release order; they are named. What is picked or quoted is nobody's to take.

        Raises:
            Short: (`short`) not so much is free. TooMuch: (`too_much`) more than the run needs beside its lots.
            LotNotUsable: (`lot_not_usable`) held, expired when it begins, in a blocked place; as a whole: promised to others.
            InvalidInput: no such material; no lot, or an amount, for a whole container. NotAllowed: (`not_allowed`) begun, or over.

        Undone by: `shop.production.free`.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("wire", unit="m", step="1 m"), Item("coil", unit="each"),
        ...     Recipe("coil", makes="1 each", ingredients=[Ingredient("wire", "30 m")]))
        >>> reel = shop.stock.receive("wire", "100 m", lot="R-1")
        >>> run = shop.production.plan("coil", "2 each").production
        >>> [(one.lot, str(one.amount), str(one.rest)) for one in shop.production.allocate(run, "wire", lot="R-1", whole=True).lots]
        [('R-1', '60 m', '40 m')]
        """
        name = number_of(production)
        if whole and (lot is None or amount is not None):
            raise InvalidInput("whole", f"lot {lot}, amount {amount}", "the lot of the container, and no amount")
        decide = _whole(name, item, lot, place, force=force) if lot and whole else _part(name, item, amount, lot, place, force=force)
        content = ("allocate", name, item, told(amount), lot, place, whole, force)
        return self._office.run(decide, key=key, content=content, by=by)

    def free(
        self,
        production: ProductionOrder | str,
        item: str | None = None,
        amount: Any = None,
        *,
        lot: str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> RunLots:
        """Give back lots that are reserved for a run that has not begun, or for a material of it: others may have them.

        Args:
            production: planned or released.
            item: the material, or its line of the recipe; default all. `lot`: only this lot.
            amount: how much, in release order; default all. Of a whole container the rest goes with it.

        Raises:
            TooMuch: (`too_much`) more than is reserved. NotAllowed: (`not_allowed`) begun, or over. InvalidInput: no such material.

        Undone by: `shop.production.allocate`, `shop.production.cover`.
        """
        name = number_of(production)
        return self._office.run(_freeing(name, item, amount, lot), key=key, content=("free", name, item, told(amount), lot), by=by)


Decision = Callable[[Work], RunLots]


def _part(name: str, wanted: str, amount: Any, lot: str | None, place: str | None, *, force: bool) -> Decision:
    def decide(work: Work) -> RunLots:
        run, need, links = _begin(work, name, wanted, "allocate")
        item = work.item(need.item)
        softer = [link for link in links if link.source != LOT]
        open_steps = need.steps - sum(link.covers for link in links)
        room = open_steps + sum(link.covers for link in softer)
        steps = room if amount is None else item.positive(amount)
        if steps > room or not room:
            raise TooMuch(f"open of {name}/{need.line}", item.quantity(steps), item.quantity(room), "free a lot of it first")
        _refuse_unusable(work, run, need, lot, place)
        losers: tuple[Displaced, ...] = ()
        taken = _free(work, run, need, steps, lot, place)
        missing = steps - sum(one.steps for one in taken)
        if missing and force:
            losers = take(work, name, need.item, missing, _day(work, run), lot, place, usable=places_for(work, run))
            work.settle()
            taken = _free(work, run, need, steps, lot, place)
            missing = steps - sum(one.steps for one in taken)
        if missing:
            raise Short((shortage(need.item, item.scale, steps, steps - missing),))
        let_go(work, softer, steps - open_steps)
        known = {link[:6]: link for link in work.reader.links((name,))[name]}
        for stocked, took in taken:
            row = from_lot(name, need.line, stocked, took)
            work.link(row, known.get(row[:6]))
            work.guard(stocked.lot)
        work.step(run, work.state(run), "allocate", details=((need.line, str(item.quantity(steps))),))
        return _answer(work, name, losers)

    return decide


def _whole(name: str, wanted: str, lot: str, place: str | None, *, force: bool) -> Decision:
    def decide(work: Work) -> RunLots:
        run, need, links = _begin(work, name, wanted, "allocate")
        item = work.item(need.item)
        _refuse_unusable(work, run, need, lot, place)
        row = where(work, need.item, lot, place)
        if row.place not in places_for(work, run):
            raise work.refuse_lot(need.item, lot, f"in {row.place}")
        supply = (LOT, need.item, lot)
        here = [link for link in work.reader.claims([supply])[supply] if link.place == row.place]
        others = [link for link in here if link.demand != name]
        if others and (not force or any(link.firmness in (PICKED, QUOTED) for link in others)):
            raise work.refuse_lot(need.item, lot, f"promised to {', '.join(sorted({link.demand for link in others}))}, too")
        losers = lose(work, [Loss(link, link.takes, link.covers) for link in others], f"kept as a whole for {name}")
        softer = [link for link in links if link.source != LOT]
        open_steps = need.steps - sum(link.covers for link in links)
        free = row.on_hand - sum(link.takes for link in here if link.demand == name)
        covers = min(free, open_steps + sum(link.covers for link in softer))
        if not free:
            raise TooMuch(f"free of lot {lot} of {need.item}", item.smallest, item.quantity(0), "it is kept for this run already")
        let_go(work, softer, covers - open_steps)
        known = {link[:6]: link for link in here}
        for line, takes, covered in ((need.line, covers, covers), (need.line + WHOLE, free - covers, 0)):
            if takes:
                link = Allocation(name, line, LOT, need.item, lot, row.place, takes, covered)
                work.link(link, known.get(link[:6]))
        work.guard(row.lot)
        work.step(run, work.state(run), "allocate", details=((need.line, f"the whole of {lot}"),))
        return _answer(work, name, losers)

    return decide


def _freeing(name: str, wanted: str | None, amount: Any, lot: str | None) -> Decision:
    def decide(work: Work) -> RunLots:
        run: ProductionOrder = work.paper(ProductionOrder, name)
        drop_expired_quotes(work, run.items)
        now = work.state(run)
        allow(PRODUCTION_STEPS, name, now, "free")
        need = None if wanted is None else run.need(wanted)
        if amount is not None and need is None:
            raise InvalidInput("amount", amount, "an amount of a material: say which")
        rows = [link for link in work.reader.links((name,))[name] if link.source == LOT and lot in (None, link.ref)]
        if need is not None:
            rows = [link for link in rows if link.line.removesuffix(WHOLE) == need.line]
        there = sum(link.covers for link in rows)
        steps = there if amount is None or need is None else work.item(need.item).positive(amount)
        if steps > there or not rows:
            quantity = work.item(need.item).quantity if need else str
            raise TooMuch(f"reserved {need.item if need else 'lots'} of {name}", quantity(steps), quantity(there))
        rest = [link for link in rows if link.line.endswith(WHOLE)]
        freed = let_go(work, [link for link in rows if link not in rest], steps)
        spots = {(row.link.ref, row.link.place) for row in freed}
        for link in rest:
            if amount is None or (link.ref, link.place) in spots:
                work.unlink(link)
        work.step(run, now, "free", details=tuple((row.link.ref, row.link.item) for row in freed))
        return _answer(work, name, ())

    return decide


def _begin(work: Work, name: str, wanted: str, step: str) -> tuple[ProductionOrder, Need, list[Allocation]]:
    """The run, the material that is meant, and the links that cover it."""
    run: ProductionOrder = work.paper(ProductionOrder, name)
    need = run.need(wanted)
    drop_expired_quotes(work, (need.item,))
    allow(PRODUCTION_STEPS, name, work.state(run), step)
    return run, need, [link for link in work.reader.links((name,))[name] if link.line == need.line]


def _day(work: Work, run: ProductionOrder) -> Any:
    """The day on which the run uses its materials."""
    return max(work.today, work.day(run.planned_start.timestamp())) if run.planned_start else work.today


def _free(work: Work, run: ProductionOrder, need: Need, steps: int, lot: str | None, place: str | None) -> Sequence[Taken]:
    rule, order_of = work.catalogue.pickings[need.item]
    rows = [row for row in work.reader.stocked((need.item,))[need.item] if lot in (None, row.lot.code) and place in (None, row.place)]
    rows.sort(key=ORDERS[order_of])
    rule = "fefo" if lot is not None else rule
    places, owners = places_for(work, run), work.owners(None)
    return pick(rule, rows, steps, _day(work, run), usable_places=places, owners=owners).taken


def _refuse_unusable(work: Work, run: ProductionOrder, need: Need, lot: str | None, place: str | None) -> None:
    if place is not None:
        work.catalogue.place(place)
        if place not in places_for(work, run):
            raise InvalidInput("place", place, f"a place from which {run.number} takes its materials")
    if lot is not None:
        reason = unusable(work.lot(need.item, lot), _day(work, run))
        if reason is not None:
            raise work.refuse_lot(need.item, lot, reason)


def _answer(work: Work, name: str, displaced: tuple[Displaced, ...]) -> RunLots:
    """What the run has now, this command's changes included."""
    rows: dict[Any, Allocation | None] = {link[:6]: link for link in work.reader.links((name,))[name]}
    rows |= {key: link for key, link in work.changes.allocations.items() if key[0] == name}
    lots: dict[tuple[str, str, str, str], list[int]] = {}
    for link in rows.values():
        if link is not None and link.source == LOT:
            both = lots.setdefault((link.line.removesuffix(WHOLE), link.item, link.ref, link.place), [0, 0])
            both[link.line.endswith(WHOLE)] += link.takes
    kept = [KeptLot(*key, *map(work.item(key[1]).quantity, both)) for key, both in lots.items()]
    return RunLots(name, tuple(kept), displaced, work.told())
