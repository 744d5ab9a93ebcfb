"""Carriers: what it costs, the label, and how a parcel travels. A small Protocol, and the way to a label that is bought once.

A carrier is like a sales channel: it says which request to send and reads what was answered; the host owns the network. A complete one
stands in `examples/own_carrier.py`::

    buying = Buying.of(carrier, order)             # stored before anything is sent
    while (request := buying.next_request(carrier)) is not None:
        ...                                        # store buying.intending(), then send the request
        buying = buying.answered(carrier, answer)  # or buying.timed_out(); buying.wait: so many seconds first
    label = buying.label                           # or buying.problem
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

import attrs

from krafte_core.addresses import Address
from krafte_core.channels.calls import OVERLOADED, Answer, Request, backoff
from krafte_core.channels.reading import Node
from krafte_core.errors import BadPayload, ChannelError, InvalidInput
from krafte_core.items import note, one_of
from krafte_core.money import Money, money
from krafte_core.shipping import Package
from krafte_core.tracking import KINDS, TrackingEvent

FORMATS = ("pdf", "png", "zpl")
MOST_TRIES = 12
_STARTS = {"pdf": b"%PDF", "png": b"\x89PNG", "zpl": b"^XA"}
_NOW = Decimal(0)


@attrs.frozen(kw_only=True)
class Consignment:
    """One parcel that shall travel: what it is, from whom, to whom, and by which service.

    Args:
        reference: our own name of it, the same whenever it is asked for: what a carrier would be asked twice for is found by it.
        package: what lies in it and what it weighs.
        sender, receiver: the addresses.
        service: the carrier's own word, from `Rate.service`; empty while rates are asked for.
    """

    reference: str
    package: Package
    sender: Address
    receiver: Address
    service: str = ""

    @property
    def grams(self) -> Decimal:
        """What it weighs.

        Raises:
            InvalidInput: (`invalid_input`) nobody knows.
        """
        if self.package.weight is None:
            raise InvalidInput("package", self.reference, "a package with a weight: shop.shipping.pack, or the weight on the scale")
        return self.package.weight.to("g").value


@attrs.frozen(kw_only=True)
class Rate:
    """What a service would cost, and on which day the parcel would arrive, where the carrier says so."""

    service: str
    price: Money
    name: str = ""
    arrives: date | None = None


@attrs.frozen(kw_only=True)
class CarrierLabel:
    """A label that was bought: the parcel's number, what it cost, and the label itself as the carrier made it (base64 of `format`)."""

    reference: str
    tracking: str
    format: str = "pdf"
    data: str = ""
    price: Money | None = None

    @property
    def content(self) -> bytes:
        """The label's bytes."""
        return base64.b64decode(self.data)


class Carrier(Protocol):
    """What the library asks of a carrier: pure functions. What cannot be read raises `BadPayload` with every problem."""

    @property
    def name(self) -> str:
        """What stands on the shipment."""

    def ask_rates(self, consignment: Consignment) -> Request:
        """What would it cost?"""

    def read_rates(self, answer: Answer) -> tuple[Rate, ...]:
        """The services that would take the parcel; none where no service would."""

    def buy_label(self, consignment: Consignment) -> Request:
        """Buy the label; `consignment.reference` goes with it."""

    def find_label(self, reference: str) -> Request:
        """What was bought under this reference?"""

    def read_label(self, answer: Answer) -> CarrierLabel | None:
        """The label of either answer; None where nothing was bought under the reference."""

    def ask_tracking(self, tracking: str) -> Request:
        """Where is the parcel?"""

    def read_tracking(self, body: bytes | str | Mapping[str, Any]) -> tuple[TrackingEvent, ...]:
        """The events of an answer or of a webhook; a code that the carrier's table does not have has no kind."""


@attrs.frozen(kw_only=True)
class Buying:
    """A label on its way, and how far it is. It has a wire form, so it can be stored between any two steps.

    Labels cost money and carriers are not idempotent. So the intent is written down before anything is sent (`sending`), and after a
    time-out the carrier is asked what it has under our reference before it is asked for a label again.

    Args:
        stage: `"send"`, `"check"` or `"done"`.
        label: once it is there; `problem` says why there is none.
    """

    carrier: str
    consignment: Consignment
    stage: str = "send"
    sending: bool = False
    tries: int = 0
    wait: Decimal = _NOW
    label: CarrierLabel | None = None
    problem: str = ""

    @classmethod
    def of(cls, carrier: Carrier, consignment: Consignment) -> Buying:
        """Nothing sent yet.

        Raises:
            InvalidInput: (`invalid_input`) no reference, no service, or nobody knows what it weighs.
        """
        for field in ("reference", "service"):
            if not note(getattr(consignment, field), field).strip():
                raise InvalidInput(field, getattr(consignment, field), "our own name of the parcel, and a service of the carrier")
        if consignment.grams <= 0:
            raise InvalidInput("package", str(consignment.package.weight), "a weight above zero")
        return cls(carrier=carrier.name, consignment=consignment)

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.stage == "done"

    def next_request(self, carrier: Carrier) -> Request | None:
        """What to send next; None when it is over. The same until an answer is taken in.

        Raises:
            ChannelError: (`channel_error`) it was begun with another carrier.
        """
        if carrier.name != self.carrier:
            raise ChannelError(carrier.name, self.carrier, f"a label of {carrier.name}")
        if self.done:
            return None
        return carrier.buy_label(self.consignment) if self.stage == "send" else carrier.find_label(self.consignment.reference)

    def intending(self) -> Buying:
        """To be stored before the request is sent: should this process die now, the next one asks first what was bought."""
        return attrs.evolve(self, sending=self.stage == "send")

    def resumed(self) -> Buying:
        """After a restart: what may have been bought is looked up before it is bought again."""
        return self.timed_out() if self.sending else self

    def timed_out(self) -> Buying:
        """No answer came: nobody knows whether the label was bought."""
        if self.tries >= MOST_TRIES:
            return attrs.evolve(self, stage="done", sending=False, problem="no answer")
        return attrs.evolve(self, stage="check", sending=False, tries=self.tries + 1, wait=backoff(self.tries))

    def answered(self, carrier: Carrier, answer: Answer) -> Buying:
        """Take an answer in.

        Raises:
            BadPayload: (`bad_payload`) the answer to a question makes no sense; asking again may help.
        """
        if answer.status in {429, 503}:
            return self._later(answer.wait(self.tries))
        if answer.status in OVERLOADED:
            return self.timed_out()
        nothing = self.stage == "check" and answer.status == 404
        if not answer.ok and not nothing:
            return attrs.evolve(self, stage="done", sending=False, problem=f"status {answer.status} {answer.body[:300]}".strip())
        try:
            label = None if nothing else carrier.read_label(answer)
        except BadPayload:
            if self.stage == "check":
                raise
            return self.timed_out()  # bought perhaps, but not as anybody can read: what does the carrier have?
        if label is not None:
            return attrs.evolve(self, stage="done", sending=False, wait=_NOW, label=label)
        if self.stage == "send":
            return attrs.evolve(self, stage="done", sending=False, problem="the carrier sold no label")
        return attrs.evolve(self, stage="send", sending=False, wait=_NOW)

    def _later(self, wait: Decimal) -> Buying:
        if self.tries >= MOST_TRIES:
            return attrs.evolve(self, stage="done", sending=False, problem="the carrier is overloaded")
        return attrs.evolve(self, sending=False, tries=self.tries + 1, wait=wait)


# helpers for carriers -------------------------------------------------------------------------------------------------------


def cheapest(rates: Iterable[Rate], *, by: date | None = None) -> Rate | None:
    """The cheapest rate that arrives by a day; a service that does not say when it arrives is none of them. None where none does.

    >>> slow = Rate(service="eco", price=money("4 EUR"), arrives=date(2026, 12, 1))
    >>> fast = Rate(service="express", price=money("9 EUR"), arrives=date(2026, 11, 25))
    >>> cheapest([slow, fast]).service, cheapest([slow, fast], by=date(2026, 11, 26)).service
    ('eco', 'express')
    """
    fitting = [rate for rate in rates if by is None or (rate.arrives is not None and rate.arrives <= by)]
    if len({rate.price.currency for rate in fitting}) > 1:
        raise InvalidInput("rates", ", ".join(sorted({rate.price.currency for rate in fitting})), "rates in one currency")
    return min(fitting, key=lambda rate: (rate.price.amount, rate.arrives or date.max, rate.service), default=None)


def price_in(node: Node, amount: str, currency: str) -> Money | None:
    """Money of a payload: a number and its currency."""
    value, code = node.count(amount, required=True), node.currency(currency)
    if code is None and not node.data.get(currency):
        node.miss(currency, None, "an active code of ISO 4217")
    return None if value is None or code is None else money(f"{value:f} {code}")


def label_in(node: Node, key: str, format_: str) -> str:
    """A label of a payload: base64 of something that begins as its format does."""
    one_of(format_, FORMATS, "format")
    text = "".join(node.text(key, limit=8 * 2**20).split())
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.lstrip().startswith(_STARTS[format_]):
        node.miss(key, text[:40], f"a label as {format_}, in base64")
        return ""
    return text


def event_in(node: Node, tracking: str, codes: Mapping[str, str], *, code: str, at: str, place: str = "", text: str = "") -> Any:
    """A tracking event of a payload, its meaning by the carrier's table; None where it cannot be read, which the sheet says."""
    told, moment = node.text(code, limit=90), node.at(at)
    if moment is None and not node.data.get(at):
        node.miss(at, None, "an instant with an offset")
    if moment is None or not tracking:
        return None
    words = {name: node.text(field, limit=500) for name, field in (("place", place), ("text", text)) if field}
    return TrackingEvent(tracking, told, moment, kind=codes.get(told, ""), **words)


def check_codes(codes: Mapping[str, str]) -> Mapping[str, str]:
    """A carrier's table of codes, if all that they mean is known here.

    Raises:
        InvalidInput: (`invalid_input`) with the meanings that there are.
    """
    for meaning in codes.values():
        one_of(meaning, KINDS, "codes")
    return dict(codes)
