"""The purchasing desk: order from suppliers, and receive what comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import attrs

from krafte_core.allocation import PURCHASE
from krafte_core.backdating import business_time
from krafte_core.desks.stock import arrive
from krafte_core.desks.suppliers import PurchaseChanges
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.events import Event, PurchaseOrdered
from krafte_core.items import attributes as pairs
from krafte_core.items import code, note
from krafte_core.netting import drop_expired_quotes, hand_over
from krafte_core.office import Office
from krafte_core.potency import dense, told_of_lot
from krafte_core.purchasing import PurchaseLine, PurchaseOrder
from krafte_core.quantities import Quantity
from krafte_core.scheduling import Search
from krafte_core.stock import STOCK, Lot
from krafte_core.supplying import Calling
from krafte_core.tables import aligned
from krafte_core.times import day, instant, local_date, moment
from krafte_core.wording import told
from krafte_core.work import Seen, Work, arrived, number_of


@attrs.frozen
class Received:
    """What a receipt did: the lot, what of the line is still open, and whether the purchase is complete."""

    purchase: str
    lot: Lot
    amount: Quantity
    open: Quantity
    closed: bool
    events: tuple[Event, ...]


class PurchasingDesk(PurchaseChanges):
    """`shop.purchasing`."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    def order(
        self,
        supplier: str,
        *,
        lines: Sequence[PurchaseLine],
        expected: datetime | str | None = None,
        notes: str = "",
        attributes: Mapping[str, Any] | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> PurchaseOrder:
        """Write a purchase order; what it brings counts as on its way, and runs and orders may be promised it.

        Args:
            supplier: a registered supplier.
            lines: what is ordered, in any unit or pack.
            expected: when it will be here; default by the lead times of the supplier's offers.

        Raises:
            Unknown: (`unknown`) supplier or item. InvalidInput: an amount; no date and no offer that tells one.

        >>> from krafte_core import Item, Offer, PurchaseLine, Supplier, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("lye", unit="kg"), Supplier("Chemie", offers=[Offer("lye", lead_time="4 days")]))
        >>> purchase = shop.purchasing.order("Chemie", lines=[PurchaseLine("lye", "25 kg")])
        >>> (purchase.expected.date() - purchase.ordered_at.date()).days
        4
        """
        at = None if expected is None else instant(expected, self._office.zone)
        content = ("order", supplier, _listed(lines), at, note(notes, "notes"), pairs(attributes))

        def decide(work: Work) -> PurchaseOrder:
            if supplier not in work.catalogue.suppliers:
                raise Unknown("supplier", supplier, tuple(work.catalogue.suppliers))
            checked = _checked(work, lines)
            expects = at or _expected(work, supplier, checked)
            paper = PurchaseOrder(
                work.number("PO"), supplier, checked, ordered_at=work.at, expected=expects, notes=notes, attributes=content[-1]
            )
            work.file(paper, new=True)
            work.step(paper, "", "order")
            work.tell(PurchaseOrdered(work.at, paper.number, supplier))
            return paper

        return self._office.run(decide, key=key, content=content, by=by)

    def receive(
        self,
        purchase: PurchaseOrder | str,
        item: str,
        amount: Any,
        *,
        lot: str | None = None,
        supplier_lot: str | None = None,
        expires: date | str | None = None,
        place: str = STOCK,
        attributes: Mapping[str, Any] | None = None,
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Received:
        """Goods of a purchase come in, in part or in whole or beyond: a lot; those who were promised them now hold the lot.

        Args:
            purchase: the purchase order; `item` its line, by item or by ref.
            amount: what came; more than ordered is free stock.
            place: where it goes; `"quarantine"` if it is to be inspected first.
            attributes: of the lot, such as its own `potency` and `density`, or the host's own.
            happened_at: when it came; default now.

        Raises:
            NotAllowed: (`not_allowed`) closed or cancelled. AlreadyExists: (`already_exists`) the lot. And what amounts raise.
        """
        name = number_of(purchase)
        until = None if expires is None else day(expires)
        theirs = None if supplier_lot is None else code(supplier_lot, "supplier_lot")
        at = business_time(happened_at, self._office.zone)
        own = told_of_lot(attributes)
        content = ("receive", name, item, told(amount), lot, theirs, until, place, own, at)

        def decide(work: Work) -> Received:
            paper: PurchaseOrder = work.paper(PurchaseOrder, name)
            line = paper.line(item)
            drop_expired_quotes(work, (line.item,))
            now = work.step(paper, work.state(paper), "receive")
            known = work.item(line.item)
            steps = dense(known, own).positive(amount)
            came = arrived(work, [paper])
            row = arrive(
                work, line.item, steps, lot, place, paper=name, line=f"{name}/{line.ref}", at=at,
                supplier=paper.supplier, supplier_lot=supplier_lot, expires=until, unit_cost=line.price, attributes=own,
            )  # fmt: skip
            left = {one.ref: max(0, one.steps - came.get((name, one.ref), 0)) for one in paper.lines}
            left[line.ref] = max(0, left[line.ref] - steps)
            hand_over(work, (PURCHASE, line.item, name), line.ref, row, place, steps, left[line.ref], "received less")
            closed = not any(left.values())
            if closed:
                work.step(paper, now, "close")
            amounts = known.quantity(steps), known.quantity(left[line.ref])
            return Received(name, row, *amounts, closed, tuple(work.changes.events))

        return self._office.run(decide, key=key, content=content, by=by)

    def get(self, purchase: PurchaseOrder | str) -> PurchaseOrder:
        """The purchase order as it is now.

        Raises:
            Unknown: (`unknown`) no such purchase order.
        """
        with self._office.look() as work:
            paper: PurchaseOrder = work.paper(PurchaseOrder, purchase)
            return paper

    def status(self, purchase: PurchaseOrder | str) -> str:
        """The state: ordered, closed or cancelled."""
        with self._office.look() as work:
            return work.state(work.paper(PurchaseOrder, purchase))

    def find(self, *, supplier: str | None = None, after: str = "", limit: int = 100) -> tuple[PurchaseOrder, ...]:
        """A page of purchase orders in the order of writing, after the given number."""
        criteria = {} if supplier is None else {"supplier": supplier}
        with self._office.look() as work:
            return tuple(work.reader.find("purchase", after=after, limit=limit, **criteria))  # type: ignore[arg-type]

    def table(self, *, supplier: str | None = None, after: str = "", limit: int = 100) -> str:
        """The purchase orders at a glance: number, supplier, what, how much is open, when it is expected."""
        criteria = {} if supplier is None else {"supplier": supplier}
        with self._office.look() as work:
            papers: Sequence[Any] = work.reader.find("purchase", after=after, limit=limit, **criteria)
            came = arrived(work, papers)
            rows = []
            for paper in papers:
                for line in paper.lines:
                    left = work.item(line.item).quantity(max(0, line.steps - came.get((paper.number, line.ref), 0)))
                    cells = (
                        line.item,
                        str(line.amount),
                        str(left),
                        str(local_date(paper.due(line), work.catalogue.zone)),
                        work.state(paper),
                    )
                    rows.append((paper.number, paper.supplier, *cells))
            return "\n".join(aligned(("purchase", "supplier", "item", "ordered", "open", "expected", "state"), rows))


def _listed(lines: Any) -> tuple[PurchaseLine, ...]:
    if not isinstance(lines, Sequence) or not lines or not all(isinstance(line, PurchaseLine) for line in lines):
        raise InvalidInput("lines", lines, "a list of at least one PurchaseLine")
    return tuple(lines)


def _checked(work: Work, lines: Sequence[PurchaseLine]) -> tuple[PurchaseLine, ...]:
    rows = []
    for place, line in enumerate(lines, 1):
        item = work.catalogue.stocked(line.item, f"line {place}")
        steps = item.positive(line.amount, f"line {place} ({line.item})")
        given = line.amount if isinstance(line.amount, str) else str(line.amount)
        ref = line.ref or str(place)
        rows.append(
            PurchaseLine(
                line.item,
                item.quantity(steps),
                price=line.price,
                expected=None if line.expected is None else instant(line.expected, work.catalogue.zone),
                ref=code(ref, "ref"),
                given=given,
                steps=steps,
            )
        )
    if len({row.ref for row in rows}) != len(rows):
        raise InvalidInput("lines", [row.ref for row in rows], "a ref of its own for every line")
    return tuple(rows)


def _expected(work: Work, supplier: str, lines: Sequence[PurchaseLine]) -> datetime:
    """When the last line will be here, by the supplier's own lead times."""
    seen = Seen(work, ())
    after = Search(seen).after
    calling = Calling(work.now, work.catalogue.zone, seen.timeline, after, after)
    times = []
    for line in lines:
        rows = [row for row in work.catalogue.offers(line.item) if row[0].code == supplier]
        dates = [calling.soonest(who, offer, work.catalogue.item(line.item)) for who, offer in rows]
        here = [one.here for one in dates if one is not None]
        if not here:
            raise InvalidInput("expected", None, f"when {line.item} will be here: {supplier} has no offer for it that is valid now")
        times.append(min(here))
    return moment(int(max(times)))
