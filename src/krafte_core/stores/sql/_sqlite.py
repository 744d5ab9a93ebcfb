"""Writing on SQLite: one writer at a time, so a commit checks its guards by looking, and writes each table in one call."""

from __future__ import annotations

from typing import Any

from krafte_core.errors import Conflict
from krafte_core.stores.sql._batch import SHIFT, Batch, Rows, free
from krafte_core.stores.sql._dialects import readable
from krafte_core.stores.sql._session import Session
from krafte_core.stores.sql._values import BOOKING, ENTRY, LINK, MOVE, POSTING, expires, instant, steps

LINK_KEY = "demand, line, source, item, ref, place"


def _insert(table: str, columns: str, then: str = "") -> str:
    marks = ", ".join("?" for _ in columns.split(", "))
    return f"INSERT INTO {{{table}}} (tenant, {columns}) VALUES (?, {marks}) {then}"


def _put(table: str, columns: str, key: str) -> str:
    """Write a row; one that is there keeps its id."""
    kept = {*key.split(", "), "id"}
    new = ", ".join(f"{name} = excluded.{name}" for name in columns.split(", ") if name not in kept)
    return _insert(table, columns, f"ON CONFLICT (tenant, {key}) DO UPDATE SET {new}")


LOTS = "item, code, id, revision, expires, since, supplier, supplier_lot, noted, body"
STOCKED = "item, code, place, on_hand, allocated, free, expires, since"
PUT_STOCKED = _put("stocked", STOCKED, "item, code, place")
PUT_LINKS = _put("allocations", f"{', '.join(LINK.columns)}, id", LINK_KEY)
PUT_BOOKINGS = _put("bookings", f"{', '.join(BOOKING.columns)}, id", "paper, operation")
PUT_LOTS = _put("lots", LOTS, "item, code")
PUT_CATALOGUE = _put("catalogue", "kind, code, id, body", "kind, code")
PUT_PAPERS = _insert(
    "papers",
    "number, kind, party, id, closed, body",
    "ON CONFLICT (tenant, number) DO UPDATE SET party = excluded.party, body = excluded.body, closed = closed OR excluded.closed",
)
MOVED = """UPDATE {tenants} SET revision = revision + 1, catalogue = catalogue + ?1 WHERE id = ?2
    RETURNING revision, EXISTS (SELECT 1 FROM {boxes} WHERE tenant = ?2)"""
NEW_STAMPS = "INSERT INTO {stamps} (tenant, name, stamp) VALUES (?, ?, 1) ON CONFLICT DO NOTHING"
OLD_STAMPS = "UPDATE {stamps} SET stamp = stamp + 1 WHERE tenant = ? AND name = ? AND stamp = ?"
KNOWN_LOTS = "SELECT item, code, revision, expires, since FROM {lots} WHERE tenant = ? AND (item, code) {pairs}"
NO_LINKS = f"DELETE FROM {{allocations}} WHERE tenant = ? AND ({LINK_KEY}) = (?, ?, ?, ?, ?, ?)"
NO_BOOKINGS = "DELETE FROM {bookings} WHERE tenant = ? AND paper = ? AND operation = ?"
POSTINGS = _insert("postings", f"{', '.join(POSTING.columns)}, id")
MOVES = _insert("moves", f"{', '.join(MOVE.columns)}, demand, happened_at, n, id")
DIARY = _insert("diary", f"{', '.join(ENTRY.columns)}, id")
OPENED_NEW = _insert("open_items", "kind, item, number")
OPENED = """INSERT INTO {open_items} (tenant, kind, item, number)
    SELECT p.tenant, ?2, ?3, p.number FROM {papers} p WHERE p.tenant = ?1 AND p.number = ?4 AND NOT p.closed"""
EVENTS = _insert("events", "id, document, body")
WAITING = """INSERT INTO {waiting} (tenant, box, id, document, until, tries)
    SELECT b.tenant, b.name, e.id, e.document, 0, 0 FROM {boxes} b JOIN {events} e ON e.tenant = b.tenant
    WHERE b.tenant = ? AND e.id > ?"""
NODES = _insert("nodes", "item, code, id", "ON CONFLICT DO NOTHING")
USES = """INSERT INTO {uses} (tenant, lot, run, used, made) SELECT l.tenant, l.id, r.id, ?5, ?6 FROM {nodes} l, {nodes} r
    WHERE l.tenant = ?1 AND l.item = ?2 AND l.code = ?3 AND r.tenant = ?1 AND r.item = '' AND r.code = ?4
    ON CONFLICT (tenant, lot, run) DO UPDATE SET used = used + excluded.used, made = made + excluded.made"""
PROMISED = """UPDATE {stocked} SET allocated = allocated + ?5, free = on_hand > allocated + ?5 AND substr(place, 1, 5) <> 'line:'
    WHERE tenant = ?1 AND item = ?2 AND code = ?3 AND place = ?4 AND allocated + ?5 BETWEEN 0 AND on_hand"""
PROMISED_GUARDED = f"""{PROMISED}
    AND EXISTS (SELECT 1 FROM {{lots}} l WHERE l.tenant = ?1 AND l.item = ?2 AND l.code = ?3 AND l.revision = ?6)"""
LATEST = """SELECT item, code, place, on_hand, allocated, expires, since FROM {stocked}
    WHERE tenant = ? AND (item, code) {pairs}"""


class SqliteWriter:
    """One commit, inside a write transaction."""

    def __init__(self, session: Session, batch: Batch) -> None:
        """Of these rows."""
        self._session = session
        self._batch = batch

    def write(self) -> None:
        """Check every guard, then write everything.

        Raises:
            Conflict: (`conflict`) a guard failed; the transaction must not be committed.
        """
        batch, session = self._batch, self._session
        revision, self._heard = session.run(MOVED, (int(bool(batch.catalogue)), session.tenant)).fetchall()[0]
        self._base = revision << SHIFT
        self._check()
        self._balances()
        self._lots()
        self._papers()
        self._many(NO_LINKS, batch.links_gone)
        self._filed(PUT_LINKS, batch.links)
        self._many(NO_BOOKINGS, batch.bookings_gone)
        self._filed(PUT_BOOKINGS, batch.bookings)
        self._filed(POSTINGS, batch.postings)
        self._filed(MOVES, batch.moves)
        self._filed(NODES, batch.nodes)
        self._many(USES, batch.uses)
        self._filed(DIARY, batch.diary)
        self._filed(PUT_CATALOGUE, batch.catalogue, 2)
        self._events()

    def _many(self, statement: str, rows: Rows) -> int:
        """Run a statement for every row; how many rows of the table it met."""
        if not rows:
            return 0
        tenant = self._session.tenant
        return self._session.run_many(statement, [(tenant, *row) for row in rows])

    def _filed(self, statement: str, rows: Rows, place: int = -1) -> None:
        """Write rows with their ids in place of their numbers within the commit."""
        if rows:
            tenant, base = self._session.tenant, self._base
            if place == -1:
                filed = [(tenant, *row[:-1], base + row[-1]) for row in rows]
            else:
                filed = [(tenant, *row[:place], base + row[place], *row[place + 1 :]) for row in rows]
            self._session.run_many(statement, filed)

    def _check(self) -> None:
        batch = self._batch
        new, old = self._many(NEW_STAMPS, batch.new_stamps), self._many(OLD_STAMPS, batch.old_stamps)
        if new != len(batch.new_stamps) or old != len(batch.old_stamps):
            raise Conflict(batch.what("stamps"))
        self._sorts: dict[Any, tuple[Any, ...]] = {}
        promised = {row[:2] for row in batch.balances if not row[3]} - batch.changes.lots.keys()
        guards = [row for row in batch.lot_guards if row[:2] not in promised]  # the others are checked with the promise
        keys = [*(row[:2] for row in (*batch.lots_new, *guards)), *batch.lots_absent]
        if keys:
            known = self._lots_of(keys)
            if sorted(row[:3] for row in known) != guards:
                raise Conflict(batch.what("lots"))
        if batch.changes.key is not None and self._result():
            raise Conflict(batch.what("key"))

    def _result(self) -> bool:
        """Whether the key is used; if not, its result is written."""
        batch, asked = self._batch, "SELECT 1 FROM {results} WHERE tenant = ? AND key = ?"
        if self._session.rows(asked, batch.changes.key):
            return True
        self._many(_insert("results", "key, fingerprint, body"), [batch.result] if batch.result else [])
        return False

    def _balances(self) -> None:
        batch = self._batch
        self._promises([row for row in batch.balances if not row[3]])
        moving = [row for row in batch.balances if row[3]]
        if not moving:
            return
        lots = [*dict.fromkeys(row[:2] for row in moving)]
        statement, given = self._session.names.dialect.asked(LATEST, lots)
        known = {row[:3]: row[3:] for row in self._session.rows(statement, *given)}
        new = {row[:2] for row in moving if row[:3] not in known and row[5] is None} - self._sorts.keys()
        if new:
            self._lots_of(sorted(new))
        sorts = self._sorts
        put: Rows = []
        gone: Rows = []
        for item, code, place, moved, promised, day, since in moving:
            key = (item, code, place)
            on_hand, allocated, *sort = known.get(key) or (0, 0, *sorts.get(key[:2], (None, None)))
            on_hand, allocated = steps(on_hand + moved, "amount"), steps(allocated + promised, "amount")
            if not 0 <= allocated <= on_hand:
                raise Conflict("stock of {} {} in {}".format(*key))
            if on_hand:
                put.append((*key, on_hand, allocated, free(place, on_hand, allocated), *((day, since) if day else sort)))
            else:
                gone.append(key)
        self._many(PUT_STOCKED, put)
        self._many("DELETE FROM {stocked} WHERE tenant = ? AND (item, code, place) = (?, ?, ?)", gone)

    def _promises(self, rows: Rows) -> None:
        """What only becomes promised or free must be there already; where its lot is guarded, that is looked at in the same go."""
        guards, changed = {row[:2]: row[2] for row in self._batch.lot_guards}, self._batch.changes.lots
        guarded = [(*row[:3], row[4], guards[row[:2]]) for row in rows if row[:2] in guards and row[:2] not in changed]
        plain = [(*row[:3], row[4]) for row in rows if row[:2] not in guards or row[:2] in changed]
        if self._many(PROMISED_GUARDED, guarded) + self._many(PROMISED, plain) != len(rows):
            raise Conflict(self._batch.what("stock"))

    def _lots_of(self, keys: Any) -> Rows:
        """Lots as they are; their days of expiry and ages are wanted where they come to a place for the first time."""
        statement, given = self._session.names.dialect.asked(KNOWN_LOTS, readable(keys))
        rows: Rows = self._session.rows(statement, *given)  # type: ignore[assignment]
        self._sorts.update((row[:2], row[3:]) for row in rows)
        return rows

    def _lots(self) -> None:
        batch = self._batch
        self._filed(PUT_LOTS, [*batch.lots_new, *batch.lots_put], 2)
        shown = [(expires(lot), instant(lot.received_at), self._session.tenant, *key) for key, lot in batch.changes.lots.items()]
        put = {row[:2] for row in batch.lots_put}
        changed = [row for row in shown if row[3:] in put]
        if changed:
            statement = "UPDATE {stocked} SET expires = ?, since = ? WHERE tenant = ? AND item = ? AND code = ?"
            self._session.run_many(statement, changed)

    def _papers(self) -> None:
        batch = self._batch
        self._filed(PUT_PAPERS, batch.papers, 3)
        left = {*batch.papers_old, *batch.closing, *batch.opened}
        self._many("DELETE FROM {open_items} WHERE tenant = ? AND number = ?", [(number,) for number in left])
        closing = [(number,) for number in batch.closing if number not in batch.changes.papers]
        self._many("UPDATE {papers} SET closed = 1 WHERE tenant = ? AND number = ?", closing)
        self._many("UPDATE {papers} SET closed = 0 WHERE tenant = ? AND number = ?", [(number,) for number in batch.opened])
        new = {row[0] for row in batch.new_stamps}
        self._many(OPENED_NEW, [row for row in batch.open_items if row[2] in new])
        self._many(OPENED, [row for row in batch.open_items if row[2] not in new])

    def _events(self) -> None:
        batch, base = self._batch, self._base
        if batch.events:
            self._many(EVENTS, [(base + n, document, body) for n, document, body in batch.events])
            if self._heard:
                self._session.run(WAITING, (self._session.tenant, base))
