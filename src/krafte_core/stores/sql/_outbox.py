"""The outbox in a database: a box has a row per event that waits in it or is out, written with the command that the event tells of.

So there is no cursor that could pass over an event whose transaction ends late. A new box waits for the writers that are under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from krafte_core.errors import InvalidInput, Unknown
from krafte_core.store import LEASE, DeadLetter, Leased
from krafte_core.stores.sql._dialects import readable
from krafte_core.stores.sql._session import Session
from krafte_core.stores.sql._values import LARGEST, instant
from krafte_core.wire import dumps, loads

DEAD = LARGEST
"""A dead letter is out until the end of time, and holds up nobody."""


class Writing(Protocol):
    """What gives a session in a transaction of its own."""

    def writing(self) -> AbstractContextManager[Session]:
        """All of it or nothing."""


class SqlOutbox:
    """See `Outbox`."""

    def __init__(self, store: Writing) -> None:
        """Of this store."""
        self._writing = store.writing

    def subscribe(self, name: str, since: str) -> None:
        """See `Outbox`."""
        if since not in {"now", "beginning"}:
            raise InvalidInput("since", since, "'now' or 'beginning'")
        with self._writing() as session:
            if session.rows("SELECT 1 FROM {boxes} WHERE tenant = ? AND name = ?", name):
                return
            if session.names.dialect.name == "postgresql":
                session.run("LOCK TABLE {events} IN SHARE MODE").close()  # until everybody who is writing events now is done
            opened = "INSERT INTO {boxes} (tenant, name) VALUES (?, ?) ON CONFLICT DO NOTHING"
            if session.run(opened, (session.tenant, name)).rowcount and since == "beginning":
                every = """INSERT INTO {waiting} (tenant, box, id, document, until, tries)
                    SELECT tenant, ?, id, document, 0, 0 FROM {events} WHERE tenant = ?"""
                session.run(every, (name, session.tenant))

    def lease(self, name: str, limit: int, now: datetime) -> Sequence[Leased]:
        """See `Outbox`."""
        with self._writing() as session:
            self._lock(session, name)
            at = instant(now)
            asked = """SELECT w.id, e.body FROM {waiting} w JOIN {events} e ON e.tenant = w.tenant AND e.id = w.id
                WHERE w.tenant = ? AND w.box = ? AND w.until <= ? AND NOT EXISTS (
                    SELECT 1 FROM {waiting} o WHERE o.tenant = w.tenant AND o.box = w.box AND o.document = w.document
                    AND o.until > ? AND o.until < ?) ORDER BY w.id LIMIT ?"""
            rows = session.rows(asked, name, at, at, DEAD, limit)
            self._until(session, name, [row[0] for row in rows], at + LEASE.total_seconds() * 1_000_000)
        return [Leased(place, loads(body)) for place, body in rows]

    def settle(self, name: str, ids: Iterable[int]) -> None:
        """See `Outbox`."""
        places = [*ids]
        if places:
            with self._writing() as session:
                gone = f"DELETE FROM {{waiting}} WHERE tenant = ? AND box = ? AND id IN ({_listed(places)})"
                session.run(gone, (session.tenant, name)).close()

    def give_back(self, name: str, ids: Iterable[int]) -> None:
        """See `Outbox`."""
        with self._writing() as session:
            self._until(session, name, [*ids], 0)

    # dead letters -----------------------------------------------------------------------------------------------------

    def failed(self, name: str, id: int, problem: str) -> int:
        """See `DeadLetters`."""
        with self._writing() as session:
            again = """UPDATE {waiting} SET until = 0, tries = tries + 1, problem = ?
                WHERE tenant = ? AND box = ? AND id = ? AND until > 0 RETURNING tries"""
            row = session.run(again, (problem, session.tenant, name, id)).fetchone()
        return int(row[0]) if row else 0

    def bury(self, name: str, id: int) -> None:
        """See `DeadLetters`."""
        with self._writing() as session:
            self._until(session, name, [id], DEAD)

    def dead(self, name: str) -> Sequence[DeadLetter]:
        """See `DeadLetters`."""
        with self._writing() as session:
            self._lock(session, name)
            asked = """SELECT w.id, e.body, w.tries, w.problem FROM {waiting} w JOIN {events} e ON e.tenant = w.tenant AND e.id = w.id
                WHERE w.tenant = ? AND w.box = ? AND w.until = ? ORDER BY w.id"""
            rows = session.rows(asked, name, DEAD)
        return [DeadLetter(place, loads(body), tries, problem or "") for place, body, tries, problem in rows]

    def revive(self, name: str, ids: Iterable[int]) -> None:
        """See `DeadLetters`."""
        with self._writing() as session:
            self._until(session, name, [*ids], 0, "AND until = ?", DEAD)

    def _until(self, session: Session, name: str, places: Sequence[int], until: float, also: str = "", *values: int) -> None:
        if places:
            statement = f"UPDATE {{waiting}} SET until = ? WHERE tenant = ? AND box = ? AND id IN ({_listed(places)}) {also}"
            session.run(statement, (int(until), session.tenant, name, *values)).close()

    def _lock(self, session: Session, name: str) -> None:
        """One worker of a box after the other, for as long as it takes to lease."""
        strength = " FOR UPDATE" if session.names.dialect.name == "postgresql" else ""
        found = readable([name]) and session.rows(f"SELECT 1 FROM {{boxes}} WHERE tenant = ? AND name = ?{strength}", name)
        if not found:
            names = session.rows("SELECT name FROM {boxes} WHERE tenant = ? ORDER BY name")
            raise Unknown("subscriber", name, tuple(row[0] for row in names))


def redact(session: Session, rewrite: Callable[[Any], Any]) -> None:
    """Replace every event and every result by what the function makes of it, some at a time."""
    for table, key, first in (("events", "id", -1), ("results", "key", "")):
        asked = f"SELECT {key}, body FROM {{{table}}} WHERE tenant = ? AND {key} > ? ORDER BY {key} LIMIT 500"
        replace = f"UPDATE {{{table}}} SET body = ? WHERE tenant = ? AND {key} = ?"
        last: Any = first
        while rows := session.rows(asked, last):
            for place, body in rows:
                changed = dumps(rewrite(loads(body)))
                if changed != body:
                    session.run(replace, (changed, session.tenant, place)).close()
            last = rows[-1][0]


def _listed(places: Sequence[int]) -> str:
    return ", ".join(str(int(place)) for place in places)
