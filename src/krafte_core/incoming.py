"""What comes in from outside: one neutral value for an order of any sales channel, and the knowledge that several of them add up to.

A channel tells of an order again and again: twice, late, out of order, in parts. Every telling is an `OrderMessage`. What is kept of
one order is a small set of them, the newest full picture and the partial changes that are newer; `learned` adds one and
`picture` reads the set. Adding is commutative and idempotent: whatever arrives in whatever order, the same set remains.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import attrs

from krafte_core.addresses import Address

Pairs = tuple[tuple[str, str], ...]
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_NONE = Decimal(0)
_UNSAFE = {"%": "%25", "/": "%2F", ":": "%3A", "+": "%2B"}


@attrs.frozen
class Problem:
    """What is wrong in a payload, and where.

    >>> str(Problem("$.line_items[0].price", "cheap", "a decimal number"))
    "$.line_items[0].price: got 'cheap', expected a decimal number"
    """

    path: str
    given: str
    expected: str

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.path}: got {self.given!r}, expected {self.expected}" if self.expected else f"{self.path}: {self.given}"


@attrs.frozen
class Goods:
    """What one sold unit of a line is for us: an item and its amount, as text in any unit or pack that the item knows.

    >>> Goods("soap-bar", "6 each")
    Goods(item='soap-bar', amount='6 each')
    """

    item: str
    amount: str = "1 each"


@attrs.frozen(kw_only=True)
class MessageLine:
    """One line of an order as the channel tells it.

    Unknown is not zero: a quantity or an amount of money that the channel does not state is None. Money is in the message's currency.

    Args:
        line_id: the channel's own name of the line.
        quantity: as ordered, in sold units; `removed` was cancelled, refunded or edited away before it left, `fulfilled` has left, and
            `open` is still to be delivered.
        unit_price: before discounts, as sent; `discount` and `tax` are for the whole original line.
        options, personalization: what the customer chose and wrote; the second belongs on the work order.
        keys: the channel's names of the product: `("asin", ...)`, `("variation_id", ...)`.
        parent: the line whose component this is; `components`: others are components of this one, so the goods are theirs.
        ships: False for downloads, vouchers and gift cards.
        ship_to: the id of an address of the message, where lines go to several.
        unit, pack, base_units, price_unit: as wholesale customers say them.
        hold: the buyer asked to cancel: nothing more should be made until somebody decided.
        goods: what the host's matching says it is; empty is unmatched.
        extra: what else the channel tells, as text.
    """

    line_id: str
    quantity: Decimal
    sku: str | None = None
    title: str = ""
    variant: str | None = None
    removed: Decimal | None = None
    fulfilled: Decimal | None = None
    open: Decimal | None = None
    unit_price: Decimal | None = None
    discount: Decimal | None = None
    tax: Decimal | None = None
    options: Pairs = ()
    personalization: Pairs = ()
    keys: Pairs = ()
    parent: str | None = None
    components: bool = False
    ships: bool = True
    ship_by: datetime | None = None
    deliver_by: date | None = None
    requested: date | None = None
    ship_to: str | None = None
    unit: str | None = None
    pack: Decimal | None = None
    base_units: Decimal | None = None
    price_unit: str | None = None
    hold: bool = False
    goods: tuple[Goods, ...] = ()
    extra: Pairs = ()

    @property
    def wanted(self) -> Decimal:
        """As ordered, without what was removed, in sold units.

        >>> str(MessageLine(line_id="1", quantity=Decimal(5), removed=Decimal(1)).wanted)
        '4'
        """
        if self.removed is not None:
            return max(self.quantity - self.removed, _NONE)
        if self.open is not None and self.fulfilled is not None:
            return self.open + self.fulfilled
        return self.quantity

    @property
    def gone(self) -> Decimal:
        """What has left already, as far as the channel tells, in sold units.

        >>> str(MessageLine(line_id="1", quantity=Decimal(5), open=Decimal(2)).gone)
        '3'
        """
        if self.fulfilled is not None:
            return min(self.fulfilled, self.wanted)
        return max(self.wanted - self.open, _NONE) if self.open is not None else _NONE

    @property
    def demanding(self) -> bool:
        """Whether there is something to be made or sent for it: no voucher, and no bundle whose components are lines of their own."""
        return self.ships and not self.components

    @property
    def text(self) -> str:
        """What the workshop must know: options and personalisation, one on each line; names with `_` are the shop's private ones.

        >>> MessageLine(line_id="1", quantity=Decimal(1), options=(("Engraving", "For Mum"), ("_bundle", "7"))).text
        'Engraving: For Mum'
        """
        return "\n".join(f"{name}: {value}" for name, value in self.options + self.personalization if not name.startswith("_"))


@attrs.frozen(kw_only=True)
class Sent:
    """A parcel that the channel knows of; `lines` are line ids and quantities, empty where it does not say."""

    sent_id: str = ""
    carrier: str = ""
    tracking: str = ""
    at: datetime | None = None
    address_id: str = ""
    lines: tuple[tuple[str, Decimal], ...] = ()


@attrs.frozen(kw_only=True)
class Refund:
    """Money that was given back; `lines` are line ids and quantities, empty where it is money only."""

    refund_id: str
    at: datetime | None = None
    money: Decimal | None = None
    lines: tuple[tuple[str, Decimal], ...] = ()


@attrs.frozen(kw_only=True)
class OrderMessage:
    """What a channel tells of one order.

    Its identity is channel, account and order id. `version` and `revision` say how new it is; where the channel gives neither, the
    reader's own time of asking should stand in for it.

    Args:
        number: what people call the order; no key.
        partial: it names only what changes; the rest stays.
        status: the channel's own word.
        importable: False is a real order that may not make demand (yet): unpaid, pending, incomplete, a test.
        by_merchant: False is goods that lie at the channel already.
        missing: parts that must still be fetched before anything can be made of it.
        hold: the buyer asked to cancel.
        total, shipping, tax, discount, refunded: as sent, in `currency`; None where it does not say.
        ship_from, ship_by, deliver_by: the channel's own promise; a wish in a note is none.
        addresses: all by their ids; `ship_to` is the one for lines that name none.
        warnings: what did not fit and was taken as sent.
        extra: what else the channel tells, as text.
    """

    channel: str
    account: str
    order_id: str
    version: datetime | None = None
    revision: int = 0
    number: str = ""
    partial: bool = False
    placed_at: datetime | None = None
    placed_on: date | None = None
    status: str = ""
    importable: bool = True
    by_merchant: bool = True
    missing: tuple[str, ...] = ()
    hold: bool = False
    cancelled: bool = False
    cancelled_at: datetime | None = None
    currency: str | None = None
    presentment_currency: str | None = None
    prices_include_tax: bool | None = None
    total: Decimal | None = None
    shipping: Decimal | None = None
    tax: Decimal | None = None
    discount: Decimal | None = None
    refunded: Decimal | None = None
    ship_from: datetime | None = None
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    requested: date | None = None
    buyer: str = ""
    ship_to: Address | None = None
    addresses: tuple[tuple[str, Address], ...] = ()
    lines: tuple[MessageLine, ...] = ()
    sent: tuple[Sent, ...] = ()
    refunds: tuple[Refund, ...] = ()
    note: str = ""
    warnings: tuple[Problem, ...] = ()
    extra: Pairs = ()

    @property
    def identity(self) -> str:
        """Channel, account and order id as one text.

        >>> OrderMessage(channel="etsy", account="shop/1", order_id="3").identity
        'etsy/shop%2F1/3'
        """
        return f"{escaped(self.channel)}/{escaped(self.account)}/{escaped(self.order_id)}"

    @property
    def demands(self) -> bool:
        """Whether it may make demand at all."""
        return self.importable and self.by_merchant and not self.cancelled and not self.missing

    @property
    def unmatched(self) -> tuple[MessageLine, ...]:
        """The lines that want goods and have none: without a SKU that the host has matched."""
        return tuple(line for line in self.lines if line.demanding and not line.goods)


@attrs.frozen(kw_only=True)
class Notice:
    """A message without the order in it: the channel says that something happened, and the order must be fetched.

    `kind` is `"fetch"`, `"deleted"` or `"ping"`; a ping is to be answered and nothing else.
    """

    channel: str
    account: str
    kind: str
    topic: str = ""
    event_id: str = ""
    order_id: str = ""
    at: datetime | None = None
    hold: bool = False
    lines: tuple[MessageLine, ...] = ()
    refunds: tuple[Refund, ...] = ()
    extra: Pairs = ()


def escaped(text: str) -> str:
    """The text without slash, colon and plus, reversibly, so that it can be a part of a name.

    >>> escaped("4711/26"), unescaped("4711%2F26")
    ('4711%2F26', '4711/26')
    """
    return "".join(_UNSAFE.get(letter, letter) for letter in text) if not text.isalnum() else text


def unescaped(text: str) -> str:
    """What `escaped` was given.

    >>> unescaped(escaped("a%/:b"))
    'a%/:b'
    """
    for letter, code in (("/", "%2F"), (":", "%3A"), ("+", "%2B"), ("%", "%25")):
        text = text.replace(code, letter)
    return text


# ---------------------------------------------------------------------------------------------------------- knowledge

Rank = tuple[int, datetime, int, int, str]


def rank(message: OrderMessage) -> Rank:
    """How new a message is; two with one rank are one message.

    The channel's mark decides. Among messages with one mark a cancellation wins, then the one that knows more, then
    any, always the same.
    """
    known = sum(value is not None for line in message.lines for value in (line.removed, line.fulfilled, line.open, line.sku))
    return message.revision, message.version or LONG_AGO, int(message.cancelled), known, _digest(message)


def _digest(message: OrderMessage) -> str:
    told = repr(attrs.astuple(message, filter=_is_told))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _is_told(field: attrs.Attribute[object], _: object) -> bool:
    """What the goods of a line are says the host, not the channel."""
    return field.name != "goods"


def learned(kept: Sequence[OrderMessage], message: OrderMessage) -> tuple[OrderMessage, ...]:
    """What is kept of an order after one more message, oldest first: the newest full picture, and the changes after it.

    The same message with other goods takes the place of the one before: the host has mended its mapping.

    >>> old = OrderMessage(channel="etsy", account="1", order_id="3", version=datetime(2026, 1, 1, tzinfo=UTC))
    >>> new = attrs.evolve(old, version=datetime(2026, 1, 2, tzinfo=UTC))
    >>> learned(learned((), new), old) == learned(learned((), old), new) == (new,)
    True
    """
    ranked = {rank(one): one for one in (*kept, message)}
    full = max((place for place, one in ranked.items() if not one.partial), default=None)
    return tuple(ranked[place] for place in sorted(ranked) if full is None or place >= full)


def picture(kept: Sequence[OrderMessage]) -> OrderMessage:
    """The order as all that is kept of it adds up: the full picture with every later change put on it.

    A change that came before its order makes a picture that may not make demand yet.
    """
    first, *changes = kept
    if first.partial:
        first = attrs.evolve(first, partial=False, missing=("original",))
    for change in changes:
        first = _changed(first, change)
    return first


def _changed(whole: OrderMessage, change: OrderMessage) -> OrderMessage:
    """The order after a change that names only some of its lines."""
    lines = {line.line_id: line for line in whole.lines}
    for line in change.lines:
        before = lines.get(line.line_id)
        lines[line.line_id] = line if before is None else _line_changed(before, line)
    cancelled = whole.cancelled or change.cancelled
    rows = tuple(lines.values())
    return attrs.evolve(
        whole,
        version=change.version or whole.version, revision=change.revision, status=change.status or whole.status, cancelled=cancelled,
        cancelled_at=change.cancelled_at or whole.cancelled_at, hold=whole.hold or change.hold,
        lines=tuple(map(_removed, rows)) if cancelled else rows, currency=change.currency or whole.currency,
        ship_to=change.ship_to or whole.ship_to, requested=change.requested or whole.requested,
        importable=whole.importable and change.importable, warnings=whole.warnings + change.warnings,
    )  # fmt: skip


def _line_changed(before: MessageLine, line: MessageLine) -> MessageLine:
    """The line with what the change says; what it leaves out stays."""
    kept = {"removed", "open"}
    told = {
        field.name: value
        for field in attrs.fields(MessageLine)
        if field.name not in kept and (value := getattr(line, field.name)) != field.default and value not in (None, "", ())
    }
    dropped = not line.quantity
    return attrs.evolve(before, **told, removed=before.quantity if dropped else None, open=None)


def _removed(line: MessageLine) -> MessageLine:
    """The line of a cancelled order: all that has not left is removed."""
    return attrs.evolve(line, removed=line.quantity - (line.fulfilled or _NONE), open=_NONE)


def matched(message: OrderMessage, lines: Iterable[MessageLine]) -> OrderMessage:
    """The message with other lines."""
    return attrs.evolve(message, lines=tuple(lines))
