"""One moment of the books in a database: every question is one statement, however many keys it has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from krafte_core.allocation import Allocation
from krafte_core.diary import LOT_DOCUMENTS, Entry
from krafte_core.ledger import Gross, Use
from krafte_core.lot_histories import Moved
from krafte_core.orders import CustomerOrder
from krafte_core.stock import PRODUCTION, Lot, Posting, Sought, Stocked
from krafte_core.store import Filed, LotKey, Paper, Stored
from krafte_core.stores.rows import RowReader, matches
from krafte_core.stores.sql._ahead import FIRST, REACH, STOCKED, Open, Sheet, first_lots, more_lots, sheet
from krafte_core.stores.sql._copies import astray
from krafte_core.stores.sql._dialects import readable
from krafte_core.stores.sql._genealogy import SqlGenealogy
from krafte_core.stores.sql._session import READ, Gone, Session, Waiting
from krafte_core.stores.sql._streaming import BEGUN, IN_TIME, criteria, in_time, streamed, window
from krafte_core.stores.sql._values import BOOKING, ENTRY, LARGEST, LINK, MOVE, POSTING, Bodies, Shape, instant, moment
from krafte_core.wire import loads

PAGE = 1_000
PAPERS = "SELECT p.body, s.stamp, p.id FROM {papers} p LEFT JOIN {stamps} s ON s.tenant = p.tenant AND s.name = p.number"
AT_PLACE = f"{STOCKED.replace('{stocked} s', '{stocked} s {by_place}')} WHERE s.tenant = ? AND s.place {{many}}"


def _columns(shape: Shape, name: str = "t") -> str:
    return ", ".join(f"{name}.{column}" for column in shape.columns)


MOVES = f"""SELECT p.id, {_columns(POSTING, "p")}, {_columns(MOVE, "m")} FROM {{postings}} p
    LEFT JOIN {{moves}} m ON m.tenant = p.tenant AND m.id = p.id"""
ABOUT_LOTS = "SELECT id FROM {moves} WHERE tenant = ? AND (item, lot) {pairs}"
ABOUT_LOTS_SINCE = "SELECT id FROM {moves} WHERE tenant = ? AND (item, lot) {pairs} AND happened_at >= ?"
ABOUT_PAPERS = """SELECT id FROM {postings} WHERE tenant = ? AND paper {many} AND paper <> ''
    UNION SELECT id FROM {moves} WHERE tenant = ? AND demand {many} AND demand <> ''"""
USES = f"""SELECT p.paper, m.item, m.lot, CASE WHEN m.target = '{PRODUCTION}' THEN m.steps ELSE -m.steps END, p.happened_at, m.id, m.n
    FROM {{moves}} m JOIN {{postings}} p ON p.tenant = m.tenant AND p.id = m.id
    WHERE m.tenant = ? AND '{PRODUCTION}' IN (m.source, m.target)"""
DECIDED = f"""SELECT {_columns(ENTRY)} FROM {{diary}} t WHERE tenant = ? AND document >= '{LOT_DOCUMENTS}' AND document < 'lot!'
    AND written_at BETWEEN ? AND ? ORDER BY id"""
LOT_BY_LOT = """SELECT m.item, m.lot, m.happened_at, p.recorded_at, p.kind, p.paper, m.steps, m.source, m.target, m.id, m.n
    FROM {moves} m {by_lot} JOIN {postings} p ON p.tenant = m.tenant AND p.id = m.id
    WHERE m.tenant = ? AND (m.item, m.lot, m.happened_at, m.id, m.n) > (?, ?, ?, ?, ?)
    ORDER BY m.item, m.lot, m.happened_at, m.id, m.n LIMIT ?"""
WIDTH = 1 + len(POSTING.columns)

FLAT: Mapping[str, tuple[str, Shape]] = {
    "links": (f"SELECT {_columns(LINK)} FROM {{allocations}} t WHERE tenant = ? AND demand {{many}} ORDER BY +id", LINK),
    "claims": (f"SELECT {_columns(LINK)} FROM {{allocations}} t WHERE tenant = ? AND (source, item, ref) {{triples}}", LINK),
    "bookings": (f"SELECT {_columns(BOOKING)} FROM {{bookings}} t WHERE tenant = ? AND work_center {{many}} AND ends > ?", BOOKING),
    "booked_for": (f"SELECT {_columns(BOOKING)} FROM {{bookings}} t WHERE tenant = ? AND paper {{many}} ORDER BY +id", BOOKING),
    "diary": (f"SELECT {_columns(ENTRY)} FROM {{diary}} t {{by_document}} WHERE tenant = ? AND document {{many}} ORDER BY id", ENTRY),
}
"""Questions whose answers stand in columns."""
PAGES: Mapping[str, tuple[str, Shape | None]] = {
    "catalogue": ("SELECT id, body FROM {catalogue} WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?", None),
    "lots": ("SELECT id, body FROM {lots} WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?", None),
    "allocations": (f"SELECT id, {_columns(LINK)} FROM {{allocations}} t WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?", LINK),
    "bookings": (f"SELECT id, {_columns(BOOKING)} FROM {{bookings}} t WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?", BOOKING),
    "diary": (f"SELECT id, {_columns(ENTRY)} FROM {{diary}} t WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?", ENTRY),
}
"""Whole tables, page by page."""


class SqlReader(RowReader):
    """A `Reader` over one connection, in a transaction that sees one moment."""

    def __init__(self, session: Session, bodies: Bodies, revision: int, catalogue: int) -> None:
        """Of this moment."""
        self._session = session
        self._bodies = bodies
        self._revision = revision
        self._catalogue = catalogue
        self._rows = session.rows
        self._sheet: Sheet | None = None
        self._open: Open | None = None
        self._lots: dict[str, dict[str, list[Any]]] = {}
        self.let_go: Callable[[], object] = _nothing
        """For `snapshot`: gives the connection back. Other moments end with their `with`."""

    @property
    def reader(self) -> SqlReader:
        """For `snapshot`: the moment is the reader itself."""
        return self

    def close(self) -> None:
        """For `snapshot`: the end of the moment; whoever asks after it is told so."""
        gone: Any = Gone(self._session)
        self._session, self._rows = gone, gone.rows
        self.let_go()

    def wait(self, begin: Callable[[], Session]) -> None:
        """Begin with the first question, not before; `begin` says `begin_as`."""
        waiting: Any = Waiting(begin)
        self._session, self._rows = waiting, waiting.rows

    def begin_as(self, now: SqlReader) -> None:
        """The moment is this one."""
        self._session, self._rows, self._revision = now._session, now._rows, now._revision

    def revision(self) -> int | None:
        """See `Reader`: SQLite counts its commits, PostgreSQL does not (a counter would make all writers wait for each other)."""
        if isinstance(self._session, Waiting):
            self._session.start()
        return self._revision or None

    def catalogue_revision(self) -> int:
        """See `Reader`."""
        return self._catalogue

    # questions --------------------------------------------------------------------------------------------------------

    def ask(self, question: str, keys: Sequence[Any], *, since: int = 0) -> Iterable[Any]:
        """See `RowReader`."""
        keys = readable(keys)
        if not keys:
            return ()
        with READ:
            if question in FLAT:
                statement, shape = FLAT[question]
                rows = self._asked(statement, keys, since) if question == "bookings" else self._asked(statement, keys)
                return map(shape.read, rows)
            ask: Callable[..., Iterable[Any]] = getattr(self, f"_ask_{question}")
            return ask(keys)

    def _asked(self, statement: str, keys: Sequence[Any], *after: Any) -> Sequence[Any]:
        statement, given = self._session.names.dialect.asked(statement, keys)
        return self._rows(statement, *given, *after)

    def _ask_papers(self, keys: Sequence[Any]) -> Iterable[Filed]:
        return map(self._filed, self._asked(f"{PAPERS} WHERE p.tenant = ? AND p.number {{many}}", keys))

    def _ask_stamps(self, keys: Sequence[Any]) -> Iterable[Any]:
        return self._asked("SELECT name, stamp FROM {stamps} WHERE tenant = ? AND name {many}", keys)

    def _ask_lots(self, keys: Sequence[Any]) -> Iterable[Any]:
        rows = self._asked("SELECT body FROM {lots} WHERE tenant = ? AND (item, code) {pairs}", keys)
        return [self._bodies.read(body) for (body,) in rows]

    def _ask_stocked(self, keys: Sequence[Any]) -> Iterable[Stocked]:
        return map(self._stocked, self._asked(f"{STOCKED} WHERE s.tenant = ? AND s.item {{many}}", keys))

    def _ask_standing(self, keys: Sequence[Any]) -> Iterable[Stocked]:
        return map(self._stocked, self._asked(f"{STOCKED} WHERE s.tenant = ? AND (s.item, s.code) {{pairs}}", keys))

    def _ask_at_place(self, keys: Sequence[Any]) -> Iterable[Stocked]:
        return map(self._stocked, self._asked(AT_PLACE, keys))

    def _filed(self, row: Sequence[Any]) -> Filed:
        return Filed(self._bodies.read(row[0]), row[1] or 0)

    def _stocked(self, row: Sequence[Any]) -> Stocked:
        return Stocked(self._bodies.read(row[0]), row[1], row[2], row[3])

    # read ahead -------------------------------------------------------------------------------------------------------

    def papers(self, numbers: Iterable[str]) -> Mapping[str, Filed]:
        """See `Reader`; a single one comes with its diary and its links."""
        wanted = [*dict.fromkeys(numbers)]
        if len(wanted) != 1:
            return super().papers(wanted)
        if not readable(wanted):
            return {}
        with READ:
            found = self._sheet = sheet(self._session, self._bodies, wanted[0])
        return {} if found.filed is None else {found.number: found.filed}

    def diary(self, documents: Iterable[str]) -> Mapping[str, Sequence[Entry]]:
        """See `Reader`."""
        wanted, known = [*dict.fromkeys(documents)], self._sheet
        return {known.number: [*known.diary]} if known is not None and wanted == [known.number] else super().diary(wanted)

    def links(self, papers: Iterable[str]) -> Mapping[str, Sequence[Allocation]]:
        """See `Reader`."""
        wanted, known = [*dict.fromkeys(papers)], self._sheet
        return {known.number: [*known.links]} if known is not None and wanted == [known.number] else super().links(wanted)

    def open_papers(self, kind: str, items: Iterable[str]) -> Mapping[str, Sequence[Filed]]:
        """See `Reader`; what brings something is read for all kinds of papers, and their items' lots are read together later."""
        wanted, known = [*items], self._open
        if known is None or kind not in known.kinds or wanted != known.items:
            with READ:
                known = self._open = Open(self._session, self._bodies, wanted, kind)
            self._lots = {}
        return known.of(kind)

    def _first_lots(self, item: str, order: str) -> Sequence[Any]:
        reach = self._open.items if self._open is not None else ()
        if item not in reach or len(reach) > REACH:
            reach = (item,)
        elif order in self._lots:
            return self._lots[order][item]
        with READ:
            found = first_lots(self._session, reach, order)
        if len(reach) > 1:
            self._lots[order] = found
        return found[item]

    def find(self, kind: str, *, after: str = "", limit: int = 100, **criteria: Any) -> Sequence[Paper]:
        """See `Reader`; a customer or supplier is found by an index, everything else by looking at the papers."""
        party = next((criteria[name] for name in ("customer", "supplier") if name in criteria), None)
        found: list[Paper] = []
        if (isinstance(party, str) and not readable([party])) or not readable([kind, after]):
            return found
        last = self._place_of(after)
        where = "p.tenant = ? AND p.kind = ? AND p.id > ?" + (" AND p.party = ?" if isinstance(party, str) else "")
        named = (party,) if isinstance(party, str) else ()
        page = limit if not criteria.keys() - {"customer", "supplier"} else PAGE
        while len(found) < limit:
            with READ:
                rows = self._rows(f"{PAPERS} WHERE {where} ORDER BY p.id LIMIT ?", kind, last, *named, page)
            papers = [self._bodies.read(row[0]) for row in rows]
            found += [paper for paper in papers if not criteria or matches(paper, criteria)]
            if len(rows) < page:
                break
            last = rows[-1][2]
        return found[:limit]

    def open_orders(self, customer: str) -> Sequence[CustomerOrder]:
        """See `Reader`: the customer's papers by their index, and of those the open ones."""
        where = "p.tenant = ? AND p.party = ? AND p.kind = ? AND NOT p.closed"
        with READ:
            rows = self._rows(f"{PAPERS} WHERE {where}", customer, "order") if readable([customer]) else ()
        return [self._bodies.read(row[0]) for row in rows]

    def _place_of(self, number: str) -> int:
        if not number:
            return 0
        with READ:
            rows = self._rows("SELECT id FROM {papers} WHERE tenant = ? AND number = ?", number)
        return int(rows[0][0]) if rows else 0

    def has_lots(self, item: str) -> bool:
        """See `Reader`."""
        with READ:
            return bool(readable([item]) and self._rows("SELECT 1 FROM {lots} WHERE tenant = ? AND item = ? LIMIT 1", item))

    def lots_of(self, item: str, order: str) -> Iterator[Stocked]:
        """See `Reader`; a few at first, then larger pages: most needs are covered by the first lots."""
        rows, size = self._first_lots(item, order), FIRST
        while True:
            for row in rows:
                yield self._stocked(row[-4:])
            if len(rows) < size:
                return
            size = min(4 * size, PAGE)
            with READ:
                rows = self._rows(more_lots(order), item, *rows[-1][:-4], size)

    def result(self, key: str) -> Stored | None:
        """See `Reader`."""
        with READ:
            rows = self._rows("SELECT fingerprint, body FROM {results} WHERE tenant = ? AND key = ?", key) if readable([key]) else ()
        return Stored(rows[0][0], loads(rows[0][1])) if rows else None

    # the ledger -------------------------------------------------------------------------------------------------------

    def postings(
        self, *, lots: Collection[LotKey] = (), papers: Collection[str] = (), since: datetime | None = None
    ) -> Sequence[Posting]:
        """See `Reader`: one statement, by the indexes of lots and papers."""
        asked = self._session.names.dialect.asked
        pairs, numbers = readable(dict.fromkeys(lots)), readable(dict.fromkeys(papers))
        parts: list[str] = []
        values: list[Any] = []
        tenant, at = self._session.tenant, () if since is None else (instant(since),)
        if pairs:
            part, given = asked(ABOUT_LOTS_SINCE if at else ABOUT_LOTS, pairs)
            parts.append(part)
            values += [tenant, *given, *at]
        if numbers:
            part, given = asked(ABOUT_PAPERS, numbers)
            parts.append(part)
            values += [tenant, *given, tenant, *given]
        if not parts:
            return []
        late = " AND p.happened_at >= ?" if at else ""
        where = f"WHERE p.tenant = ? AND p.id IN ({' UNION '.join(parts)}){late}"
        with READ:
            return [*_posted(self._rows(f"{MOVES} {where} ORDER BY p.id, m.n", *values, *at))]

    def sought(self, lots: Sought) -> Iterator[Lot]:
        """See `Reader`: by the indexes."""
        found = criteria(self._session, lots)
        rows = streamed(self._session, f"SELECT body FROM {{lots}} WHERE {found[0]}", found[1]) if found else ()
        return (self._bodies.read(body) for (body,) in rows)

    def moved(self, since: datetime | None, until: datetime | None, *, together: bool = False) -> Iterator[Posting]:
        """See `Reader`: by the index of times, sorted in the database."""
        order = f"{BEGUN}, p.id, m.n" if together else "p.id, m.n"
        statement = f"{MOVES} WHERE {IN_TIME} ORDER BY {order}"
        return _posted(streamed(self._session, statement, in_time(self._session.tenant, since, until)))

    def decided(self, since: datetime | None, until: datetime | None) -> Iterator[Entry]:
        """See `Reader`: by the index of documents."""
        return map(ENTRY.read, streamed(self._session, DECIDED, (self._session.tenant, *window(since, until))))

    def moves_in_time(self) -> Iterator[Moved]:
        """Every move by item, lot and when it happened, page by page along an index."""
        last: tuple[Any, ...] = ("", "", -LARGEST, -LARGEST, -1)
        while True:
            with READ:
                rows = self._rows(LOT_BY_LOT, *last, PAGE)
            for item, lot, at, recorded_at, *rest in rows:
                yield Moved(item, lot, moment(at), moment(recorded_at), *rest[:-2])
            if len(rows) < PAGE:
                return
            last = (*rows[-1][:3], *rows[-1][-2:])

    def uses(self, *, lots: Collection[LotKey] = (), runs: Collection[str] = ()) -> Iterable[Use]:
        """See `Reader`: one statement over the moves into and out of production."""
        asked, tenant = self._session.names.dialect.asked, self._session.tenant
        pairs, numbers = readable(dict.fromkeys(lots)), readable(dict.fromkeys(runs))
        parts = [asked(f"{USES} AND (m.item, m.lot) {{pairs}}", pairs)] if pairs else []
        parts += [asked(f"{USES} AND p.paper {{many}} AND p.paper <> ''", numbers)] if numbers else []
        if not parts:
            return []
        values = tuple(value for _, given in parts for value in (tenant, *given))
        with READ:
            rows = self._session.run(" UNION ".join(part for part, _ in parts), values).fetchall()
        return [Use(run, item, lot, steps, moment(at)) for run, item, lot, steps, at, *_ in rows]

    def genealogy(self) -> SqlGenealogy:
        """See `Reader`: a search is one statement over whole numbers; nothing is loaded but the answer."""
        return SqlGenealogy(self._session)

    def may_find(self, sources: Iterable[LotKey | str], direction: str, as_of: datetime | None) -> Collection[LotKey | str]:
        """See `store`: the same with the begin of runs."""
        return SqlGenealogy(self._session).may_find(sources, direction, as_of)

    def runs(self) -> Iterator[tuple[str, Gross]]:
        """See `store`: page by page."""
        return SqlGenealogy(self._session).runs()

    def astray(self) -> Iterator[str]:
        """See `store`: the genealogy beside the ledger."""
        return astray(self._session)

    # whole tables -----------------------------------------------------------------------------------------------------

    def rows(self, table: str) -> Iterator[Any]:
        """See `Reader`: page by page, so memory does not grow with the table."""
        if table in PAGES:
            statement, shape = PAGES[table]
            read = self._bodies.read if shape is None else None
            for row in self._paged(statement):
                yield read(row[1]) if read else shape.read(row[1:])  # type: ignore[union-attr]
        else:
            yield from getattr(self, f"_all_{table}")()

    def _paged(self, statement: str, last: Any = 0) -> Iterator[Any]:
        while True:
            with READ:
                rows = self._rows(statement, last, PAGE)
            yield from rows
            if len(rows) < PAGE:
                return
            last = rows[-1][0]

    def _all_papers(self) -> Iterator[Filed]:
        paged = PAPERS.replace("p.body, s.stamp, p.id", "p.id, p.body, s.stamp")
        return (self._filed(row[1:]) for row in self._paged(f"{paged} WHERE p.tenant = ? AND p.id > ? ORDER BY p.id LIMIT ?"))

    def _all_postings(self) -> Iterator[Posting]:
        page = "SELECT id FROM {postings} WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?"
        last = 0
        while True:
            with READ:
                where = f"WHERE p.tenant = ? AND p.id IN ({page}) ORDER BY p.id, m.n"
                rows = self._rows(f"{MOVES} {where}", self._session.tenant, last, PAGE)
            if not rows:
                return
            yield from _posted(rows)
            last = rows[-1][0]

    def _all_results(self) -> Iterator[tuple[str, Stored]]:
        statement = "SELECT key, fingerprint, body FROM {results} WHERE tenant = ? AND key > ? ORDER BY key LIMIT ?"
        return ((key, Stored(fingerprint, loads(body))) for key, fingerprint, body in self._paged(statement, ""))

    def _all_stocked(self) -> Iterator[Stocked]:
        last: tuple[Any, ...] = ("", "", "")
        key = "s.item, s.code, s.place"
        where = f"WHERE s.tenant = ? AND ({key}) > (?, ?, ?) ORDER BY {key} LIMIT ?"
        statement = f"{STOCKED.replace('SELECT', f'SELECT {key},', 1)} {where}"
        while True:
            with READ:
                rows = self._rows(statement, *last, PAGE)
            for row in rows:
                yield self._stocked(row[3:])
            if len(rows) < PAGE:
                return
            last = tuple(rows[-1][:3])


def _nothing() -> None:
    pass


def _posted(rows: Iterable[Any]) -> Iterator[Posting]:
    """Postings with their moves, from rows that have both."""
    for _, group in groupby(rows, key=lambda row: row[0]):
        lines = [*group]
        moves = tuple([MOVE.read(row[WIDTH:]) for row in lines if row[WIDTH] is not None])
        posting: Posting = POSTING.read(lines[0][1:WIDTH], moves=moves)
        yield posting
