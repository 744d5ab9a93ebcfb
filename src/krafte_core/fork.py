"""What-if: a store laid over a moment of another; whatever happens on it stays on it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from krafte_core.books import Books
from krafte_core.store import Changes, Leased, Reader


class Moment(Protocol):
    """A reader that stays as it is for as long as the moment is kept."""

    reader: Reader


class DraftOutbox:
    """Events of a fork are never delivered."""

    def subscribe(self, name: str, since: str) -> None:
        """Nobody hears from a fork."""

    def lease(self, name: str, limit: int, now: datetime) -> Sequence[Leased]:
        """Nothing."""
        return ()

    def settle(self, name: str, ids: Iterable[int]) -> None:
        """Nothing to settle."""

    def give_back(self, name: str, ids: Iterable[int]) -> None:
        """Nothing to give back."""


class ForkStore:
    """A store over a moment of another store: reads fall through, commits stay here, numbers are drafts of its own."""

    def __init__(self, moment: Moment) -> None:
        """Over this moment, which it keeps."""
        self._moment = moment
        self._books = Books(moment.reader)
        self._counters: dict[str, int] = {**moment.counters} if isinstance(moment, _Kept) else {}
        self._lock = threading.RLock()
        self.outbox = DraftOutbox()
        self.committed: list[Changes] = []
        self._readings = 0

    @property
    def before(self) -> Reader:
        """The moment that the fork stands on, as it was before anything was tried."""
        return self._moment.reader

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """One moment of the fork."""
        with self._lock:
            self._readings += 1
            try:
                yield self._books
            finally:
                self._readings -= 1

    def snapshot(self) -> Moment:
        """A fork of the fork reads it as it is now."""
        with self._lock:
            return _Kept(self._books.copy(), {**self._counters}, self._moment)

    def commit(self, changes: Changes) -> None:
        """See `Store`."""
        with self._lock:
            if self._readings:  # by this very thread: what it reads stays as it was
                self._books = self._books.copy()
            self._books.apply(changes)
            self.committed.append(changes)

    def take_numbers(self, series: str, count: int) -> int:
        """See `Store`."""
        with self._lock:
            first = self._counters.get(series, 0) + 1
            self._counters[series] = first + count - 1
            return first

    def close(self) -> None:
        """Let go of the moment, where it holds a connection; after that there is nothing to read."""
        close = getattr(self._moment, "close", None)
        if close is not None:
            close()


class _Kept:
    """A moment of a fork: it goes on counting where the fork was, and keeps the moment that the fork stands on."""

    def __init__(self, reader: Reader, counters: dict[str, int], below: Moment) -> None:
        self.reader = reader
        self.counters = counters
        self.below = below
