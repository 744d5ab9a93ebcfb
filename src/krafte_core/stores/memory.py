"""The default store: the books in memory, safe for threads, gone with the process."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import attrs

from krafte_core.books import Books
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.events import Event
from krafte_core.store import LEASE, Changes, DeadLetter, Leased, Reader

SINCE = ("now", "beginning")


class MemoryOutbox:
    """Events in a list; every subscriber has a box of its own, a cursor and the ids that somebody is handling.

    Events are kept field by field in one long list: there is nothing of each for the garbage collector to learn.
    Events of one document are leased in order: while one is out, the later ones of its document wait.
    """

    def __init__(self, lock: threading.RLock) -> None:
        """Shares the store's lock, so that an event is there exactly when its command is."""
        self._lock = lock
        self._fields: list[Any] = []
        self._starts: list[int] = []
        """Where the fields of each event begin, with the number of its kind."""
        self._kinds: dict[type[Event], tuple[int, Callable[[Event], tuple[Any, ...]]]] = {}
        self._cursor: dict[str, int] = {}
        self._again: dict[str, dict[int, None]] = {}
        self._out: dict[str, dict[int, tuple[str, datetime]]] = {}
        self._failed: dict[str, dict[int, tuple[int, str]]] = {}
        self._dead: dict[str, dict[int, None]] = {}

    def add(self, events: Iterable[Event]) -> None:
        """Put events in, in order."""
        rows, kinds = self._fields, self._kinds
        for event in events:
            number, fields = kinds.get(type(event)) or self._kind(type(event))
            self._starts.append(len(rows))
            rows.append(number)
            rows += fields(event)

    def redact(self, rewrite: Callable[[Any], Any]) -> None:
        """Replace every event by what the function makes of it."""
        events = [rewrite(self._event(place)) for place in range(len(self._starts))]
        self._fields, self._starts = [], []
        self.add(events)

    def subscribe(self, name: str, since: str) -> None:
        """See `Outbox`."""
        if since not in SINCE:
            raise InvalidInput("since", since, "'now' or 'beginning'")
        with self._lock:
            if name not in self._cursor:
                self._cursor[name] = len(self._starts) if since == "now" else 0
                self._again[name], self._out[name], self._failed[name], self._dead[name] = {}, {}, {}, {}

    def lease(self, name: str, limit: int, now: datetime) -> Sequence[Leased]:
        """See `Outbox`."""
        with self._lock:
            dead = [place for place, (_, until) in self._box(name)[0].items() if until <= now]
            if dead:
                self.give_back(name, dead)
            out, again = self._box(name)
            busy = {document for document, _ in out.values()}
            leased: list[Leased] = []
            for place in [*again]:
                event = self._event(place)
                if len(leased) < limit and event.document not in busy:
                    leased.append(Leased(place, event))
                    del again[place]
                else:
                    busy.add(event.document)
            while len(leased) < limit and self._cursor[name] < len(self._starts):
                place = self._cursor[name]
                self._cursor[name] += 1
                event = self._event(place)
                if event.document in busy:
                    again[place] = None
                else:
                    leased.append(Leased(place, event))
            out.update((row.id, (row.event.document, now + LEASE)) for row in leased)
            return leased

    def settle(self, name: str, ids: Iterable[int]) -> None:
        """See `Outbox`."""
        with self._lock:
            out, again = self._box(name)
            for place in ids:
                out.pop(place, None)
                again.pop(place, None)
                self._failed[name].pop(place, None)
                self._dead[name].pop(place, None)

    def give_back(self, name: str, ids: Iterable[int]) -> None:
        """See `Outbox`."""
        with self._lock:
            out, again = self._box(name)
            back = {place: None for place in ids if out.pop(place, None) is not None}
            self._again[name] = dict.fromkeys(sorted({**again, **back}))

    def failed(self, name: str, id: int, problem: str) -> int:
        """See `DeadLetters`."""
        with self._lock:
            if id not in self._box(name)[0]:
                return 0
            tries = self._failed[name].get(id, (0, ""))[0] + 1
            self._failed[name][id] = (tries, problem)
            self.give_back(name, [id])
            return tries

    def bury(self, name: str, id: int) -> None:
        """See `DeadLetters`."""
        with self._lock:
            out, again = self._box(name)
            if out.pop(id, None) is not None or again.pop(id, 0) is None:
                self._dead[name][id] = None

    def dead(self, name: str) -> Sequence[DeadLetter]:
        """See `DeadLetters`."""
        with self._lock:
            self._box(name)
            failed = self._failed[name]
            return [DeadLetter(place, self._event(place), *failed.get(place, (0, ""))) for place in sorted(self._dead[name])]

    def revive(self, name: str, ids: Iterable[int]) -> None:
        """See `DeadLetters`."""
        with self._lock:
            again = self._box(name)[1]
            back = {place: None for place in ids if self._dead[name].pop(place, 0) is None}
            self._again[name] = dict.fromkeys(sorted({**again, **back}))

    def _event(self, place: int) -> Event:
        start, *after = self._starts[place : place + 2]
        kind, *fields = self._fields[start : after[0] if after else None]
        event: Event = [*self._kinds][kind](*fields)
        return event

    def _kind(self, kind: type[Event]) -> tuple[int, Callable[[Event], tuple[Any, ...]]]:
        """The number of a kind of event, which stands for it in the list, and how to read all its fields in one go."""
        found = self._kinds[kind] = len(self._kinds), attrgetter(*[field.name for field in attrs.fields(kind)])
        return found

    def _box(self, name: str) -> tuple[dict[int, tuple[str, datetime]], dict[int, None]]:
        if name not in self._cursor:
            raise Unknown("subscriber", name, tuple(self._cursor))
        return self._out[name], self._again[name]


class MemoryStore:
    """Books, outbox and counters under one lock.

    A reader that outlives its `with` (a fork) keeps its moment: the first commit after it goes to a copy.

    >>> store = MemoryStore()
    >>> store.take_numbers("PB-2026-11", 2), store.take_numbers("PB-2026-11", 1)
    (1, 3)
    """

    def __init__(self) -> None:
        """Empty."""
        self._lock = threading.RLock()
        self._reading = Reading(self._lock, Books())
        self._counters: dict[str, int] = {}
        self._snapshots: weakref.WeakSet[Snapshot] = weakref.WeakSet()
        self._watched = False
        self.outbox = MemoryOutbox(self._lock)

    def reading(self) -> Reading:
        """One moment of the books: nobody commits while it lasts."""
        return self._reading

    def snapshot(self) -> Snapshot:
        """One moment of the books for as long as the snapshot is kept; it costs nothing until somebody commits."""
        with self._lock:
            kept = Snapshot(self._reading.books)
            self._snapshots.add(kept)
            self._watched = True
            return kept

    def commit(self, changes: Changes) -> None:
        """See `Store`."""
        with self._lock:
            reading = self._reading
            if reading.depth or (self._watched and self._snapshots):  # a reading of this very thread: the lock keeps out all others
                reading.books = reading.books.copy()
                self._snapshots.clear()
            self._watched = False
            reading.books.apply(changes)
            self.outbox.add(changes.events)

    def take_numbers(self, series: str, count: int) -> int:
        """See `Store`."""
        with self._lock:
            first = self._counters.get(series, 0) + 1
            self._counters[series] = first + count - 1
            return first

    def redact(self, rewrite: Callable[[Any], Any]) -> None:
        """See `Store`."""
        with self.reading() as reader:
            books: Any = reader
            books.redact(rewrite)
            self.outbox.redact(rewrite)

    def close(self) -> None:
        """Nothing to let go of."""


class Reading:
    """The books as they are now, behind the store's lock; `depth` tells how many readings are going on."""

    __slots__ = ("_lock", "books", "depth")

    def __init__(self, lock: threading.RLock, books: Books) -> None:
        """Nobody reads yet."""
        self._lock = lock
        self.books = books
        self.depth = 0

    def __enter__(self) -> Reader:
        """The books, while nobody else writes."""
        self._lock.acquire()
        self.depth += 1
        return self.books

    def __exit__(self, *error: object) -> None:
        """Let the others in."""
        self.depth -= 1
        self._lock.release()


class Snapshot:
    """A moment of the books that a fork holds on to."""

    def __init__(self, books: Books) -> None:
        """Of these books, as they are."""
        self.reader: Reader = books


def open_store(url: str) -> MemoryStore:
    """A new store for the URL `memory:`; two shops never share one.

    Raises:
        InvalidInput: (`invalid_input`) a URL with more than the scheme.

    >>> type(open_store("memory:")).__name__
    'MemoryStore'
    """
    if url != "memory:":
        raise InvalidInput("url", url, "'memory:'")
    return MemoryStore()
