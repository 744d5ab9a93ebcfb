"""The connections of a store of its own: kept ready between commands, and each command its own transaction."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from krafte_core.errors import StoreFailed
from krafte_core.stores.sql._session import READ, WRITE, Names, Session, in_our_words

IDLE = 5
"""How many connections lie ready without going through the pool."""


class Nobody:
    """A turn that nobody waits for."""

    def acquire(self) -> None:
        """At once."""

    def release(self) -> None:
        """Nobody waited."""


class Connections:
    """Sessions for one tenant of an engine in autocommit.

    Going through the pool costs as much as three statements on SQLite, so an engine of our own has some sessions lie ready.
    """

    def __init__(self, engine: Engine, names: Names, *, own: bool) -> None:
        """None yet."""
        self._engine = engine
        self._own = own
        self._idle: list[Session] = []
        self.names = names
        self.tenant = 0
        self.sqlite = names.dialect.name == "sqlite"
        self.lazy = own and self.sqlite
        """Whether numbers need not wait for the disk by themselves: a host's engine may have settings of its own."""
        # SQLite lets waiting writers sleep and try again, whoever is lucky; threads of one process queue up here instead.
        self.turn: Any = threading.Lock() if self.sqlite else Nobody()

    def __len__(self) -> int:
        """How many lie ready."""
        return len(self._idle)

    def take(self) -> Session:
        """A session that lies ready, or a new one; `give_back` takes it again."""
        while self._idle:
            try:
                session = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if session.process == os.getpid():  # after a fork of the process it is the parent's
                session.listen()
                return session
        with in_our_words("be opened"):
            return Session(self._engine.connect(), self.names, self.tenant)

    def give_back(self, session: Session) -> None:
        """Keep the connection for the next, if it is ours and still good."""
        if self._own and len(self._idle) < IDLE and session.is_good:
            self._idle.append(session)
        else:
            session.connection.close()

    def close(self) -> None:
        """Let go of those that lie ready; of an engine of our own also what the pool has."""
        while self._idle:
            self._idle.pop().connection.close()
        if self._own:
            self._engine.dispose()


class Reading:
    """A session in a transaction that sees one moment, for the length of a `with`; `begin` makes the reader."""

    __slots__ = ("_begin", "_connections", "_session")

    def __init__(self, connections: Connections, begin: Callable[[Session], Any]) -> None:
        """Not begun."""
        self._connections = connections
        self._begin = begin

    def __enter__(self) -> Any:
        """Begin; where the connection that lay ready was lost meanwhile, on a new one: nothing was asked yet."""
        try:
            return self._begun()
        except StoreFailed as problem:
            if not problem.lost:
                raise
        self._connections.close()
        return self._begun()

    def _begun(self) -> Any:
        session = self._session = self._connections.take()
        try:
            with READ:
                return self._begin(session)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *error: object) -> None:
        """End; there is nothing to commit."""
        end(self._session, "COMMIT")
        self._connections.give_back(self._session)


class Alone:
    """A session for one statement, which is a transaction of its own."""

    __slots__ = ("_connections", "_durable", "_session")

    def __init__(self, connections: Connections, *, durable: bool = True) -> None:
        """What is not `durable` waits for the disk with the next that is."""
        self._connections = connections
        self._durable = durable

    def __enter__(self) -> Session:
        """Wait for the turn."""
        self._connections.turn.acquire()
        try:
            session = self._session = self._connections.take()
        except BaseException:
            self._connections.turn.release()
            raise
        if not self._durable:
            end(session, "PRAGMA synchronous = NORMAL")
        return session

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        """Let the next one in, and say in our words what went wrong."""
        try:
            if not self._durable:
                end(self._session, "PRAGMA synchronous = FULL")
            self._connections.give_back(self._session)
        finally:
            self._connections.turn.release()
        WRITE.__exit__(kind, problem, trace)


class Writing(Alone):
    """A session in a transaction of its own, for the length of a `with`: all of it or nothing."""

    __slots__ = ()

    def __enter__(self) -> Session:
        """Begin; on SQLite as the one who writes."""
        session = super().__enter__()
        try:
            with WRITE:
                session.run("BEGIN IMMEDIATE" if self._connections.sqlite else "BEGIN")
        except BaseException:
            super().__exit__(None, None, None)
            raise
        return session

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        """Commit, or take everything back."""
        try:
            if problem is None:
                with WRITE:
                    self._session.run("COMMIT")
            else:
                end(self._session, "ROLLBACK")
        except BaseException:
            end(self._session, "ROLLBACK")
            raise
        finally:
            super().__exit__(kind, problem, trace)


def end(session: Session, word: str) -> None:
    """Say a last word to a connection that may be gone."""
    try:
        session.run(word)
    except DBAPIError:
        session.connection.invalidate()
