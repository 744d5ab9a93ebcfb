"""The decision of an import: given what is stored of a channel's order and one more message, what is to be done.

All of it is a pure function. The desk reads the stored `Imported` (a paper of its own, numbered by the order's identity), asks
`decide`, and carries the answer out: place, change or cancel our order, and store the new `Imported` with it.

The stored messages of one order are a set that only grows in knowledge (`incoming.learned`), so any order of any messages, with any
repetition, ends in the same lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal, localcontext
from typing import Any

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.incoming import LONG_AGO, MessageLine, OrderMessage, escaped, learned, picture, unescaped
from krafte_core.items import MAX_CODE
from krafte_core.money import money
from krafte_core.orders import OrderLine
from krafte_core.quantities import split

NOTHING, WAIT, PLACE, CHANGE, CANCEL = ACTIONS = ("nothing", "wait", "place", "change", "cancel")
_ZERO = Decimal(0)
_EXACT = Context(prec=60)


@attrs.frozen(kw_only=True)
class Imported:
    """What is stored of a channel's order: every message that still counts, and the number of our order, once there is one.

    Its number is the order's identity, so no two imports can make two orders of one.
    """

    number: str
    order: str = ""
    messages: tuple[OrderMessage, ...] = ()
    version: int = 1

    @property
    def items(self) -> tuple[str, ...]:
        """It names no items of its own."""
        return ()

    @property
    def known(self) -> OrderMessage:
        """The order as the channel tells it, all messages put together."""
        return picture(self.messages)


@attrs.frozen(kw_only=True)
class Change:
    """One difference between what was known and what is known now: `line` is empty where it is about the whole order."""

    kind: str
    line: str = ""
    before: str = ""
    after: str = ""


@attrs.frozen(kw_only=True)
class Intake:
    """What is to be done.

    Args:
        action: `"nothing"` (known already, or older), `"wait"` (known, but it may make no demand yet), `"place"`,
            `"change"`, `"cancel"`.
        imported: to be stored with it.
        lines: all lines that our order shall have (as soon as it may), with refs that say which line of the channel they are.
        unmatched: lines that want goods and have none; they wait and block nothing.
        hold: why nothing more should be made until a person has decided; empty is no hold.
        proposals: what a person must decide: the channel has lowered a line below what has left already.
        changes: what is different from before.
    """

    action: str
    imported: Imported
    lines: tuple[OrderLine, ...] = ()
    unmatched: tuple[MessageLine, ...] = ()
    hold: str = ""
    proposals: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is to be stored."""
        return self.action != NOTHING or bool(self.changes)


def line_ref(order_id: str, line_id: str, part: int = 0) -> str:
    """The ref of a channel's line in our order; `part` counts the goods of a bundle.

    >>> line_ref("4711/26", "10"), split_ref("4711%2F26:10:1")
    ('4711%2F26:10', ('4711/26', '10'))
    """
    ref = f"{escaped(order_id)}:{escaped(line_id)}" + (f":{part}" if part else "")
    if len(ref) > MAX_CODE:
        raise InvalidInput("line", ref, f"order and line ids of at most {MAX_CODE} characters together")
    return ref


def split_ref(ref: str) -> tuple[str, str]:
    """Order id and line id of a ref.

    Raises:
        InvalidInput: (`invalid_input`) the line did not come from a channel.
    """
    parts = ref.split(":")
    if len(parts) not in {2, 3} or not all(parts):
        raise InvalidInput("line", ref, "a line that came from a channel, with a ref of order and line id")
    return unescaped(parts[0]), unescaped(parts[1])


def decide(stored: Imported | None, message: OrderMessage, left: Mapping[str, Decimal] | None = None) -> Intake:
    """What one more message of an order means.

    Args:
        stored: what is stored of the order, if anything.
        message: what came in.
        left: per line ref of our order how many sold units have left the house already.

    Raises:
        InvalidInput: (`invalid_input`) a message of another order; ids that are too long.

    >>> line = MessageLine(line_id="1", quantity=Decimal(3))
    >>> order = OrderMessage(channel="etsy", account="1", order_id="7", lines=(line,))
    >>> decide(None, order).action, len(decide(None, order).unmatched)
    ('wait', 1)
    """
    if not isinstance(message, OrderMessage):
        raise InvalidInput("message", message, "an OrderMessage; a Notice has no order in it: fetch the order that it names")
    name = message.identity
    if stored is not None and stored.number != name:
        raise InvalidInput("message", name, f"a message of {stored.number}")
    kept = learned(stored.messages if stored is not None else (), message)
    with localcontext(_EXACT):
        now = picture(kept)
        lines, proposals = _lines(now, left or {})
        unmatched = now.unmatched if now.demands else ()
        if stored is not None and kept == stored.messages:
            return Intake(action=NOTHING, imported=stored, lines=lines, unmatched=unmatched, hold=_hold(now), proposals=proposals)
        before = stored.known if stored is not None else None
        version = stored.version + 1 if stored is not None else 1
        imported = Imported(number=name, order=stored.order if stored is not None else "", messages=kept, version=version)
        changes = _differences(before, now)
        action = _action(imported, now, lines, left or {})
        return Intake(
            action=action, imported=imported, lines=lines, unmatched=unmatched, hold=_hold(now),
            proposals=proposals, changes=changes,
        )  # fmt: skip


def _action(imported: Imported, now: OrderMessage, lines: tuple[OrderLine, ...], left: Mapping[str, Decimal]) -> str:
    waits = not now.importable or bool(now.missing)
    if not imported.order:
        return PLACE if lines and not waits else WAIT
    if waits and not now.cancelled:
        return WAIT
    return CHANGE if lines or left else CANCEL


def _hold(now: OrderMessage) -> str:
    if now.hold or any(line.hold for line in now.lines):
        return "the buyer asked to cancel"
    if now.cancelled or (now.importable and not now.missing):
        return ""
    return (
        "still to be fetched: " + ", ".join(now.missing)
        if now.missing
        else "the channel has not released it (unpaid, pending, a test)"
    )


def _lines(now: OrderMessage, left: Mapping[str, Decimal]) -> tuple[tuple[OrderLine, ...], tuple[str, ...]]:
    """The lines of our order, and what a person must decide.

    A line is what the customer still wants in all, less what others than we have sent. What we have sent ourselves stays in it: the
    channel may not have heard of it yet. So no line falls below what has left.
    """
    lines: list[OrderLine] = []
    proposals: list[str] = []
    over = now.cancelled or not now.by_merchant
    for line in now.lines:
        if not line.demanding:
            continue
        for part in range(len(line.goods)):
            ref = line_ref(now.order_id, line.line_id, part)
            ours = left.get(ref, _ZERO)
            wanted = _ZERO if over else line.wanted - max(line.gone - ours, _ZERO)
            if wanted < ours:
                proposals.append(f"line {line.line_id}: {ours:f} have left, the channel wants {max(wanted, _ZERO):f}")
            amount = max(wanted, ours)
            if amount > 0:
                lines.append(_order_line(now, line, part, amount, ref))
    return tuple(lines), tuple(proposals)


def _order_line(now: OrderMessage, line: MessageLine, part: int, sold: Decimal, ref: str) -> OrderLine:
    """Our line: its price where the goods are one item and it comes out exactly; personalisation on every part of a bundle."""
    per, unit_name = split(line.goods[part].amount, "amount")
    price = discount = tax = None
    if line.unit_price is not None and now.currency is not None and len(line.goods) == 1 and line.unit_price >= 0:
        unit = line.unit_price / per
        price = money(f"{unit:f} {now.currency}") if unit * per == line.unit_price and -int(unit.as_tuple()[2]) <= 20 else None
    if price is not None and sold == line.quantity:  # what is given for the whole line is not spread over a part of it
        if line.discount and 0 < line.discount <= line.unit_price * line.quantity:  # type: ignore[operator]
            discount = money(f"{line.discount:f} {now.currency}")
        tax = None if line.tax is None else money(f"{line.tax:f} {now.currency}")
    told: dict[str, Any] = {"sku": line.sku, "title": line.title, "variant": line.variant}
    told |= {name: f"{value:f}" for name in ("unit_price", "discount", "tax") if (value := getattr(line, name)) is not None}
    return OrderLine(
        line.goods[part].item, f"{sold * per:f} {unit_name}", price=price, per=unit_name if price is not None else "",
        discount=discount, tax=tax, ref=ref, note=line.text,
        attributes={name: value for name, value in told.items() if value},
    )  # fmt: skip


def _differences(before: OrderMessage | None, now: OrderMessage) -> tuple[Change, ...]:
    """What is different, for events and for people."""
    if before is None:
        return (Change(kind="new", after=now.number or now.order_id),)
    rows = []
    if now.cancelled != before.cancelled:
        rows.append(Change(kind="cancelled" if now.cancelled else "revived"))
    if now.ship_to != before.ship_to or now.addresses != before.addresses:
        rows.append(Change(kind="address"))
    if _hold(now) != _hold(before):
        rows.append(Change(kind="hold", before=_hold(before), after=_hold(now)))
    if now.ship_by != before.ship_by:
        rows.append(Change(kind="ship by", before=_said(before.ship_by), after=_said(now.ship_by)))
    old = {line.line_id: line for line in before.lines}
    for line in now.lines:
        known = old.pop(line.line_id, None)
        if known is None:
            rows.append(Change(kind="line added", line=line.line_id, after=f"{line.wanted:f}"))
        elif known.wanted != line.wanted:
            kind = "line lowered" if line.wanted < known.wanted else "line raised"
            rows.append(Change(kind=kind, line=line.line_id, before=f"{known.wanted:f}", after=f"{line.wanted:f}"))
        elif (known.text, known.goods, known.gone) != (line.text, line.goods, line.gone):
            rows.append(Change(kind="line changed", line=line.line_id))
    rows += [Change(kind="line removed", line=name, before=f"{line.wanted:f}") for name, line in old.items()]
    return tuple(rows) or (Change(kind="version", before=_said(before.version), after=_said(now.version)),)


def _said(value: Any) -> str:
    return "" if value is None or value == LONG_AGO else str(value)
