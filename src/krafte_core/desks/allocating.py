"""Which lots an order gets, decided by hand: reserve, give back, exchange, take from the shelf. Part of the order desk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from krafte_core.allocation import LOT, PICKED, RESERVED, Allocation, from_lot
from krafte_core.availability import shortage
from krafte_core.desks.confirming import take
from krafte_core.desks.needs import OrderNeeds
from krafte_core.desks.releasing import let_go, together
from krafte_core.diary import allow
from krafte_core.errors import InvalidInput, NotAllowed, Short, TooMuch
from krafte_core.events import Event, OrderPicked
from krafte_core.netting import Displaced, drop_expired_quotes
from krafte_core.office import Office
from krafte_core.orders import ORDER_STEPS, CustomerOrder, OrderNeed
from krafte_core.quantities import Quantity
from krafte_core.stock import ORDERS, Stocked, Taken, pick, unusable
from krafte_core.wording import told
from krafte_core.work import Work, number_of


@attrs.frozen
class Reserved:
    """How much of which lot, where it stands, is reserved for which need of an order, and whether it has been picked."""

    line: str
    item: str
    lot: str
    place: str
    amount: Quantity
    picked: bool


@attrs.frozen
class Allocated:
    """What a command about an order's lots did: the lots of the order now, who was displaced by force, and the runs it gave up."""

    order: str
    lots: tuple[Reserved, ...]
    displaced: tuple[Displaced, ...]
    freed: tuple[str, ...]
    events: tuple[Event, ...]


Decision = Callable[[Work], Allocated]


class OrderLots:
    """What `shop.orders` does with the lots of an order."""

    _office: Office

    def allocate(
        self,
        order: CustomerOrder | str,
        item: str,
        amount: Any = None,
        *,
        lot: str | None = None,
        place: str | None = None,
        force: bool = False,
        key: str | None = None,
        by: str | None = None,
    ) -> Allocated:
        """Reserve stock for a line of a confirmed order, in place of what it only expects from runs and purchases.

        Args:
            order: confirmed.
            item: the line: its ref, its item, or a component of a kit.
            amount: how much; default all that no lot covers yet.
            lot, place: only of this lot, only there; default by the item's picking rule.
            force: take what others have reserved, in release order; what is picked or quoted is nobody's to take.

        Raises:
            Short: (`short`) not so much is free. TooMuch: (`too_much`) more than the line needs beside its lots.
            LotNotUsable: (`lot_not_usable`) held, expired by the day of use, or in a blocked place. NotAllowed: (`not_allowed`)

        Undone by: `shop.orders.free`.

        >>> from krafte_core import Item, OrderLine, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each", pick="manual"))
        >>> lot = shop.stock.receive("soap", "20 each", lot="S-1")
        >>> order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "12 each")])
        >>> shop.orders.confirm(order).shortages[0].missing
        Quantity('12 each')
        >>> [(one.lot, str(one.amount)) for one in shop.orders.allocate(order, "soap", lot="S-1").lots]
        [('S-1', '12 each')]
        """
        name = number_of(order)
        content = ("allocate", name, item, told(amount), lot, place, force)
        return self._office.run(_allocating(name, item, amount, lot, place, force=force), key=key, content=content, by=by)

    def free(
        self,
        order: CustomerOrder | str,
        item: str | None = None,
        amount: Any = None,
        *,
        lot: str | None = None,
        place: str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Allocated:
        """Give back what is reserved for an order, or for a line of it: it is open again, and others may have it.

        Args:
            order: confirmed.
            item: the line: its ref, its item, or a component of a kit; default all.
            amount: how much of it, in release order; default all. `lot`, `place`: only of this lot, only there.

        Raises:
            TooMuch: (`too_much`) more than is reserved. NotAllowed: (`not_allowed`) it is picked: `unpick` it first.

        Undone by: `shop.orders.allocate`, `shop.orders.confirm`.
        """
        name = number_of(order)
        content = ("free", name, item, told(amount), lot, place)
        return self._office.run(_freeing(name, item, amount, lot, place), key=key, content=content, by=by)

    def swap(self, order: CustomerOrder | str, item: str | None = None, *, key: str | None = None, by: str | None = None) -> Allocated:
        """Exchange the lots of an order that are not picked for those that the picking rule takes today.

        Blocked lots are exchanged for good ones, as far as there are any; what nothing can replace keeps its lot.

        Raises:
            NotAllowed: (`not_allowed`) not confirmed. InvalidInput: (`invalid_input`) no such line. Unknown: (`unknown`)

        Undone by: `shop.orders.free` and `shop.orders.allocate` of the lots that it had.
        """
        name = number_of(order)
        return self._office.run(_swapping(name, item), key=key, content=("swap", name, item), by=by)

    def pick(
        self,
        order: CustomerOrder | str,
        item: str | None = None,
        *,
        lot: str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Allocated:
        """The lots of an order have been taken from the shelf: nobody may exchange or take them. Whole reservations only.

        Raises:
            NotAllowed: (`not_allowed`) nothing is reserved in lots, or not confirmed. LotNotUsable: (`lot_not_usable`) a held or
            expired lot.

        Undone by: `shop.orders.unpick`.
        """
        name = number_of(order)
        return self._office.run(_firming(name, item, lot, picked=True), key=key, content=("pick", name, item, lot), by=by)

    def unpick(
        self,
        order: CustomerOrder | str,
        item: str | None = None,
        *,
        lot: str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Allocated:
        """What was picked is back on the shelf, and still reserved.

        Raises:
            NotAllowed: (`not_allowed`) nothing is picked.

        Undone by: `shop.orders.pick`.
        """
        name = number_of(order)
        return self._office.run(_firming(name, item, lot, picked=False), key=key, content=("unpick", name, item, lot), by=by)


def _allocating(name: str, wanted: str, amount: Any, lot: str | None, place: str | None, *, force: bool) -> Decision:
    def decide(work: Work) -> Allocated:
        order, need, open_steps, links = _begin(work, name, "allocate", wanted)
        item = work.item(need.item)
        softer = [link for link in links if link.source != LOT]
        room = open_steps + sum(link.covers for link in softer)
        steps = room if amount is None else item.positive(amount)
        if steps > room or not room:
            raise TooMuch(f"open of {name}/{need.ref}", item.quantity(steps), item.quantity(room), "free or swap a lot of it first")
        if place is not None:
            work.catalogue.place(place)
        if lot is not None:
            _refuse_unusable(work, order, need.item, lot, place)
        on = OrderNeeds(work, order).on
        losers: tuple[Displaced, ...] = ()
        taken = _free(work, need.item, steps, on, lot, place, order.customer)
        missing = steps - sum(one.steps for one in taken)
        if missing and force:
            losers = take(work, name, need.item, missing, on, lot, place)
            work.settle()
            taken = _free(work, need.item, steps, on, lot, place, order.customer)
            missing = steps - sum(one.steps for one in taken)
        if missing:
            raise Short((shortage(need.item, item.scale, steps, steps - missing),))
        freed = let_go(work, softer, steps - open_steps)
        _write(work, name, need.ref, taken)
        work.step(order, "confirmed", "allocate", details=((need.ref, str(item.quantity(steps))),))
        return _answer(work, name, losers, tuple(dict.fromkeys(row.link.ref for row in freed)))

    return decide


def _freeing(name: str, wanted: str | None, amount: Any, lot: str | None, place: str | None) -> Decision:
    def decide(work: Work) -> Allocated:
        order = _order(work, name, "free")
        need = None if wanted is None else order.need_of(wanted)
        if amount is not None and need is None:
            raise InvalidInput("amount", amount, "an amount of a line: say which")
        rows = [link for link in _links(work, name) if _is(link, need, lot, place)]
        picked = [link for link in rows if link.firmness == PICKED]
        there = sum(link.covers for link in rows)
        steps = there if amount is None or need is None else work.item(need.item).positive(amount)
        if steps > there or not rows:
            what = need.item if need else "lots"
            quantity = work.item(need.item).quantity if need else str
            raise TooMuch(f"reserved {what} of {name}", quantity(steps), quantity(there))
        if picked and steps > there - sum(link.covers for link in picked):
            raise NotAllowed(name, f"picked ({picked[0].item} {picked[0].ref})", "free", ("unpick",))
        freed = let_go(work, rows, steps)
        work.step(order, "confirmed", "free", details=tuple((row.link.ref, row.link.item) for row in freed))
        return _answer(work, name, (), tuple(dict.fromkeys(row.link.ref for row in freed if row.link.source != LOT)))

    return decide


def _swapping(name: str, wanted: str | None) -> Decision:
    def decide(work: Work) -> Allocated:
        order = _order(work, name, "swap")
        chosen = None if wanted is None else order.need_of(wanted)
        needs, changed = OrderNeeds(work, order), False
        by_need = together(link for link in _links(work, name) if link.source == LOT and link.firmness != PICKED)
        for need in order.needs:
            mine = by_need.get(need.ref, []) if chosen in (None, need) else []
            if mine and _exchange(work, name, need, mine, needs):
                changed = True
        if changed:
            work.step(order, "confirmed", "swap")
        return _answer(work, name, (), ())

    return decide


def _exchange(work: Work, name: str, need: OrderNeed, mine: Sequence[Allocation], needs: OrderNeeds) -> bool:
    """Exchange the lots of a need for those that the picking rule takes now; a blocked lot stays where nothing else is there."""
    rule, order_of = work.catalogue.pickings[need.item]
    back = {(link.ref, link.place): link.takes for link in mine}
    rows = [
        row._replace(allocated=row.allocated - back.get((row.lot.code, row.place), 0))
        for row in work.reader.stocked((need.item,))[need.item]
        if row.place in work.catalogue.usable_places
    ]
    total = sum(link.takes for link in mine)
    rows.sort(key=ORDERS[order_of])
    picked = pick(rule, rows, total, needs.on, usable_places=work.catalogue.usable_places, owners=work.owners(needs.order.customer))
    taken = {(one.stocked.lot.code, one.stocked.place): one.steps for one in picked.taken}
    kept = picked.missing
    for link in reversed(mine):  # what the rule cannot replace is blocked; it keeps its links
        key = (link.ref, link.place)
        stays = min(kept, link.takes - min(link.takes, taken.get(key, 0)))
        taken[key] = taken.get(key, 0) + stays
        kept -= stays
    taken = {key: steps for key, steps in taken.items() if steps}
    if kept or taken == back:
        return False
    for link in mine:
        work.unlink(link)
    lots = {row.lot.code: row.lot for row in work.reader.stocked((need.item,))[need.item]}
    for (code, place), steps in taken.items():
        work.link(Allocation(name, need.ref, LOT, need.item, code, place, steps, steps, RESERVED))
        work.guard(lots[code])
    return True


def _firming(name: str, wanted: str | None, lot: str | None, *, picked: bool) -> Decision:
    step, before, after = ("pick", RESERVED, PICKED) if picked else ("unpick", PICKED, RESERVED)

    def decide(work: Work) -> Allocated:
        order = _order(work, name, step)
        need = None if wanted is None else order.need_of(wanted)
        rows = [link for link in _links(work, name) if link.source == LOT and link.firmness == before and _is(link, need, lot, None)]
        if not rows:
            choices = ("allocate", "confirm") if picked else ("pick",)
            raise NotAllowed(name, f"without lots to {step}", step, choices)
        lots = work.reader.lots({(link.item, link.ref) for link in rows})
        for link in rows:
            reason = unusable(lots[link.item, link.ref], work.today)
            if picked and (reason or not work.catalogue.usable_place(link.place)):
                raise work.refuse_lot(link.item, link.ref, reason or f"in {link.place}")
            work.changes.allocations[link[:6]] = link._replace(firmness=after)
            work.guard(lots[link.item, link.ref])
        work.step(order, "confirmed", step, details=tuple((link.item, link.ref) for link in rows))
        work.tell(OrderPicked(work.at, name, order.customer, not picked))
        return _answer(work, name, (), ())

    return decide


# shared -------------------------------------------------------------------------------------------------------------------


def _order(work: Work, name: str, step: str) -> CustomerOrder:
    order: CustomerOrder = work.paper(CustomerOrder, name)
    drop_expired_quotes(work, order.items)
    allow(ORDER_STEPS, name, work.state(order), step)
    return order


def _links(work: Work, name: str) -> Sequence[Allocation]:
    return work.reader.links((name,))[name]


def _begin(work: Work, name: str, step: str, wanted: str) -> tuple[CustomerOrder, OrderNeed, int, list[Allocation]]:
    """The order, the need that is meant, how much of it is open, and its links."""
    order = _order(work, name, step)
    need = order.need_of(wanted)
    left = next(steps for one, steps in OrderNeeds(work, order).lines if one.ref == need.ref)
    return order, need, left, [link for link in _links(work, name) if link.line == need.ref]


def _is(link: Allocation, need: OrderNeed | None, lot: str | None, place: str | None) -> bool:
    return (
        (need is None or link.line == need.ref)
        and (lot is None or (link.source == LOT and link.ref == lot))
        and place in (None, link.place)
    )


def _free(work: Work, item: str, steps: int, on: Any, lot: str | None, place: str | None, customer: str) -> list[Taken]:
    """Free lots by the item's picking rule, or of the lot and place that were named."""
    rule, order_of = work.catalogue.pickings[item]
    rows: Iterable[Stocked] = work.reader.lots_of(item, order_of)
    if lot is not None or place is not None:
        rule = "fefo" if lot is not None else rule
        rows = [row for row in rows if lot in (None, row.lot.code) and place in (None, row.place)]
    usable, owners = work.catalogue.usable_places, work.owners(customer)
    return [*pick(rule, rows, steps, on, usable_places=usable, owners=owners).taken]


def _refuse_unusable(work: Work, order: CustomerOrder, item: str, lot: str, place: str | None) -> None:
    found = work.lot(item, lot)
    reason = unusable(found, OrderNeeds(work, order).on)
    if reason is not None:
        raise work.refuse_lot(item, lot, reason)
    if place is not None and not work.catalogue.usable_place(place):
        raise work.refuse_lot(item, lot, f"in {place}")


def _write(work: Work, order: str, need: str, taken: Iterable[Taken]) -> None:
    before: Mapping[Any, Allocation] = {link[:6]: link for link in _links(work, order)}
    for stocked, steps in taken:
        row = from_lot(order, need, stocked, steps)
        work.link(row, before.get(row[:6]))
        work.guard(stocked.lot)


def _answer(work: Work, name: str, displaced: tuple[Displaced, ...], freed: tuple[str, ...]) -> Allocated:
    """What the order has now, this command's changes included."""
    rows: dict[Any, Allocation | None] = {link[:6]: link for link in _links(work, name)}
    rows |= {key: link for key, link in work.changes.allocations.items() if key[0] == name}
    lots = [
        Reserved(link.line, link.item, link.ref, link.place, work.item(link.item).quantity(link.takes), link.firmness == PICKED)
        for link in rows.values()
        if link is not None and link.source == LOT
    ]
    return Allocated(name, tuple(lots), displaced, freed, work.told())
