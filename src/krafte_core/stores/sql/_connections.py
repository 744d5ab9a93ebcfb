"""The connections of a store of its own: kept ready between commands, and each command its own transaction."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from krafte_core.errors import Conflict, StoreFailed
from krafte_core.stores.sql._log import HAS_LOCKS, Log
from krafte_core.stores.sql._session import READ, WRITE, Names, Session, in_our_words

IDLE = 5
"""How many connections lie ready without going through the pool."""


class Nobody:
    """A turn that nobody waits for."""

    def acquire(self) -> None:
        """At once."""

    def release(self) -> None:
        """Nobody waited."""


def _turn(engine: Engine, *, own: bool) -> Any:
    """Where writers of a SQLite file wait; what a host's engine does about the disk is the host's."""
    file = str(engine.url.database)
    return Log(Path(file).resolve()) if own and HAS_LOCKS and not file.startswith("file:") else threading.Lock()


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
        self.turn: Any = _turn(engine, own=own) if self.sqlite else Nobody()
        self.flushes = isinstance(self.turn, Log)
        """Whether a commit waits for the disk when the next writer is let in, not before."""

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
            session = Session(self._engine.connect(), self.names, self.tenant)
            if self.flushes:
                session.run("PRAGMA synchronous = NORMAL").close()
        return session

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
        if isinstance(self.turn, Log):
            self.turn.close()


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


class Deciding:
    """A reading for a command: its moment begins with the first question, and until then it has no connection.

    SQLite writes over its log only where nobody reads, and a number is often all that a command waits for. What is known before is
    the catalogue: if it is another one by then, the command is decided again.
    """

    __slots__ = ("_connections", "_moment", "_reader", "_session")

    def __init__(self, connections: Connections, moment: Callable[[Session], Any]) -> None:
        """`moment` makes the reader."""
        self._connections = connections
        self._moment = moment
        self._session: Session | None = None

    def __enter__(self) -> Any:
        """Look at the catalogue."""
        session = self._connections.take()
        try:
            with READ:
                reader = self._reader = self._moment(session)
        finally:
            self._connections.give_back(session)
        reader.wait(self._begun)
        return reader

    def _begun(self) -> Session:
        session = self._session = self._connections.take()
        with READ:
            session.run("BEGIN")
            now = self._moment(session)
        self._reader.begin_as(now)
        if now.catalogue_revision() != self._reader.catalogue_revision():
            raise Conflict("the catalogue")
        return session

    def __exit__(self, *error: object) -> None:
        """End, if it has begun."""
        if self._session is not None:
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
        return session

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        """Leave, and say in our words what went wrong."""
        self._leave(stored=problem is None)
        WRITE.__exit__(kind, problem, trace)

    def _leave(self, *, stored: bool) -> None:
        """Let the next one in, and wait for the disk while that one writes."""
        connections = self._connections
        connections.turn.release()
        try:
            if stored and self._durable and connections.flushes:
                connections.turn.flush()
        finally:
            connections.give_back(self._session)


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
            self._leave(stored=False)
            raise
        return session

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        """Commit, or take everything back."""
        stored = False
        try:
            if problem is None:
                with WRITE:
                    self._session.run("COMMIT")
                stored = True
            else:
                end(self._session, "ROLLBACK")
        except BaseException:
            end(self._session, "ROLLBACK")
            raise
        finally:
            self._leave(stored=stored)
        WRITE.__exit__(kind, problem, trace)


def end(session: Session, word: str) -> None:
    """Say a last word to a connection that may be gone."""
    try:
        session.run(word)
    except DBAPIError:
        session.connection.invalidate()
