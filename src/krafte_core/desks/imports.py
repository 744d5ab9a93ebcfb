"""Orders come in from sales channels: each message once, however often it arrives. Part of the order desk."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.desks.changing import SURPLUS, ChangedOrder, cancelling, changing
from krafte_core.desks.holding import follow_channel
from krafte_core.desks.needs import Kept, open_quote
from krafte_core.desks.placing import order_terms, whole, write_down
from krafte_core.errors import InvalidInput
from krafte_core.events import Event
from krafte_core.incoming import MessageLine, Notice, OrderMessage
from krafte_core.intake import CANCEL, CHANGE, NOTHING, PLACE, Change, Imported, Intake, decide, split_ref
from krafte_core.items import MAX_CODE, code, one_of
from krafte_core.money import money
from krafte_core.netting import shipped
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder
from krafte_core.work import Work

LIVE = ("placed", "confirmed")


@attrs.frozen
class ImportedOrder:
    """What an import did.

    Args:
        order: our order now; None as long as nothing of it may make demand, or no line is matched.
        changed: whether the message said anything new.
        action: `"nothing"`, `"wait"`, `"place"`, `"change"` or `"cancel"`.
        unmatched: lines without goods of ours: they are kept and shown, and block nothing.
        hold: why nothing more may be made until a person has decided; empty is no hold. It holds the order (`shop.orders.holds`).
        proposals: what a person must decide.
        changes: what is different from before.
    """

    order: CustomerOrder | None
    changed: bool
    action: str
    unmatched: tuple[MessageLine, ...] = ()
    hold: str = ""
    proposals: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()


class OrderImports:
    """What `shop.orders` does with the messages of sales channels."""

    _office: Office
    _kept: Kept

    def import_from(
        self,
        message: OrderMessage | Notice,
        *,
        customer: str | None = None,
        shipping: str | None = None,
        priority: int = 0,
        surplus: str = "keep",
        by: str | None = None,
    ) -> ImportedOrder:
        """Take in what a channel tells of an order: place, change or cancel ours, or only remember it.

        The identity is channel, account and order id; no two imports make two orders of one. Messages may come twice, late, in any
        order and in parts: the same knowledge remains, and the order follows it. A confirmed order is netted again, as by `change`.
        No line falls below what has left.

        Args:
            message: from a channel's `read_webhook`, `read_order` or `next_poll`.
            customer: who ordered; default what the channel calls the buyer.
            shipping, priority: for a new order.
            surplus: as for `change` and `cancel`.
            by: who signs.

        Raises:
            InvalidInput: (`invalid_input`) no order message, or an amount that the item cannot hold. Unknown: (`unknown`) goods that
                are no item of ours. In either case nothing is stored.

        >>> from decimal import Decimal
        >>> from krafte_core import Item, Workshop
        >>> from krafte_core.incoming import Goods
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"))
        >>> line = MessageLine(line_id="1", quantity=Decimal(3), goods=(Goods("soap"),))
        >>> message = OrderMessage(channel="etsy", account="1", order_id="7", buyer="Anna", lines=(line,))
        >>> first, second = shop.orders.import_from(message), shop.orders.import_from(message)
        >>> str(first.order.lines[0].amount), second.changed, second.order == first.order
        ('3 each', False, True)
        """
        if not isinstance(message, OrderMessage):
            raise InvalidInput("message", type(message).__name__, "an OrderMessage; a Notice names the order that is to be fetched")
        one_of(surplus, SURPLUS, "surplus")
        whole(priority, "priority")
        who = _customer(message) if customer is None else code(customer, "customer")

        def run(work: Work) -> ImportedOrder:
            filed = work.reader.papers((message.identity,)).get(message.identity)
            stored = filed.paper if filed is not None else None
            paper = work.paper(CustomerOrder, stored.order) if stored is not None and stored.order else None
            intake = decide(stored, message, _left(work, paper) if paper is not None else None)
            if intake.action == NOTHING and not intake.changed:
                return _result(intake, paper, ())
            return _carried_out(work, intake, paper, who, shipping, priority, surplus, self._kept)

        return self._office.run(run, by=by)

    def imports(self, *, after: str = "", limit: int = 100) -> tuple[Imported, ...]:
        """A page of what is stored of the channels' orders, in the order of first import, after the given identity."""
        with self._office.look() as work:
            return tuple(work.reader.find("import", after=after, limit=limit))  # type: ignore[arg-type]

    def imported(self, message: OrderMessage | str) -> Imported | None:
        """What is stored of a channel's order, by a message of it or its identity; None where nothing is."""
        name = message.identity if isinstance(message, OrderMessage) else message
        with self._office.look() as work:
            filed = work.reader.papers((name,)).get(name)
            return filed.paper if filed is not None and isinstance(filed.paper, Imported) else None


def _carried_out(
    work: Work, intake: Intake, paper: CustomerOrder | None, who: str, shipping: str | None, priority: int, surplus: str, kept: Kept
) -> ImportedOrder:
    """Do what was decided, and store it together with what is known."""
    order, refused = paper, ""
    if intake.action == PLACE:
        order = _placed(work, intake, who, shipping, priority)
    elif paper is not None and intake.action in {CHANGE, CANCEL}:
        refused = _untouchable(work, paper)
        if not refused:
            order = _changed(work, intake, paper, surplus, kept)
    if order is not None:
        told = next((change.before for change in intake.changes if change.kind == "hold"), intake.hold)
        follow_channel(work, order, "" if intake.action == PLACE else told, intake.hold)
    imported = intake.imported if order is None else attrs.evolve(intake.imported, order=order.number)
    work.file(imported, new=imported.version == 1)
    events = work.told()
    if refused:
        intake = attrs.evolve(intake, proposals=(*intake.proposals, refused))
    return _result(attrs.evolve(intake, imported=imported), order, events)


def _result(intake: Intake, order: CustomerOrder | None, events: tuple[Event, ...]) -> ImportedOrder:
    return ImportedOrder(
        order, intake.changed, intake.action, intake.unmatched, intake.hold, intake.proposals, intake.changes, events
    )  # fmt: skip


def _placed(work: Work, intake: Intake, who: str, shipping: str | None, priority: int) -> CustomerOrder:
    known = intake.imported.known
    included = bool(known.prices_include_tax)
    send = None if not known.shipping or known.currency is None else money(f"{known.shipping:f} {known.currency}")
    fields = {
        "requested": known.requested, "shipping": shipping, "ship_to": known.ship_to, "priority": priority, "notes": known.note,
        "source": intake.imported.number, "attributes": _attributes(known), **order_terms("partial", None, send, None, included),
    }  # fmt: skip
    return write_down(work, who, intake.lines, fields, as_told=True)


def _changed(work: Work, intake: Intake, paper: CustomerOrder, surplus: str, kept: Kept) -> CustomerOrder:
    if intake.action == CANCEL:
        cancelling(paper.number, "cancelled at the channel", surplus)(work)
        return paper
    known = intake.imported.known
    fields: dict[str, Any] = {"lines": intake.lines} if intake.lines else {}
    if known.ship_to is not None:
        fields["ship_to"] = known.ship_to
    if known.requested is not None:
        fields["requested"] = known.requested
    done: ChangedOrder = changing(paper.number, fields, None, surplus, kept)(work)
    return done.order


def _untouchable(work: Work, paper: CustomerOrder) -> str:
    """Why an import may not change the order; empty where it may."""
    now = work.state(paper)
    if now not in LIVE:
        return f"{paper.number} is {now} here, and the channel has changed it"
    quote = open_quote(work, paper)
    return "" if quote is None else f"{paper.number} is quoted ({quote.number}), and the channel has changed it"


def _left(work: Work, order: CustomerOrder) -> Mapping[str, Decimal]:
    """Per ref of a channel's line how many sold units have left the house: a part of one counts as one."""
    gone = shipped(work, order.number)
    filed = work.reader.papers((order.source,)).get(order.source)
    goods = {line.line_id: line.goods for line in filed.paper.known.lines} if filed is not None else {}
    left: dict[str, Decimal] = {}
    for line in order.lines:
        steps = max(
            (Fraction(gone.get(need.ref, 0) * line.steps, need.steps) for need in line.needs if need.steps), default=Fraction(0)
        )
        rows = goods.get(split_ref(line.ref)[1], ()) if ":" in line.ref else ()
        per = next((work.item(line.item).steps(one.amount) for one in rows if one.item == line.item), 0)
        if steps and per:
            left[line.ref] = _units(steps / per)
    return left


def _units(count: Fraction) -> Decimal:
    """The count, if it is a decimal number; else rounded up to a whole one."""
    exact = Decimal(count.numerator) / Decimal(count.denominator)
    return exact if Fraction(exact) == count else Decimal(-(-count.numerator // count.denominator))


def _customer(message: OrderMessage) -> str:
    """What the channel calls the buyer, if that can be a name here; else the order's identity stands for it."""
    buyer = message.buyer.strip()
    return buyer if 0 < len(buyer) <= MAX_CODE and buyer.isprintable() else f"{message.channel} {message.order_id}"[:MAX_CODE]


def _attributes(known: OrderMessage) -> tuple[tuple[str, Any], ...]:
    """What the order should show of its channel."""
    told = {"channel": known.channel, "channel order": known.order_id, "channel number": known.number}
    told |= {"ship by": known.ship_by.isoformat() if known.ship_by is not None else ""}
    return tuple(sorted((name, text) for name, text in told.items() if text))
