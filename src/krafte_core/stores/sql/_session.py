"""A connection at work: statements written once per prefix, sent in the words of the database, errors in the words of the library."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from types import SimpleNamespace, TracebackType
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from krafte_core.errors import Conflict, InvalidInput, OutOfRange, StoreFailed
from krafte_core.stores.sql._dialects import DIALECTS, Dialect
from krafte_core.stores.sql.tables import NAMES

AGAIN = {"40001", "40P01", "55P03"}
"""SQLSTATEs of PostgreSQL after which the command is decided again: serialization, deadlock, a lock that was not to be had."""
TOO_LARGE, NOT_TEXT = "22003", {"22021", "22P05"}
_GUARD = re.compile(r'"guard (\w+)"')


class Names:
    """The tables under a prefix and in a schema, and every statement made for them so far."""

    def __init__(self, dialect: str, prefix: str, schema: str | None) -> None:
        """Of one database."""
        self.dialect: Dialect = DIALECTS[dialect]()
        self.prefix = prefix
        self.schema = schema
        begin = f"{schema}.{prefix}" if schema else prefix
        self.of = {name: begin + name for name in (*NAMES, "commits", "version")}
        self.made: dict[str, str] = {}

    def sql(self, statement: str) -> str:
        """A statement with the names of its tables in place of `{papers}`, ready for the driver."""
        made = self.made.get(statement)
        if made is None:
            dialect = self.dialect
            given = {**self.of, "many": dialect.many, "pairs": dialect.pairs, "triples": dialect.triples}
            given |= {"among": dialect.among, "found": dialect.found}
            given |= {name: getattr(dialect, name).format(prefix=self.prefix) for name in ("by_document", "by_lot", "by_place")}
            made = self.made[statement] = dialect.sql(statement.format_map(given))
        return made


class Session:
    """One connection of a store: runs statements.

    They go to the driver's cursor directly: SQLAlchemy's own way describes every result anew, which costs more than SQLite needs to
    find it. Listeners of the host (`before_cursor_execute`, `after_cursor_execute`) hear of every statement all the same.
    """

    __slots__ = ("_heard", "_made", "connection", "cursor", "names", "process", "tenant")

    def __init__(self, connection: Connection, names: Names, tenant: int) -> None:
        """For one tenant."""
        self.connection = connection
        self.names = names
        self.tenant = tenant
        self.process = os.getpid()
        self.cursor: Callable[[], Any] = names.dialect.cursors(connection.connection.driver_connection)
        self._made = names.made
        self.listen()

    @property
    def is_good(self) -> bool:
        """Whether the connection was not lost."""
        return not (self.connection.invalidated or self.connection.closed)

    def listen(self) -> None:
        """Look again whether anybody listens: the host may have come later than the connection."""
        events = self.connection.dispatch
        self._heard = bool(events.before_cursor_execute or events.after_cursor_execute)

    def run(self, statement: str, parameters: Any = ()) -> Any:
        """The driver's cursor after a statement that is written with `{table}` and `?`."""
        sql = self._made.get(statement) or self.names.sql(statement)
        cursor = self.cursor()
        try:
            if self._heard:
                self._told(cursor, sql, parameters, many=False)
            else:
                cursor.execute(sql, parameters)
        except Exception as problem:
            raise self._reported(problem, sql, cursor) from problem
        return cursor

    def run_many(self, statement: str, rows: Sequence[Any]) -> int:
        """Run a statement once for every row of parameters; how many rows of the table it met."""
        sql = self._made.get(statement) or self.names.sql(statement)
        cursor = self.cursor()
        try:
            if self._heard:
                self._told(cursor, sql, rows, many=True)
            else:
                cursor.executemany(sql, rows)
        except Exception as problem:
            raise self._reported(problem, sql, cursor) from problem
        return int(cursor.rowcount)

    def rows(self, statement: str, *parameters: Any) -> Sequence[Any]:
        """All rows of a question about the tenant: its number is the first parameter."""
        return self.run(statement, (self.tenant, *parameters)).fetchall()  # type: ignore[no-any-return]

    def _told(self, cursor: Any, sql: str, parameters: Any, *, many: bool) -> None:
        """Run a statement, and say so to the listeners before and after."""
        told = SimpleNamespace(executemany=many, statement=sql, parameters=parameters)
        events = self.connection.dispatch
        for hear in events.before_cursor_execute:
            sql, parameters = hear(self.connection, cursor, sql, parameters, told, many)
        (cursor.executemany if many else cursor.execute)(sql, parameters)
        for hear in events.after_cursor_execute:
            hear(self.connection, cursor, sql, parameters, told, many)

    def _reported(self, problem: Exception, sql: str, cursor: Any) -> Exception:
        """The driver's error as SQLAlchemy's; a connection that is gone is not used again."""
        dialect = self.connection.dialect
        dbapi: Any = dialect.dbapi
        if not isinstance(problem, dbapi.Error):
            return problem
        lost = dialect.is_disconnect(problem, self.connection.connection.driver_connection, cursor)
        if lost:
            self.connection.invalidate(problem)
        told = DBAPIError.instance(sql, None, problem, dbapi.Error, connection_invalidated=lost, dialect=dialect)
        return told if isinstance(told, Exception) else problem


class Waiting:
    """A session whose transaction begins with the first question to it."""

    def __init__(self, begin: Callable[[], Session]) -> None:
        """`begin` gives the session, once."""
        self._begin = begin
        self._begun: Session | None = None

    def rows(self, statement: str, *parameters: Any) -> Sequence[Any]:
        """See `Session`."""
        return self.start().rows(statement, *parameters)

    def __getattr__(self, name: str) -> Any:
        """Everything else of the session, when it has begun."""
        return getattr(self.start(), name)

    def start(self) -> Session:
        """The session, which has begun."""
        if self._begun is None:
            self._begun = self._begin()
        return self._begun


class Gone:
    """In place of a session that was given back."""

    def __init__(self, session: Session) -> None:
        """This one."""
        self.names, self.tenant = session.names, session.tenant

    def run(self, *given: Any) -> Any:
        """Nothing can be asked any more."""
        raise StoreFailed("read", "the fork, or the workshop under it, is closed")

    rows = run


def failed_guard(problem: DBAPIError) -> str | None:
    """The name of the guard that failed, where the statement of a commit failed for that."""
    found = _GUARD.search(str(problem.orig))
    return found[1] if found else None


class in_our_words:  # noqa: N801 - reads as a function, and is one but for its speed
    """Errors of the database as errors of the library, for the length of a `with`.

    Raises:
        Conflict: (`conflict`) a guard failed, or the database broke a tie between writers.
        OutOfRange: (`out_of_range`) an amount beyond 64 bits. InvalidInput: (`invalid_input`) a text that it cannot hold.
        StoreFailed: (`store_failed`) everything else: the disk, the file, the connection.
    """

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        """What the store was about to do."""
        self._doing = doing

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        """Say it in our words."""
        if problem is None:
            return
        if isinstance(problem, DBAPIError):
            raise translated(problem, self._doing) from problem
        if isinstance(problem, UnicodeEncodeError):
            raise InvalidInput("text", problem.object, "text without half surrogates") from problem
        if isinstance(problem, OverflowError):
            raise OutOfRange("amount", str(problem), "steps of at most 64 bits") from problem


READ, WRITE = in_our_words("read"), in_our_words("write")


def translated(problem: DBAPIError, doing: str) -> Exception:
    """The error of the library for one of the driver."""
    said = problem.orig
    if isinstance(said, OverflowError):
        return OutOfRange("amount", str(said), "steps of at most 64 bits")
    if isinstance(said, UnicodeEncodeError):
        return InvalidInput("text", said.object, "text without half surrogates")
    code, text = getattr(said, "sqlstate", None), str(said).strip()
    if code in AGAIN or "database is locked" in text:
        return Conflict(text.partition("\n")[0])
    if code == TOO_LARGE or "CHECK constraint failed: steps" in text or "integer overflow" in text:
        return OutOfRange("amount", text.partition("\n")[0], "steps of at most 64 bits")
    if code in NOT_TEXT or "NUL (0x00)" in text:
        return InvalidInput("text", text.partition("\n")[0], "text without NUL")
    return StoreFailed(doing, text.partition("\n")[0], problem.connection_invalidated)
