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
from collections.abc import Mapping
from datetime import date, datetime
from html import escape
from types import MappingProxyType
from typing import Any

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.events import (
    Event,
    OrderCancelled,
    OrderChanged,
    OrderConfirmed,
    OrderDelivered,
    OrderPlaced,
    OrderShipped,
    ProductionStarted,
)
from krafte_core.items import one_of
from krafte_core.orders import STATUS_WORDS, OrderStatus

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
class Whereabouts:
    """What a customer may see of an order, and nothing more: no lots, no runs, no other customers."""

    order: str
    status: OrderStatus
    words: str
    promised: date | None = None
    parcels: tuple[tuple[str, str], ...] = ()


def whereabouts(
    order: str, status: OrderStatus, *, promised: date | None = None, parcels: tuple[tuple[str, str], ...] = (), language: str = "en"
) -> Whereabouts:  # fmt: skip
    """The answer to "where is my order?"; `parcels` are carriers and tracking numbers.

    >>> whereabouts("CO-1", OrderStatus.IN_PRODUCTION, language="de").words
    'in Herstellung'
    """
    words = STATUS_WORDS[one_of(language, LANGUAGES, "language")][status]
    return Whereabouts(order=order, status=status, words=words, promised=promised, parcels=parcels)


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
    if isinstance(event, OrderShipped):
        return "shipped", {"carrier": event.carrier, "tracking": event.tracking}
    if isinstance(event, OrderDelivered):
        return "delivered", {}
    if isinstance(event, OrderCancelled):
        return ("refused", {"reason": reason}) if reason else ("cancelled", {})
    return ("in production", {}) if isinstance(event, ProductionStarted) else None


def _day(value: Any) -> str:
    return "" if value is None else value.date().isoformat() if isinstance(value, datetime) else str(value)
