"""The office: runs a command as one decision and one transaction, and a query over one moment of the books.

A command reads, decides and commits. If another writer was faster, it reads and decides again, with the same `now`, numbers and key,
a bounded number of times; then `Conflict` says so. A refusal stores nothing. A repeated key gives the stored result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from krafte_core.catalogue import Catalogue
from krafte_core.errors import ClockWentBack, Conflict, InvalidInput, KeyReused
from krafte_core.store import Changes, Clock, Reader, Store, Stored
from krafte_core.times import time_zone
from krafte_core.work import Work

TRIES = 20
MAX_KEY = 200
Answer = TypeVar("Answer")


class SystemClock:
    """The computer's clock: the only place where the library reads it, and only if the host brings no other.

    >>> SystemClock().now().tzinfo is UTC
    True
    """

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)  # noqa: TID251 - the one place


class Office:
    """Where commands are run: one store, one clock, one time zone, one signature."""

    def __init__(self, store: Store, clock: Clock, zone: str, by: str = "", *, draft: bool = False) -> None:
        """A draft office (a fork, a preview) gives numbers that say so."""
        time_zone(zone)
        self.store = store
        self.clock = clock
        self.zone = zone
        self.by = by
        self.draft = draft
        self._catalogue: Catalogue | None = None
        self._last: datetime | None = None
        self._period = ""

    def now(self) -> datetime:
        """The present instant in UTC.

        Raises:
            ClockWentBack: (`clock_went_back`) earlier than at the last command.
        """
        now = self.clock.now()
        if self._last is None or now != self._last:
            if self._last is not None and now < self._last:
                raise ClockWentBack(now, self._last)
            now = self._last = now.astimezone(UTC)
            self._period = "draft" if self.draft else f"{now.astimezone(time_zone(self.zone)):%Y-%m}"
        return self._last

    def catalogue(self, reader: Reader) -> Catalogue:
        """The catalogue of this moment, compiled again only when its revision moved."""
        revision = reader.catalogue_revision()
        if self._catalogue is None or self._catalogue.revision != revision:
            self._catalogue = Catalogue(reader.catalogue(), revision, self.zone)
        return self._catalogue

    def run(
        self, decide: Callable[[Work], Answer], *, key: str | None = None, content: Sequence[Any] = (), by: str | None = None
    ) -> Answer:
        """Run a command.

        Args:
            decide: the decision; it may be called several times.
            key: the host's idempotency key: the same key with the same content changes nothing and gives the first result.
            content: what the key's command was asked to do.
            by: who signs; default the workshop's own signature.

        Raises:
            KeyReused: (`key_reused`) the key was used with other content. Conflict: (`conflict`) after the last retry.
        """
        now = self.now()
        fingerprint = _fingerprint(key, content) if key is not None else ""
        taken: dict[str, list[int]] = {}
        lost: Conflict | None = None
        for _ in range(TRIES):
            with self.store.reading() as reader:
                if key is not None:
                    stored = reader.result(key)
                    if stored is not None:
                        return _repeated(key, stored, fingerprint)  # type: ignore[no-any-return]
                work = Work(reader, self.catalogue(reader), now, self._numbers(taken), by=by or self.by, period=self._period)
                answer = decide(work)
            parts = work.everything()
            changes = parts[0] if len(parts) == 1 else combined(parts)
            if key is not None:
                changes.key, changes.stored = key, Stored(fingerprint, answer)
            elif changes.is_empty:
                return answer
            try:
                self.store.commit(changes)
            except Conflict as conflict:
                lost = conflict
                continue
            return answer
        raise Conflict(lost.what if lost else "", TRIES)

    def _numbers(self, taken: dict[str, list[int]]) -> Callable[[str], int]:
        """Counters for one try; what an earlier try took is used again first."""
        used: dict[str, int] = {}

        def take(series: str) -> int:
            mine = taken.setdefault(series, [])
            place = used.get(series, 0)
            if place == len(mine):
                mine.append(self.store.take_numbers(series, 1))
            used[series] = place + 1
            return mine[place]

        return take

    @contextmanager
    def look(self) -> Iterator[Work]:
        """A query: one moment of the books; whatever it changes on its own sheet is thrown away."""
        now = self.now()
        with self.store.reading() as reader:
            yield Work(reader, self.catalogue(reader), now, self._numbers({}), by=self.by, period=self._period)


def combined(parts: Sequence[Changes]) -> Changes:
    """The changes of several decisions as one: later rows win, differences add up, guards stay as they were first read."""
    whole = Changes()
    for part in parts:
        whole.papers |= part.papers
        whole.lots |= part.lots
        for key, (moved, promised) in part.balances.items():
            before = whole.balances.get(key, (0, 0))
            whole.balances[key] = (before[0] + moved, before[1] + promised)
        whole.allocations |= part.allocations
        whole.bookings |= part.bookings
        whole.postings += part.postings
        whole.diary += part.diary
        whole.events += part.events
        whole.catalogue |= part.catalogue
        whole.stamps = part.stamps | whole.stamps
        whole.lot_guards = part.lot_guards | whole.lot_guards
        whole.closed |= part.closed
    return whole


def _fingerprint(key: str, content: Sequence[Any]) -> str:
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise InvalidInput("key", key, f"1 to {MAX_KEY} printable characters")
    return hashlib.sha256(repr(tuple(content)).encode()).hexdigest()


def _repeated(key: str, stored: Stored, fingerprint: str) -> Any:
    if stored.fingerprint != fingerprint:
        raise KeyReused(key)
    return stored.result
