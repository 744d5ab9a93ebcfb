"""The books in a database: a SQLite file for one machine, PostgreSQL for many writers; on SQLAlchemy Core.

>>> import tempfile
>>> from krafte_core import Workshop
>>> with tempfile.TemporaryDirectory() as folder, Workshop.open(f"sqlite:///{folder}/shop.db") as shop:
...     shop.orders.find()
()

`SqlStore` takes a URL or an engine of the host; `JoinedStore` works inside a transaction of the host. The statements are our own
texts, written for the names of the tables once and prepared by the driver; SQLAlchemy brings the connections, the dialects, the
tables and their migrations.
"""

from __future__ import annotations

import threading
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from krafte_core.errors import Conflict, InvalidInput
from krafte_core.store import Changes
from krafte_core.stores.sql._batch import Batch
from krafte_core.stores.sql._connections import Alone, Connections, Deciding, Reading, Writing, end
from krafte_core.stores.sql._copies import copied_anew
from krafte_core.stores.sql._dialects import DIALECTS
from krafte_core.stores.sql._outbox import SqlOutbox, redact
from krafte_core.stores.sql._postgres import PostgresWriter
from krafte_core.stores.sql._reader import SqlReader
from krafte_core.stores.sql._schema import migrate, opened, settings
from krafte_core.stores.sql._session import READ, WRITE, Names, Session, failed_guard, in_our_words
from krafte_core.stores.sql._sqlite import SqliteWriter
from krafte_core.stores.sql._values import Bodies
from krafte_core.stores.sql.tables import PREFIX, checked_name

__all__ = ["JoinedStore", "SqlStore", "migrate", "open_store"]

BUSY = 60
"""Seconds for which a writer waits for another one on SQLite."""
CACHE = 32 * 1024
"""Kilobytes of a SQLite file that a connection keeps in memory at most; SQLite's own 2 MB make it read again within one recall."""
PLANS = ("plan_cache_mode=force_generic_plan", "jit=off", "enable_seqscan=off")
"""Settings of our connections to PostgreSQL: a plan is made once, and finds rows by an index, however small a table
was when it was made."""
TENANT = "workshop"
MOMENT = "SELECT revision, catalogue FROM {tenants} WHERE id = ?"
BEGIN_AND_MOMENT = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {MOMENT}"
NUMBERS = """INSERT INTO {counters} (tenant, series, last) VALUES (?, ?, ?)
    ON CONFLICT (tenant, series) DO UPDATE SET last = {counters}.last + excluded.last RETURNING last"""
# The paper that gets the number is written later into the same log, and that write waits for the disk: for the number nobody needs to.
NUMBERS_NOW = NUMBERS + ", set_config('synchronous_commit', 'off', true)"


class _Store:
    """What both kinds of store share."""

    _names: Names
    _tenant: int
    _bodies: Bodies
    _final = True
    """Whether a revision, once read, is never that of other books: in a host's transaction it may be rolled back, and come again."""

    def _write(self, session: Session, batch: Batch) -> None:
        if batch.opened_unchanged:
            asked = "SELECT body FROM {papers} WHERE tenant = ? AND number {many}"
            statement, given = self._names.dialect.asked(asked, batch.opened_unchanged)
            rows = session.rows(statement, *given)
            batch.list_again([self._bodies.read(body) for (body,) in rows])
        if session.names.dialect.name == "sqlite":
            SqliteWriter(session, batch).write()
            return
        try:
            PostgresWriter(session, batch).write()
        except DBAPIError as problem:
            group = failed_guard(problem)
            if group is None:
                raise
            raise Conflict(batch.what(group)) from None

    def writing(self) -> AbstractContextManager[Session]:
        """All of it or nothing."""
        raise NotImplementedError

    def redact(self, rewrite: Callable[[Any], Any]) -> None:
        """See `Store`."""
        with self.writing() as session:
            redact(session, rewrite)
        self._bodies = Bodies()

    def mend(self) -> int:
        """See `store`: the genealogy."""
        with self.writing() as session:
            return copied_anew(session)

    def _moment(self, session: Session) -> SqlReader:
        with READ:
            revision, catalogue = session.run(MOMENT, (session.tenant,)).fetchall()[0]
        return SqlReader(session, self._bodies, revision if self._final else 0, catalogue)


class Turn:
    """A place at the head of the queue, until it is closed."""

    def __init__(self, close: Callable[[], None]) -> None:
        """With what lets the next one in."""
        self.close = close


class SqlStore(_Store):
    """The books in a database of its own, or beside the host's tables in the host's.

    Args:
        database: a URL (`sqlite:///shop.db`, `postgresql+psycopg://...`), or an engine of the host, which stays open.
        prefix: how the names of the tables begin. schema: where they are (PostgreSQL).
        tenant: which of the workshops in these tables.
        create: whether tables are made where there are none.

    Raises:
        WrongSchema: (`wrong_schema`) the tables are of another version or another program.
        StoreFailed: (`store_failed`) the database cannot be opened. InvalidInput: (`invalid_input`) a prefix, schema or tenant
            that cannot be.
    """

    def __init__(
        self,
        database: str | URL | Engine,
        *,
        prefix: str = PREFIX,
        schema: str | None = None,
        tenant: str = TENANT,
        create: bool = True,
    ) -> None:
        """Open."""
        self._own = not isinstance(database, Engine)
        if isinstance(database, Engine):
            self.engine = database
        else:
            url = _url(database)
            given = settings(url)
            prefix, schema = given.get("prefix", prefix), given.get("schema", schema)
            tenant = given.get("tenant", tenant)
            self.engine = _engine(url.difference_update_query([*given]))
        _checked(prefix, schema)
        self._autocommit = self.engine if self._own else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._names = Names(self.engine.dialect.name, prefix, schema)
        self._losers = threading.Lock()
        self._bodies = Bodies()
        self._tenant = 0
        self.connections = Connections(self._autocommit, self._names, own=self._own)
        self._sqlite = self.connections.sqlite
        self._moments: weakref.WeakSet[SqlReader] = weakref.WeakSet()
        try:
            with in_our_words("be opened"):
                connection = self._autocommit.connect()
            with connection:
                self._tenant = self.connections.tenant = opened(connection, self._names, tenant, create=create, joined=False)
        except BaseException:
            self.close()  # a store that could not be opened keeps no file and no connection
            raise
        self.outbox = SqlOutbox(self)

    def reading(self) -> Reading:
        """See `Store`: a transaction that sees one moment, and writes nothing."""
        return Reading(self.connections, self._begun)

    def _begun(self, session: Session) -> SqlReader:
        """Begin a reading; PostgreSQL is told both things in one message."""
        if self._sqlite:
            session.run("BEGIN")
            return self._moment(session)
        cursor = session.run(BEGIN_AND_MOMENT.replace("?", str(session.tenant)))
        cursor.nextset()
        return SqlReader(session, self._bodies, *cursor.fetchall()[0])

    def deciding(self) -> Reading | Deciding:
        """A reading for a command, which is decided again if need be."""
        return Deciding(self.connections, self._moment) if self._sqlite else self.reading()

    def snapshot(self) -> SqlReader:
        """One moment until it is closed or forgotten, or the store is closed: it holds a connection with an open transaction."""
        reading = self.reading()
        moment: SqlReader = reading.__enter__()
        moment.let_go = weakref.finalize(moment, reading.__exit__)
        self._moments.add(moment)
        return moment

    def writing(self) -> Writing:
        """A transaction of its own: all of it or nothing."""
        return Writing(self.connections)

    def queue_up(self) -> Turn:
        """Wait for a turn among those who lost several times: they try one by one, so each meets newcomers only, and comes through."""
        if self._sqlite:
            self._losers.acquire()
            return Turn(self._losers.release)
        session = self.connections.take()
        name = zlib.crc32(self._names.of["commits"].encode()) >> 1
        with WRITE:
            session.run(f"SELECT pg_advisory_lock({name}, {self._tenant})").close()

        def let_in() -> None:
            end(session, f"SELECT pg_advisory_unlock({name}, {self._tenant})")
            self.connections.give_back(session)

        return Turn(let_in)

    def commit(self, changes: Changes) -> None:
        """See `Store`."""
        batch = Batch(changes, self._bodies)
        with self.writing() if self._sqlite else Alone(self.connections) as session:
            self._write(session, batch)

    def take_numbers(self, series: str, count: int) -> int:
        """See `Store`."""
        with Alone(self.connections, durable=not self.connections.flushes) as session:
            statement = NUMBERS if self._sqlite else NUMBERS_NOW
            last = session.run(statement, (session.tenant, series, count)).fetchall()[0][0]
        return int(last) - count + 1

    def close(self) -> None:
        """Let go of the connections, also those of forks, unless they are the host's."""
        if self._own:
            for moment in [*self._moments]:
                moment.close()
            self.connections.close()


class JoinedStore(_Store):
    """The books inside a transaction of the host: every command is a savepoint, and the commit is the host's.

    A failed guard is raised at once, for the host to repeat its transaction. Numbers go back with it, and so do events.
    What was read is one moment as far as the host's transaction sees one: `REPEATABLE READ` is right on PostgreSQL.

    Args:
        connection: a connection of the host; the other arguments are those of `SqlStore`.
    """

    tries = 1
    _final = False

    def __init__(
        self,
        connection: Connection,
        *,
        prefix: str = PREFIX,
        schema: str | None = None,
        tenant: str = TENANT,
        create: bool = True,
    ) -> None:
        """Join."""
        _checked(prefix, schema)
        self.connection = connection
        self._names = Names(connection.dialect.name, prefix, schema)
        self._bodies = Bodies()
        self._lock = threading.RLock()
        self._begin()
        self._tenant = opened(connection, self._names, tenant, create=create, joined=True)
        self.outbox = SqlOutbox(self)

    def _begin(self) -> None:
        """The host's transaction, if it has not begun. SQLite's driver begins one late, if at all: a savepoint needs one."""
        if not self.connection.in_transaction():
            self.connection.begin()
        if self._names.dialect.name == "sqlite":
            driver: Any = self.connection.connection.driver_connection
            if not driver.in_transaction:
                with WRITE:
                    self.connection.exec_driver_sql("BEGIN IMMEDIATE").close()

    @contextmanager
    def reading(self) -> Iterator[SqlReader]:
        """See `Store`: what the host's transaction sees."""
        with self._lock:
            self._begin()
            yield self._moment(Session(self.connection, self._names, self._tenant))

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A savepoint: all of it or nothing."""
        with self._lock, WRITE:
            self._begin()
            with self.connection.begin_nested():
                yield Session(self.connection, self._names, self._tenant)

    def commit(self, changes: Changes) -> None:
        """See `Store`."""
        batch = Batch(changes, self._bodies)
        with self.writing() as session:
            self._write(session, batch)

    def take_numbers(self, series: str, count: int) -> int:
        """See `Store`."""
        with self.writing() as session:
            return int(session.run(NUMBERS, (session.tenant, series, count)).fetchone()[0]) - count + 1

    def close(self) -> None:
        """The connection is the host's."""


def open_store(url: str) -> SqlStore:
    """The store at a URL of SQLAlchemy; its query may say `prefix`, `schema` and `tenant`.

    Raises:
        InvalidInput: (`invalid_input`) a URL that cannot be read, or something else in its query. The rest as `SqlStore`.
    """
    return SqlStore(url)


def _url(given: str | URL) -> URL:
    try:
        url = make_url(given)
        url.get_dialect()
    except (ArgumentError, ImportError, NoSuchModuleError) as problem:
        raise InvalidInput("url", given, "sqlite:///file or postgresql+psycopg://user:password@host/database") from problem
    if url.get_backend_name() not in DIALECTS:
        raise InvalidInput("url", url.render_as_string(), " or ".join(DIALECTS))
    if url.get_backend_name() == "sqlite" and (url.database or ":memory:") == ":memory:":
        raise InvalidInput("url", url.render_as_string(), "a file (`sqlite:///shop.db`), or `memory:`")
    return url


def _engine(url: URL) -> Engine:
    """An engine of our own: as many connections as threads want, each command its own transaction."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, isolation_level="AUTOCOMMIT", max_overflow=-1, connect_args={"timeout": BUSY})
        event.listen(engine, "connect", _safe_settings)
        return engine
    driver = {"options": " ".join(f"-c {setting}" for setting in PLANS), "prepare_threshold": 2}
    return create_engine(url, isolation_level="AUTOCOMMIT", max_overflow=-1, connect_args=driver)


def _safe_settings(connection: Any, record: Any) -> None:
    """A file that readers and one writer use at the same time, and that keeps what was committed through a power failure."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{CACHE}")


def _checked(prefix: str, schema: str | None) -> None:
    checked_name("prefix", prefix)
    if schema is not None:
        checked_name("schema", schema)
