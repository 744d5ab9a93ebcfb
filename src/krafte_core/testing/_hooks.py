"""What a host tells the contract about its store, and what the promises need to ask it."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, ClassVar, TypeVar

import pytest

from krafte_core.store import Changes, Reader, Store
from krafte_core.testing.samples import DAY, everything

WAIT = 60
"""Seconds after which a thread or process that hangs is a failure."""
Answer = TypeVar("Answer")


class Hooks:
    """The store under test, and how it is opened again."""

    processes: ClassVar[bool] = False
    """Whether several processes may have the same data open at the same time; then there is an `opener`, too."""
    workers: ClassVar[int] = 4
    """How many processes try it."""

    def make_store(self) -> Store:
        """A new, empty store, independent of all others; asked for more than once within a test."""
        raise NotImplementedError("make_store() gives the store to try: a new and empty one each time")

    def opener(self, store: Store) -> Callable[[], Store] | None:
        """What opens the same data again, in this process or another one; None for a store that lives no longer than its object.

        It can be pickled: `functools.partial(MyStore, store.path)`.
        """
        return None

    def reopen(self, store: Store) -> Store | None:
        """The same data, closed and opened again; None (or `NotImplemented`) for a store that does not keep them."""
        again = self.opener(store)
        if again is None:
            return None
        store.close()
        return again()

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """A new and empty store, closed after the test."""
        made = self.make_store()
        yield made
        made.close()

    @pytest.fixture(scope="class")
    @classmethod
    def pool(cls) -> Iterator[ProcessPoolExecutor]:
        """Processes that begin from nothing, as the workers of a host do."""
        with ProcessPoolExecutor(cls.workers, mp_context=multiprocessing.get_context("spawn")) as executor:
            yield executor

    def again(self, store: Store) -> Store:
        """Close and open again, or skip the test."""
        found: Any = self.reopen(store)
        if found is None or found is NotImplemented:
            pytest.skip("the store does not say how it is opened again (`opener` or `reopen`)")
        return found  # type: ignore[no-any-return]

    def shared(self, store: Store) -> Callable[[], Store]:
        """What other processes open the store with, or skip the test."""
        if not self.processes:
            pytest.skip("the store is not shared by processes (`processes = True`)")
        found = self.opener(store)
        assert found is not None, "a store that is shared by processes has an `opener`"
        return found


def told(store: Store) -> dict[str, Any]:
    """All that the store tells about the small world at this moment."""
    with store.reading() as reader:
        return everything(reader)


def ask(store: Store, question: Callable[[Reader], Answer]) -> Answer:
    """One question in a reading of its own."""
    with store.reading() as reader:
        return question(reader)


def commit(store: Store, *changes: Changes) -> None:
    """Commit in order."""
    for one in changes:
        store.commit(one)


def at_once(*jobs: Callable[[], Answer]) -> Sequence[Answer]:
    """Run each job in a thread of its own, all beginning at the same moment; what one raises is raised here."""
    ready, answers, problems = threading.Barrier(len(jobs)), {}, []

    def run(place: int, job: Callable[[], Answer]) -> None:
        ready.wait(WAIT)
        try:
            answers[place] = job()
        except Exception as problem:  # noqa: BLE001 - it is raised again, in the thread of the test
            problems.append(problem)

    threads = [threading.Thread(target=run, args=row, daemon=True) for row in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive(), f"a thread still waits after {WAIT} s: a lock is held for ever"
    if problems:
        raise problems[0]
    return [answers[place] for place in sorted(answers)]


def heard(store: Store, name: str, limit: int = 100, *, settle: bool = True, now: Any = DAY) -> list[tuple[str, Any]]:
    """Lease once: the documents and what was said about them; by default settled at once."""
    leased = store.outbox.lease(name, limit, now)
    if settle:
        store.outbox.settle(name, [row.id for row in leased])
    return [(row.event.document, getattr(row.event, "customer", None)) for row in leased]
