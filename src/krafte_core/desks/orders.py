"""The order desk: take orders, say whether and when, confirm, quote, cancel, and tell how far they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

import attrs

from krafte_core.addresses import Address
from krafte_core.allocation import LOT, QUOTED
from krafte_core.availability import Availability, Tally, shortages
from krafte_core.coverage import lacking
from krafte_core.desks.allocating import OrderLots
from krafte_core.desks.baskets import Basket, basket
from krafte_core.desks.board import OrderBoard, table_rows
from krafte_core.desks.changing import OrderChanges
from krafte_core.desks.confirming import Confirmed, confirm
from krafte_core.desks.dividing import OrderParts
from krafte_core.desks.holding import OrderHolds
from krafte_core.desks.imports import OrderImports
from krafte_core.desks.needs import Kept, OrderNeeds, open_quote, promise_for, promised_date, reach_of, with_binding
from krafte_core.desks.placing import address, listed, order_terms, whole, write_down
from krafte_core.desks.timeline import OrderTimelines
from krafte_core.diary import Entry
from krafte_core.errors import AlreadyExists, InvalidInput, NotAllowed, Short
from krafte_core.events import OrderQuoted, QuoteWithdrawn
from krafte_core.items import attributes as pairs
from krafte_core.items import code, note, one_of
from krafte_core.money import Money, money
from krafte_core.netting import Writer, drop_expired_quotes, end_quote
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder, OrderLine, OrderStatus, Quote, Stages
from krafte_core.production import ProductionOrder
from krafte_core.progress import Progress
from krafte_core.promise import RELAXABLE, Promise, Step
from krafte_core.quantities import Quantity
from krafte_core.scheduling import Search
from krafte_core.stock import CUSTOMER
from krafte_core.tables import aligned
from krafte_core.times import day, instant
from krafte_core.work import Seen, Work, number_of

WHEN_SHORT = ("wait", "refuse")


@attrs.frozen
class Link:
    """How much of a supply covers how much of an order's line; `note` is what the workshop must know of it, such as an engraving."""

    order: str
    line: str
    production: str
    item: str
    amount: Quantity
    note: str = ""


class OrderDesk(OrderChanges, OrderParts, OrderLots, OrderImports, OrderBoard, OrderTimelines, OrderHolds):
    """`shop.orders`."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office
        self._kept = Kept()

    # taking orders ----------------------------------------------------------------------------------------------------

    def place(
        self,
        *,
        customer: str,
        lines: Sequence[OrderLine],
        requested: date | str | None = None,
        shipping: str | None = None,
        ship_to: Address | None = None,
        priority: int = 0,
        notes: str = "",
        source: str = "",
        delivery: str = "partial",
        discount: Money | str | None = None,
        shipping_price: Money | str | None = None,
        tax: Money | str | None = None,
        tax_included: bool = False,
        prices: str | None = None,
        owed: Money | str | None = None,
        attributes: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> CustomerOrder:
        """Write down what a customer wants. Nothing is reserved before `confirm`.

        What was agreed with a registered `Customer` holds: lines without a price get that of his list for the amount and the day, and
        an order that is too small or beyond his credit is put on hold (`holds`), with the amounts.

        Args:
            customer: who ordered.
            lines: at least one; an amount of each item in any unit or pack that the item knows. A kit keeps today's composition.
            requested: the customer's wish, a day.
            shipping: the code of a shipping method.
            priority: higher gets scarce supply first.
            delivery: `"partial"` may leave in parts, `"complete"` only as a whole.
            discount, shipping_price, tax: of the whole order, as given; `tax_included` where the prices hold their taxes already.
            prices: a price list, instead of the customer's; `owed`: what he owes already, beside his open orders.
            key: the host's idempotency key.

        Undone by: `shop.orders.cancel`.

        Raises:
            Unknown: (`unknown`) item, shipping method, price list, or price. InvalidInput: an amount, a ref of two lines, no lines.

        >>> from krafte_core import Item, OrderLine, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"))
        >>> str(shop.orders.place(customer="Anna", lines=[OrderLine("soap", "2 dozen")]).lines[0].amount)
        '24 each'
        """
        rows = listed(lines)
        terms, extra = order_terms(delivery, discount, shipping_price, tax, tax_included), pairs(attributes)
        debt = money(owed) if owed is not None else None
        said = () if prices is None and debt is None else (prices, debt)
        content = ("place", customer, rows, requested, shipping, address(ship_to), priority, notes, source, extra, terms, *said)
        fields = {
            "requested": None if requested is None else day(requested), "shipping": shipping, "ship_to": ship_to,
            "priority": whole(priority, "priority"), "notes": note(notes, "notes"), "source": note(source, "source"),
            "attributes": extra, **terms,
        }  # fmt: skip
        decide = partial(write_down, customer=code(customer, "customer"), lines=rows, fields=fields, prices=prices, owed=debt)
        return self._office.run(decide, key=key, content=content)

    # asking -----------------------------------------------------------------------------------------------------------

    def check(self, order: CustomerOrder | str) -> Availability:
        """Do we have it, do we have what it takes? What is needed over all levels and where it comes from; nothing is held.

        Raises:
            Unknown: (`unknown`) no such order.

        >>> from krafte_core import Item, OrderLine, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"))
        >>> print(shop.orders.check(shop.orders.place(customer="Anna", lines=[OrderLine("soap", "2 each")])).shortages[0])
        soap: 2 each missing (needed 2 each, available 0 each)
        """
        with self._office.look() as work:
            paper = work.paper(CustomerOrder, order)
            reach = reach_of(work, paper.items)
            drop_expired_quotes(work, reach)
            needs, _, covers = self._kept.plan(work, paper, reach)
            tally = Tally()
            needs.covered(tally)
            for cover in covers:
                tally.cover(cover, required=False)
            return tally.answer(paper.number, work.catalogue.items.__getitem__)

    def promise(self, order: CustomerOrder | str, *, relaxing: Step | None = None) -> Promise:
        """When can we deliver, and why then? The earliest date with what is free now; nothing is held.

        Args:
            order: the order, as far as it is still open.
            relaxing: think a step away (a promise's `binding`, or any purchase or queue of its chain): what would help?

        Raises:
            Unknown: (`unknown`) no such order. BeyondHorizon: (`beyond_horizon`), NeverFits: (`never_fits`).
        """
        if relaxing is not None and relaxing.kind not in RELAXABLE:
            raise InvalidInput("relaxing", relaxing.kind, "a step of kind " + " or ".join(RELAXABLE))
        with self._office.look() as work:
            paper = work.paper(CustomerOrder, order)
            drop_expired_quotes(work, reach_of(work, paper.items))
            needs = OrderNeeds(work, paper)
            thought = frozenset([(relaxing.kind, relaxing.name)]) if relaxing else frozenset()
            found = promise_for(work, needs, thought, back=True)
            if relaxing is not None or found.arrival is None:
                return found
            return with_binding(work, needs, found)

    def promise_all(self, orders: Sequence[CustomerOrder | str]) -> Basket:
        """When can we deliver all of these? As if each were confirmed before the next, the most urgent first; nothing is held.

        Raises:
            Unknown: (`unknown`) no such order. InvalidInput: (`invalid_input`) no order. And what `promise` raises.

        >>> from krafte_core import Item, OrderLine, Recipe, Workshop
        >>> from krafte_core.testing import FakeClock
        >>> shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
        >>> shop.register(Item("soap", unit="each"), Recipe("soap", makes="10 each", lead_time="3 days"))
        >>> lot = shop.stock.receive("soap", "10 each", lot="S-1")
        >>> two = [shop.orders.place(customer=name, lines=[OrderLine("soap", "10 each")]) for name in ("Anna", "Ben")]
        >>> print(shop.orders.promise_all(two))
        CO-2026-11-001: delivered on Mon 2026-11-23
        CO-2026-11-002: delivered on Thu 2026-11-26
        """
        if isinstance(orders, str | CustomerOrder):
            raise InvalidInput("orders", orders, "a list of orders")
        with self._office.look() as work:
            return basket(work, [number_of(order) for order in orders])

    def status(self, order: CustomerOrder | str) -> OrderStatus:
        """What a customer sees of the order.

        Raises:
            Unknown: (`unknown`) no such order.
        """
        with self._office.look() as work:
            paper = work.paper(CustomerOrder, order)
            return Progress(work, [paper]).status(paper)

    def stages(self, order: CustomerOrder | str) -> Mapping[str, Stages]:
        """How far every line is, by its ref: the amount in each stage in whole steps, and why it waits.

        Raises:
            Unknown: (`unknown`) no such order.
        """
        with self._office.look() as work:
            paper = work.paper(CustomerOrder, order)
            rows = Progress(work, [paper]).of(paper)
            return {line.ref: row for line, row in zip(paper.lines, rows, strict=True)}

    def covered_by(self, production: ProductionOrder | str) -> tuple[Link, ...]:
        """Which orders a production covers, with how much and what was wished: while it runs by its links, afterwards by its lots.

        Raises:
            Unknown: (`unknown`) no such production.
        """
        with self._office.look() as work:
            run = work.paper(ProductionOrder, production)
            sums = _served(work, run)
            filed = work.reader.papers({order for order, _, _ in sums})
            notes = {(name, line.ref): line.note for name, row in filed.items() for line in getattr(row.paper, "lines", ())}
            return tuple(
                Link(order, line, run.number, item, work.item(item).quantity(steps), notes.get((order, line.partition("+")[0]), ""))
                for (order, line, item), steps in sums.items()
            )

    def get(self, order: CustomerOrder | str) -> CustomerOrder:
        """The order as it is now.

        Raises:
            Unknown: (`unknown`) no such order.
        """
        with self._office.look() as work:
            found: CustomerOrder = work.paper(CustomerOrder, order)
            return found

    def find(self, *, customer: str | None = None, after: str = "", limit: int = 100) -> tuple[CustomerOrder, ...]:
        """A page of orders in the order of writing, after the given number."""
        criteria = {} if customer is None else {"customer": customer}
        with self._office.look() as work:
            return tuple(work.reader.find("order", after=after, limit=limit, **criteria))  # type: ignore[arg-type]

    def history(self, order: CustomerOrder | str) -> tuple[Entry, ...]:
        """The diary of an order: its steps, when, by whom and why."""
        with self._office.look() as work:
            number = work.paper(CustomerOrder, order).number
            return tuple(work.reader.diary((number,))[number])

    def table(self, *, customer: str | None = None, after: str = "", limit: int = 100) -> str:
        """The order board at a glance: number, customer, what, requested, promised, status, and how much is ready."""
        criteria = {} if customer is None else {"customer": customer}
        with self._office.look() as work:
            orders: Sequence[Any] = work.reader.find("order", after=after, limit=limit, **criteria)
            progress = Progress(work, orders)
            diaries = work.reader.diary(order.number for order in orders)
            head = ("order", "customer", "line", "amount", "ready", "requested", "promised", "status")
            return "\n".join(
                aligned(head, [row for order in orders for row in table_rows(work, progress, order, diaries[order.number])])
            )

    # deciding ---------------------------------------------------------------------------------------------------------

    def confirm(
        self,
        order: CustomerOrder | str,
        *,
        make: bool = True,
        when_short: str = "wait",
        force: bool = False,
        key: str | None = None,
        by: str | None = None,
    ) -> Confirmed:
        """Cover what is still open of an order: allocate stock, plan and link runs, reserve their materials; never buy.

        It may be repeated: each time it nets what is open by then. What is missing stays open and the order waits.

        Args:
            order: the order.
            make: False covers from stock and open supply only.
            when_short: `"wait"` reserves what there is; `"refuse"` reserves nothing where something is missing.
            force: take finished goods that others have reserved, in release order, where free stock is not enough; the answer names
                who was displaced. What is picked or quoted stays.
            key: the host's idempotency key.
            by: who signs.

        Raises:
            Short: (`short`) with `when_short="refuse"`: what is missing per item, and when it could be there.
            NotAllowed: (`not_allowed`) it is cancelled, closed or merged. Unknown: (`unknown`) no such order.

        Undone by: `shop.orders.free`, `shop.orders.cancel`.
        """
        one_of(when_short, WHEN_SHORT, "when_short")
        name = number_of(order)

        def decide(work: Work) -> Confirmed:
            return confirm(work, name, self._kept, make=make, when_short=when_short, force=force)

        return self._office.run(decide, key=key, content=("confirm", name, make, when_short, force), by=by)

    def quote(self, order: CustomerOrder | str, *, until: datetime | str, key: str | None = None, by: str | None = None) -> Quote:
        """Hold material and capacity for an order until an instant; `confirm` turns it into links and runs.

        Raises:
            Short: (`short`) something must be bought first, which nobody can hold. InvalidInput: `until` is not ahead.
            AlreadyExists: (`already_exists`) the order has an open quote. NotAllowed: (`not_allowed`) it is confirmed already.
        """
        name, end = number_of(order), instant(until, self._office.zone)

        def decide(work: Work) -> Quote:
            paper = work.paper(CustomerOrder, name)
            reach = reach_of(work, paper.items)
            drop_expired_quotes(work, reach)
            needs = OrderNeeds(work, paper)
            if needs.state != "placed":
                raise NotAllowed(name, needs.state, "quote", ("place a new order",))
            if open_quote(work, paper) is not None:
                raise AlreadyExists("open quote", name)
            if end <= work.at:
                raise InvalidInput("until", str(end), f"an instant after {work.at}")
            search = Search(Seen(work, reach, customer=paper.customer))
            covers = needs.search(search, follow=False)
            promised = promised_date(work, needs, search, covers)
            missing = lacking(covers)
            if missing:
                raise Short(shortages(missing, covers, work.catalogue.item), promised)
            needs.write(Writer(work, QUOTED, "propose"), covers)
            quote = Quote(work.number("QU"), name, paper.customer, tuple(reach), quoted_at=work.at, until=end, date=promised)
            work.file(quote, new=True)
            work.step(quote, "", "quote")
            work.note(name, "quote", details=(("number", quote.number),))
            work.touch(name)
            work.tell(OrderQuoted(work.at, name, paper.customer, promised, end))
            return quote

        return self._office.run(decide, key=key, content=("quote", name, end), by=by)

    def withdraw(self, quote: Quote | str, *, key: str | None = None, by: str | None = None) -> Quote:
        """End a quote before its time: what it held is free again.

        Raises:
            NotAllowed: (`not_allowed`) it has ended. Unknown: (`unknown`) no such quote.
        """
        name = number_of(quote)

        def decide(work: Work) -> Quote:
            paper: Quote = work.paper(Quote, name)
            now = work.state(paper)
            if now != "open" or paper.until <= work.at:
                raise NotAllowed(name, "expired" if now == "open" else now, "withdraw")
            end_quote(work, paper, "withdraw")
            work.tell(QuoteWithdrawn(work.at, paper.order))
            return paper

        return self._office.run(decide, key=key, content=("withdraw", name), by=by)


def _served(work: Work, run: ProductionOrder) -> Mapping[tuple[str, str, str], int]:
    """Steps of a run's output per order line and item: linked to the run, linked to its lots, or shipped from them."""
    claims = work.reader.claims(run.supplies)
    links = [link for supply in run.supplies for link in claims[supply]]
    made = {
        (move.item, move.lot)
        for posting in work.reader.postings(papers=[run.number])
        if posting.kind == "make"
        for move in posting.moves
    }
    supplies = [(LOT, *lot) for lot in sorted(made)]
    claims = work.reader.claims(supplies)
    links += [link for supply in supplies for link in claims[supply]]
    orders = work.reader.papers({link.demand for link in links})
    sums: dict[tuple[str, str, str], int] = {}
    for link in links:
        if link.demand in orders and isinstance(orders[link.demand].paper, CustomerOrder):
            key = (link.demand, link.line, link.item)
            sums[key] = sums.get(key, 0) + link.covers
    for posting in work.reader.postings(lots=made) if made else ():
        for move in posting.moves:
            if move.target == CUSTOMER and (move.item, move.lot) in made:
                order, _, line = move.line.partition("/")
                sums[order, line, move.item] = sums.get((order, line, move.item), 0) + move.steps
    return sums
