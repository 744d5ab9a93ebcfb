"""Delivery: events on their way from the outbox to one subscriber, at least once and in order per document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import attrs

from krafte_core.store import Leased, Outbox
from krafte_core.wording import shown

BATCH = 100


@attrs.frozen
class Delivery:
    """What `deliver_events` did for one subscriber: how many events, and the error that stopped it, if one did."""

    subscriber: str
    delivered: int
    failed: Exception | None


@attrs.frozen
class Subscription:
    """A subscriber of this process: what it is called with, how many events at a time, and how often before one is put aside."""

    name: str
    handler: Callable[[Any], object]
    batch: int | None = None
    tries: int = 10

    def deliver(self, outbox: Outbox, now: Callable[[], datetime], limit: int | None) -> Delivery:
        """Hand over what waits, up to the limit, until the handler raises."""
        done, size = 0, self.batch or BATCH
        while limit is None or done < limit:
            leased = outbox.lease(self.name, size if limit is None else min(size, limit - done), now())
            if not leased:
                break
            handled, problem = self._handle(outbox, leased)
            done += handled
            if problem is not None:
                return Delivery(self.name, done, problem)
        return Delivery(self.name, done, None)

    def _handle(self, outbox: Outbox, leased: Sequence[Leased]) -> tuple[int, Exception | None]:
        """How many were handled, and what stopped it. A batch that fails is tried again one by one, to find the event that does."""
        if self.batch is not None and len(leased) > 1:
            try:
                self.handler([row.event for row in leased])
            except Exception:  # noqa: BLE001, S110 - the single event that fails says why, below
                pass
            else:
                outbox.settle(self.name, [row.id for row in leased])
                return len(leased), None
        for place, row in enumerate(leased):
            try:
                self.handler(row.event if self.batch is None else [row.event])
            except Exception as problem:  # noqa: BLE001 - whatever a host's handler raises is its answer, not ours
                self._failed(outbox, row.id, problem)
                outbox.give_back(self.name, [left.id for left in leased[place + 1 :]])
                return place, problem
            outbox.settle(self.name, [row.id])
        return len(leased), None

    def _failed(self, outbox: Any, place: int, problem: Exception) -> None:
        if not hasattr(outbox, "bury"):
            outbox.give_back(self.name, [place])
        elif outbox.failed(self.name, place, shown(str(problem) or type(problem).__name__)) >= self.tries:
            outbox.bury(self.name, place)
