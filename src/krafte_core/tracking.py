"""What carriers tell of a parcel on its way: events that may come twice, late and out of order, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.items import note, one_of
from krafte_core.times import instant

DELIVERED, RETURNED = "delivered", "returned"
KINDS = (
    "announced", "collected", "on the way", "out for delivery", "to be collected", "not delivered", "trouble", DELIVERED, "going back",
    RETURNED,
)  # fmt: skip
"""What an event can mean, in the order in which it happens."""


def _kind(given: str) -> str:
    return one_of(given, ("", *KINDS), "kind")


def _number(given: str) -> str:
    if not note(given, "tracking").strip():
        raise InvalidInput("tracking", given, "the number that the carrier gave the parcel")
    return given


def _note(given: str) -> str:
    return note(given, "tracking event")


@attrs.frozen
class TrackingEvent:
    """One thing that a carrier says of a parcel.

    Args:
        tracking: the parcel's number.
        code: the carrier's own word for it.
        at: when it happened.
        kind: what the code means (`KINDS`); empty where nobody knows it.
        place, text: as the carrier says them.

    >>> TrackingEvent("JD1", "Z", "2026-11-24T09:00Z", kind="delivered").kind
    'delivered'
    """

    tracking: str = attrs.field(converter=_number)
    code: str = attrs.field(converter=_note)
    at: datetime = attrs.field(converter=instant)
    kind: str = attrs.field(default="", kw_only=True, converter=_kind)
    place: str = attrs.field(default="", kw_only=True, converter=_note)
    text: str = attrs.field(default="", kw_only=True, converter=_note)

    @property
    def identity(self) -> tuple[str, str, datetime, str]:
        """Two events with one identity are one."""
        return self.tracking, self.code, self.at, self.place


def journey(events: Iterable[TrackingEvent]) -> tuple[TrackingEvent, ...]:
    """The events in the order in which they happened, each once; of one instant the earlier step first.

    >>> late = TrackingEvent("JD1", "Z", "2026-11-24T09:00Z", kind="delivered")
    >>> first = TrackingEvent("JD1", "A", "2026-11-23T09:00Z", kind="collected")
    >>> [event.code for event in journey([late, first, late])]
    ['A', 'Z']
    """
    known = {event.identity: event for event in events}
    return tuple(sorted(known.values(), key=lambda event: (event.at, _step(event), event.tracking, event.code, event.place)))


def _step(event: TrackingEvent) -> int:
    return KINDS.index(event.kind) if event.kind else -1


def arrived(events: Iterable[TrackingEvent], numbers: Sequence[str]) -> datetime | None:
    """When the last of these parcels was delivered; None as long as one was not, or has come back.

    >>> there = TrackingEvent("JD1", "Z", "2026-11-24T09:00Z", kind="delivered")
    >>> arrived([there], ["JD1"]).day, arrived([there], ["JD1", "JD2"])
    (24, None)
    """
    there: dict[str, datetime] = {}
    back: set[str] = set()
    for event in events:
        if event.kind == DELIVERED:
            there[event.tracking] = min(there.get(event.tracking, event.at), event.at)
        elif event.kind == RETURNED:
            back.add(event.tracking)
    if not numbers or any(number in back or number not in there for number in numbers):
        return None
    return max(there[number] for number in numbers)


def unknown_codes(events: Iterable[TrackingEvent]) -> tuple[str, ...]:
    """The codes that nobody could tell the meaning of, each once, in order.

    >>> unknown_codes([TrackingEvent("JD1", "X9", "2026-11-24T09:00Z")])
    ('X9',)
    """
    return tuple(sorted({event.code for event in events if not event.kind}))
