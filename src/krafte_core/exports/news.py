"""News for customers: received, confirmed, date moved, in production, shipped, delivered, refused.

In English and German, as plain text and as HTML; the host's own words override ours. A subscriber of the outbox turns events into
messages and sends them.

>>> from krafte_core.events import OrderShipped
>>> from krafte_core.times import instant
>>> event = OrderShipped(instant("2026-11-23T12:00Z"), "CO-1", "Anna <3", "SH-1", "DHL", "JD1")
>>> news = message_of(event, language="de")
>>> news.subject
'Ihr Auftrag CO-1 ist unterwegs'
>>> "Anna &lt;3" in news.html, "DHL" in news.text
(True, True)
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from html import escape
from types import MappingProxyType
from typing import Any

import attrs

from krafte_core.desks.lateness import promised_of
from krafte_core.errors import InvalidInput
from krafte_core.events import (
    Event,
    OrderCancelled,
    OrderChanged,
    OrderConfirmed,
    OrderDelivered,
    OrderLate,
    OrderPlaced,
    OrderShipped,
    ProductionStarted,
)
from krafte_core.items import one_of
from krafte_core.orders import STATUS_WORDS, CustomerOrder, OrderStatus
from krafte_core.shipping import Shipment
from krafte_core.tracking import KINDS as TRACKING
from krafte_core.tracking import TrackingEvent
from krafte_core.workshop import Workshop

LANGUAGES = ("en", "de")
KINDS = (
    "received",
    "confirmed",
    "confirmed without date",
    "date moved",
    "in production",
    "shipped",
    "delivered",
    "refused",
    "cancelled",
)
TEMPLATES: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "en": {
            "received": ("We have received your order $order", "Thank you for your order $order. You will hear from us with a date."),
            "confirmed": ("Your order $order is confirmed", "Your order $order will be with you by $promised."),
            "confirmed without date": ("Your order $order is confirmed", "Your order $order is confirmed. The date will follow."),
            "date moved": ("A new date for your order $order", "Your order $order will now be with you by $promised."),
            "in production": ("Your order $order is being made", "We have begun to make your order $order."),
            "shipped": ("Your order $order is on its way", "Your order $order has left us. $carrier $tracking"),
            "delivered": ("Your order $order has arrived", "Your order $order has been delivered. Enjoy it!"),
            "refused": ("Your order $order cannot be made", "We are sorry: we cannot make your order $order. $reason"),
            "cancelled": ("Your order $order is cancelled", "Your order $order has been cancelled."),
        },
        "de": {
            "received": ("Ihr Auftrag $order ist eingegangen", "Danke für Ihren Auftrag $order. Den Termin teilen wir Ihnen mit."),
            "confirmed": ("Ihr Auftrag $order ist bestätigt", "Ihr Auftrag $order ist bis zum $promised bei Ihnen."),
            "confirmed without date": ("Ihr Auftrag $order ist bestätigt", "Ihr Auftrag $order ist bestätigt. Der Termin folgt."),
            "date moved": ("Ein neuer Termin für Ihren Auftrag $order", "Ihr Auftrag $order ist nun bis zum $promised bei Ihnen."),
            "in production": ("Ihr Auftrag $order wird hergestellt", "Wir haben mit Ihrem Auftrag $order begonnen."),
            "shipped": ("Ihr Auftrag $order ist unterwegs", "Ihr Auftrag $order hat unser Haus verlassen. $carrier $tracking"),
            "delivered": ("Ihr Auftrag $order ist angekommen", "Ihr Auftrag $order wurde zugestellt. Viel Freude damit!"),
            "refused": (
                "Ihr Auftrag $order ist nicht möglich",
                "Es tut uns leid: Ihren Auftrag $order können wir nicht ausführen. $reason",
            ),
            "cancelled": ("Ihr Auftrag $order ist storniert", "Ihr Auftrag $order wurde storniert."),
        },
    }
)
"""Subject and text by language and kind, without the greeting; names behind `$` are filled in."""
GREETINGS = {"en": "Hello $customer,", "de": "Guten Tag $customer,"}
WORDS = ("order", "customer", "promised", "carrier", "tracking", "reason")


TRACKING_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {kind: kind for kind in TRACKING},
        "de": {
            "announced": "angekündigt",
            "collected": "abgeholt",
            "on the way": "unterwegs",
            "out for delivery": "in Zustellung",
            "to be collected": "zur Abholung bereit",
            "not delivered": "nicht zugestellt",
            "trouble": "Störung",
            "delivered": "zugestellt",
            "going back": "auf dem Rückweg",
            "returned": "zurückgegeben",
        },
    }
)
"""What carriers say, in the customer's language."""


@attrs.frozen
class News:
    """A message for a customer."""

    kind: str
    order: str
    customer: str
    subject: str
    text: str
    html: str


@attrs.frozen(kw_only=True)
class ParcelOnItsWay:
    """A parcel as its receiver may see it: who brings it, its number, and how it travels."""

    carrier: str
    tracking: str
    events: tuple[tuple[datetime, str, str], ...] = ()


@attrs.frozen(kw_only=True)
class Whereabouts:
    """What a customer may see of an order, and nothing more: no lots, no runs, no holds, no other customers.

    Args:
        order, status, words: the order, how far it is, and that in the customer's language.
        promised: the day that was promised; `expected`: the day that is expected now, while it has not left.
        parcels: what has left; of each event when it happened, what it means and where.
    """

    order: str
    status: OrderStatus
    words: str
    promised: date | None = None
    expected: date | None = None
    parcels: tuple[ParcelOnItsWay, ...] = ()


def whereabouts(shop: Workshop, order: CustomerOrder | str, *, language: str = "en") -> Whereabouts:
    """The answer to "where is my order?", for a page that customers see.

    Raises:
        Unknown: (`unknown`) no such order. InvalidInput: (`invalid_input`) another language.

    >>> from krafte_core import Item, OrderLine
    >>> shop = Workshop.in_memory()
    >>> shop.register(Item("soap", unit="each"))
    >>> whereabouts(shop, shop.orders.place(customer="Anna", lines=[OrderLine("soap", "1 each")]), language="de").words
    'eingegangen'
    """
    words = one_of(language, LANGUAGES, "language")
    paper = shop.orders.get(order)
    status = shop.orders.status(paper)
    shipments = shop.shipping.of(paper)
    given = promised_of(shop.orders.history(paper))
    waits = status in (OrderStatus.READY_TO_SHIP, OrderStatus.IN_PRODUCTION, OrderStatus.MATERIALS_RESERVED,
                       OrderStatus.WAITING_FOR_MATERIAL, OrderStatus.PARTLY_SHIPPED)  # fmt: skip
    expected = shop.orders.promise(paper).date if waits else None
    parcels = [one for shipment in shipments for one in _parcels(shipment, shop.shipping.journey(shipment), words)]
    return Whereabouts(
        order=paper.number, status=status, words=STATUS_WORDS[words][status], promised=given, expected=expected, parcels=tuple(parcels)
    )  # fmt: skip


def _parcels(shipment: Shipment, events: Sequence[TrackingEvent], language: str) -> Iterable[ParcelOnItsWay]:
    for number in shipment.numbers or ("",):
        known = [event for event in events if event.tracking == number and event.kind]
        told = [(event.at, TRACKING_WORDS[language][event.kind], event.place) for event in known]
        yield ParcelOnItsWay(carrier=shipment.carrier, tracking=number, events=tuple(told))


def message_of(
    event: Event, *, language: str = "en", templates: Mapping[str, tuple[str, str]] | None = None, order: str = "", customer: str = "",
    reason: str = "",
) -> News | None:  # fmt: skip
    """The message that an event is worth to the customer; None where it is none.

    Args:
        event: from the outbox.
        language: `"en"` or `"de"`.
        templates: the host's own subject and text by kind; a kind that is not in it has ours.
        order, customer: where the event is about something else (a run that begins): whose order it is.
        reason: for a refusal.

    Raises:
        InvalidInput: (`invalid_input`) a template with a name that is not in `WORDS`.
    """
    told = _facts(event, reason)
    if told is None:
        return None
    kind, facts = told
    if kind == "in production" and not order:
        return None
    named = {"order": order or event.document, "customer": customer or getattr(event, "customer", "")}
    return composed(kind, {**named, **facts}, language=language, templates=templates)


def messages_of(
    shop: Workshop, event: Event, *, language: str = "en", templates: Mapping[str, tuple[str, str]] | None = None, reason: str = ""
) -> tuple[News, ...]:  # fmt: skip
    """All messages that an event is worth: a run that begins is news for every order that it is for. For a subscriber of the outbox.

    >>> from krafte_core import Item, OrderLine
    >>> shop = Workshop.in_memory()
    >>> shop.register(Item("soap", unit="each"))
    >>> shop.subscribe("mail", lambda event: [print(news.subject) for news in messages_of(shop, event)], since="now")
    >>> order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "1 each")])
    >>> done = shop.deliver_events()  # doctest: +ELLIPSIS
    We have received your order CO-...
    """
    if not isinstance(event, ProductionStarted):
        news = message_of(event, language=language, templates=templates, reason=reason)
        return () if news is None else (news,)
    found = []
    for order in dict.fromkeys(link.order for link in shop.orders.covered_by(event.document)):
        customer = shop.orders.get(order).customer
        found.append(message_of(event, language=language, templates=templates, order=order, customer=customer))
    return tuple(news for news in found if news is not None)


def composed(
    kind: str, facts: Mapping[str, str], *, language: str = "en", templates: Mapping[str, tuple[str, str]] | None = None
) -> News:  # fmt: skip
    """A message of a kind from its facts; for kinds that no event tells, such as `"refused"`.

    Raises:
        InvalidInput: (`invalid_input`)

    >>> composed("refused", {"order": "CO-1", "customer": "Anna", "reason": "No beeswax until May."}).text.splitlines()[-1]
    'We are sorry: we cannot make your order CO-1. No beeswax until May.'
    """
    subject, text = TEMPLATES[one_of(language, LANGUAGES, "language")][one_of(kind, KINDS, "kind")]
    text = f"{GREETINGS[language]}\n\n{text}"
    if templates and kind in templates:
        subject, text = templates[kind]
    words = dict.fromkeys(WORDS, "") | {name: str(value) for name, value in facts.items()}
    one_line = {
        name: " ".join(value.split()) for name, value in words.items()
    }  # a subject with a line break would be a header of its own
    escaped = {name: escape(value) for name, value in words.items()}
    paragraphs = "".join(f"<p>{part}</p>" for part in _filled(escape(text), escaped).strip().split("\n\n"))
    return News(kind, words["order"], words["customer"], _filled(subject, one_line), _filled(text, words).strip(), paragraphs)


def _filled(template: str, words: Mapping[str, str]) -> str:
    try:
        return string.Template(template).substitute(words)
    except (KeyError, ValueError) as problem:
        raise InvalidInput("templates", template[:200], "names behind `$`: " + ", ".join(WORDS)) from problem


def _facts(event: Event, reason: str) -> tuple[str, Mapping[str, str]] | None:
    """The kind of message that an event is worth, and its facts."""
    if isinstance(event, OrderPlaced):
        return "received", {}
    if isinstance(event, OrderConfirmed):
        return ("confirmed" if event.promised else "confirmed without date"), {"promised": _day(event.promised)}
    if isinstance(event, OrderChanged) and event.promised is not None:
        return "date moved", {"promised": _day(event.promised)}
    if isinstance(event, OrderLate) and event.expected is not None:
        return "date moved", {"promised": _day(event.expected)}
    if isinstance(event, OrderShipped):
        return "shipped", {"carrier": event.carrier, "tracking": event.tracking}
    if isinstance(event, OrderDelivered):
        return "delivered", {}
    if isinstance(event, OrderCancelled):
        return ("refused", {"reason": reason}) if reason else ("cancelled", {})
    return ("in production", {}) if isinstance(event, ProductionStarted) else None


def _day(value: Any) -> str:
    return "" if value is None else value.date().isoformat() if isinstance(value, datetime) else str(value)
