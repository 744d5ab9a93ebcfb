"""The diary: dated, signed steps of papers and decisions about lots, and the tables that say which step is allowed when.

A paper has no status field. Its state is what its entries add up to; the tables here-under are data, drawn into the docs and walked
by a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from krafte_core.errors import NotAllowed

Steps = Mapping[str, Mapping[str, str]]
"""State -> step -> next state; the empty state is that of a paper before its first step."""


class Entry(NamedTuple):
    """One line of the diary: what was decided about which document (a paper's number, or `lot_document`), when, by whom, why."""

    document: str
    step: str
    at: datetime
    by: str = ""
    reason: str = ""
    details: tuple[tuple[str, str], ...] = ()

    @property
    def happened(self) -> datetime:
        """When it happened: earlier than `at`, when it was written down, where it was dated back.

        >>> day = datetime(2026, 1, 2)
        >>> Entry("PB-1", "start", day).happened == day
        True
        >>> Entry("PB-1", "start", day, details=(("happened_at", "2026-01-01T08:00:00+00:00"),)).happened.isoformat()
        '2026-01-01T08:00:00+00:00'
        """
        return next((datetime.fromisoformat(value) for name, value in self.details if name in ("happened_at", "at")), self.at)


LOT_STEPS: Steps = {
    "released": {"wait": "waiting", "hold": "held", "reject": "rejected", "extend": "released", "declare": "released"},
    "waiting": {"release": "released", "hold": "held", "reject": "rejected", "extend": "waiting", "declare": "waiting"},
    "held": {"release": "released", "reject": "rejected", "extend": "held", "declare": "held"},
    "rejected": {},
}
"""The decisions about a lot. A lot begins as released; one whose item is released by decision waits first."""


ASKED_FOR: Mapping[tuple[str, str], str] = {
    ("placed", "absorb"): "merge",
    ("confirmed", "absorb"): "merge",
    ("proposed", "plan"): "confirm the order",
    ("proposed", "withdraw"): "withdraw the quote",
    ("started", "reverse a part"): "reverse",
    ("done", "reverse a part"): "reverse",
    ("open", "accept"): "confirm the order",
    ("open", "expire"): "",
    ("ordered", "close"): "",
    ("released", "wait"): "",
}
"""How one asks for a step (by its state and name) that no command is called after; empty: it comes of itself."""


def possible(table: Steps, now: str) -> tuple[str, ...]:
    """What can be asked for in a state, each once.

    >>> possible({"open": {"accept": "accepted", "withdraw": "withdrawn", "expire": "expired"}}, "open")
    ('confirm the order', 'withdraw')
    """
    names = (ASKED_FOR.get((now, step), step) for step in table[now])
    return tuple(dict.fromkeys(name for name in names if name))


def lot_document(item: str, lot: str) -> str:
    """How the diary and the events name a lot.

    >>> lot_document("lye", "NA-1")
    'lot lye NA-1'
    """
    return f"{LOT_DOCUMENTS}{item} {lot}"


LOT_DOCUMENTS = "lot "
"""How the name of every lot begins in the diary."""


def about_lots(entries: Iterable[Entry], since: datetime | None, until: datetime | None) -> Iterator[Entry]:
    """The entries about lots in a time, both ends included.

    >>> day = datetime(2026, 1, 1)
    >>> [row.step for row in about_lots([Entry("CO-1", "place", day), Entry("lot oil O-1", "hold", day)], day, None)]
    ['hold']
    """
    for entry in entries:
        inside = (since is None or entry.at >= since) and (until is None or entry.at <= until)
        if inside and entry.document.startswith(LOT_DOCUMENTS):
            yield entry


def state(table: Steps, entries: Iterable[Entry], start: str = "") -> str:
    """The state that the entries add up to from `start`; entries that are no step of the table (notes) change nothing.

    >>> table = {"": {"order": "ordered"}, "ordered": {"cancel": "cancelled"}, "cancelled": {}}
    >>> state(table, [Entry("PO-1", "order", datetime(2026, 1, 1))])
    'ordered'
    """
    now = start
    for entry in entries:
        now = table[now].get(entry.step, now)
    return now


def allow(table: Steps, document: str, now: str, step: str) -> str:
    """The state after the step.

    Raises:
        NotAllowed: (`not_allowed`) with the steps that are possible here.

    >>> allow({"": {"order": "ordered"}, "ordered": {}}, "PO-1", "", "order")
    'ordered'
    """
    after = table[now].get(step)
    if after is None:
        raise NotAllowed(document, now or "new", step, possible(table, now))
    return after


def ends(table: Steps) -> frozenset[str]:
    """The states that no step leads out of.

    >>> sorted(ends({"": {"order": "ordered"}, "ordered": {"cancel": "cancelled"}, "cancelled": {}}))
    ['cancelled']
    """
    return frozenset(now for now, steps in table.items() if set(steps.values()) <= {now})


def drawn(table: Steps) -> str:
    """The table as a Mermaid state diagram.

    >>> print(drawn({"": {"order": "ordered"}, "ordered": {}}))
    stateDiagram-v2
        [*] --> ordered: order
    """
    arrows = [f"    {now or '[*]'} --> {after}: {step}" for now, steps in table.items() for step, after in steps.items()]
    return "\n".join(["stateDiagram-v2", *arrows])
