"""The office: runs a command as one decision and one transaction, and a query over one moment of the books.

A command reads, decides and commits. If another writer was faster, it reads and decides again, with the same `now`, numbers and key,
a bounded number of times; then `Conflict` says so. A refusal stores nothing. A repeated key gives the stored result.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from krafte_core.catalogue import Catalogue
from krafte_core.errors import ClockWentBack, Conflict, InvalidInput, KeyReused
from krafte_core.items import note
from krafte_core.store import Changes, Clock, Reader, Store, Stored
from krafte_core.times import epoch, time_zone
from krafte_core.work import Now, Work

TRIES, PATIENCE = 20, 3
"""How often a command is decided before it gives up; after how many it queues up with the other losers, so that nobody starves."""
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
        self.back_limit: timedelta | None = None
        """How far back the host lets entries be dated; None: as far as the books are open."""
        self._catalogue: Catalogue | None = None
        self._now: Now | None = None
        self._lock = threading.Lock()

    def now(self) -> Now:
        """The present instant; the clock is read and compared under a lock, so that threads cannot seem to go back in time.

        Raises:
            ClockWentBack: (`clock_went_back`) earlier than at the last command.
        """
        with self._lock:
            at, last = self.clock.now(), self._now
            if last is not None and at == last.at:
                return last
            if last is not None and at < last.at:
                raise ClockWentBack(at, last.at)
            local = at.astimezone(time_zone(self.zone))
            period = "draft" if self.draft else f"{local.year}-{local.month:02d}"
            self._now = Now(at.astimezone(UTC), epoch(at), local.date(), period)
            return self._now

    def catalogue(self, reader: Reader) -> Catalogue:
        """The catalogue of this moment, compiled again only when its revision moved."""
        revision = reader.catalogue_revision()
        if self._catalogue is None or self._catalogue.revision != revision:
            self._catalogue = Catalogue(reader.catalogue(), revision, self.zone)
        return self._catalogue

    def begin_with(self, catalogue: Catalogue) -> None:
        """A catalogue that is compiled already, for an office over the same moment."""
        self._catalogue = catalogue

    def run(
        self,
        decide: Callable[[Work], Answer],
        *,
        key: str | None = None,
        content: Sequence[Any] | Callable[[], Sequence[Any]] = (),
        by: str | None = None,
    ) -> Answer:
        """Run a command.

        Args:
            decide: the decision; it may be called several times.
            key: the host's idempotency key: the same key with the same content changes nothing and gives the first result.
            content: what the key's command was asked to do, or what tells it: only a key wants to know.
            by: who signs; default the workshop's own signature.

        Raises:
            KeyReused: (`key_reused`) the key was used with other content. Conflict: (`conflict`) after the last retry.
        """
        if by is not None:
            note(by, "by")
        fingerprint = "" if key is None else _fingerprint(key, content() if callable(content) else content)
        signature, now, numbers = by or self.by, self.now(), Numbers(self.store)
        try:
            return self._once(decide, key, fingerprint, now, numbers, signature)
        except Conflict as conflict:
            lost = conflict
        return self._again(lost, partial(self._once, decide, key, fingerprint, now, numbers, signature), numbers)

    def _again(self, lost: Conflict, once: Callable[[], Answer], numbers: Numbers) -> Answer:
        """Somebody else was faster: decide again, a bounded number of times."""
        tries, turn = getattr(self.store, "tries", TRIES), None
        try:
            for tried in range(1, tries):
                if tried >= PATIENCE and turn is None and hasattr(self.store, "queue_up"):
                    turn = self.store.queue_up()
                numbers.again()
                try:
                    return once()
                except Conflict as conflict:
                    lost = conflict
        finally:
            if turn is not None:
                turn.close()
        raise Conflict(lost.what, tries)

    def _once(
        self, decide: Callable[[Work], Answer], key: str | None, fingerprint: str, now: Now, numbers: Numbers, by: str
    ) -> Answer:
        """Read, decide and commit, or raise `Conflict`."""
        with getattr(self.store, "deciding", self.store.reading)() as reader:
            if key is not None:
                stored = reader.result(key)
                if stored is not None:
                    return _repeated(key, stored, fingerprint)  # type: ignore[no-any-return]
            work = Work(reader, self.catalogue(reader), now, numbers, by)
            if self.back_limit is not None:
                work.back_limit = self.back_limit
            answer = decide(work)
        changes = combined(work.everything()) if work.earlier else work.changes
        if key is not None:
            changes.key, changes.stored = key, Stored(fingerprint, answer)
        elif changes.is_empty:
            return answer
        self.store.commit(changes)
        return answer

    def look(self) -> Look:
        """A query: one moment of the books; whatever it changes on its own sheet is thrown away."""
        return Look(self)


class Numbers:
    """Document counters of a command; what an earlier try took is used again first."""

    __slots__ = ("_store", "_taken", "_used")

    def __init__(self, store: Store) -> None:
        """None taken yet."""
        self._store = store
        self._taken: dict[str, list[int]] = {}
        self._used: dict[str, int] | None = None

    def again(self) -> None:
        """The same for the next try."""
        self._used = {}

    def __call__(self, series: str) -> int:
        """The next counter of a series."""
        mine = self._taken.setdefault(series, [])
        if self._used is not None:
            place = self._used.get(series, 0)
            self._used[series] = place + 1
            if place < len(mine):
                return mine[place]
        mine.append(self._store.take_numbers(series, 1))
        return mine[-1]

    def ahead(self, series: str, count: int) -> None:
        """Take as many counters as will be used, in one go."""
        mine = self._taken.setdefault(series, [])
        if self._used is None:  # the first try: all that were taken were used
            self._used = {name: len(taken) for name, taken in self._taken.items()}
        missing = self._used.get(series, 0) + count - len(mine)
        if missing > 0:
            first = self._store.take_numbers(series, missing)
            mine.extend(range(first, first + missing))


class Look:
    """`with office.look() as work`: a reading that is closed at the end."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office
        self._reading = office.store.reading()

    def __enter__(self) -> Work:
        """Open the reading."""
        office, reader = self._office, self._reading.__enter__()
        return Work(reader, office.catalogue(reader), office.now(), Numbers(office.store), office.by)

    def __exit__(self, *error: Any) -> None:
        """Close it."""
        self._reading.__exit__(*error)


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
        for name, stamp in part.stamps.items():
            whole.stamps.setdefault(name, stamp)
        for lot, revision in part.lot_guards.items():
            whole.lot_guards.setdefault(lot, revision)
        whole.closed = (whole.closed - part.opened) | part.closed
        whole.opened = (whole.opened - part.closed) | part.opened
    return whole


def _fingerprint(key: str, content: Sequence[Any]) -> str:
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise InvalidInput("key", key, f"1 to {MAX_KEY} printable characters")
    try:
        told = repr(tuple(content)).encode()
    except ValueError as problem:  # an int of more digits than Python prints, or half a surrogate
        raise InvalidInput("content", key, "amounts and texts of a sane size") from problem
    return hashlib.sha256(told).hexdigest()


def _repeated(key: str, stored: Stored, fingerprint: str) -> Any:
    if stored.fingerprint != fingerprint:
        raise KeyReused(key)
    return stored.result
