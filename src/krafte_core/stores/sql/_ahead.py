"""What a command asks next is read with what it asks first: one statement where there would be five, and on a server one message.

A command begins with one paper, and goes on with its diary and its links. A search begins with what is on its way of some items, in
three kinds of papers, and goes on with their lots. Only the latest of each is kept, so a moment that lasts does not grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from krafte_core.allocation import Allocation
from krafte_core.diary import Entry
from krafte_core.store import Filed
from krafte_core.stores.sql._dialects import readable
from krafte_core.stores.sql._session import Session
from krafte_core.stores.sql._values import ENTRY, LINK, Bodies

REACH = 16
"""Of so many items at most the lots are read together: of more, a search will hardly want all."""
FIRST = 16
"""How many lots of an item are read at first: most needs are covered by the first ones."""
COMING = ("quote", "production", "purchase")
STOCKED = """SELECT l.body, s.place, s.on_hand, s.allocated FROM {stocked} s
    JOIN {lots} l ON l.tenant = s.tenant AND l.item = s.item AND l.code = s.code"""
SHEET = """SELECT 0 AS what, p.id, coalesce(s.stamp, 0), 0, p.body, '', '', '', '', '', NULL
    FROM {papers} p LEFT JOIN {stamps} s ON s.tenant = p.tenant AND s.name = p.number WHERE p.tenant = ? AND p.number = ?
    UNION ALL SELECT 1, id, written_at, 0, step, signed, reason, '', '', '', more
    FROM {diary} {by_document} WHERE tenant = ? AND document = ?
    UNION ALL SELECT 2, id, takes, covers, line, source, item, ref, place, firmness, more
    FROM {allocations} WHERE tenant = ? AND demand = ?"""
OPEN = """SELECT p.kind, p.body, s.stamp, p.id FROM {papers} p LEFT JOIN {stamps} s ON s.tenant = p.tenant AND s.name = p.number
    WHERE p.tenant = ? AND p.number {among}SELECT number FROM {open_items} WHERE tenant = ? AND kind IN (%s) AND item {many}{found}"""
OPEN_COMING = OPEN % ", ".join(f"'{kind}'" for kind in COMING)
OPEN_OTHER = OPEN % "?"
SORTED = {"expiry": "s.expires, s.since, s.code, s.place", "age": "s.since, s.code, s.place"}
_made: dict[tuple[str, int], str] = {}
_when = itemgetter(0, 1)


class Sheet(NamedTuple):
    """A paper with its diary and its links."""

    number: str
    filed: Filed | None
    diary: list[Entry]
    links: list[Allocation]


def sheet(session: Session, bodies: Bodies, number: str) -> Sheet:
    """What belongs to a number; a paper of that number need not exist."""
    tenant, filed = session.tenant, None
    diary: list[Entry] = []
    links: list[Allocation] = []
    rows = session.run(SHEET, (tenant, number) * 3).fetchall()
    for row in sorted(rows, key=_when):
        if row[0] == 1:
            diary.append(ENTRY.read((number, row[4], row[2], *row[5:7], row[10])))
        elif row[0] == 2:
            links.append(LINK.read((number, *row[4:9], *row[2:4], *row[9:])))
        else:
            filed = Filed(bodies.read(row[4]), row[2])
    return Sheet(number, filed, diary, links)


class Open:
    """The open papers of some items, by kind."""

    def __init__(self, session: Session, bodies: Bodies, items: Sequence[str], kind: str) -> None:
        """Of this kind; of all that bring something if it is one of them."""
        self.items = items
        self.kinds = COMING if kind in COMING else (kind,)
        found: dict[int, tuple[str, Filed]] = {}
        wanted = readable(items)
        if wanted:
            asked = OPEN_COMING if kind in COMING else OPEN_OTHER
            statement, keys = session.names.dialect.asked(asked, wanted)
            kinds = () if kind in COMING else (kind,)
            for kind_of, body, stamp, place in session.rows(statement, session.tenant, *kinds, *keys):
                found[place] = kind_of, Filed(bodies.read(body), stamp or 0)
        self._rows = [found[place] for place in sorted(found)]

    def of(self, kind: str) -> Mapping[str, Sequence[Filed]]:
        """Per item, in the order of writing."""
        found: dict[str, list[Filed]] = {}
        if self._rows:
            rows = [filed for kind_of, filed in self._rows if kind_of == kind]
            for item in dict.fromkeys(self.items):
                there = [filed for filed in rows if item in filed.paper.items]
                if there:
                    found[item] = there
        return found


def first_lots(session: Session, items: Iterable[str], order: str) -> dict[str, list[Any]]:
    """The first rows of the lots of each item: what they are sorted by, then those of `STOCKED`."""
    found: dict[str, list[Any]] = {item: [] for item in items}
    wanted = readable(found)
    if wanted:
        values = tuple(value for item in wanted for value in (session.tenant, item, FIRST))
        for row in session.run(_first(order, len(wanted)), values).fetchall():
            found[row[0]].append(row[1:])
    if len(found) > 1:
        for rows in found.values():
            rows.sort(key=lambda row: row[:-4])
    return found


def _first(order: str, count: int) -> str:
    made = _made.get((order, count))
    if made is None:
        one = f"{_sorted(order, 's.item, ')} ORDER BY {SORTED[order]} LIMIT ?"
        parts = [f"SELECT * FROM ({one}) AS a{n}" for n in range(count)]
        made = _made[order, count] = one if count == 1 else " UNION ALL ".join(parts)
    return made


def more_lots(order: str) -> str:
    """The question for rows like `first_lots`, without the item, after one of them."""
    columns = SORTED[order]
    marks = ", ".join("?" for _ in columns.split(", "))
    return f"{_sorted(order)} AND ({columns}) > ({marks}) ORDER BY {columns} LIMIT ?"


def _sorted(order: str, before: str = "") -> str:
    return f"{STOCKED.replace('SELECT', f'SELECT {before}{SORTED[order]},', 1)} WHERE s.tenant = ? AND s.item = ? AND s.free"
