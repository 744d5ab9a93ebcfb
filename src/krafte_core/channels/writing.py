"""Telling a channel what happened: shipments, new tracking numbers, cancellations, stock. Plans of requests with stored progress.

Calls that change something are not idempotent at most channels. So a plan writes its intent down before it sends (`sending` is part of
the state that the host stores), and after a time-out it reads back what the channel has before anything is sent again::

    plan = channel.plan_fulfillment(shipment)
    while (request := plan.next_request()) is not None:
        ...                                  # store the plan, then send the request
        plan = plan.answered(answer)         # or plan.timed_out(); plan.wait: so many seconds first

Each parcel goes as the channel wants it: one call for one location, one address, one package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from typing import Any, ClassVar

import attrs

from krafte_core.channels.calls import OVERLOADED, Answer, Request, backoff
from krafte_core.errors import BadPayload, ChannelError, InvalidInput, NotPositive
from krafte_core.incoming import OrderMessage, Pairs
from krafte_core.intake import split_ref
from krafte_core.items import Item, note
from krafte_core.quantities import Quantity, qty
from krafte_core.shipping import Shipment
from krafte_core.times import instant

MOST_TRIES = 12
NAMES = ("shopify", "etsy", "amazon", "ebay", "woocommerce", "bigcommerce")
Lines = tuple[tuple[str, Decimal], ...]


@attrs.frozen(kw_only=True)
class Parcel:
    """What left together for one order: the channel's line ids with sold units, and how it travels."""

    order_id: str
    lines: Lines
    carrier: str = ""
    tracking: str = ""
    url: str = ""
    shipped_at: datetime | None = None
    notify: bool = True
    note: str = ""
    package: int = 1
    options: Pairs = ()


@attrs.frozen(kw_only=True)
class OnSale:
    """How many sold units of a product are for sale: `key` is the channel's own names of it, such as `(("sku", "SOAP"),)`."""

    key: Pairs
    quantity: int

    def named(self, channel: str, *names: str) -> tuple[str, ...]:
        """The values of these names.

        Raises:
            ChannelError: (`channel_error`) one is missing, or less than nothing is offered.
        """
        told = dict(self.key)
        if self.quantity < 0 or not all(told.get(name) for name in names):
            raise ChannelError(channel, f"{self.quantity} of {self.key}", "zero or more of a product with " + " and ".join(names))
        return tuple(told[name] for name in names)


@attrs.frozen(kw_only=True)
class Call:
    """One call of a plan; `key` names what it is about: a location, an address, a package."""

    key: str
    request: Request
    lines: Lines = ()


@attrs.frozen
class Outcome:
    """What became of a call: accepted with the channel's own id, or refused with its words."""

    key: str
    accepted: bool
    text: str = ""


@attrs.frozen(kw_only=True)
class Plan:
    """A plan and how far it is. It has a wire form, so it can be stored between any two steps.

    Args:
        stage: `"read"` asks first what the channel has, `"send"` tells, `"check"` reads back after a time-out, `"done"`.
        calls: still to be made, the first one next.
        sending: the first call has been handed out: it may have arrived.
        outcomes: of the calls that are over.
        wait: seconds before the next request.
        about: what the channel's rules need to know, as text.
    """

    channel: str
    account: str
    task: str
    stage: str
    parcel: Parcel
    calls: tuple[Call, ...] = ()
    sending: bool = False
    outcomes: tuple[Outcome, ...] = ()
    tries: int = 0
    wait: Decimal = Decimal(0)
    about: Pairs = ()

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.stage == "done"

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """What the channel refused."""
        return tuple(row for row in self.outcomes if not row.accepted)

    def next_request(self) -> Request | None:
        """What to send next; None when the plan is done. It is the same until an answer is taken in."""
        if self.stage in {"read", "check"}:
            return _rules(self.channel).read(self)
        return self.calls[0].request if self.calls else None

    def intending(self) -> Plan:
        """The plan to be stored before the request is sent: should this process die now, the next one reads back first."""
        return attrs.evolve(self, sending=True) if self.stage == "send" else self

    def resumed(self) -> Plan:
        """The plan after a restart: what may have been sent is looked up before it is sent again."""
        return self.timed_out() if self.sending else self

    def timed_out(self) -> Plan:
        """No answer came: nobody knows whether the call arrived."""
        if self.tries >= MOST_TRIES:
            return self._over(Outcome(self.calls[0].key if self.calls else "", accepted=False, text="no answer"), stage="done")
        unsure = self.stage == "send" and _rules(self.channel).unsure(self)
        return attrs.evolve(
            self, stage="check" if unsure else self.stage, sending=False, tries=self.tries + 1, wait=backoff(self.tries)
        )  # fmt: skip

    def answered(self, answer: Answer) -> Plan:
        """Take an answer in.

        Raises:
            BadPayload: (`bad_payload`) the answer to a reading makes no sense; the plan stands where it stood.
        """
        rules = _rules(self.channel)
        if answer.status in {429, 503} or (answer.status in OVERLOADED and self.stage != "send"):
            return self._later(answer.wait(self.tries))
        if answer.status in OVERLOADED:
            return self.timed_out()
        wait = rules.throttled(answer)
        if wait is not None:
            return self._later(wait)
        if self.stage in {"read", "check"}:
            if not answer.ok:
                return self._over(Outcome("read", accepted=False, text=_words(answer)), stage="done")
            return rules.known(self, answer)
        if not self.calls:
            return self
        try:
            outcome = rules.outcome(self, self.calls[0], answer)
        except BadPayload as problem:
            outcome = Outcome(self.calls[0].key, accepted=False, text=str(problem)[:300])
        return self._over(outcome)

    def looked(self, ids: Iterable[str], *, found: bool) -> Plan:
        """The plan once what the channel has is known: first it is remembered; after a time-out `found` says if our call arrived."""
        if self.stage == "check" and found:
            return self._over(Outcome(self.calls[0].key, accepted=True, text="found after a time-out"))
        known = tuple((f"known {name}", "") for name in ids) if self.stage == "read" else ()
        return attrs.evolve(self, stage="send", sending=False, wait=Decimal(0), about=self.about + known)

    @property
    def known_before(self) -> frozenset[str]:
        """The ids that were there before anything was sent."""
        return frozenset(name.removeprefix("known ") for name, _ in self.about if name.startswith("known "))

    def ready(self, calls: Sequence[Call]) -> Plan:
        """The plan with its calls known."""
        return attrs.evolve(self, stage="send" if calls else "done", calls=tuple(calls), sending=False, wait=Decimal(0))

    def _later(self, wait: Decimal) -> Plan:
        if self.tries >= MOST_TRIES:
            return self._over(Outcome("", accepted=False, text="the channel is overloaded"), stage="done")
        return attrs.evolve(self, tries=self.tries + 1, wait=wait, sending=False)

    def _over(self, outcome: Outcome, *, stage: str = "") -> Plan:
        calls = self.calls[1:]
        after = stage or ("send" if calls else "done")
        return attrs.evolve(
            self, stage=after, calls=calls, outcomes=(*self.outcomes, outcome), sending=False, tries=0, wait=Decimal(0)
        )  # fmt: skip


class Rules:
    """How one channel takes what we tell; each channel overrides what it does differently. Everything is a pure function."""

    @staticmethod
    def calls(channel: Any, parcel: Parcel) -> tuple[Call, ...]:
        """The calls for a parcel; none where something must be read before they are known."""
        return ()

    @staticmethod
    def blind(channel: Any, parcel: Parcel) -> bool:
        """Whether nothing in the call would be found again after a time-out, so that what is there already must be read first."""
        return False

    @staticmethod
    def read(plan: Plan) -> Request:
        """What the channel has: asked first, or after a time-out."""
        raise NotImplementedError

    @staticmethod
    def known(plan: Plan, answer: Answer) -> Plan:
        """The plan once that is known."""
        raise NotImplementedError

    @staticmethod
    def unsure(plan: Plan) -> bool:
        """Whether a call that got no answer must be looked up before it is sent again: setting a value may be done twice."""
        return plan.task == "fulfill"

    @staticmethod
    def tracking(channel: Any, parcel: Parcel, sent_id: str) -> Request:
        """Another number for a parcel that the channel knows."""
        raise ChannelError(channel.name, "another tracking number", "the channel's own pages: it has no call for that")

    @staticmethod
    def cancellation(channel: Any, order_id: str, reason: str) -> Request:
        """The seller cancels an order."""
        raise ChannelError(channel.name, "a cancellation by the seller", "the channel's own pages: it has no call for that")

    @staticmethod
    def stock(channel: Any, offers: Sequence[OnSale]) -> tuple[Call, ...]:
        """How much is for sale."""
        raise ChannelError(channel.name, "stock levels", "the channel's own pages: it has no call that sets them one by one")

    @staticmethod
    def throttled(answer: Answer) -> Decimal | None:
        """Seconds to wait, where the channel says so in an answer that looks good."""
        return None

    @staticmethod
    def outcome(plan: Plan, call: Call, answer: Answer) -> Outcome:
        """What an answer says of a call."""
        return Outcome(call.key, answer.ok, "" if answer.ok else _words(answer))

    @staticmethod
    def parcel(parcel: Parcel) -> Parcel:
        """The parcel as the channel takes it; raises what it does not take."""
        return parcel

    @staticmethod
    def check(channel: Any, parcel: Parcel, order: OrderMessage | None) -> None:
        """Raise what the channel cannot be told of this parcel of this order."""


def _words(answer: Answer) -> str:
    return f"status {answer.status} {answer.body[:300]}".strip()


def _rules(channel: str) -> type[Rules]:
    if channel not in NAMES:
        raise ChannelError(channel, "a plan", "a plan of " + ", ".join(NAMES))
    found: type[Rules] = import_module(f"krafte_core.channels.{channel}").Channel.rules
    return found


class Writer:
    """Plans for a channel."""

    name: ClassVar[str]
    account: str
    rules: ClassVar[type[Rules]]

    def plan_fulfillment(
        self, shipment: Shipment | Parcel, *, order: OrderMessage | None = None, earlier: Sequence[Shipment] = (),
        items: Mapping[str, Item] | None = None, notify: bool = True, url: str = "", package: int = 1, **options: str,
    ) -> Plan:  # fmt: skip
        """How to tell the channel that goods have left.

        Args:
            shipment: as `shop.shipping.ship` gave it (of one order of this channel), or a parcel in the channel's own words.
            order: what is known of the order: more than is open is refused, and bundles are counted whole.
            earlier: the shipments before this one, where bundles leave in parts: one is told when its last part has left.
            items: where goods are matched in an item's own packs.
            notify: whether the channel should write to the customer.
            url: where the customer can follow the parcel.
            package: the number of the parcel within the order.
            options: what one channel wants besides (`carrier_code`, `method`, ...).

        Raises:
            InvalidInput: (`invalid_input`) of several orders, nothing in it, or more than is open. ChannelError: (`channel_error`)
                not as the channel takes it: a carrier that it does not list, a number with odd letters.
        """
        parcel = (
            shipment
            if isinstance(shipment, Parcel)
            else _parcel(shipment, earlier, _Goods(order, items), notify, url, package, options)
        )
        parcel = self.rules.parcel(parcel)
        if not parcel.lines and not isinstance(
            shipment, Parcel
        ):  # parts of bundles: nothing that the channel knows has left as a whole
            return Plan(channel=self.name, account=self.account, task="fulfill", stage="done", parcel=parcel)
        if order is not None:
            _not_too_much(parcel, order)
        self.rules.check(self, parcel, order)
        return self._planned("fulfill", parcel)

    def plan_tracking(
        self, order_id: str, sent_id: str, *, tracking: str, carrier: str, url: str = "", notify: bool = True
    ) -> Plan:  # fmt: skip
        """How to tell the channel another tracking number for a parcel that it knows by `sent_id` (`Outcome.text`).

        Raises:
            ChannelError: (`channel_error`) the channel has no call for that.
        """
        parcel = self.rules.parcel(Parcel(order_id=order_id, lines=(), tracking=tracking, carrier=carrier, url=url, notify=notify))
        return self._setting("tracking", parcel, (Call(key=sent_id, request=self.rules.tracking(self, parcel, sent_id)),))

    def plan_cancellation(self, order_id: str, *, reason: str = "") -> Plan:
        """How to tell the channel that we cancel an order.

        Raises:
            ChannelError: (`channel_error`) the channel has no call for that.
        """
        call = Call(key=order_id, request=self.rules.cancellation(self, order_id, note(reason, "reason")))
        return self._setting("cancel", Parcel(order_id=order_id, lines=()), (call,))

    def plan_stock(self, offers: Sequence[OnSale]) -> Plan:
        """How to tell the channel how much is for sale (`stocking.offers` computes it).

        Raises:
            ChannelError: (`channel_error`) the channel has no call for that, or a product lacks a name that it needs.
        """
        return self._setting("stock", Parcel(order_id="", lines=()), self.rules.stock(self, tuple(offers)) if offers else ())

    def _setting(self, task: str, parcel: Parcel, calls: tuple[Call, ...]) -> Plan:
        """A plan of calls that set a value: they may be sent twice."""
        return Plan(
            channel=self.name, account=self.account, task=task, stage="send" if calls else "done", parcel=parcel, calls=calls
        )  # fmt: skip

    def _planned(self, task: str, parcel: Parcel) -> Plan:
        calls = self.rules.calls(self, parcel)
        stage = "read" if not calls or self.rules.blind(self, parcel) else "send"
        names = ("version", "marketplace", "api", "fulfillment")
        told = tuple((name, value) for name in names if isinstance(value := getattr(self, name, None), str))
        return Plan(channel=self.name, account=self.account, task=task, stage=stage, parcel=parcel, calls=calls, about=told)


class _Goods:
    """How many sold units amounts of our items are."""

    def __init__(self, order: OrderMessage | None, items: Mapping[str, Item] | None) -> None:
        rows = order.lines if order is not None else ()
        self._goods = {line.line_id: {one.item: one.amount for one in line.goods} for line in rows}
        self._items = items or {}

    def sold(self, line_id: str, amounts: Mapping[str, Quantity]) -> Decimal:
        """Sold units of a line: a bundle counts as far as all of it is there."""
        goods = self._goods.get(line_id, {})
        counts = [
            self._count(item, amounts[item], goods.get(item)) if item in amounts else Decimal(0) for item in {**amounts, **goods}
        ]
        whole_ones = min(counts, default=Decimal(0))
        return whole_ones if len(goods) < 2 else Decimal(int(whole_ones))

    def _count(self, item: str, amount: Quantity, per: str | None) -> Decimal:
        if per is None:
            return amount.value
        if item in self._items:
            found = self._items[item]
            return Decimal(found.steps(amount)) / found.steps(per)
        each = qty(per)
        return amount.value / (each if each.unit == amount.unit else each.to(amount.unit)).value


def _amounts(shipments: Sequence[Shipment]) -> dict[tuple[str, str], dict[str, Quantity]]:
    """What left, by order, line and item."""
    sums: dict[tuple[str, str], dict[str, Quantity]] = {}
    for line in (line for shipment in shipments for line in shipment.lines):
        by_item = sums.setdefault(split_ref(line.line), {})
        before = by_item.get(line.item)
        by_item[line.item] = line.amount if before is None else Quantity(before.value + line.amount.value, line.amount.unit)
    return sums


def _parcel(
    shipment: Any, earlier: Sequence[Shipment], goods: _Goods, notify: bool, url: str, package: int, options: Mapping[str, str]
) -> Parcel:  # fmt: skip
    if not isinstance(shipment, Shipment):
        raise InvalidInput("shipment", shipment, "a Shipment or a Parcel")
    if isinstance(package, bool) or not isinstance(package, int) or package < 1:
        raise NotPositive("package", package, "a whole number from 1 on")
    now = _amounts([shipment])
    orders = sorted({order_id for order_id, _ in now})
    if len(orders) != 1:
        raise InvalidInput("shipment", orders, "goods of one order of the channel; make a plan for each")
    before = {key: row for key, row in _amounts(earlier).items() if key in now}
    whole_of_it = _amounts([*earlier, shipment])
    counts = [
        (line, goods.sold(line, whole_of_it[order, line]) - goods.sold(line, before.get((order, line), {}))) for order, line in now
    ]
    return Parcel(
        order_id=orders[0], lines=tuple((line, count) for line, count in counts if count > 0), carrier=shipment.carrier,
        tracking=shipment.tracking, url=note(url, "url"), shipped_at=instant(shipment.shipped_at), notify=notify, package=package,
        options=tuple(sorted(options.items())),
    )  # fmt: skip


def _not_too_much(parcel: Parcel, order: OrderMessage) -> None:
    known = {line.line_id: line for line in order.lines}
    for name, count in parcel.lines:
        if name not in known:
            raise InvalidInput("line", name, "one of " + ", ".join(known))
        line = known[name]
        left = line.open if line.open is not None else line.wanted - line.gone
        if count > left:
            raise InvalidInput(f"line {name}", str(count), f"at most {left}, which is open at the channel")


def whole(count: Decimal, channel: str, line: str) -> int:
    """A count that must be whole.

    Raises:
        ChannelError: (`channel_error`)
    """
    if count != int(count) or count <= 0:
        raise ChannelError(channel, f"{count} of line {line}", "a whole number of sold units")
    return int(count)
