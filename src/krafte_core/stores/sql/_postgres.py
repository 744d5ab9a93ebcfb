"""Writing on PostgreSQL: a commit is one statement, so it is one round trip, and its locks are held for as long as the server needs.

The statement is put together from the parts that a commit has. Guards come first, each locking its rows in sorted order. The part
`c` counts what they met and gives the commit its number; where a guard met too little, it casts the guard's name to a number, which
fails and takes everything back. Decision 40 has the figures of the other ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from krafte_core.stores.sql._batch import SHIFT, Batch
from krafte_core.stores.sql._dialects import array
from krafte_core.stores.sql._session import Session
from krafte_core.stores.sql._values import BOOKING, ENTRY, LINK, MOVE, POSTING

LINK_KEY = "demand, line, source, item, ref, place"
WHOLE = {
    "n", "m", "id", "stamp", "revision", "since", "moved", "promised", "takes", "covers", "starts", "ends", "happened_at",
    "recorded_at", "written_at", "steps", "used", "made",
}  # fmt: skip
FLAGS = {"closed", "noted"}  # fmt: skip
SAME_SPOT = "s.item = {0}.item AND s.code = {0}.code AND s.place = {0}.place"
IS_FREE = "s.place NOT LIKE 'line:%'"


def _source(columns: str) -> str:
    """Rows as arrays, one per column."""
    names = columns.split(", ")
    kinds = ", ".join(f"?::{'bigint' if name in WHOLE else 'boolean' if name in FLAGS else 'text'}[]" for name in names)
    return f"unnest({kinds}) AS v({columns})"


def _insert(table: str, columns: str, then: str = "", base: str = "c") -> str:
    """Write rows; the last column is the number of the row within the commit."""
    names = columns.split(", ")
    values = ", ".join(f"v.{name}" for name in names)
    given = _source(f"{columns}, n")
    return f"INSERT INTO {{{table}}} AS t (tenant, {columns}, id) SELECT ?, {values}, {base}.id + v.n FROM {base}, {given} {then}"


def _put(table: str, columns: str, key: str) -> str:
    kept = key.split(", ")
    new = ", ".join(f"{name} = excluded.{name}" for name in columns.split(", ") if name not in kept)
    return _insert(table, columns, f"ON CONFLICT (tenant, {key}) DO UPDATE SET {new}")


NEW_STAMPS = f"""INSERT INTO {{stamps}} (tenant, name, stamp) SELECT ?, v.name, 1 FROM {_source("name")}
    ON CONFLICT DO NOTHING RETURNING 1"""
LOCKED_STAMPS = f"""SELECT s.name FROM {{stamps}} s JOIN {_source("name, stamp")} ON s.name = v.name AND s.stamp = v.stamp
    WHERE s.tenant = ? ORDER BY s.name FOR NO KEY UPDATE OF s"""
OLD_STAMP = "UPDATE {stamps} SET stamp = stamp + 1 WHERE tenant = ? AND name = ? AND stamp = ?::bigint RETURNING 1"
OLD_STAMPS = """UPDATE {stamps} s SET stamp = s.stamp + 1 FROM locked_stamps l WHERE s.tenant = ? AND s.name = l.name RETURNING 1"""
KNOWN_LOTS = f"""SELECT l.item, l.code, l.expires, l.since FROM {{lots}} l
    JOIN {_source("item, code, revision")} ON l.item = v.item AND l.code = v.code AND (v.revision = 0 OR l.revision = v.revision)
    WHERE l.tenant = ? ORDER BY l.item, l.code FOR """
ABSENT_LOTS = "SELECT 1 FROM {lots} WHERE tenant = ? AND (item, code) {pairs}"
LOTS = "item, code, revision, expires, since, supplier, supplier_lot, noted, body"
NEW_LOTS = _insert("lots", LOTS, "ON CONFLICT DO NOTHING RETURNING 1", "early")
PUT_LOTS = _put("lots", LOTS, "item, code")
SORTED = f"""UPDATE {{stocked}} s SET expires = v.expires, since = v.since FROM {_source("item, code, expires, since")}
    WHERE s.tenant = ? AND s.item = v.item AND s.code = v.code"""
MOVED = f"SELECT * FROM {_source('item, code, place, moved, promised, expires, since')}"
HELD = f"""SELECT s.item, s.code, s.place, s.on_hand + v.moved AS on_hand, s.allocated + v.promised AS allocated, v.expires, v.since
    FROM {{stocked}} s JOIN moved v ON {SAME_SPOT.format("v")}
    WHERE s.tenant = ? ORDER BY s.item, s.code, s.place FOR NO KEY UPDATE OF s"""
KEPT = f"""UPDATE {{stocked}} s SET on_hand = h.on_hand, allocated = h.allocated, free = h.on_hand > h.allocated AND {IS_FREE},
        expires = coalesce(h.expires, s.expires), since = coalesce(h.since, s.since)
    FROM held h WHERE s.tenant = ? AND {SAME_SPOT.format("h")} AND h.on_hand > 0 AND h.allocated BETWEEN 0 AND h.on_hand RETURNING 1"""
GONE = f"""DELETE FROM {{stocked}} s USING held h
    WHERE s.tenant = ? AND {SAME_SPOT.format("h")} AND h.on_hand = 0 AND h.allocated = 0 RETURNING 1"""
COME = f"""INSERT INTO {{stocked}} AS s (tenant, item, code, place, on_hand, allocated, free, expires, since)
    SELECT ?, s.item, s.code, s.place, s.moved, s.promised, s.moved > s.promised AND {IS_FREE}, {{sort}}
    FROM moved s {{known}} WHERE s.moved > 0 AND s.promised BETWEEN 0 AND s.moved
        AND NOT EXISTS (SELECT 1 FROM held h WHERE {SAME_SPOT.format("h")})
    ORDER BY s.item, s.code, s.place
    ON CONFLICT (tenant, item, code, place) DO UPDATE SET on_hand = s.on_hand + excluded.on_hand,
        allocated = s.allocated + excluded.allocated,
        free = s.on_hand + excluded.on_hand > s.allocated + excluded.allocated AND {IS_FREE}
    WHERE s.allocated + excluded.allocated BETWEEN 0 AND s.on_hand + excluded.on_hand RETURNING 1"""
COME_OWN = COME.replace("{sort}", "s.expires, s.since").replace("{known}", "")
COME_KNOWN = COME.replace("{sort}", "coalesce(s.expires, l.expires), coalesce(s.since, l.since)").replace(
    "{known}", "LEFT JOIN known_lots l ON l.item = s.item AND l.code = s.code"
)
RESULT = "INSERT INTO {results} (tenant, key, fingerprint, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1"
USED_KEY = "SELECT 1 FROM {results} WHERE tenant = ? AND key = ?"
PAPERS = _insert(
    "papers",
    "number, kind, party, closed, body",
    """ON CONFLICT (tenant, number) DO UPDATE SET party = excluded.party, body = excluded.body,
        closed = excluded.closed OR (t.closed AND t.number <> ALL(?::text[]))""",
)
CLOSED = "UPDATE {papers} SET closed = true WHERE tenant = ? AND number = ANY(?::text[])"
REOPENED = "UPDATE {papers} SET closed = false WHERE tenant = ? AND number = ANY(?::text[])"
NOT_OPEN = "DELETE FROM {open_items} WHERE tenant = ? AND number = ANY(?::text[])"
RENAMED = f"""DELETE FROM {{open_items}} o WHERE o.tenant = ? AND o.number = ANY(?::text[])
    AND NOT EXISTS (SELECT 1 FROM {_source("item, number")} WHERE v.item = o.item AND v.number = o.number)"""
OPENED = f"""INSERT INTO {{open_items}} (tenant, kind, item, number)
    SELECT ?, v.kind, v.item, v.number FROM {_source("kind, item, number")} WHERE NOT EXISTS (
        SELECT 1 FROM {{papers}} p WHERE p.tenant = ? AND p.number = v.number AND p.closed AND p.number <> ALL(?::text[]))
    ON CONFLICT DO NOTHING"""
NO_LINKS = f"""DELETE FROM {{allocations}} WHERE tenant = ? AND ({LINK_KEY}) IN (SELECT * FROM {_source(LINK_KEY)})"""
LINKS = _put("allocations", ", ".join(LINK.columns), LINK_KEY)
NO_BOOKINGS = "DELETE FROM {bookings} WHERE tenant = ? AND (paper, operation) {pairs}"
BOOKINGS = _put("bookings", ", ".join(BOOKING.columns), "paper, operation")
POSTINGS = _insert("postings", ", ".join(POSTING.columns))
MOVES = f"""INSERT INTO {{moves}} (tenant, {", ".join(MOVE.columns)}, demand, happened_at, n, id)
    SELECT ?, {", ".join(f"v.{name}" for name in MOVE.columns)}, v.demand, v.happened_at, v.m, c.id + v.n
    FROM c, {_source(f"{', '.join(MOVE.columns)}, demand, happened_at, m, n")}"""
KNOWN_NODES = "SELECT item, code, id FROM {nodes} WHERE tenant = ? AND (item, code) {pairs}"
NEW_NODES = f"""INSERT INTO {{nodes}} (tenant, item, code, id)
    SELECT ?, v.item, v.code, b.id + v.n FROM (SELECT nextval('{{commits}}') << {SHIFT} AS id) b, {_source("item, code, n")}
    WHERE NOT EXISTS (SELECT 1 FROM known_nodes k WHERE k.item = v.item AND k.code = v.code)
    ORDER BY v.item, v.code ON CONFLICT DO NOTHING RETURNING item, code, id"""
ALL_NODES = "SELECT * FROM known_nodes UNION ALL SELECT * FROM new_nodes"
USES = f"""INSERT INTO {{uses}} AS t (tenant, lot, run, used, made)
    SELECT ?, l.id, r.id, v.used, v.made FROM {_source("item, lot, code, used, made")}
    JOIN all_nodes l ON l.item = v.item AND l.code = v.lot JOIN all_nodes r ON r.item = '' AND r.code = v.code ORDER BY 3, 2
    ON CONFLICT (tenant, lot, run) DO UPDATE SET used = t.used + excluded.used, made = t.made + excluded.made"""
DIARY = _insert("diary", ", ".join(ENTRY.columns))
CATALOGUE = _put("catalogue", "kind, code, body", "kind, code")
CATALOGUE_MOVED = "UPDATE {tenants} SET catalogue = catalogue + 1 WHERE id = ?"
EVENTS = _insert("events", "document, body", "RETURNING t.id, t.document")
WAITING = """INSERT INTO {waiting} (tenant, box, id, document, until, tries)
    SELECT b.tenant, b.name, e.id, e.document, 0, 0 FROM events e, {boxes} b WHERE b.tenant = ?"""


class PostgresWriter:
    """One commit as one statement."""

    def __init__(self, session: Session, batch: Batch) -> None:
        """Of these rows."""
        self._session = session
        self._batch = batch
        self._parts: list[str] = []
        self._values: list[Any] = []
        self._guards: list[str] = []
        self._counts: list[int] = []

    def write(self) -> None:
        """Check every guard and write everything; a failed guard is an error of the database that names its group."""
        self._guard()
        number = f"nextval('{self._session.names.of['commits']}')::text"
        cases = "".join(f" WHEN {guard}" for guard in self._guards)
        counted = f"CASE{cases} ELSE {number} END" if cases else number
        self._part("c", f"SELECT ({counted})::bigint << {SHIFT} AS id", *map(str, self._counts), materialized=True)
        self._papers()
        self._links()
        self._journal()
        statement = f"WITH {', '.join(self._parts)} SELECT id FROM c"
        self._session.run(statement, tuple(self._values)).close()

    def _part(self, name: str, statement: str, *values: Any, materialized: bool = False) -> None:
        self._parts.append(f"{name} AS {'MATERIALIZED ' if materialized else ''}({statement})")
        self._values += values

    def _expect(self, group: str, names: str, count: int) -> None:
        """The parts together must have met so many rows."""
        met = " + ".join(f"(SELECT count(*) FROM {name})" for name in names.split())
        self._guards.append(f"{met} <> ?::bigint THEN 'guard {group}'")
        self._counts.append(count)

    def _guard(self) -> None:
        batch, tenant = self._batch, self._session.tenant
        if batch.new_stamps:
            self._part("new_stamps", NEW_STAMPS, tenant, *_columns(batch.new_stamps))
            self._expect("stamps", "new_stamps", len(batch.new_stamps))
        if batch.old_stamps:
            if len(batch.old_stamps) == 1:
                ((name, stamp),) = batch.old_stamps
                self._part("old_stamps", OLD_STAMP, tenant, name, str(stamp))
            else:
                self._part("locked_stamps", LOCKED_STAMPS, *_columns(batch.old_stamps), tenant)
                self._part("old_stamps", OLD_STAMPS, tenant)
            self._expect("stamps", "old_stamps", len(batch.old_stamps))
        if batch.result is not None:
            self._part("result", RESULT, tenant, *batch.result)
            self._expect("key", "result", 1)
        elif batch.changes.key is not None:
            self._part("result", USED_KEY, tenant, batch.changes.key)
            self._expect("key", "result", 0)
        self._guard_lots()
        self._guard_stock()
        if batch.nodes:
            self._part("known_nodes", KNOWN_NODES, tenant, *_columns([row[:2] for row in batch.nodes]))
            self._part("new_nodes", NEW_NODES, tenant, *_columns(batch.nodes))
            self._expect("nodes", "known_nodes new_nodes", len(batch.nodes))

    def _guard_lots(self) -> None:
        batch, tenant = self._batch, self._session.tenant
        guards = {row[:2]: row[2] for row in batch.lot_guards}
        for row in batch.balances:  # a lot may come to a place where it never was: its day of expiry comes along
            if row[5] is None and row[3] > 0:
                guards.setdefault(row[:2], 0)
        if guards:
            strength = "NO KEY UPDATE OF l" if batch.lots_put else "SHARE OF l"
            self._part("known_lots", KNOWN_LOTS + strength, *_columns(sorted((*key, n) for key, n in guards.items())), tenant)
            self._expect("lots", "known_lots", len(guards))
        if batch.lots_absent:
            self._part("absent_lots", ABSENT_LOTS, tenant, *_columns(batch.lots_absent))
            self._expect("lots", "absent_lots", 0)
        if batch.lots_new:
            rows = [(item, code, *rest, n) for item, code, n, *rest in batch.lots_new]
            self._part("early", f"SELECT nextval('{self._session.names.of['commits']}') << {SHIFT} AS id", materialized=True)
            self._part("new_lots", NEW_LOTS, tenant, *_columns(rows))
            self._expect("lots", "new_lots", len(rows))

    def _guard_stock(self) -> None:
        batch, tenant = self._batch, self._session.tenant
        if not batch.balances:
            return
        self._part("moved", MOVED, *_columns(batch.balances), materialized=True)
        self._part("held", HELD, tenant)
        self._part("kept", KEPT, tenant)
        met = "kept"
        if any(row[3] < 0 for row in batch.balances):
            self._part("gone", GONE, tenant)
            met += " gone"
        coming = [row for row in batch.balances if row[3] > 0]
        if coming:
            known = any(row[5] is None for row in coming)
            self._part("come", COME_KNOWN if known else COME_OWN, tenant)
            met += " come"
        self._expect("stock", met, len(batch.balances))

    def _papers(self) -> None:
        batch, tenant = self._batch, self._session.tenant
        if batch.lots_put:
            rows = [(item, code, *rest, n) for item, code, n, *rest in batch.lots_put]
            self._part("put_lots", PUT_LOTS, tenant, *_columns(rows))
            left = f" AND NOT EXISTS (SELECT 1 FROM held h WHERE {SAME_SPOT.format('h')})" if batch.balances else ""
            self._part("resorted", SORTED + left, *_columns([(*row[:2], *row[3:5]) for row in rows]), tenant)
        if batch.papers:
            rows = [(number, kind, party, closed, body, n) for number, kind, party, n, closed, body in batch.papers]
            self._part("papers", PAPERS, tenant, *_columns(rows), array(batch.opened))
        if batch.papers_old:
            names = [row[1:] for row in batch.open_items] or [("", "")]
            self._part("renamed", RENAMED, tenant, array(batch.papers_old), *_columns(names))
        if batch.open_items:
            self._part("opened", OPENED, tenant, *_columns(batch.open_items), tenant, array(batch.opened))
        if batch.opened_unchanged:
            self._part("reopened", REOPENED, tenant, array(batch.opened_unchanged))
        closing = [number for number in batch.closing if number not in batch.changes.papers]
        if closing:
            self._part("closed", CLOSED, tenant, array(closing))
            self._part("not_open", NOT_OPEN, tenant, array(closing))

    def _links(self) -> None:
        batch, tenant = self._batch, self._session.tenant
        if batch.links_gone:
            self._part("no_links", NO_LINKS, tenant, *_columns(batch.links_gone))
        if batch.links:
            self._part("links", LINKS, tenant, *_columns(batch.links))
        if batch.bookings_gone:
            self._part("no_bookings", NO_BOOKINGS, tenant, *_columns(batch.bookings_gone))
        if batch.bookings:
            self._part("bookings", BOOKINGS, tenant, *_columns(batch.bookings))

    def _journal(self) -> None:
        batch, tenant = self._batch, self._session.tenant
        if batch.postings:
            self._part("postings", POSTINGS, tenant, *_columns(batch.postings))
        if batch.moves:
            self._part("moves", MOVES, tenant, *_columns(batch.moves))
        if batch.uses:
            self._part("all_nodes", ALL_NODES)
            self._part("uses", USES, tenant, *_columns(batch.uses))
        if batch.diary:
            self._part("diary", DIARY, tenant, *_columns(batch.diary))
        if batch.catalogue:
            rows = [(kind, code, body, n) for kind, code, n, body in batch.catalogue]
            self._part("catalogue", CATALOGUE, tenant, *_columns(rows))
            self._part("catalogue_moved", CATALOGUE_MOVED, tenant)
        if batch.events:
            self._part("events", EVENTS, tenant, *_columns([(document, body, n) for n, document, body in batch.events]))
            self._part("waiting", WAITING, tenant)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """One array per column."""
    return [array(column) for column in zip(*rows, strict=True)]
