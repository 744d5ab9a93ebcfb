"""Orders in two and together: a part becomes an order of its own, several become one, the same again. Part of the order desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.allocation import Allocation
from krafte_core.desks.agreeing import agreed, check_terms
from krafte_core.desks.holding import keep_holds
from krafte_core.desks.lateness import promised_of
from krafte_core.desks.needs import open_quote
from krafte_core.desks.placing import checked_lines, file_order
from krafte_core.desks.releasing import together
from krafte_core.diary import allow
from krafte_core.errors import InvalidInput, NotAllowed, TooMuch
from krafte_core.events import Event, OrderMerged, OrderSplit
from krafte_core.money import Money
from krafte_core.netting import drop_expired_quotes, shipped
from krafte_core.office import Office
from krafte_core.orders import ORDER_STEPS, CustomerOrder, OrderLine
from krafte_core.terms import Discount
from krafte_core.times import day
from krafte_core.wording import told
from krafte_core.work import Work, number_of


@attrs.frozen
class Merged:
    """What `merge` did: the order that goes on, and those that it took in."""

    order: CustomerOrder
    others: tuple[str, ...]
    events: tuple[Event, ...]


class OrderParts:
    """What `shop.orders` does to make two orders of one, one of several, and the same again."""

    _office: Office

    def split(
        self, order: CustomerOrder | str, amounts: Mapping[str, Any], *, key: str | None = None, by: str | None = None
    ) -> CustomerOrder:
        """A part of an order becomes an order of its own, with its share of what is reserved; the parts add up to the whole.

        The part keeps the order's place in the queue and, if the order is confirmed, its promised date. Money that was given for a
        line or as a discount in money is shared by the cent; what shipping costs stays with the order.

        Args:
            order: placed or confirmed.
            amounts: how much per line ref (or item) becomes the part: not yet shipped, and not everything.

        Raises:
            TooMuch: (`too_much`) more than is open. InvalidInput: (`invalid_input`) nothing would stay; no such line.
            NotAllowed: (`not_allowed`) quoted, closed, cancelled or merged.

        Undone by: `shop.orders.merge`.

        >>> from krafte_core import Item, OrderLine, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"))
        >>> order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "12 each")])
        >>> part = shop.orders.split(order, {"soap": "5 each"})
        >>> str(part.lines[0].amount), str(shop.orders.get(order).lines[0].amount)
        ('5 each', '7 each')
        """
        name = number_of(order)
        content = ("split", name, _asked(amounts))
        return self._office.run(_splitting(name, amounts), key=key, content=content, by=by)

    def merge(
        self,
        order: CustomerOrder | str,
        others: Sequence[CustomerOrder | str],
        *,
        key: str | None = None,
        by: str | None = None,
    ) -> Merged:
        """Take other orders of the same customer into this one, line by line, with everything that is reserved for them.

        The order then has the earliest requested date, the highest priority and the earliest place in the queue of all of them.
        Attributes stay those of the order that goes on.

        Raises:
            InvalidInput: (`invalid_input`) another customer, address, shipping method or kind of discount.
            NotAllowed: (`not_allowed`) one is quoted, closed, cancelled, merged or partly shipped, or confirmed where this one is not.

        Undone by: `shop.orders.split`.
        """
        name = number_of(order)
        if isinstance(others, str) or not isinstance(others, Sequence):
            raise InvalidInput("others", others, "a list of orders")
        names = [number_of(one) for one in others]
        if not names or len({name, *names}) != len(names) + 1:
            raise InvalidInput("others", names, "at least one other order, each once")
        return self._office.run(_merging(name, names), key=key, content=("merge", name, tuple(names)), by=by)

    def repeat(
        self,
        order: CustomerOrder | str,
        *,
        amounts: Mapping[str, Any] | None = None,
        requested: date | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> CustomerOrder:
        """Place the same order again: a new number, today's composition of kits, and nothing reserved.

        Args:
            order: in any state.
            amounts: other amounts per line ref (or item); a tax that was given for the old amount is left out.
            requested: the customer's wish this time.

        Raises:
            Unknown: (`unknown`) no such order. InvalidInput: (`invalid_input`) no such line; and what `place` raises.

        Undone by: `shop.orders.cancel`.
        """
        name, wish = number_of(order), None if requested is None else day(requested)
        content = ("repeat", name, wish, None if amounts is None else _asked(amounts))
        return self._office.run(_repeating(name, wish, amounts or {}), key=key, content=content, by=by)


def _asked(amounts: Any) -> tuple[tuple[object, object], ...]:
    if not isinstance(amounts, Mapping) or not amounts:
        raise InvalidInput("amounts", amounts, "an amount per item or line")
    return tuple((told(wanted), told(amount)) for wanted, amount in amounts.items())


def _splitting(name: str, amounts: Mapping[str, Any]) -> Callable[[Work], CustomerOrder]:
    def decide(work: Work) -> CustomerOrder:
        order: CustomerOrder = work.paper(CustomerOrder, name)
        drop_expired_quotes(work, order.items)
        now = work.state(order)
        allow(ORDER_STEPS, name, now, "split")
        _refuse_quoted(work, order, "split")
        gone = shipped(work, name)
        moved = _moved(work, order, amounts, gone)
        stays, goes = _parted(work, order, moved)
        part = attrs.evolve(goes, number=work.number("CO"))
        work.file(part, new=True)
        work.step(part, "", "place", details=(("part of", name),))
        work.file(stays)
        work.step(stays, now, "split", details=(("part", part.number),))
        if now == "confirmed":
            given = promised_of(work.reader.diary((name,))[name])
            work.step(part, "placed", "confirm", details=(("promised", given.isoformat()),) if given else ())
        keep_holds(work, name, part)
        _share_links(work, order, part, moved, gone)
        work.tell(OrderSplit(work.at, name, order.customer, part.number))
        return part

    return decide


def _refuse_quoted(work: Work, order: CustomerOrder, step: str) -> None:
    quote = open_quote(work, order) if work.state(order) == "placed" else None
    if quote is not None:
        raise NotAllowed(order.number, f"quoted ({quote.number})", step, ("withdraw the quote",))


def _moved(work: Work, order: CustomerOrder, amounts: Mapping[str, Any], gone: Mapping[str, int]) -> Mapping[str, int]:
    """Steps per line that become the other order: at most what has not been shipped, and not everything."""
    moved: dict[str, int] = {}
    for name, amount in amounts.items():
        line = order.line(name)
        item = work.item(line.item)
        steps = item.positive(amount, f"amounts[{name!r}]")
        if line.ref in moved:
            raise InvalidInput("amounts", [*amounts], "every line once, by its ref or its item")
        left = line.steps - _begun(line, gone)
        if steps > left:
            raise TooMuch(f"open of line {line.ref} of {order.number}", item.quantity(steps), item.quantity(left))
        moved[line.ref] = steps
    if all(moved.get(line.ref) == line.steps for line in order.lines):
        raise InvalidInput("amounts", [*amounts], f"a part of {order.number}, not the whole of it")
    return moved


def _begun(line: OrderLine, gone: Mapping[str, int]) -> int:
    """Steps of the line that have been shipped, the last kit in part."""
    if not line.parts:
        return gone.get(line.ref, 0)
    return max(-(-gone.get(need.ref, 0) // part.steps) for need, part in zip(line.needs, line.parts, strict=True))


def _parted(work: Work, order: CustomerOrder, moved: Mapping[str, int]) -> tuple[CustomerOrder, CustomerOrder]:
    """The order without what moves, and what moves as an order of its own; money in amounts is shared, so that the parts add up."""
    stays, goes = [], []
    for line in order.lines:
        steps = moved.get(line.ref, 0)
        if not steps:
            stays.append(line)
        elif steps == line.steps:
            goes.append(line)
        else:
            mine, theirs = _halves(work, line, steps)
            stays.append(mine)
            goes.append(theirs)
    weights = [Fraction(sum(line.total.amount for line in rows if line.total is not None)) for rows in (stays, goes)]
    off = _shared(order.discount, weights)
    rest = attrs.evolve(order, lines=tuple(stays), discount=off[0], version=order.version + 1)
    part = attrs.evolve(order, lines=tuple(goes), discount=off[1], shipping_price=None, tax=None, version=1)
    return rest, part


def _halves(work: Work, line: OrderLine, steps: int) -> tuple[OrderLine, OrderLine]:
    """The line without so many steps, and a line of them, each with its share of the money that was given for the whole."""
    sizes = line.steps - steps, steps
    off, tax = _shared(line.discount, sizes), _shared(line.tax, sizes)
    amounts = [work.item(line.item).quantity(size) for size in sizes]
    first, last = (
        attrs.evolve(line, amount=amount, given=str(amount), steps=size, discount=mine, tax=its)
        for size, amount, mine, its in zip(sizes, amounts, off, tax, strict=True)
    )
    return first, last


def _shared(off: Any, weights: Sequence[Any]) -> tuple[Any, Any]:
    """Money in two parts by weight, to the cent; a share is the same for both."""
    if not isinstance(off, Money):
        return off, off
    if not any(weights):
        return off, off * 0
    first, last = off.allocate(weights)
    return first, last


def _share_links(work: Work, order: CustomerOrder, part: CustomerOrder, moved: Mapping[str, int], gone: Mapping[str, int]) -> None:
    """The links follow in proportion to what moves: rounded down for the new order, to the step."""
    by_need = together(work.reader.links((order.number,))[order.number])
    for line in order.lines:
        steps = moved.get(line.ref, 0)
        for need in line.needs if steps else ():
            moving, left = need.steps // line.steps * steps, need.steps - gone.get(need.ref, 0)
            reached = given = 0
            for link in by_need.get(need.ref, ()):
                reached += link.covers
                until = reached * moving // left
                _hand(work, link, part.number, until - given)
                given = until


def _hand(work: Work, link: Allocation, demand: str, covers: int) -> None:
    if covers:
        takes = link.takes * covers // link.covers
        work.unlink(link, takes, covers)
        work.link(link._replace(demand=demand, takes=takes, covers=covers))


# together -----------------------------------------------------------------------------------------------------------------


def _merging(name: str, names: Sequence[str]) -> Callable[[Work], Merged]:
    def decide(work: Work) -> Merged:
        order: CustomerOrder = work.paper(CustomerOrder, name)
        others: list[CustomerOrder] = [work.paper(CustomerOrder, one) for one in names]
        drop_expired_quotes(work, [item for one in (order, *others) for item in one.items])
        now = work.state(order)
        allow(ORDER_STEPS, name, now, "absorb")
        _refuse_quoted(work, order, "merge")
        for other in others:
            _refuse_merge(work, order, now, other)
        whole = order
        for other in others:
            whole = _taken_in(work, whole, other, order.version + 1)
        work.file(whole)
        work.changes.opened.add(name)  # all of it may have been shipped
        work.step(whole, now, "absorb", details=tuple(("order", other.number) for other in others))
        for other in others:
            keep_holds(work, other.number, whole)
        return Merged(whole, tuple(names), work.told())

    return decide


def _refuse_merge(work: Work, order: CustomerOrder, now: str, other: CustomerOrder) -> None:
    state = work.state(other)
    allow(ORDER_STEPS, other.number, state, "merge")
    _refuse_quoted(work, other, "merge")
    if state == "confirmed" and now == "placed":
        raise NotAllowed(
            order.number, now, f"merge with {other.number}, which is confirmed", ("confirm", f"merge {other.number} first")
        )
    if any(shipped(work, other.number).values()):
        raise NotAllowed(other.number, "partly shipped", "merge", ("close", f"merge the others into {other.number}"))
    for field in ("customer", "ship_to", "shipping", "delivery", "tax_included"):
        if getattr(order, field) != getattr(other, field):
            raise InvalidInput(field, str(getattr(other, field)), f"orders that agree: {order.number} has {getattr(order, field)}")
    if _kind(order.discount) is not _kind(other.discount) or (_kind(order.discount) is Fraction and order.discount != other.discount):
        raise InvalidInput("discount", str(other.discount), f"the same kind of discount as {order.number}: {order.discount}")


def _kind(off: Discount | None) -> type:
    return type(off)


def _taken_in(work: Work, order: CustomerOrder, other: CustomerOrder, version: int) -> CustomerOrder:
    """The order with the other's lines behind its own; links follow their lines."""
    used = {line.ref for line in order.lines}
    names: dict[str, str] = {}
    counter = 1
    for line in other.lines:
        ref = line.ref
        while ref in used:
            ref, counter = str(counter), counter + 1
        used.add(ref)
        names[line.ref] = ref
    lines = (*order.lines, *(attrs.evolve(line, ref=names[line.ref]) for line in other.lines))
    for link in work.reader.links((other.number,))[other.number]:
        ref, plus, component = link.line.partition("+")
        work.unlink(link)
        work.link(link._replace(demand=order.number, line=names[ref] + plus + component))
    work.step(other, work.state(other), "merge", details=(("into", order.number),))
    work.tell(OrderMerged(work.at, other.number, other.customer, order.number))
    requested = min((one.requested for one in (order, other) if one.requested), default=None)
    notes = "\n".join(text for text in (order.notes, other.notes) if text)
    return attrs.evolve(
        order, lines=lines, requested=requested, priority=max(order.priority, other.priority), notes=notes,
        placed_at=min(order.placed_at, other.placed_at), discount=_summed(order.discount, other.discount),
        shipping_price=_sum(order.shipping_price, other.shipping_price), tax=_sum(order.tax, other.tax),
        version=version,
    )  # fmt: skip


def _summed(off: Discount | None, more: Discount | None) -> Discount | None:
    return off + more if isinstance(off, Money) and isinstance(more, Money) else off


def _sum(one: Money | None, other: Money | None) -> Money | None:
    return one + other if one is not None and other is not None else one if one is not None else other


# again --------------------------------------------------------------------------------------------------------------------


def _repeating(name: str, requested: date | None, amounts: Mapping[str, Any]) -> Callable[[Work], CustomerOrder]:
    def decide(work: Work) -> CustomerOrder:
        order: CustomerOrder = work.paper(CustomerOrder, name)
        chosen = {order.line(given).ref: amount for given, amount in amounts.items()}
        wanted = [
            attrs.evolve(line, amount=chosen.get(line.ref, line.amount), given="", steps=0, parts=(), tax=_same_amount(line, chosen))
            for line in order.lines
        ]
        lines = checked_lines(work, wanted)
        again = attrs.evolve(
            order, number=work.number("CO"), lines=lines, placed_at=work.at, requested=requested, source="", version=1
        )  # what a channel sold once, it sold once
        file_order(work, again)
        check_terms(work, again, agreed(work, order.customer))
        return again

    return decide


def _same_amount(line: OrderLine, chosen: Mapping[str, Any]) -> Money | None:
    """A tax that was given for an amount is not that of another."""
    return None if line.ref in chosen else line.tax
