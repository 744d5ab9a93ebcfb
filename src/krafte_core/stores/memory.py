"""The default store: the books in memory, safe for threads, gone with the process."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Sequence
from datetime import datetime

from krafte_core.books import Books
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.events import Event
from krafte_core.store import LEASE, Changes, Leased, Reader

SINCE = ("now", "beginning")


class MemoryOutbox:
    """Events in a list; every subscriber has a box of its own, a cursor and the ids that somebody is handling.

    Events of one document are leased in order: while one is out, the later ones of its document wait.
    """

    def __init__(self, lock: threading.RLock) -> None:
        """Shares the store's lock, so that an event is there exactly when its command is."""
        self._lock = lock
        self._events: list[Event] = []
        self._cursor: dict[str, int] = {}
        self._again: dict[str, dict[int, None]] = {}
        self._out: dict[str, dict[int, tuple[str, datetime]]] = {}

    def add(self, events: Iterable[Event]) -> None:
        """Put events in, in order."""
        self._events += events

    def subscribe(self, name: str, since: str) -> None:
        """See `Outbox`."""
        if since not in SINCE:
            raise InvalidInput("since", since, "'now' or 'beginning'")
        with self._lock:
            if name not in self._cursor:
                self._cursor[name] = len(self._events) if since == "now" else 0
                self._again[name], self._out[name] = {}, {}

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
                event = self._events[place]
                if len(leased) < limit and event.document not in busy:
                    leased.append(Leased(place, event))
                    del again[place]
                else:
                    busy.add(event.document)
            while len(leased) < limit and self._cursor[name] < len(self._events):
                place = self._cursor[name]
                self._cursor[name] += 1
                event = self._events[place]
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

    def give_back(self, name: str, ids: Iterable[int]) -> None:
        """See `Outbox`."""
        with self._lock:
            out, again = self._box(name)
            back = {place: None for place in ids if out.pop(place, None) is not None}
            self._again[name] = dict.fromkeys(sorted({**again, **back}))

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
        self._books = Books()
        self._counters: dict[str, int] = {}
        self._snapshots: weakref.WeakSet[Snapshot] = weakref.WeakSet()
        self._watched = False
        self._readings = 0
        self._reading = Reading(self)
        self.outbox = MemoryOutbox(self._lock)

    def reading(self) -> Reading:
        """One moment of the books: nobody commits while it lasts."""
        return self._reading

    def begin(self) -> Reader:
        """Keep everybody else out, until `end`."""
        self._lock.acquire()
        self._readings += 1
        return self._books

    def end(self) -> None:
        """Let the others in."""
        self._readings -= 1
        self._lock.release()

    def snapshot(self) -> Snapshot:
        """One moment of the books for as long as the snapshot is kept; it costs nothing until somebody commits."""
        with self._lock:
            kept = Snapshot(self._books)
            self._snapshots.add(kept)
            self._watched = True
            return kept

    def commit(self, changes: Changes) -> None:
        """See `Store`."""
        with self._lock:
            if self._readings or (self._watched and self._snapshots):  # a reading of this very thread: the lock keeps out all others
                self._books = self._books.copy()
                self._snapshots.clear()
            self._watched = False
            self._books.apply(changes)
            self.outbox.add(changes.events)

    def take_numbers(self, series: str, count: int) -> int:
        """See `Store`."""
        with self._lock:
            first = self._counters.get(series, 0) + 1
            self._counters[series] = first + count - 1
            return first

    def close(self) -> None:
        """Nothing to let go of."""


class Reading:
    """A `with` over the store's lock."""

    def __init__(self, store: MemoryStore) -> None:
        """Of this store."""
        self._store = store

    def __enter__(self) -> Reader:
        """The books, while nobody else writes."""
        return self._store.begin()

    def __exit__(self, *error: object) -> None:
        """Let the others in."""
        self._store.end()


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
