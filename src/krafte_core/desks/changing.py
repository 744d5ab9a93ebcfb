"""Orders change: other amounts and dates, in two, together, not wanted any more, wanted again. Part of the order desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import attrs

from krafte_core.addresses import Address
from krafte_core.allocation import QUOTED
from krafte_core.availability import Shortage
from krafte_core.desks.agreeing import agreed, changed_lines, check_terms, keep_terms
from krafte_core.desks.confirming import grow, net
from krafte_core.desks.lateness import Late, moved
from krafte_core.desks.needs import Kept, open_quote, reach_of
from krafte_core.desks.placing import address, checked_lines, listed, whole
from krafte_core.desks.releasing import Freed, freed_runs, let_go, take_back, together
from krafte_core.diary import allow
from krafte_core.errors import InvalidInput, NotAllowed, StaleVersion
from krafte_core.events import Event, OrderCancelled, OrderChanged, OrderClosed, OrderReopened
from krafte_core.items import attributes as pairs
from krafte_core.items import note, one_of
from krafte_core.netting import drop_expired_quotes, end_quote, shipped
from krafte_core.office import Office
from krafte_core.orders import DELIVERIES, ORDER_STEPS, CustomerOrder, OrderLine
from krafte_core.production import ProductionOrder
from krafte_core.quantities import Quantity
from krafte_core.times import day
from krafte_core.work import Work, number_of

SURPLUS = ("keep", "reduce")
_NETTED = ("lines", "requested", "shipping")
_WORDS = ("lines", "requested", "shipping", "ship_to", "priority", "notes", "attributes", "delivery")


@attrs.frozen
class Cancelled:
    """What `cancel` did: the runs that lost this order as a reason keep their output free, unless they were `reduced`."""

    order: str
    freed: tuple[str, ...]
    events: tuple[Event, ...]
    reduced: tuple[str, ...] = ()


@attrs.frozen
class ChangedOrder:
    """What `change` did: the order now, its date, new runs, runs that make another amount, runs that it gave up, what is short.

    `late` are the other orders that come later than they were to, because runs that they share take longer now.
    """

    order: CustomerOrder
    promised: date | None
    productions: tuple[str, ...]
    resized: tuple[str, ...]
    freed: tuple[str, ...]
    shortages: tuple[Shortage, ...]
    events: tuple[Event, ...]
    late: tuple[Late, ...] = ()


@attrs.frozen
class ClosedOrder:
    """What `close` did: how much per line is not wanted any more, and the runs that it gave up."""

    order: str
    waived: Mapping[str, Quantity]
    freed: tuple[str, ...]
    reduced: tuple[str, ...]
    events: tuple[Event, ...]


class _Same:
    """Not said: stays as it is."""

    def __repr__(self) -> str:
        return "as it is"


SAME: Any = _Same()
"""The default of a field that `change` leaves as it is; None takes its value away."""


class OrderChanges:
    """What `shop.orders` does when a customer changes her mind."""

    _office: Office
    _kept: Kept

    def change(
        self,
        order: CustomerOrder | str,
        *,
        lines: Sequence[OrderLine] | None = None,
        requested: date | str | None = SAME,
        shipping: str | None = SAME,
        ship_to: Address | None = SAME,
        priority: int | None = None,
        notes: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        delivery: str | None = None,
        if_version: int | None = None,
        surplus: str = "keep",
        key: str | None = None,
        by: str | None = None,
    ) -> ChangedOrder:
        """Change what a customer wants. A confirmed order is netted again from its whole need; links that still fit stay.

        What is covered beyond the need is given up in release order. Planned runs of the order grow where their materials are there
        when they begin; what has begun never changes. Changing to what it is already changes nothing.

        Args:
            order: placed or confirmed.
            lines: all lines as they shall be. Each is matched by its ref, else by its item; what it does not say (price, note, ...)
                stays; a line that is not named is taken out, as far as nothing of it was shipped.
            requested, shipping, ship_to, priority, notes, attributes, delivery: as for `place`; left out they stay.
            if_version: the version that the caller read.
            surplus: `"keep"` leaves planned runs as they are, their output free; `"reduce"` shrinks them and those behind them.

        Raises:
            StaleVersion: (`stale_version`) it is at another version than `if_version`. NotAllowed: (`not_allowed`) quoted, closed,
            cancelled or merged. InvalidInput: a line below what was shipped, an item that names two lines. And what `place` raises.

        Undone by: `shop.orders.change` back.

        >>> from krafte_core import Item, OrderLine, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"))
        >>> order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "2 each", price="3 EUR")])
        >>> done = shop.orders.change(order, lines=[OrderLine("soap", "5 each")], if_version=1)
        >>> str(done.order.total), done.order.version
        ('15.00 EUR', 2)
        """
        name = number_of(order)
        one_of(surplus, SURPLUS, "surplus")
        wanted = _said(
            requested=requested if requested is SAME or requested is None else day(requested),
            shipping=shipping,
            ship_to=SAME if ship_to is SAME else address(ship_to),
            lines=SAME if lines is None else listed(lines),
            priority=SAME if priority is None else whole(priority, "priority"),
            notes=SAME if notes is None else note(notes, "notes"),
            attributes=SAME if attributes is None else pairs(attributes),
            delivery=SAME if delivery is None else one_of(delivery, DELIVERIES, "delivery"),
        )
        if if_version is not None:
            whole(if_version, "if_version")
        content = ("change", name, tuple(wanted.items()), if_version, surplus)
        return self._office.run(changing(name, wanted, if_version, surplus, self._kept), key=key, content=content, by=by)

    def cancel(
        self,
        order: CustomerOrder | str,
        *,
        reason: str = "",
        surplus: str = "keep",
        key: str | None = None,
        by: str | None = None,
    ) -> Cancelled:
        """Cancel an order of which nothing has been shipped: what was allocated is free again.

        Args:
            order: placed, quoted or confirmed.
            surplus: `"keep"` leaves planned runs as they are, their output free for others; `"reduce"` shrinks them.

        Raises:
            NotAllowed: (`not_allowed`) cancelled, closed or merged already; partly shipped (`close` the rest, or take it back).
            Unknown: (`unknown`) no such order.

        Undone by: `shop.orders.reopen` (and `confirm`).
        """
        name = number_of(order)
        one_of(surplus, SURPLUS, "surplus")
        content = ("cancel", name, note(reason, "reason"), surplus)
        return self._office.run(cancelling(name, reason, surplus), key=key, content=content, by=by)

    def close(
        self,
        order: CustomerOrder | str,
        *,
        reason: str = "",
        surplus: str = "keep",
        key: str | None = None,
        by: str | None = None,
    ) -> ClosedOrder:
        """Short-close: what has not been shipped is not wanted any more. What was shipped counts as all of it.

        Raises:
            NotAllowed: (`not_allowed`) nothing has been shipped (`cancel`), or it is not confirmed. Unknown: (`unknown`)

        Undone by: `shop.orders.reopen` (and `confirm`).
        """
        name = number_of(order)
        one_of(surplus, SURPLUS, "surplus")
        content = ("close", name, note(reason, "reason"), surplus)
        return self._office.run(_closing(name, reason, surplus), key=key, content=content, by=by)

    def reopen(self, order: CustomerOrder | str, *, reason: str = "", key: str | None = None, by: str | None = None) -> CustomerOrder:
        """A cancelled order is wanted again, or the rest of a closed one; nothing is reserved before it is confirmed (again).

        Raises:
            NotAllowed: (`not_allowed`) it is neither cancelled nor closed. Unknown: (`unknown`) no such order.

        Undone by: `shop.orders.cancel`, `shop.orders.close`.
        """
        name = number_of(order)
        return self._office.run(_reopening(name, reason), key=key, content=("reopen", name, note(reason, "reason")), by=by)


def _said(**fields: Any) -> Mapping[str, Any]:
    """The fields of which something was said."""
    return {field: value for field, value in fields.items() if value is not SAME}


# changing -----------------------------------------------------------------------------------------------------------------


def changing(
    name: str, fields: Mapping[str, Any], if_version: int | None, surplus: str, kept: Kept
) -> Callable[[Work], ChangedOrder]:  # fmt: skip
    """The decision of `change`, for commands that change an order among other things."""

    def decide(work: Work) -> ChangedOrder:
        before: CustomerOrder = work.paper(CustomerOrder, name)
        if if_version is not None and if_version != before.version:
            raise StaleVersion(name, if_version, before.version)
        now = work.state(before)
        allow(ORDER_STEPS, name, now, "change")
        wanted = {**fields}
        work.catalogue.method(wanted.get("shipping"))
        if "lines" in wanted:
            wanted["lines"] = _matched(work, before, changed_lines(work, before, wanted["lines"]))
        after = attrs.evolve(before, **wanted)
        if after == before:
            return ChangedOrder(before, None, (), (), (), (), ())
        after = attrs.evolve(after, version=before.version + 1)
        items = tuple(dict.fromkeys(before.items + after.items))
        drop_expired_quotes(work, reach_of(work, items))
        told = _differences(before, after)
        netted = any(getattr(before, field) != getattr(after, field) for field in _NETTED)
        quote = open_quote(work, before) if now == "placed" else None
        if quote is not None and netted:
            raise NotAllowed(name, f"quoted ({quote.number})", "change", ("withdraw the quote",))
        _refuse_below_shipped(work, after)
        work.file(after)
        work.changes.opened.add(name)  # all of it may have been shipped
        if now == "placed" or not netted:
            work.step(after, now, "change", details=told)
            work.tell(OrderChanged(work.at, name, after.customer, None, told))
            keep_terms(work, before, after)
            return ChangedOrder(after, None, (), (), (), (), work.told())
        return _net_again(work, before, after, told, surplus, kept)

    return decide


def _net_again(
    work: Work, before: CustomerOrder, order: CustomerOrder, told: tuple[tuple[str, str], ...], surplus: str, kept: Kept
) -> ChangedOrder:
    """Net a confirmed order from its whole need: what still fits stays, what is too much goes, what is open is covered."""
    freed = _let_go_of_surplus(work, order)
    work.settle()
    reduced = take_back(work, freed, f"{order.number} changed") if surplus == "reduce" else ()
    reach = reach_of(work, order.items)
    grown = grow(work, order, reach)
    done = net(work, order, kept, reach)
    runs = {run.number: run for part in work.everything() for run in part.papers.values() if isinstance(run, ProductionOrder)}
    made_late = moved(work, [supply for run in runs.values() for supply in run.supplies], besides=order.number) if runs else ()
    given = done.details or (("promised", ""),)  # where nobody can tell a date any more, the old one is taken back
    work.step(order, "confirmed", "change", details=told + given)
    work.tell(OrderChanged(work.at, order.number, order.customer, done.promised, told))
    keep_terms(work, before, order)
    return ChangedOrder(
        order, done.promised, done.productions, (*reduced, *grown), freed_runs(freed), done.shortages, work.told(), made_late
    )  # fmt: skip


def _let_go_of_surplus(work: Work, order: CustomerOrder) -> list[Freed]:
    """What the links cover beyond what the order still wants, in release order."""
    needs, gone = {need.ref: need for need in order.needs}, shipped(work, order.number)
    freed: list[Freed] = []
    for ref, links in together(work.reader.links((order.number,))[order.number]).items():
        need = needs.get(ref)
        left = 0 if need is None else max(0, need.steps - gone.get(ref, 0))
        fitting = [link for link in links if need is not None and link.item == need.item]
        freed += let_go(work, [link for link in links if link not in fitting], sum(link.covers for link in links))
        freed += let_go(work, fitting, sum(link.covers for link in fitting) - left)
    return freed


def _refuse_below_shipped(work: Work, order: CustomerOrder) -> None:
    needs = {need.ref: need for need in order.needs}
    for ref, steps in shipped(work, order.number).items():
        need = needs.get(ref)
        if steps > (need.steps if need else 0):
            line = ref.partition("+")[0]
            item = work.item(need.item).quantity(steps) if need else f"{steps} steps"
            given = str(work.item(need.item).quantity(need.steps)) if need else None
            raise InvalidInput(f"line {line}", given, f"at least the {item} that were shipped, or shop.shipping.receive_return")


def _matched(work: Work, order: CustomerOrder, given: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    """The lines as they will be: each given one in the place of the one that it names by ref or item, new ones at the end."""
    known = {line.ref: line for line in order.lines}
    named: dict[str, OrderLine] = {}
    fresh: list[OrderLine] = []
    for place, line in enumerate(given, 1):
        old = known.get(line.ref) if line.ref else _of_item(order, line.item, place)
        if old is None:
            fresh.append(line)
        elif old.ref in named:
            raise InvalidInput(f"line {place}", line.ref or line.item, f"every line once; {old.ref} is named before")
        else:
            named[old.ref] = _kept(old, line)
    numbers = [int(ref) for ref in (*known, *(line.ref for line in fresh)) if ref.isascii() and ref.isdecimal() and len(ref) < 9]
    counter = iter(range(max(numbers, default=0) + 1, max(numbers, default=0) + 1 + len(fresh)))
    rows = [named[ref] for ref in known if ref in named]
    rows += [line if line.ref else attrs.evolve(line, ref=str(next(counter))) for line in fresh]
    checked = checked_lines(work, rows)
    return tuple([_as_composed(known.get(line.ref), line) for line in checked])


def _of_item(order: CustomerOrder, item: str, place: int) -> OrderLine | None:
    found = [line for line in order.lines if line.item == item]
    if len(found) > 1:
        raise InvalidInput(
            f"line {place}", item, "a ref, because several lines are of this item: " + ", ".join(one.ref for one in found)
        )
    return found[0] if found else None


def _kept(old: OrderLine, new: OrderLine) -> OrderLine:
    """What the new line does not say stays as it was, as long as it is the same item."""
    if old.item != new.item:
        return attrs.evolve(new, ref=old.ref)
    fields = ("price", "per", "discount", "tax", "over", "under", "note", "attributes")
    silent = {field: getattr(old, field) for field in fields if getattr(new, field) in (None, "", ())}
    if new.price is not None:
        silent.pop("per", None)
    return attrs.evolve(new, ref=old.ref, sample=new.sample or old.sample, **silent)


def _as_composed(old: OrderLine | None, line: OrderLine) -> OrderLine:
    """A line keeps the composition that it was placed with; and its words, where the amount is the same."""
    if old is None or old.item != line.item:
        return line
    same = old.steps == line.steps
    return attrs.evolve(line, parts=old.parts, given=old.given if same else line.given)


def _differences(before: CustomerOrder, after: CustomerOrder) -> tuple[tuple[str, str], ...]:
    """What changed, field by field and line by line, as the diary and the event tell it."""
    rows = []
    old, new = ({line.ref: line for line in order.lines} for order in (before, after))
    for ref in dict.fromkeys([*old, *new]):
        was, now = old.get(ref), new.get(ref)
        if was != now:
            rows.append((f"line {ref}", f"{_told(was)} -> {_told(now)}"))
    rows += [
        (field, f"{_short(getattr(before, field))} -> {_short(getattr(after, field))}")
        for field in _WORDS[1:]
        if getattr(before, field) != getattr(after, field)
    ]
    return tuple(rows)


def _told(line: OrderLine | None) -> str:
    return f"{line.amount} {line.item}" if line is not None else "nothing"


def _short(value: Any) -> str:
    text = "" if value is None else str(value.name) if isinstance(value, Address) else str(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


# ending -------------------------------------------------------------------------------------------------------------------


def cancelling(name: str, reason: str, surplus: str) -> Callable[[Work], Cancelled]:
    """The decision of `cancel`, for commands that cancel an order among other things."""

    def decide(work: Work) -> Cancelled:
        paper: CustomerOrder = work.paper(CustomerOrder, name)
        drop_expired_quotes(work, paper.items)
        now = work.state(paper)
        allow(ORDER_STEPS, name, now, "cancel")
        gone = shipped(work, name)
        if any(gone.values()):
            whole = all(gone.get(need.ref, 0) >= need.steps for need in paper.needs)
            choices = ("shop.shipping.receive_return",) if whole else ("close the rest", "shop.shipping.receive_return")
            raise NotAllowed(name, "shipped" if whole else "partly shipped", "cancel", choices)
        _withdraw_quote(work, paper)
        freed = _let_all_go(work, name)
        work.step(paper, now, "cancel", reason=note(reason, "reason"))
        work.tell(OrderCancelled(work.at, name, paper.customer))
        work.settle()
        reduced = take_back(work, freed, f"{name} cancelled") if surplus == "reduce" else ()
        return Cancelled(name, freed_runs(freed), work.told(), reduced)

    return decide


def _closing(name: str, reason: str, surplus: str) -> Callable[[Work], ClosedOrder]:
    def decide(work: Work) -> ClosedOrder:
        paper: CustomerOrder = work.paper(CustomerOrder, name)
        drop_expired_quotes(work, paper.items)
        now = work.state(paper)
        allow(ORDER_STEPS, name, now, "close")
        gone = shipped(work, name)
        if not any(gone.values()):
            raise NotAllowed(name, "not shipped", "close", ("cancel",))
        waived = {
            line.ref: work.item(line.item).quantity(line.steps - line.whole(gone))
            for line in paper.lines
            if line.steps > line.whole(gone)
        }
        freed = _let_all_go(work, name)
        work.step(paper, now, "close", reason=note(reason, "reason"), details=tuple((ref, str(left)) for ref, left in waived.items()))
        work.tell(OrderClosed(work.at, name, paper.customer, tuple((paper.line(ref).item, left) for ref, left in waived.items())))
        work.settle()
        reduced = take_back(work, freed, f"{name} closed") if surplus == "reduce" else ()
        return ClosedOrder(name, waived, freed_runs(freed), reduced, work.told())

    return decide


def _reopening(name: str, reason: str) -> Callable[[Work], CustomerOrder]:
    def decide(work: Work) -> CustomerOrder:
        paper: CustomerOrder = work.paper(CustomerOrder, name)
        work.step(paper, work.state(paper), "reopen", reason=note(reason, "reason"))
        work.tell(OrderReopened(work.at, name, paper.customer))
        check_terms(work, paper, agreed(work, paper.customer))
        return paper

    return decide


def _withdraw_quote(work: Work, paper: CustomerOrder) -> None:
    quote = open_quote(work, paper)
    if quote is not None:
        end_quote(work, quote, "withdraw")


def _let_all_go(work: Work, name: str) -> list[Freed]:
    links = [link for link in work.reader.links((name,))[name] if link.firmness != QUOTED]
    return let_go(work, links, sum(link.covers for link in links))
