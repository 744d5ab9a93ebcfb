"""Holds: why nothing of an order may be made or sent until somebody has decided.

A hold stands beside the state of an order and takes nothing from it: the order stays, its links stay. The diary keeps it, so what
holds an order is computed from there, like everything else. There may be several holds of different kinds; each ends by a decision
of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from krafte_core.diary import Entry

CHANNEL, TERMS, BY_HAND = KINDS = ("channel", "terms", "by hand")
"""Who asked for it: a sales channel (the buyer wants to cancel), the customer's terms (credit, smallest order), a person."""


@attrs.frozen
class Hold:
    """One reason why nothing more may happen to an order: its kind, the words, since when, and who said so."""

    kind: str
    reason: str
    since: datetime
    by: str = ""

    def __str__(self) -> str:
        """The reason."""
        return self.reason


def holds(entries: Iterable[Entry]) -> tuple[Hold, ...]:
    """What holds an order, by its diary: of each kind the last hold that nobody has released.

    >>> at = datetime(2026, 11, 23, 12)
    >>> rows = [Entry("CO-1", "hold", at, "Anna", "unpaid", (("kind", "terms"),)), Entry("CO-1", "hold", at, "", "call first")]
    >>> [str(hold) for hold in holds(rows)]
    ['unpaid', 'call first']
    >>> [hold.kind for hold in holds([*rows, Entry("CO-1", "release", at, details=(("kind", "terms"),))])]
    ['by hand']
    """
    found: dict[str, Hold] = {}
    for entry in entries:
        if entry.step == "hold":
            kind = dict(entry.details).get("kind", BY_HAND)
            found[kind] = Hold(kind, entry.reason, entry.at, entry.by)
        elif entry.step == "release":
            found.pop(dict(entry.details).get("kind", BY_HAND), None)
    return tuple(found.values())
