"""A whole store on plain `sqlite3`: one file for many threads and processes. Run it, and it proves itself by the contract.

What questions ask for are columns (amounts as whole steps); the rest of a row is its JSON. Rows that are only looked up by names (a
link by its need and by its supply, a posting by its lots and papers) share one table, and their names another.
"""
# ruff: noqa: S608 - the texts of the statements are ours; keys are always parameters

import json
import sqlite3
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from krafte_core.coverage import Booking
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.stock import Stocked
from krafte_core.store import KINDS, LEASE, Changes, Filed, Leased, Paper, Reader, Store, Stored
from krafte_core.stores.rows import RowReader, checked, matches, names_of
from krafte_core.testing import StoreContract
from krafte_core.wire import dumps, loads

SCHEMA = """
CREATE TABLE filed (id INTEGER PRIMARY KEY, kind TEXT, key TEXT, body TEXT, UNIQUE (kind, key));
CREATE TABLE names (kind TEXT, name TEXT, id INTEGER, PRIMARY KEY (kind, name, id)) WITHOUT ROWID;
CREATE INDEX names_of ON names (id);
CREATE TABLE stamps (name TEXT PRIMARY KEY, stamp INTEGER);
CREATE TABLE lots (item TEXT, code TEXT, expires TEXT, since TEXT, body TEXT, UNIQUE (item, code));
CREATE TABLE stocked (item TEXT, code TEXT, place TEXT, on_hand INTEGER, allocated INTEGER, UNIQUE (item, code, place));
CREATE INDEX stocked_at ON stocked (place);
CREATE TABLE bookings (center TEXT, start INTEGER, until INTEGER, paper TEXT, operation TEXT, UNIQUE (paper, operation));
CREATE INDEX booked ON bookings (center, until);
CREATE TABLE counters (series TEXT PRIMARY KEY, last INTEGER);
CREATE TABLE events (id INTEGER PRIMARY KEY, document TEXT, body TEXT);
CREATE TABLE boxes (name TEXT PRIMARY KEY);
CREATE TABLE waiting (name TEXT, id INTEGER, document TEXT, until REAL DEFAULT 0, PRIMARY KEY (name, id)) WITHOUT ROWID;
"""
FILED = "SELECT body, stamp FROM filed JOIN stamps ON stamps.name = key WHERE filed.kind = 'papers'"
STOCKED = "SELECT body, place, on_hand, allocated FROM stocked JOIN lots USING (item, code)"
ONE_OF = "IN (SELECT value FROM json_each(?1))"
PAIR_OF = "(item, code) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?1))"
NAMED = f"SELECT body FROM filed WHERE id IN (SELECT id FROM names WHERE kind = '{{}}' AND name {ONE_OF}) ORDER BY id"


def _text(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(key)


def _filed(body: str, stamp: int) -> Filed:
    return Filed(loads(body), stamp)


def _stocked(body: str, place: str, on_hand: int, allocated: int) -> Stocked:
    return Stocked(loads(body), place, on_hand, allocated)


QUESTIONS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "papers": (f"{FILED} AND key {ONE_OF}", _filed),
    "open": (f"{FILED} AND id IN (SELECT id FROM names WHERE kind = 'open' AND name {ONE_OF})", _filed),
    "stamps": (f"SELECT name, stamp FROM stamps WHERE name {ONE_OF}", lambda *row: row),
    "lots": (f"SELECT body FROM lots WHERE {PAIR_OF}", loads),
    "stocked": (f"{STOCKED} WHERE item {ONE_OF}", _stocked),
    "standing": (f"{STOCKED} WHERE {PAIR_OF}", _stocked),
    "at_place": (f"{STOCKED} WHERE place {ONE_OF}", _stocked),
    "links": (NAMED.format("demand"), loads),
    "claims": (NAMED.format("supply"), loads),
    "bookings": (f"SELECT * FROM bookings WHERE center {ONE_OF} AND until > ?2", Booking),
    "booked_for": (f"SELECT * FROM bookings WHERE paper {ONE_OF} ORDER BY rowid", Booking),
    "postings": (NAMED.format("posting"), loads),
    "diary": (NAMED.format("document"), loads),
}
TABLES: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "papers": (f"{FILED} ORDER BY id", _filed),
    "lots": ("SELECT body FROM lots ORDER BY rowid", loads),
    "stocked": (STOCKED, _stocked),
    "bookings": ("SELECT * FROM bookings", Booking),
    "results": ("SELECT key, body FROM filed WHERE kind = 'results'", lambda key, body: (key, loads(body))),
}
OUT_UNTIL = "UPDATE waiting SET until = ? WHERE name = ? AND id = ?"
OTHERS = ("SELECT body FROM filed WHERE kind = ? ORDER BY id", loads)


class SqliteReader(RowReader):
    """One moment of the file: a transaction that stays open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @property
    def reader(self) -> Reader:
        """For `snapshot`: the moment is the reader itself."""
        return self

    def ask(self, question: str, keys: Sequence[Any], *, since: int = 0) -> Iterable[Any]:
        sql, make = QUESTIONS[question]
        values = json.dumps(keys if question in {"lots", "standing"} else [_text(key) for key in keys])
        return [make(*row) for row in self._db.execute(sql, (values, since)[: 1 + (question == "bookings")]).fetchall()]

    def catalogue_revision(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def find(self, kind: str, *, after: str = "", limit: int = 100, **criteria: Any) -> Sequence[Paper]:
        sql = """SELECT body FROM names JOIN filed USING (id) WHERE names.kind = 'kind' AND name = ?
            AND id > coalesce((SELECT id FROM filed WHERE kind = 'papers' AND key = ?), 0) ORDER BY id"""
        return [*islice((paper for (body,) in self._db.execute(sql, (kind, after)) if matches(paper := loads(body), criteria)), limit)]

    def has_lots(self, item: str) -> bool:
        return self._db.execute("SELECT 1 FROM lots WHERE item = ?", (item,)).fetchone() is not None

    def lots_of(self, item: str, order: str) -> Iterator[Stocked]:
        by = "coalesce(expires, '9999-12-31'), since" if order == "expiry" else "since"
        sql = f"{STOCKED} WHERE item = ? AND on_hand > allocated AND place NOT GLOB 'line:*' ORDER BY {by}, code, place"
        return (_stocked(*row) for row in self._db.execute(sql, (item,)))

    def result(self, key: str) -> Stored | None:
        row = self._db.execute("SELECT body FROM filed WHERE kind = 'results' AND key = ?", (key,)).fetchone()
        return loads(row[0]) if row else None

    def rows(self, table: str) -> Iterator[Any]:
        sql, make = TABLES.get(table, OTHERS)
        return (make(*row) for row in self._db.execute(sql, () if table in TABLES else (table,)))


class SqliteWriter(SqliteReader):
    """One commit, within a write transaction."""

    def write(self, changes: Changes) -> None:
        balances, put = checked(self, changes), self._db.executemany
        opened = {number: row.paper for number, row in self.papers(changes.opened).items()}
        for number, paper in (opened | changes.papers).items():
            self._paper(number, paper, opened=number in opened)
        sql = "DELETE FROM names WHERE kind = 'open' AND id = (SELECT id FROM filed WHERE kind = 'papers' AND key = ?)"
        put(sql, [(number,) for number in changes.closed])
        put("INSERT INTO stamps VALUES (?, 1) ON CONFLICT DO UPDATE SET stamp = stamp + 1", [(name,) for name in changes.stamps])
        sql = """INSERT INTO lots VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET expires = excluded.expires, since = excluded.since, body = excluded.body"""
        since = {key: lot.received_at.astimezone(UTC).isoformat(timespec="microseconds") for key, lot in changes.lots.items()}
        put(sql, [(*key, lot.expires and str(lot.expires), since[key], dumps(lot)) for key, lot in changes.lots.items()])
        put("INSERT OR REPLACE INTO stocked VALUES (?, ?, ?, ?, ?)", [(*where, *row) for where, row in balances.items() if row[0]])
        put("DELETE FROM stocked WHERE item = ? AND code = ? AND place = ?", [where for where, row in balances.items() if not row[0]])
        for key, link in changes.allocations.items():
            self._file("allocations", key, link, ("demand", key[0]), ("supply", key[2:5]))
        put("DELETE FROM bookings WHERE paper = ? AND operation = ?", [key for key, row in changes.bookings.items() if row is None])
        sql = """INSERT INTO bookings VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET center = excluded.center, start = excluded.start, until = excluded.until"""
        put(sql, [row for row in changes.bookings.values() if row is not None])
        for posting in changes.postings:
            self._file("postings", None, posting, *(("posting", name) for name in names_of(posting)))
        for entry in changes.diary:
            self._file("diary", None, entry, ("document", entry.document))
        for name, value in changes.catalogue.items():
            self._file("catalogue", name, value)
        if changes.catalogue:
            self._db.execute(f"PRAGMA user_version = {self.catalogue_revision() + 1}")
        if changes.key is not None and changes.stored is not None:
            self._file("results", changes.key, changes.stored)
        for event in changes.events:
            sql = "INSERT INTO events (document, body) VALUES (?, ?)"
            place = self._db.execute(sql, (event.document, dumps(event))).lastrowid
            self._db.execute("INSERT INTO waiting (name, id, document) SELECT name, ?, ? FROM boxes", (place, event.document))

    def _paper(self, number: str, paper: Paper, *, opened: bool = False) -> None:
        sql = "SELECT max(names.kind) FROM filed JOIN names USING (id) WHERE filed.kind = 'papers' AND key = ?"
        closed = self._db.execute(sql, (number,)).fetchone()[0] == "kind"  # and no name of the kind 'open'
        kind, items = KINDS[type(paper)], () if closed and not opened else paper.items
        self._file("papers", number, paper, ("kind", kind), *(("open", (kind, item)) for item in items))

    def _file(self, kind: str, key: Any, row: Any, *names: tuple[str, Any]) -> None:
        key = key and _text(key)
        if row is None:
            self._db.execute("DELETE FROM names WHERE id = (SELECT id FROM filed WHERE kind = ? AND key = ?)", (kind, key))
            self._db.execute("DELETE FROM filed WHERE kind = ? AND key = ?", (kind, key))
            return
        sql = "INSERT INTO filed (kind, key, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body RETURNING id"
        place = self._db.execute(sql, (kind, key, dumps(row))).fetchone()[0]
        self._db.execute("DELETE FROM names WHERE id = ?", (place,))
        self._db.executemany("INSERT INTO names VALUES (?, ?, ?)", [(group, _text(name), place) for group, name in names])


class SqliteOutbox:
    """A box has a row per event that waits in it or is out; `until` says how long it is out."""

    def __init__(self, store: "SqliteStore") -> None:
        self._transaction = store.transaction

    def subscribe(self, name: str, since: str) -> None:
        if since not in {"now", "beginning"}:
            raise InvalidInput("since", since, "'now' or 'beginning'")
        with self._transaction() as db:
            opened = db.execute("INSERT INTO boxes VALUES (?) ON CONFLICT DO NOTHING", (name,)).rowcount
            if opened and since == "beginning":
                db.execute("INSERT INTO waiting (name, id, document) SELECT ?, id, document FROM events", (name,))

    def lease(self, name: str, limit: int, now: datetime) -> Sequence[Leased]:
        at = now.timestamp()
        with self._transaction() as db:
            names = [row[0] for row in db.execute("SELECT name FROM boxes")]
            if name not in names:
                raise Unknown("subscriber", name, tuple(names))
            sql = """SELECT id, body FROM waiting JOIN events USING (id) WHERE name = ?1 AND waiting.document NOT IN
                (SELECT document FROM waiting WHERE name = ?1 AND until > ?2) ORDER BY id LIMIT ?3"""
            leased = [Leased(place, loads(body)) for place, body in db.execute(sql, (name, at, limit))]
            db.executemany(OUT_UNTIL, [(at + LEASE.total_seconds(), name, row.id) for row in leased])
        return leased

    def settle(self, name: str, ids: Iterable[int]) -> None:
        with self._transaction() as db:
            db.executemany("DELETE FROM waiting WHERE name = ? AND id = ?", [(name, place) for place in ids])

    def give_back(self, name: str, ids: Iterable[int]) -> None:
        with self._transaction() as db:
            db.executemany(OUT_UNTIL, [(0, name, place) for place in ids])


class SqliteStore:
    """The books in one file: one writer at a time, any number of readers beside it."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self.outbox = SqliteOutbox(self)
        with self.transaction() as db:
            if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in SCHEMA.split(";"):
                    db.execute(statement)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        return db

    @contextmanager
    def transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """All of it or nothing; connections that nobody uses are used again."""
        try:
            db = self._idle.pop()
        except IndexError:
            db = self._connect()
        try:
            db.execute(begin)
            yield db
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
            self._idle.append(db)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        with self.transaction("BEGIN") as db:
            db.execute("SELECT 1 FROM boxes").fetchone()  # the moment is that of the first question
            yield SqliteReader(db)

    def snapshot(self) -> SqliteReader:
        """A moment for as long as the answer is kept."""
        moment = SqliteReader(db := self._connect())
        db.executescript("BEGIN; SELECT 1 FROM boxes")
        weakref.finalize(moment, db.close)
        return moment

    def commit(self, changes: Changes) -> None:
        with self.transaction() as db:
            SqliteWriter(db).write(changes)

    def take_numbers(self, series: str, count: int) -> int:
        sql = "INSERT INTO counters VALUES (?1, ?2) ON CONFLICT DO UPDATE SET last = last + ?2 RETURNING last"
        with self.transaction() as db:
            return int(db.execute(sql, (series, count)).fetchone()[0]) - count + 1

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


class TestSqliteStore(StoreContract):
    """Every promise of a store, restarts and several processes included."""

    processes = True

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_store(self) -> SqliteStore:
        return SqliteStore(Path(tempfile.mkdtemp(dir=self.folder), "shop.db"))

    def opener(self, store: Store) -> Callable[[], Store]:
        return partial(SqliteStore, store.path)  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-p", "no:cacheprovider"]))
